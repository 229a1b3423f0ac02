/** From a host down: its events, and a row with all that was tried. */

import { html, nothing } from "lit";
import type { AttemptsOfJob, EventOfHost, EventsOfHost, HostOfOrg, Jobs, JobShown, OrgLine, Orgs } from "../api/schema";
import { moment, named, t, words } from "../texts";
import { define } from "../ui/element";
import type { View } from "../ui/views";
import { retryQuestion } from "./ops-list";
import { connectionView, orgName, pauseQuestion, troubleOf } from "./ops-orgs";
import { breakable, factsView, jobChip, OpsPage, tableView } from "./ops-parts";
import { filterOf, opsAddress } from "./ops-place";
import { eventAddress, hostAddress } from "./place";

const STATES = ["failed", "pending", "running", "ambiguous", "held", "synced", "skipped"];

interface HostData {
  readonly org: OrgLine | null;
  readonly host: HostOfOrg | null;
  readonly events: readonly EventOfHost[];
  readonly hasMore: boolean;
}

class OpsHost extends OpsPage<HostData> {
  private get host(): string {
    return this.item ?? "";
  }

  protected override get heading(): string {
    return this.data?.host?.name ?? this.host;
  }

  protected override async read(): Promise<HostData> {
    const [orgs, events] = await Promise.all([
      this.api.call<Orgs>("GET", `/ops/orgs?${new URLSearchParams({ host_id: this.host })}`),
      this.api.call<EventsOfHost>("GET", `/ops/hosts/${encodeURIComponent(this.host)}/events?limit=100`),
    ]);
    const org = orgs.items[0] ?? null;
    return { org, host: org?.hosts.find((each) => each.host_id === this.host) ?? null, events: events.items, hasMore: events.next_cursor !== null };
  }

  protected override view({ org, host, events, hasMore }: HostData): View {
    const { ops } = words;
    const isPaused = host?.is_paused ?? false;
    const question = pauseQuestion(`/ops/hosts/${encodeURIComponent(this.host)}`, this.heading, isPaused);
    return html`${org ? html`<p class="touch"><a href=${opsAddress("org", org.org_id)}>‹ ${orgName(org)}</a></p>` : nothing}
      <section class="panel stack">
        ${factsView([[ops.host, this.host], [ops.connection, host ? connectionView(host) : "–"], [ops.what, host ? troubleOf(host) : ""]])}
        <p class="line"><button class="quiet" @click=${() => this.ask(question)}>${isPaused ? ops.resumeHost : ops.pauseHost}</button>
          <a class="button quiet" href=${opsAddress("rows", { host_id: this.host })}>${ops.allRows}</a>
          <a class="button quiet" href=${opsAddress("log", { host_id: this.host })}>${ops.whoDid}</a>
          ${this.ownHosts.has(this.host) ? html`<a class="button quiet" href=${hostAddress(this.host)}>${ops.hostPage}</a>` : nothing}</p></section>
      <section class="panel stack"><h3>${ops.events}</h3>
        ${tableView(ops.events, [ops.event, ...STATES.map((state) => named(ops.states, state, state))], events.map((event) => this.cells(event)), ops.noEvents)}
        ${hasMore ? html`<p class="small dim">${ops.firstEvents(events.length)}</p>` : nothing}</section>`;
  }

  private cells(event: EventOfHost): View[] {
    const filter = { host_id: this.host, event_id: event.event_id };
    return [
      html`<a href=${opsAddress("rows", filter)} data-event=${event.event_id}>${event.title}</a>${event.is_paused ? html` <span class="chip is-wait">${words.paused}</span>` : nothing}
        <br><span class="small dim">${event.starts_at ? inZone(event.starts_at, event.timezone) : words.noDate}</span>`,
      ...STATES.map((state): View => {
        const count = event.jobs[state] ?? 0;
        if (count === 0) return html`<span class="dim">0</span>`;
        return html`<a class=${state === "failed" ? "is-bad" : ""} href=${opsAddress("rows", { ...filter, state })}>${words.number(count)}<span class="sr"> ${named(words.ops.states, state, state)}, ${event.title}</span></a>`;
      }),
    ];
  }
}

/** A time in the zone of its event, which is named. */
function inZone(iso: string, zone: string): string {
  try {
    return `${new Date(iso).toLocaleString(t.locale, { dateStyle: "medium", timeStyle: "short", timeZone: zone })} (${zone})`;
  } catch {
    return moment(iso);
  }
}

interface RowData {
  readonly job: JobShown | null;
  readonly attempts: AttemptsOfJob["items"];
}

class OpsRow extends OpsPage<RowData> {
  private get about(): { host: string; registration: string } {
    const { host_id: host = "", registration_id: registration = "" } = filterOf(this.item);
    return { host, registration };
  }

  protected override get heading(): string {
    return this.about.registration;
  }

  protected override async read(): Promise<RowData> {
    const { host, registration } = this.about;
    const [jobs, attempts] = await Promise.all([
      this.api.call<Jobs>("GET", `/ops/jobs?${new URLSearchParams({ host_id: host, registration_ids: registration })}`),
      this.api.call<AttemptsOfJob>("GET", `/ops/hosts/${encodeURIComponent(host)}/registrations/${encodeURIComponent(registration)}/attempts`),
    ]);
    return { job: jobs.items[0] ?? null, attempts: attempts.items };
  }

  protected override view({ job, attempts }: RowData): View {
    const { ops } = words;
    if (job === null) return html`<p class="panel">${ops.noRows}</p>`;
    const { host, registration } = this.about;
    return html`<p class="line touch"><a href=${opsAddress("host", host)}>‹ ${breakable(host)}</a><a href=${opsAddress("rows", { host_id: host, event_id: job.event_id })}>‹ ${breakable(job.event_id)}</a></p>
      <section class="panel stack"><p>${jobChip(job.state)}</p>
        ${job.state === "ambiguous" ? html`<p>${ops.lookedUp}</p>` : nothing}
        ${factsView([
          [ops.error, job.error_code ? html`${breakable(job.error_code)}${job.class ? ` (${job.class})` : ""}` : ""], [ops.waitingFor, job.waiting_for ?? ""], [ops.what, job.skipped_because ?? ""],
          [ops.why, named(ops.whys, job.why, job.why)], [ops.by, job.by ?? ops.nobody], [ops.attemptsMade, words.number(job.attempts)], [ops.due, moment(job.due_at)],
          [ops.changed, moment(job.updated_at)], [ops.org, html`<a href=${opsAddress("org", job.org_id)}>${job.org_id}</a>`],
        ])}
        <p class="line"><button @click=${() => this.ask(retryQuestion({ host_id: host }, [registration]))}>${ops.retryOne}</button>
          <a class="button quiet" href=${opsAddress("webhooks", { host_id: host, registration_id: registration })}>${ops.pages["webhooks"]}</a>
          ${this.ownHosts.has(host) ? html`<a class="button quiet" href=${eventAddress(host, job.event_id, "registrations", registration)}>${ops.rowPage}</a>` : nothing}</p></section>
      <section class="panel stack"><h3>${ops.runs}</h3>
        ${tableView(ops.runs, [ops.at, ops.what, ops.why, ops.by, ops.outcome, ops.error], attempts.map((each) => [
          moment(each.at), each.kind, named(ops.whys, each.why, each.why), each.by ?? ops.nobody, jobChip(each.outcome), each.error_code ? breakable(each.error_code) : "–",
        ]), ops.noRuns)}</section>`;
  }
}

define("ops-host", OpsHost);
define("ops-row", OpsRow);
