/** One line an org, the most important first; and an org by itself with its hosts. */

import { html, nothing, type PropertyDeclarations } from "lit";
import type { Flow, HostOfOrg, OrgLine, Orgs } from "../api/schema";
import { moment, named, words } from "../texts";
import { define } from "../ui/element";
import type { View } from "../ui/views";
import type { Asked } from "./ops-ask";
import { chartView, flowView, sumsOf } from "./ops-chart";
import { filterView } from "./ops-list";
import { breakable, factsView, OpsPage, orgChip, tableView } from "./ops-parts";
import { filterOf, opsAddress } from "./ops-place";

const HOSTS_IN_LINE = 3;

export const orgName = (org: OrgLine): string => org.name ?? org.org_id;

export function orgsTable(orgs: readonly OrgLine[], empty: string): View {
  const { ops } = words;
  return tableView(ops.pages["orgs"] ?? "", [ops.org, ops.hosts, ops.state, ops.day, ops.oldest, ops.calls], orgs.map((org) => {
    const { received, synced, failed } = sumsOf(org.day);
    return [
      html`<a href=${opsAddress("org", org.org_id)} data-org=${org.org_id}>${orgName(org)}</a>${org.name ? html`<br><span class="small dim">${org.org_id}${org.is_sandbox ? ` · ${ops.sandbox}` : ""}</span>` : nothing}`,
      html`${org.hosts.slice(0, HOSTS_IN_LINE).map((host, place) => html`${place ? ", " : ""}<a href=${opsAddress("host", host.host_id)}>${host.name ?? host.host_id}</a>`)}
        ${org.hosts_total > HOSTS_IN_LINE ? ops.moreHosts(org.hosts_total - HOSTS_IN_LINE) : nothing}`,
      html`<span class="chips">${org.states.map(orgChip)}</span>${org.reason ? html`<span class="small dim">${breakable(org.reason)}</span>` : nothing}`,
      html`${chartView(org.day, ops.day)}<span class="small number">${ops.flow(received, synced, failed)}</span>`,
      ops.age(org.oldest_wait_seconds), budgetView(org),
    ];
  }), empty);
}

function budgetView({ budget }: OrgLine): View {
  const { ops } = words;
  if (budget === null) return html`<span class="dim">${ops.notMeasured}</span>`;
  return html`${ops.callsOf(budget.used, budget.limit, budget.cap_percent)}<br><span class="small dim">${budget.measured_at ? ops.measured(moment(budget.measured_at)) : ""}</span>
    ${budget.closed_until && Date.parse(budget.closed_until) > Date.now() ? html`<br><span class="is-bad">${ops.closedUntil(moment(budget.closed_until))}</span>` : nothing}`;
}

class OpsOrgs extends OpsPage<Orgs> {
  static override properties: PropertyDeclarations = { ...OpsPage.properties, cursor: { state: true } };

  private declare cursor: string | null;

  constructor() {
    super();
    this.cursor = null;
  }

  protected override get heading(): string {
    return words.ops.pages["orgs"] ?? "";
  }

  protected override read(): Promise<Orgs> {
    return this.api.call("GET", `/ops/orgs?${new URLSearchParams({ ...filterOf(this.item), ...(this.cursor ? { cursor: this.cursor } : {}) })}`);
  }

  protected override restart(): Promise<void> {
    this.cursor = null;
    return super.restart();
  }

  private turnTo(cursor: string | null): void {
    this.cursor = cursor;
    this.data = null;
    void this.reload();
    this.renderRoot.querySelector("h2")?.focus();
  }

  protected override view(orgs: Orgs): View {
    const { ops } = words;
    const fields = [{ name: "state", label: ops.state, choices: ops.orgStates }, { name: "host_id", label: ops.host }, { name: "org_id", label: ops.org }];
    return html`<section class="panel stack">${filterView("orgs", filterOf(this.item), fields)}
      <p class="small dim">${ops.orgsTotal(orgs.total)}</p>
      ${orgsTable(orgs.items, ops.noOrgs)}
      <p class="line">${this.cursor ? html`<button class="quiet" @click=${() => this.turnTo(null)}>${ops.firstPage}</button>` : nothing}
        ${orgs.next_cursor ? html`<button class="quiet" @click=${() => this.turnTo(orgs.next_cursor)}>${ops.nextPage}</button>` : nothing}</p></section>`;
  }
}

/** To pause or resume a host or an org, with a reason for the log. */
export function pauseQuestion(path: string, name: string, isPaused: boolean): Asked {
  const { ops } = words;
  return isPaused
    ? { heading: ops.resumeHeading(name), path: `${path}/resume`, body: {}, hasReason: true, text: ({ matched }) => ops.resumeText(matched), verb: () => ops.resume, said: () => ops.didResume(name) }
    : { heading: ops.pauseHeading(name), path: `${path}/pause`, body: {}, hasReason: true, isGrave: true, text: ({ matched }) => ops.pauseText(matched), verb: () => ops.pause, said: () => ops.didPause(name) };
}

interface OrgData {
  readonly org: OrgLine | null;
  readonly week: Flow | null;
}

class OpsOrg extends OpsPage<OrgData> {
  static override properties: PropertyDeclarations = { ...OpsPage.properties, isWeek: { state: true } };

  private declare isWeek: boolean;

  constructor() {
    super();
    this.isWeek = false;
  }

  protected override get heading(): string {
    return this.data?.org ? orgName(this.data.org) : (this.item ?? "");
  }

  protected override async read(): Promise<OrgData> {
    const orgId = this.item ?? "";
    const [orgs, week] = await Promise.all([
      this.api.call<Orgs>("GET", `/ops/orgs?${new URLSearchParams({ org_id: orgId })}`),
      this.isWeek ? this.api.call<Flow>("GET", `/ops/flow?${new URLSearchParams({ org_id: orgId, period: "week" })}`) : null,
    ]);
    return { org: orgs.items[0] ?? null, week };
  }

  private readonly toggle = (): void => {
    this.isWeek = !this.isWeek;
    void this.reload();
  };

  protected override view({ org, week }: OrgData): View {
    const { ops } = words;
    if (org === null) return html`<p class="panel">${ops.noOrgs}</p>`;
    const isPaused = org.paused_by !== null;
    return html`<section class="panel stack">
        <p class="chips">${org.states.map(orgChip)}</p>
        ${org.states.map((state) => html`<p>${named(ops.orgTodo, state, "")}</p>`)}
        ${factsView([
          [ops.org, `${org.org_id}${org.is_sandbox ? ` · ${ops.sandbox}` : ""}`], [ops.why, org.reason ? breakable(org.reason) : ""], [ops.changed, org.since ? ops.since(moment(org.since)) : ""],
          [ops.due, org.not_before ? ops.leftAlone(moment(org.not_before)) : ""], [ops.states["failed"] ?? "", words.number(org.failed)], [ops.running, words.number(org.running)],
          [ops.oldest, ops.age(org.oldest_wait_seconds)], [ops.calls, budgetView(org)], [ops.by, org.paused_by ? ops.pausedBy(org.paused_by) : ""],
        ])}
        <p class="line"><button class="quiet" @click=${() => this.ask(pauseQuestion(`/ops/orgs/${encodeURIComponent(org.org_id)}`, orgName(org), isPaused))}>${isPaused ? ops.resumeOrg : ops.pauseOrg}</button>
          ${org.failed ? html`<a class="button quiet" href=${opsAddress("rows", { state: "failed", org_id: org.org_id })}>${ops.failed} (${words.number(org.failed)})</a>` : nothing}</p></section>
      <section class="panel stack"><div class="line apart"><h3>${week ? ops.week : ops.day}</h3><button class="plain" @click=${this.toggle}>${this.isWeek ? ops.showDay : ops.showWeek}</button></div>
        ${week ? flowView(week, ops.week) : flowView(org.day, ops.day)}</section>
      <section class="panel stack"><h3>${ops.hosts} (${words.number(org.hosts_total)})</h3>
        ${tableView(ops.hosts, [ops.host, ops.connection, ops.failed, ops.what], org.hosts.map(hostCells), ops.noHosts)}</section>`;
  }
}

function hostCells(host: HostOfOrg): View[] {
  return [
    html`<a href=${opsAddress("host", host.host_id)} data-host=${host.host_id}>${host.name ?? host.host_id}</a>${host.name ? html`<br><span class="small dim">${host.host_id}</span>` : nothing}`,
    connectionView(host), host.failed ? html`<strong class="is-bad">${words.number(host.failed)}</strong>` : "0", troubleOf(host),
  ];
}

export function connectionView(host: HostOfOrg): View {
  const tone = host.connection_state === "connected" ? "is-good" : host.connection_state === "disconnected" ? "is-calm" : "is-bad";
  return html`<span class="chip ${tone}">${named(words.ops.connections, host.connection_state, host.connection_state)}</span> <span class="small dim">${words.ops.since(moment(host.since))}</span>`;
}

export function troubleOf(host: HostOfOrg): View {
  const parts = [host.code, ...host.problems, host.is_paused ? words.paused : null].filter((part): part is string => part !== null);
  return parts.length ? html`${parts.map((part, place) => html`${place ? ", " : ""}${breakable(part)}`)}` : "–";
}

define("ops-orgs", OpsOrgs);
define("ops-org", OpsOrg);
