/** What happened with a registration, in plain sentences, in the order in which it happened. */

import type { ActivityLink, RecordLink, Row } from "../api/schema";
import { moment, named, t } from "../texts";
import { nameOf, whyOf } from "./row";

/** A sentence, and the record in Salesforce that it is about. */
export interface Sentence {
  readonly text: string;
  readonly record: RecordLink | null;
}

export function storyOf(row: Row, zone?: string): readonly Sentence[] {
  const at = (iso: string): string => moment(iso, zone);
  const plain = (text: string | undefined): Sentence[] => (text ? [{ text, record: null }] : []);
  const stands = row.person !== null || row.activities.length > 0 || row.member !== null;
  return [
    ...plain(t.registration.registered(nameOf(row), at(row.registered_at))),
    ...plain(t.registration.status[row.registration_status]),
    ...(row.is_checked_in && row.checked_in_at ? plain(t.registration.checkedIn(at(row.checked_in_at))) : []),
    ...personOf(row),
    ...row.activities.map((each) => ({ text: t.registration.activity(activityName(each), each.written_at && at(each.written_at)), record: each })),
    ...(row.member ? [{ text: t.registration.member(row.member.status, row.member.was_member_before), record: row.member }] : []),
    ...(stands ? [] : plain(t.registration.nothingYet)),
    ...plain(endOf(row, at)),
  ];
}

function personOf({ person }: Row): Sentence[] {
  if (person === null) return [];
  const how = named(t.registration.foundBy, person.found_by ?? "", t.registration.foundOther);
  return [{ text: person.is_created_by_us ? t.registration.created(person.object) : t.registration.found(person.object, how), record: person }];
}

function activityName({ kind, object, subject }: ActivityLink): string {
  return subject === null ? named(t.rows.activity, kind, object) : `${named(t.mapping.objects, object, object)} ${t.registration.quoted(subject)}`;
}

function endOf(row: Row, at: (iso: string) => string): string | undefined {
  if (row.is_erased) return t.registration.erased;
  if (row.state === "failed" && row.error?.last_at) return t.registration.failed(at(row.error.last_at));
  if (row.is_excluded) return t.registration.isExcluded;
  const why = whyOf(row);
  if (why === null) return undefined;
  return (row.waiting_for ? t.registration.waits : t.registration.skipped)(why);
}
