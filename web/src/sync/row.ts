/** One registration: who, how far, and where it stands in Salesforce. */

import { css, html, nothing } from "lit";
import type { ActivityLink, Row } from "../api/schema";
import { moment, named, t } from "../texts";
import { adviceView, outward, type View } from "../ui/views";

const TONES: Readonly<Record<string, string>> = { synced: "is-good", pending: "is-wait", failed: "is-bad", skipped: "is-calm" };

const EMAIL = "email_";
/** So many e-mails are shown; more are folded away. */
const FEW = 2;
const OUR_PREFIX = /^Email[^:]*: /;
const OPEN = ["failed", "ambiguous", "held", "running", "pending"];

export const rowStyle = css`
  .rows > li { display: grid; gap: 0.3em 1em; grid-template-columns: minmax(0, 1fr); padding: 0.75em 0; border-block-start: 1px solid var(--line); }
  .rows .links { display: flex; flex-wrap: wrap; gap: 0.1em 1em; }
  .rows .wide { grid-column: 1 / -1; }
  @container (min-width: 640px) {
    .rows > li { grid-template-columns: minmax(0, 5fr) minmax(0, 3fr) minmax(0, 4fr) 5.5em; align-items: start; }
    .rows .act { text-align: end; }
  }
`;

export function nameOf(row: Row): string {
  return row.is_erased ? t.general.erasedPerson : (row.attendee.name ?? row.attendee.email ?? t.general.unknownPerson);
}

export function rowView(row: Row, acts: { mayChange: boolean; busyId: string | null; docsBase: string; retry: (row: Row) => void }): View {
  const { email, company } = row.attendee;
  const isNew = row.skipped_because === "before_connection";
  const who = [email, company].filter(Boolean).join(" · ");
  return html`<li data-registration=${row.registration_id} data-state=${row.state}>
    <div><strong>${nameOf(row)}</strong>${who ? html`<div class="small dim">${who}</div>` : nothing}</div>
    <div><span class="chip ${TONES[row.state] ?? "is-calm"}">${named(t.sync.states, row.state, t.sync.states.other)}</span>${standingView(row)}${partsView(row)}</div>
    <div class="links small">${linksView(row)}</div>
    <div class="act">${row.can_retry && acts.mayChange ? html`<button class="quiet" aria-label=${isNew ? t.rows.writeOf(nameOf(row)) : t.rows.retryOf(nameOf(row))} ?disabled=${acts.busyId === row.registration_id}
      @click=${() => acts.retry(row)}>${isNew ? t.rows.write : t.rows.retry}</button>` : nothing}</div>
    ${row.error ? errorView(row, acts.docsBase) : nothing}
    ${row.warnings.length ? html`<ul class="small dim wide">${row.warnings.map((each) => html`<li>${[each.object, each.field].filter(Boolean).join(".")} ${each.text}</li>`)}</ul>` : nothing}
  </li>`;
}

function standingView(row: Row): View {
  const why = row.waiting_for
    ? named(t.sync.waitingFor, row.waiting_for, t.sync.states.pending)
    : row.skipped_because ? named(t.sync.skippedBecause, row.skipped_because, t.sync.states.skipped) : null;
  const checkIn = row.is_checked_in && row.checked_in_at ? `${t.rows.checkedIn} ${moment(row.checked_in_at)}` : null;
  return html`${[why, checkIn].map((text) => (text ? html`<div class="small dim">${text}</div>` : nothing))}`;
}

function linksView(row: Row): View {
  const { person, activities, member } = row;
  const name = nameOf(row);
  const emails = activities.filter(({ kind }) => kind.startsWith(EMAIL));
  const others = activities.filter(({ kind }) => !kind.startsWith(EMAIL));
  const emailViews = emails.map((each) => activityView(each, name));
  return html`
    ${person ? html`<span>${outward(person.url, person.object, name)}</span>` : nothing}
    ${row.case ? html`<span>${outward(row.case.url, t.rows.case, name)}</span>` : nothing}
    ${others.map((each) => activityView(each, name))}
    ${member ? html`<span>${outward(member.url, t.rows.member(member.status), name)}</span>` : nothing}
    ${emails.length > FEW ? html`<details><summary>${t.rows.emails(emails.length)}<span class="sr"> ${name}</span></summary>${emailViews}</details>` : emailViews}`;
}

function activityView({ kind, subject, status, object, url }: ActivityLink, name: string): View {
  const what = named(t.rows.activity, kind, subject ?? object);
  const about = status ?? (kind.startsWith(EMAIL) ? subject?.replace(OUR_PREFIX, "") : null);
  return html`<span data-activity=${kind}>${outward(url, about ? `${what}: ${about}` : what, name)}</span>`;
}

/** What is not written yet although the row is; an e-mail never changes the state of its row. */
function partsView(row: Row): View {
  const open = row.parts.filter(({ kind, state }) => OPEN.includes(state) && (row.state === "synced" || kind.startsWith(EMAIL)));
  return html`${open.map(({ kind, state }) => html`<div class="small ${state === "failed" ? "is-bad" : "dim"}">${t.rows.part(named(t.rows.activity, kind, kind), named(t.rows.partStates, state, state))}</div>`)}`;
}

function errorView(row: Row, docsBase: string): View {
  const { error } = row;
  if (error === null) return nothing;
  return html`<div class="wide stack small">
    <p>${error.error_code} · ${error.message} <span class="dim">${t.rows.attempts(error.attempts)}</span></p>
    ${error.value ? html`<p class="dim">${t.rows.value(error.value)}</p>` : nothing}
    <details><summary>${t.rows.details}<span class="sr"> ${nameOf(row)}</span></summary>${adviceView(error.advice, { tone: "calm", docsBase })}</details>
  </div>`;
}
