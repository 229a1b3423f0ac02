/** Long lists of operations: a filter that stands in the address, pages, and acts on all that the filter matches. */

import { html, nothing, type PropertyDeclarations } from "lit";
import type { AuditVerified, DeliveryShown, Deed, JobShown, LeaseShown, NotificationShown } from "../api/schema";
import { moment, named, words } from "../texts";
import { define } from "../ui/element";
import type { View } from "../ui/views";
import type { Done } from "./ops-ask";
import { breakable, jobChip, OpsPage, tableView } from "./ops-parts";
import { type Filter, filterOf, opsAddress, queryOf } from "./ops-place";

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor: string | null;
}

interface Field {
  readonly name: string;
  readonly label: string;
  /** The values to choose from, with their words. */
  readonly choices?: Readonly<Record<string, string>>;
  readonly isSwitch?: boolean;
}

/** The form of a filter; `page` is where its address leads. */
export function filterView(page: string, filter: Filter, fields: readonly Field[]): View {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const values = [...new FormData(event.target as HTMLFormElement)].map(([name, value]) => [name, String(value).trim()]);
    location.hash = opsAddress(page, Object.fromEntries(values));
  };
  const control = ({ name, label, choices, isSwitch }: Field): View => {
    if (isSwitch) return html`<label class="pick"><input type="checkbox" name=${name} value="true" .checked=${filter[name] === "true"}>${label}</label>`;
    if (!choices) return html`<label>${label}<input name=${name} .value=${filter[name] ?? ""} autocomplete="off" spellcheck="false"></label>`;
    const options = [["", words.ops.any], ...Object.entries(choices)];
    return html`<label>${label}<select name=${name}>${options.map(([value, text]) => html`<option value=${value ?? ""} ?selected=${(filter[name] ?? "") === value}>${text}</option>`)}</select></label>`;
  };
  const isOpen = queryOf(filter) !== "" || matchMedia("(min-width: 40rem)").matches;
  return html`<details ?open=${isOpen}><summary>${words.ops.filter}</summary>
    <form class="stack" aria-label=${words.ops.filter} @submit=${submit}><div class="filter">${fields.map(control)}</div>
    <p class="line"><button class="quiet">${words.ops.apply}</button>${queryOf(filter) ? html`<a class="button quiet" href=${opsAddress(page)}>${words.ops.clear}</a>` : nothing}</p></form></details>`;
}

export abstract class OpsList<Item> extends OpsPage<Page<Item>> {
  static override properties: PropertyDeclarations = { ...OpsPage.properties, cursor: { state: true } };

  protected declare cursor: string | null;
  protected abstract readonly page: string;
  protected abstract readonly path: string;
  protected abstract get empty(): string;
  protected abstract get columns(): readonly string[];
  protected abstract cells(item: Item): readonly View[];

  constructor() {
    super();
    this.cursor = null;
  }

  protected get fields(): readonly Field[] {
    return [];
  }

  protected get filter(): Filter {
    return filterOf(this.item);
  }

  protected override get heading(): string {
    return words.ops.pages[this.page] ?? "";
  }

  protected override read(): Promise<Page<Item>> {
    const query = new URLSearchParams({ ...this.filter, ...(this.cursor === null ? {} : { cursor: this.cursor }) });
    return this.api.call("GET", `${this.path}?${query}`);
  }

  protected override restart(): Promise<void> {
    this.cursor = null;
    return super.restart();
  }

  /** What can be done with all that the filter matches. */
  protected acts(_data: Page<Item>): View {
    return nothing;
  }

  private turnTo(cursor: string | null): void {
    this.cursor = cursor;
    this.data = null;
    void this.reload();
    this.renderRoot.querySelector("h2")?.focus();
  }

  protected override view(data: Page<Item>): View {
    return html`<section class="panel stack">
      ${this.fields.length ? filterView(this.page, this.filter, this.fields) : nothing}
      ${this.acts(data)}
      ${tableView(this.heading, this.columns, data.items.map((item) => this.cells(item)), this.empty)}
      <p class="line">${this.cursor ? html`<button class="quiet" @click=${() => this.turnTo(null)}>${words.ops.firstPage}</button>` : nothing}
        ${data.next_cursor ? html`<button class="quiet" @click=${() => this.turnTo(data.next_cursor)}>${words.ops.nextPage}</button>` : nothing}</p>
    </section>`;
  }
}

/** A filter as the body of an act takes it. */
function bodyOf(filter: Filter): object {
  const switches = Object.entries(filter).map(([name, value]) => [name, value === "true" ? true : value]);
  return { filter: Object.fromEntries(switches) };
}

const hostLink = (hostId: string): View => html`<a href=${opsAddress("host", hostId)}>${breakable(hostId)}</a>`;

class OpsRows extends OpsList<JobShown> {
  protected readonly page = "rows";
  protected readonly path = "/ops/jobs";

  protected override get fields(): readonly Field[] {
    const { ops } = words;
    return [
      { name: "state", label: ops.state, choices: ops.states }, { name: "host_id", label: ops.host }, { name: "event_id", label: ops.event },
      { name: "org_id", label: ops.org }, { name: "error_code", label: ops.error },
    ];
  }

  protected override get empty(): string {
    return words.ops.noRows;
  }

  protected override get columns(): readonly string[] {
    const { ops } = words;
    return [ops.row, ops.host, ops.event, ops.state, ops.error, ops.attempts, ops.changed];
  }

  protected override cells(job: JobShown): readonly View[] {
    const address = opsAddress("row", { host_id: job.host_id, registration_id: job.registration_id });
    return [
      html`<a href=${address} data-row=${job.registration_id}>${breakable(job.registration_id)}</a>`, hostLink(job.host_id), breakable(job.event_id), jobChip(job.state),
      job.error_code ? breakable(job.error_code) : "–", words.number(job.attempts), moment(job.updated_at),
    ];
  }

  protected override acts(data: Page<JobShown>): View {
    const { ops } = words;
    if (Object.keys(this.filter).length === 0) return html`<p class="small dim">${ops.needsFilter}</p>`;
    if (data.items.length === 0) return nothing;
    return html`<p class="line"><button @click=${this.askRetry}>${ops.retryAll}</button><button class="quiet" @click=${this.askDiscard}>${ops.discardAll}</button></p>`;
  }

  private readonly askRetry = (): void => this.ask(retryQuestion(this.filter));

  private readonly askDiscard = (): void => {
    const { ops } = words;
    this.ask({
      heading: ops.discardHeading, path: "/ops/jobs/discard", body: bodyOf(this.filter), isGrave: true, isPossible: ({ queued }) => queued > 0,
      text: ({ matched, queued }) => `${ops.would(matched, queued)} ${ops.discardText}`, verb: ({ queued }) => ops.discardNow(queued), said: ({ queued }) => ops.didDiscard(queued),
    });
  };
}

/** To retry all that a filter matches; counted first. */
export function retryQuestion(filter: Filter & { readonly registration_ids?: never }, ids: readonly string[] = []) {
  const { ops } = words;
  const chosen = ids.length ? { filter: { ...filter, registration_ids: ids } } : bodyOf(filter);
  return {
    heading: ops.retryHeading, path: "/ops/jobs/retry", body: chosen, isPossible: ({ queued }: Done) => queued > 0,
    text: ({ matched, queued }: Done) => ops.would(matched, queued), verb: ({ queued }: Done) => ops.retryNow(queued), said: ({ queued }: Done) => ops.didRetry(queued),
  };
}

class OpsWebhooks extends OpsList<DeliveryShown> {
  protected readonly page = "webhooks";
  protected readonly path = "/ops/deliveries";

  protected override get fields(): readonly Field[] {
    const { ops } = words;
    return [
      { name: "host_id", label: ops.host }, { name: "event_id", label: ops.event }, { name: "registration_id", label: ops.row }, { name: "type", label: ops.type },
      { name: "is_quarantined", label: ops.quarantine, isSwitch: true },
    ];
  }

  protected override get empty(): string {
    return words.ops.noWebhooks;
  }

  protected override get columns(): readonly string[] {
    const { ops } = words;
    return [ops.received, ops.type, ops.host, ops.event, ops.row, ops.outcome];
  }

  protected override cells(each: DeliveryShown): readonly View[] {
    const row = each.host_id && each.registration_id ? { host_id: each.host_id, registration_id: each.registration_id } : null;
    return [
      moment(each.received_at), each.type ? breakable(each.type) : "–", each.host_id ? hostLink(each.host_id) : "–", each.event_id ? breakable(each.event_id) : "–",
      row ? html`<a href=${opsAddress("row", row)}>${breakable(row.registration_id)}</a>` : "–",
      html`${each.reason ? html`<span class="is-bad">${each.reason}</span>` : named(words.ops.outcomes, each.outcome ?? "", each.outcome ?? "–")}
        ${each.faults?.length ? html`<ul class="small dim">${each.faults.map(({ path, message }) => html`<li>${path}: ${message}</li>`)}</ul>` : nothing}`,
    ];
  }

  protected override acts(data: Page<DeliveryShown>): View {
    if (Object.keys(this.filter).length === 0 || data.items.length === 0) return nothing;
    return html`<p class="line"><button @click=${this.askReplay}>${words.ops.replay}</button></p>`;
  }

  private readonly askReplay = (): void => {
    const { ops } = words;
    this.ask({
      heading: ops.replayHeading, path: "/ops/deliveries/replay", body: bodyOf(this.filter), isPossible: ({ matched }) => matched > 0,
      text: ({ matched }) => `${ops.wouldReplay(matched)} ${ops.replayText}`, verb: ({ matched }) => ops.replayNow(matched),
      said: ({ queued, unusable }) => ops.didReplay(queued, unusable ?? 0),
    });
  };
}

class OpsNotifications extends OpsList<NotificationShown> {
  protected readonly page = "notifications";
  protected readonly path = "/ops/notifications";

  protected override get fields(): readonly Field[] {
    const { ops } = words;
    return [{ name: "state", label: ops.state, choices: ops.notificationStates }, { name: "host_id", label: ops.host }, { name: "event_id", label: ops.event }];
  }

  protected override get empty(): string {
    return words.ops.noNotifications;
  }

  protected override get columns(): readonly string[] {
    const { ops } = words;
    return [ops.at, ops.type, ops.host, ops.event, ops.state, ops.attempts, ops.answer];
  }

  protected override cells(each: NotificationShown): readonly View[] {
    return [
      moment(each.created_at), breakable(each.type), hostLink(each.host_id), each.event_id ? breakable(each.event_id) : "–",
      named(words.ops.notificationStates, each.state, each.state), words.number(each.attempts), each.last_error ?? (each.last_status === null ? "–" : String(each.last_status)),
    ];
  }

  protected override acts(data: Page<NotificationShown>): View {
    const { ops } = words;
    const isStopped = data.items.some((each) => each.state === "disabled");
    const hasFilter = Object.keys(this.filter).length > 0 && data.items.length > 0;
    return html`<p class="line">${hasFilter ? html`<button @click=${this.askAgain}>${ops.sendAgain}</button>` : nothing}
      ${isStopped ? html`<button class="quiet" @click=${this.askEnable}>${ops.enable}</button>` : nothing}</p>`;
  }

  private readonly askAgain = (): void => {
    const { ops } = words;
    this.ask({
      heading: ops.sendHeading, path: "/ops/notifications/replay", body: bodyOf(this.filter), isPossible: ({ matched }) => matched > 0,
      text: ({ matched }) => `${ops.wouldSend(matched)} ${ops.sendText}`, verb: ({ matched }) => ops.sendNow(matched), said: ({ queued }) => ops.didSend(queued),
    });
  };

  private readonly askEnable = (): void => {
    const { ops } = words;
    this.ask({
      heading: ops.enableHeading, path: "/ops/notifications/enable", body: {}, hasReason: true,
      text: ({ matched }) => `${ops.enableText} ${ops.wouldSend(matched)}`, verb: ({ matched }) => ops.sendNow(matched), said: ({ queued }) => ops.didSend(queued),
    });
  };
}

class OpsLeases extends OpsList<LeaseShown> {
  protected readonly page = "leases";
  protected readonly path = "/ops/leases";

  protected override get empty(): string {
    return words.ops.noLeases;
  }

  protected override get columns(): readonly string[] {
    const { ops } = words;
    return [ops.org, ops.state, ops.owner, ops.running, ops.what, ""];
  }

  protected override cells(lease: LeaseShown): readonly View[] {
    const { ops } = words;
    const hasRunOut = lease.owner !== null && !lease.is_held;
    const state = lease.is_held && lease.until ? ops.held(moment(lease.until)) : hasRunOut ? ops.ranOut : ops.free;
    const more = [
      lease.not_before ? ops.leftAlone(moment(lease.not_before)) : "", lease.failures ? ops.inARow(lease.failures) : "", lease.paused_by ? ops.pausedBy(lease.paused_by) : "",
    ].filter(Boolean);
    return [
      html`<a href=${opsAddress("org", lease.org_id)}>${lease.org_id}</a>`, html`<span class=${hasRunOut && lease.running ? "is-bad" : ""}>${state}</span>`, lease.owner ?? "–",
      words.number(lease.running), more.join(", ") || "–",
      hasRunOut || lease.running > 0 && !lease.is_held ? html`<button class="quiet" @click=${() => this.askRelease(lease)}>${ops.release}<span class="sr"> ${lease.org_id}</span></button>` : "–",
    ];
  }

  private askRelease({ org_id: orgId }: LeaseShown): void {
    const { ops } = words;
    this.ask({
      heading: ops.releaseHeading(orgId), path: `/ops/leases/${encodeURIComponent(orgId)}/release`, body: {}, hasReason: true,
      text: ({ matched }) => ops.releaseText(matched), verb: () => ops.releaseNow, said: () => ops.didRelease,
    });
  }
}

/** The details of an entry, a line each; what is inside of another is named after it. */
export function told(details: Readonly<Record<string, unknown>>, within = ""): string[] {
  return Object.entries(details).flatMap(([name, value]) => {
    if (Array.isArray(value)) return [`${within}${name}: ${value.join(", ")}`];
    return typeof value === "object" && value !== null ? told(value as Record<string, unknown>, `${within}${name} `) : [`${within}${name}: ${String(value)}`];
  });
}

class OpsLog extends OpsList<Deed> {
  protected readonly page = "log";
  protected readonly path = "/ops/audit";

  protected override get fields(): readonly Field[] {
    const { ops } = words;
    return [{ name: "host_id", label: ops.host }, { name: "actor", label: ops.who }, { name: "action", label: ops.action }];
  }

  protected override get empty(): string {
    return words.ops.noDeeds;
  }

  protected override get columns(): readonly string[] {
    const { ops } = words;
    return [ops.at, ops.who, ops.action, ops.host, ops.details];
  }

  protected override acts(): View {
    return html`<p><button class="quiet" @click=${this.verify}>${words.ops.verify}</button></p>`;
  }

  private readonly verify = (): Promise<boolean> => this.perform(words.ops.notVerified, async () => {
    const { ops } = words;
    const found = await this.api.call<AuditVerified>("POST", "/ops/audit/verify", {});
    this.announced = found.is_whole ? ops.whole(found.hosts) : ops.broken(found.broken.map((each) => `${each.host_id} ${each.seq}`).join(", "));
  });

  protected override cells(deed: Deed & { readonly host_id?: string }): readonly View[] {
    const details = told(deed.details);
    return [
      moment(deed.at), breakable(deed.actor), breakable(deed.action), deed.host_id ? hostLink(deed.host_id) : "–",
      details.length ? html`<ul class="small">${details.map((each) => html`<li>${breakable(each)}</li>`)}</ul>` : "–",
    ];
  }
}

define("ops-rows", OpsRows);
define("ops-webhooks", OpsWebhooks);
define("ops-notifications", OpsNotifications);
define("ops-leases", OpsLeases);
define("ops-log", OpsLog);
