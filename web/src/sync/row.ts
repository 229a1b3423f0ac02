/** One registration: who, how far, and where it stands in Salesforce. */

import { css, html, nothing } from "lit";
import type { ActivityLink, Row } from "../api/schema";
import { named, t, timeOf } from "../texts";
import { adviceView, outward, type View } from "../ui/views";
import { retriedView, type Retried } from "./retried";

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
  .name { color: inherit; text-decoration-color: var(--accent); text-underline-offset: 0.2em; }
  button.name { text-align: start; text-decoration-line: underline; padding: 0; min-block-size: 0; border: 0; }
  @container (min-width: 640px) {
    .rows > li { grid-template-columns: minmax(0, 5fr) minmax(0, 3fr) minmax(0, 4fr) 5.5em; align-items: start; }
    .rows .act { text-align: end; }
  }
`;

export function nameOf(row: Row): string {
  return row.is_erased ? t.general.erasedPerson : (row.attendee.name ?? row.attendee.email ?? t.general.unknownPerson);
}

export interface RowActs {
  readonly mayChange: boolean;
  readonly docsBase: string;
  readonly zone: string | undefined;
  readonly retried: ReadonlyMap<string, Retried>;
  readonly retry: (row: Row) => void;
  /** Where a registration's own page is; null opens it in place. */
  readonly hrefOf: ((id: string) => string) | null;
  readonly open: (row: Row) => void;
  /** Where the platform shows an attendee, with `{registration_id}` in it; empty where there is no such page. */
  readonly attendeeAddress: string;
}

export function rowView(row: Row, acts: RowActs): View {
  const { email, company } = row.attendee;
  const who = [email, company].filter(Boolean).join(" · ");
  return html`<li data-registration=${row.registration_id} data-state=${row.state}>
    <div>${nameView(row, acts)}${who ? html`<div class="small dim">${who}</div>` : nothing}</div>
    <div>${stateView(row)}${standingView(row, acts.zone)}${partsView(row)}</div>
    <div class="links small">${linksView(row)}</div>
    <div class="act">${retryView(row, acts)}</div>
    ${retriedView(row, acts.retried.get(row.registration_id), acts.zone)}
    ${errorView(row, acts)}
    ${warningsView(row)}
  </li>`;
}

function nameView(row: Row, { hrefOf, open }: RowActs): View {
  const name = html`<strong>${nameOf(row)}</strong>`;
  const label = t.rows.open(nameOf(row));
  return hrefOf === null
    ? html`<button class="plain name" title=${label} @click=${() => open(row)}>${name}</button>`
    : html`<a class="name" href=${hrefOf(row.registration_id)} title=${label}>${name}</a>`;
}

export function stateView({ state }: Row): View {
  return html`<span class="chip ${TONES[state] ?? "is-calm"}">${named(t.sync.states, state, t.sync.states.other)}</span>`;
}

/** It stays focusable while it works: whoever pressed it keeps their place. */
export function retryView(row: Row, { mayChange, retry }: Pick<RowActs, "mayChange" | "retry">): View {
  if (!row.can_retry || !mayChange) return nothing;
  const isNew = row.skipped_because === "before_connection";
  return html`<button class="quiet" aria-label=${isNew ? t.rows.writeOf(nameOf(row)) : t.rows.retryOf(nameOf(row))} @click=${() => retry(row)}>${isNew ? t.rows.write : t.rows.retry}</button>`;
}

/** What was left out or changed without a failure. */
export function warningsView({ warnings }: Row): View {
  if (warnings.length === 0) return nothing;
  return html`<ul class="small dim wide">${warnings.map((each) => {
    const where = [each.object, each.field].filter(Boolean).join(", ");
    return html`<li>${where ? html`<strong>${where}:</strong> ` : nothing}${each.text}</li>`;
  })}</ul>`;
}

/** Why it waits or was skipped; null where neither is so. */
export function whyOf(row: Row): string | null {
  if (row.waiting_for) return named(t.sync.waitingFor, row.waiting_for, t.sync.states.pending);
  return row.skipped_because ? named(t.sync.skippedBecause, row.skipped_because, t.sync.states.skipped) : null;
}

function standingView(row: Row, zone: string | undefined): View {
  const checkIn = row.is_checked_in && row.checked_in_at ? `${t.rows.checkedIn} ${timeOf(row.checked_in_at, zone)}` : null;
  return html`${[whyOf(row), checkIn].map((text) => (text ? html`<div class="small dim">${text}</div>` : nothing))}`;
}

/** Links to what stands in Salesforce. */
export function linksView(row: Row): View {
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

/** Salesforce's words on what failed, and ours. */
export function errorView(row: Row, { docsBase, zone, attendeeAddress }: Pick<RowActs, "docsBase" | "zone" | "attendeeAddress">): View {
  const { error } = row;
  if (error === null) return nothing;
  const tried = error.last_at === null ? "" : ` · ${t.rows.lastTried(timeOf(error.last_at, zone), error.first_at !== error.last_at)}`;
  return html`<div class="wide stack small">
    <p>${error.error_code} · <bdi>${error.message}</bdi> <span class="dim">${t.rows.attempts(error.attempts)}${tried}</span></p>
    ${error.value ? html`<p class="dim">${t.rows.value(error.value)}</p>` : nothing}
    <details><summary>${t.rows.details}<span class="sr"> ${nameOf(row)}</span></summary>${adviceView(error.advice, { tone: "calm", docsBase })}</details>
    ${attendeeView(row, attendeeAddress)}
  </div>`;
}

/** The attendee's page of the platform, where a wrong answer is corrected. */
export function attendeeView(row: Row, address: string): View {
  if (address === "" || row.is_erased) return nothing;
  return html`<p>${outward(address.replace("{registration_id}", encodeURIComponent(row.registration_id)), t.registration.attendee, nameOf(row))}</p>`;
}
