/** The operations' view across hosts: backlog, trouble, budgets, workers, failures with Retry. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { ApiProblem } from "../api/client";
import { Live } from "../api/live";
import type { Acted, FailureCount, OrgShown, Overview } from "../api/schema";
import { moment, named, t, words } from "../texts";
import "../ui/dialog";
import { define, EventshipElement } from "../ui/element";
import { loadingView, problemView, silenceView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { readOverview, retryFailures, type FailureFilter } from "./directory";

export class OpsView extends EventshipElement {
  static override styles = [look, controls, css`
    .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5em, 1fr)); gap: 0.6em; }
    .figures div { background: var(--soft); border-radius: calc(var(--radius) * 0.7); padding: 0.6em 0.9em; }
    .figures b { display: block; font-size: 1.5em; line-height: 1.2; font-variant-numeric: tabular-nums; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; inline-size: 100%; }
    th { text-align: start; font-size: 0.87em; color: var(--dim); }
    th, td { padding: 0.45em 1em 0.45em 0; vertical-align: top; }
    tr + tr td { border-block-start: 1px solid var(--line); }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    overview: { state: true }, problem: { state: true }, asked: { state: true }, acted: { state: true }, isBusy: { state: true },
  };

  private declare overview: Overview | null;
  private declare problem: ApiProblem | null;
  private declare asked: FailureCount | null;
  private declare acted: Acted | null;
  private declare isBusy: boolean;
  private live: Live | null = null;

  constructor() {
    super();
    Object.assign(this, { overview: null, problem: null, asked: null, acted: null, isBusy: false });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // No stream crosses hosts: this view asks.
    const open = (): Promise<Response> => Promise.resolve(new Response(null, { status: 404 }));
    this.live = new Live({ poll: () => this.load(), open, take: () => undefined, silent: this.silent });
    this.live.start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.live?.stop();
  }

  private async load(): Promise<boolean> {
    try {
      this.overview = await readOverview(this.api);
      this.problem = null;
      return true;
    } catch (error) {
      this.problem = this.problemIn(error);
      return false;
    }
  }

  protected override render() {
    const { overview } = this;
    return html`<div class="stack">
      <h2>${words.operations}</h2>
      ${silenceView(this.silentSince)}
      ${this.problem ? problemView(this.problem) : nothing}
      ${overview ? this.overviewView(overview) : this.problem ? nothing : loadingView()}
      <p class="small" role="status">${this.announced}</p>
    </div>${this.asked ? this.retryView(this.asked) : nothing}`;
  }

  private overviewView(overview: Overview): View {
    const figures: [string, string][] = [
      ...Object.entries(overview.backlog).map(([state, count]): [string, string] => [named(words.ops.states, state, state), t.number(count)]),
      [words.ops.oldest, words.ops.age(overview.oldest_due_age_seconds)],
      [words.ops.orgsBehind, t.number(overview.orgs_with_backlog)],
      [words.ops.quarantined, t.number(overview.quarantined)],
    ];
    return html`<section class="panel stack"><h3>${words.ops.backlog}</h3>
        <div class="figures">${figures.map(([name, figure]) => html`<div><b>${figure}</b><span class="small dim">${name}</span></div>`)}</div></section>
      ${this.failuresView(overview)}
      ${section(words.ops.orgs, words.ops.noOrgs, [words.ops.org, words.ops.hosts, words.ops.trouble, words.ops.until], overview.orgs_with_trouble.map((org) => [
        org.org_id, t.number(org.hosts), troubleOf(org), org.not_before ? moment(org.not_before) : ""]))}
      ${section(words.ops.troubles, words.ops.noTroubles, [words.ops.host, words.ops.org, words.ops.trouble, words.ops.since], troublesOf(overview))}
      ${overview.stuck_orgs.length ? section(words.ops.stuck, words.ops.noStuck, [words.ops.org], overview.stuck_orgs.map((org) => [org])) : nothing}
      ${section(words.ops.budgets, words.ops.noBudgets, [words.ops.host, words.ops.used, words.ops.closed], overview.budgets.map((each) => [
        each.host_id, words.ops.usedOf(each.org_used, each.org_limit, each.cap_percent), each.closed_until ? moment(each.closed_until) : ""]))}
      ${section(words.ops.workers, words.ops.noWorkers, [words.ops.worker, words.ops.beat, words.ops.drains], overview.workers.map((each) => [
        `${each.hostname} ${each.pid}${each.is_stopping ? ` (${words.ops.stopping})` : ""}`, words.ops.silent(each.silent_seconds), t.number(each.drains)]))}
      <p class="small dim">${words.ops.asOf(moment(overview.as_of))}</p>`;
  }

  private failuresView({ failures }: Overview): View {
    const rows = failures.map((failure) => [
      failure.error_code ?? "–", failure.class ?? "–", t.number(failure.count),
      html`<button class="quiet" aria-label=${words.ops.retryOf(failure.error_code ?? "")} @click=${() => this.ask(failure)}>${words.ops.retry}</button>`,
    ]);
    return section(words.ops.failures, words.ops.noFailures, [words.ops.code, words.ops.kind, words.ops.count, words.ops.act], rows);
  }

  private retryView(failure: FailureCount): View {
    const { acted } = this;
    return html`<eventship-dialog heading=${words.ops.retryHeading(failure.error_code ?? "–")} @closed=${this.closeDialog}>
      <div class="stack"><p role="status">${acted ? words.ops.would(acted.matched, acted.queued) : words.ops.counting}</p>
        ${acted?.sample.length ? html`<ul class="small dim">${acted.sample.map((job) => html`<li>${job.host_id} · ${job.event_id} · ${job.registration_id}</li>`)}</ul>` : nothing}
        <p class="line"><button ?disabled=${this.isBusy || !acted?.queued} @click=${() => this.retry(failure)}>${words.ops.retryNow(acted?.queued ?? 0)}</button>
          <button class="plain" @click=${this.closeDialog}>${t.general.cancel}</button></p></div>
    </eventship-dialog>`;
  }

  private readonly closeDialog = (): void => {
    this.asked = null;
    this.acted = null;
  };

  private ask(failure: FailureCount): void {
    this.asked = failure;
    void this.act(async () => {
      this.acted = await retryFailures(this.api, filterOf(failure), true);
    });
  }

  private async retry(failure: FailureCount): Promise<void> {
    await this.act(async () => {
      const done = await retryFailures(this.api, filterOf(failure), false);
      this.announced = words.ops.did(done.queued);
    });
    this.closeDialog();
    await this.live?.refresh();
  }

  private async act(deed: () => Promise<void>): Promise<void> {
    this.isBusy = true;
    try {
      await deed();
    } catch (error) {
      this.closeDialog();
      this.problem = this.problemIn(error);
    } finally {
      this.isBusy = false;
    }
  }
}

function filterOf(failure: FailureCount): FailureFilter {
  return { state: "failed", class: failure.class, error_code: failure.error_code };
}

function troubleOf(org: OrgShown): string {
  const parts = [
    ...org.connection_states, org.not_before_reason, org.is_paused ? words.ops.isPaused : null, org.is_slow ? words.ops.isSlow : null,
    org.failures > 0 ? words.ops.failedCalls(org.failures) : null,
  ];
  return parts.filter(Boolean).join(", ");
}

/** Hosts of which nothing moves come first. */
function troublesOf({ hosts_to_reconnect: ended, host_faults: faults, host_problems: problems }: Overview): string[][] {
  return [
    ...ended.map((each) => [each.host_id, each.org_id, words.ops.ended(each.code), moment(each.since)]),
    ...faults.map((each) => [each.host_id, each.org_id, words.ops.faultOf(each.code, each.count), each.until ? words.ops.triedAgain(moment(each.until)) : ""]),
    ...problems.map((each) => [each.host_id, each.org_id, [each.code, [each.object, each.field].filter(Boolean).join(".")].filter(Boolean).join(" · "), moment(each.since)]),
  ];
}

function section(heading: string, empty: string, columns: readonly string[], rows: readonly (readonly View[])[]): View {
  return html`<section class="panel stack"><h3>${heading}</h3>
    ${rows.length === 0 ? html`<p class="dim">${empty}</p>` : html`<div class="scroll" tabindex="0" role="region" aria-label=${heading}><table>
      <thead><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`}
  </section>`;
}

define("eventship-ops-view", OpsView);
