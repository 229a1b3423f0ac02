/** What operations see first: whether all is well, what needs somebody, and the last 24 hours. */

import { css, html, nothing } from "lit";
import type { Concern, FailureCount, Flow, Orgs, Overview, WorkerShown } from "../api/schema";
import { named, words } from "../texts";
import { define } from "../ui/element";
import type { View } from "../ui/views";
import { flowView } from "./ops-chart";
import { retryQuestion } from "./ops-list";
import { orgsTable } from "./ops-orgs";
import { breakable, OpsPage, tableView } from "./ops-parts";
import { opsAddress } from "./ops-place";

const ALIVE_SECONDS = 30;
const TROUBLE_SHOWN = 5;

interface Data {
  readonly overview: Overview;
  readonly flow: Flow;
  readonly orgs: Orgs;
}

/** Where each concern is looked at. */
const PLACES: Readonly<Record<string, string>> = {
  OrgsStuck: opsAddress("leases"),
  WorkIsStuck: opsAddress("orgs", { state: "late" }),
  ConnectionsLost: opsAddress("orgs", { state: "ended" }),
  ConnectionsEnded: opsAddress("orgs", { state: "ended" }),
  WaitsForReconnect: opsAddress("orgs", { state: "ended" }),
  WaitsForBudget: opsAddress("orgs", { state: "budget" }),
  DoubtRemains: opsAddress("orgs", { state: "doubt" }),
  WebhooksQuarantined: opsAddress("webhooks", { is_quarantined: "true" }),
  JobsFail: opsAddress("rows", { state: "failed" }),
  PlatformNotNotified: opsAddress("notifications", { state: "pending" }),
};
/** Failures are as important as they are; what was written is no news. */
const FIGURES = ["failed", "pending", "running", "ambiguous", "held", "synced", "skipped"];

export class OpsOverview extends OpsPage<Data> {
  static override styles = [...OpsPage.styles, css`
    .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5em, 1fr)); gap: 0.6em; }
    .figures > * { background: var(--soft); border-radius: calc(var(--radius) * 0.7); padding: 0.6em 0.9em; }
    .figures b { display: block; font-size: 1.5em; line-height: 1.2; font-variant-numeric: tabular-nums; }
    .figures .is-bad { border-inline-start: 4px solid var(--bad); }
    .headline { font-size: 1.3em; font-weight: 700; }
    .concern { display: grid; gap: 0.3em; }
  `];

  protected override get heading(): string {
    return words.operations;
  }

  protected override async read(): Promise<Data> {
    const [overview, flow, orgs] = await Promise.all([
      this.api.call<Overview>("GET", "/ops/overview"), this.api.call<Flow>("GET", "/ops/flow"), this.api.call<Orgs>("GET", `/ops/orgs?limit=${TROUBLE_SHOWN}`),
    ]);
    return { overview, flow, orgs };
  }

  protected override view({ overview, flow, orgs }: Data): View {
    const { ops } = words;
    const trouble = { ...orgs, items: orgs.items.filter(({ states }) => states[0] !== "well" && states[0] !== "disconnected") };
    return html`${headlineView(overview.concerns, overview.backlog["failed"] ?? 0)}
      ${nowView(overview)}
      <section class="panel stack"><h3>${ops.day}</h3>${flowView(flow, ops.day)}</section>
      <section class="panel stack"><h3>${ops.trouble}</h3>${orgsTable(trouble.items, ops.noTrouble)}
        <p class="touch"><a href=${opsAddress("orgs")}>${ops.allOrgs} (${words.number(orgs.total)}) ›</a></p></section>
      <section class="panel stack"><h3>${ops.failures}</h3>${this.failuresView(overview.failures)}</section>
      <section class="panel stack"><h3>${ops.workers}</h3>${workersView(overview.workers)}</section>`;
  }

  private failuresView(failures: readonly FailureCount[]): View {
    const { ops } = words;
    return tableView(ops.failures, [ops.error, ops.kind, ops.count, ""], failures.map((failure) => {
      const filter = { state: "failed", ...(failure.error_code ? { error_code: failure.error_code } : {}), ...(failure.class ? { class: failure.class } : {}) };
      return [
        html`<a href=${opsAddress("rows", filter)}>${breakable(failure.error_code ?? "–")}</a>`, failure.class ?? "–", html`<strong class="is-bad">${words.number(failure.count)}</strong>`,
        html`<button class="quiet" aria-label=${ops.retryOf(failure.error_code ?? "")} @click=${() => this.ask(retryQuestion(filter))}>${ops.retryOne}</button>`,
      ];
    }), ops.noFailures);
  }
}

function headlineView(concerns: readonly Concern[], failed: number): View {
  const { ops } = words;
  const [tone, headline] = concerns.length ? ["is-bad", ops.needs(concerns.length)] : failed ? ["is-wait", ops.notUrgent(failed)] : ["is-good", ops.well];
  return html`<section class="panel stack" data-concerns=${concerns.length}>
    <p class="headline ${tone}" role="status">${headline}</p>
    ${concerns.length === 0 ? html`<p class="dim">${ops.wellText}</p>` : html`<ul class="stack">${concerns.map(concernView)}</ul>`}
  </section>`;
}

function concernView({ code, count, seconds, severity, subjects, runbook }: Concern): View {
  const { ops } = words;
  const place = named(PLACES, code, "");
  return html`<li class="note bad concern" data-concern=${code}>
    <p class="line"><strong>${named(ops.concerns, code, () => code)(count)}</strong><span class="chip is-bad">${named(ops.urgency, severity, severity)}</span>
      ${seconds === null ? nothing : html`<span class="small">${ops.oldest}: ${ops.age(seconds)}</span>`}</p>
    <p>${named(ops.todo, code, "")}</p>
    ${subjects.length ? html`<p class="small dim">${subjects.join(" · ")}${count > subjects.length ? ` ${ops.moreHosts(count - subjects.length)}` : ""}</p>` : nothing}
    <p class="line">${place ? html`<a href=${place}>${ops.show} ›</a>` : nothing}<a href=${runbook} target="_blank" rel="noopener">${ops.runbook}<span class="sr"> ${code}</span></a></p>
  </li>`;
}

function nowView(overview: Overview): View {
  const { ops } = words;
  const figures = FIGURES.map((state): View => {
    const count = overview.backlog[state] ?? 0;
    const name = html`<b>${words.number(count)}</b><span class="small">${named(ops.states, state, state)}</span>`;
    return state === "failed" && count > 0 ? html`<a class="is-bad" href=${opsAddress("rows", { state })}>${name}</a>` : html`<div>${name}</div>`;
  });
  const [failed, ...rest] = figures;
  return html`<section class="panel stack"><h3>${ops.now}</h3>
    <div class="figures">${failed}
      <div><b>${ops.age(overview.oldest_due_age_seconds)}</b><span class="small">${ops.oldest}</span></div>
      <div><b>${words.number(overview.received_last_minute)}</b><span class="small">${ops.perMinute}</span></div>${rest}</div>
    <p class="small dim">${ops.lookedUp}</p></section>`;
}

function workersView(workers: readonly WorkerShown[]): View {
  const { ops } = words;
  return tableView(ops.workers, [ops.worker, ops.state, ops.beat, ops.drains], workers.map((each) => {
    const isSilent = each.silent_seconds > ALIVE_SECONDS;
    const [tone, state] = isSilent ? ["is-bad", ops.silent] : each.is_stopping ? ["is-wait", ops.stopping] : ["is-good", ops.alive];
    return [
      `${each.hostname} ${each.pid}`, html`<span class="chip ${tone}" data-worker=${isSilent ? "silent" : "alive"}>${state}</span>`,
      html`<span class=${isSilent ? "is-bad" : ""}>${ops.ago(each.silent_seconds)}</span>`, words.number(each.drains),
    ];
  }), ops.noWorkers);
}

define("ops-overview", OpsOverview);
