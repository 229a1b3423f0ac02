/** What stands in Salesforce of the event: verified on request, with a table of differences and their repair. */

import { css, html, nothing, type PropertyDeclarations, type PropertyValues } from "lit";
import type { ApiProblem, EventApi } from "../api/client";
import type { DifferenceShown, RetryOutcome, VerificationShown } from "../api/schema";
import { moment, named, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { failedActionView, outward, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";

const RUNNING_MS = 1_500;
const PAUSED_MS = 15_000;

type Act = "verify" | "count" | "repair" | "more";

const NOT_DONE: Readonly<Record<Act, () => string>> = {
  verify: () => t.notDone.verify, count: () => t.notDone.repair, repair: () => t.notDone.repair, more: () => t.notDone.more,
};

export function isActive(run: VerificationShown | null): boolean {
  return run?.state === "running" || run?.state === "paused";
}

export class ProofPanel extends EventshipElement {
  static override styles = [look, controls, css`
    table { inline-size: 100%; border-collapse: collapse; }
    th, td { text-align: start; padding: 0.4em 0.6em 0.4em 0; border-block-end: 1px solid var(--line); overflow-wrap: anywhere; vertical-align: top; }
    .wide { overflow-x: auto; }
  `];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    eventId: {}, mayChange: { attribute: false }, zone: {},
    run: { state: true }, items: { state: true }, cursor: { state: true }, counted: { state: true }, problem: { state: true }, busy: { state: true },
  };

  declare eventId: string;
  declare mayChange: boolean;
  /** The zone of the event's times; the reader's own without one. */
  declare zone: string | undefined;
  /** The latest verification; null where there was none, undefined until that is known. */
  private declare run: VerificationShown | null | undefined;
  private declare items: readonly DifferenceShown[];
  private declare cursor: string | null;
  /** What a repair would take; null until that was asked for. */
  private declare counted: RetryOutcome | null;
  private declare problem: ApiProblem | null;
  private declare busy: Act | null;
  private waiting: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    Object.assign(this, { eventId: "", mayChange: false, run: undefined, items: [], cursor: null, counted: null, problem: null, busy: null });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.look);
    if (this.hasUpdated) void this.load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.look);
    clearTimeout(this.waiting);
  }

  private get event(): EventApi {
    return this.api.event(this.hostId, this.eventId);
  }

  protected override updated(changed: PropertyValues): void {
    if (["hostId", "eventId", "getToken"].some((name) => changed.has(name))) void this.load();
  }

  /** Ask again when the page is seen again. */
  private readonly look = (): void => {
    if (!document.hidden && isActive(this.run ?? null)) void this.load();
  };

  private async load(): Promise<void> {
    if (this.getToken === null || this.eventId === "") return;
    try {
      this.take(await this.event.verification());
      this.problem = null;
    } catch (error) {
      this.problem = this.problemIn(error);
    }
  }

  /** A list that was continued stays as it is while the run is the same. */
  private take(run: VerificationShown | null): void {
    const wasActive = isActive(this.run ?? null);
    const isSame = this.run?.started_at === run?.started_at;
    if (!isSame || this.items.length <= (run?.items.length ?? 0)) Object.assign(this, { items: run?.items ?? [], cursor: run?.next_cursor ?? null });
    this.run = run;
    if (isSame && wasActive && run?.state === "done") this.announced = resultOf(run);
    clearTimeout(this.waiting);
    if (isActive(run) && this.isConnected && !document.hidden) {
      this.waiting = setTimeout(() => void this.load(), run?.state === "paused" ? PAUSED_MS : RUNNING_MS);
    }
  }

  protected override render() {
    if (this.run === undefined && this.problem === null) return nothing;
    const run = this.run ?? null;
    return html`<details><summary>${t.proof.heading}</summary><div class="stack">
      <p class="dim">${t.proof.intro}</p>
      ${run ? this.runView(run) : nothing}
      ${this.mayChange ? html`<p><button class="quiet" ?disabled=${this.busy !== null || isActive(run)} @click=${this.verify}>${this.busy === "verify" ? t.proof.starting : run ? t.proof.again : t.proof.verify}</button></p>`
        : html`<p class="small dim">${t.card.whyNot.RoleInsufficient}</p>`}
      ${this.items.length === 0 ? nothing : this.tableView(this.items)}
      ${this.problem ? problemView(this.problem, { docsBase: this.docsBase, again: () => void this.load() }) : nothing}
      ${failedActionView(this.failedAction, this.docsBase)}
      <p class=${run !== null && this.announced === resultOf(run) ? "sr" : "small"} role="status">${this.announced}</p></div></details>`;
  }

  private runView(run: VerificationShown): View {
    const { state, checked, total, resumes_at: resumes, finished_at: finished, api_calls: calls } = run;
    const waits = state !== "paused" ? nothing : html` · ${resumes ? t.proof.resumes(moment(resumes, this.zone)) : t.proof.waits}`;
    return html`<div class="stack" data-verification=${state}>
      <p class="line apart"><span>${t.proof.progress(checked, total)} <span class="dim small">${named(t.proof.states, state, t.proof.states.other)}</span></span>
        <span class="small dim">${t.proof.calls(calls)}${finished ? ` · ${t.proof.finished(moment(finished, this.zone))}` : nothing}${waits}</span></p>
      ${isActive(run) ? html`<progress max=${Math.max(total, 1)} .value=${checked} aria-label=${t.proof.heading}></progress>` : nothing}
      ${state === "done" ? html`<p><strong>${resultOf(run)}</strong></p>` : nothing}
    </div>`;
  }

  private tableView(items: readonly DifferenceShown[]): View {
    return html`<div class="wide" tabindex="0" role="region" aria-label=${t.proof.table}><table>
        <caption class="sr">${t.proof.table}</caption>
        <thead><tr><th scope="col">${t.proof.registration}</th><th scope="col">${t.proof.difference}</th><th scope="col">${t.proof.ours}</th><th scope="col">${t.proof.theirs}</th></tr></thead>
        <tbody>${items.map((each) => this.rowView(each))}</tbody></table></div>
      ${this.cursor === null ? nothing : html`<p><button class="quiet" ?disabled=${this.busy !== null} @click=${this.more}>${t.proof.more}</button></p>`}
      ${this.mayChange ? this.repairView() : nothing}`;
  }

  private rowView({ registration_id: id, kind, ours, theirs, url }: DifferenceShown): View {
    const found = theirs === null ? t.proof.nothing : named(t.proof.values, theirs, theirs);
    return html`<tr data-difference=${kind}><th scope="row">${id}</th><td>${named(t.proof.kinds, kind, kind)}</td><td>${ours ?? t.proof.nothing}</td>
      <td>${found}${url ? html` · ${outward(url, t.proof.open, id)}` : nothing}</td></tr>`;
  }

  private repairView(): View {
    if (this.counted === null) {
      return html`<p><button class="quiet" ?disabled=${this.busy !== null} @click=${() => this.repair(true)}>${this.busy === "count" ? t.proof.counting : t.proof.repair}</button></p>`;
    }
    const { queued, matched } = this.counted;
    return html`<div class="note wait stack" data-repair><p><strong>${t.proof.wouldRepair(queued)}</strong> ${t.proof.leftAlone(matched - queued)}</p><p>${t.proof.repairText}</p>
      <p class="line">${queued === 0 ? nothing : html`<button ?disabled=${this.busy !== null} @click=${() => this.repair(false)}>${this.busy === "repair" ? t.proof.repairing : t.proof.doRepair(queued)}</button>`}
        <button class="quiet" ?disabled=${this.busy !== null} @click=${() => { this.counted = null; }}>${t.proof.cancel}</button></p></div>`;
  }

  private readonly verify = (): Promise<void> => this.act("verify", async () => {
    this.counted = null;
    this.take(await this.event.verify());
  });

  private readonly more = (): Promise<void> => this.act("more", async () => {
    const page = await this.event.verification(this.cursor);
    Object.assign(this, { items: [...this.items, ...(page?.items ?? [])], cursor: page?.next_cursor ?? null });
  });

  private repair(isDryRun: boolean): Promise<void> {
    return this.act(isDryRun ? "count" : "repair", async () => {
      const outcome = await this.event.repair(isDryRun);
      this.counted = isDryRun ? outcome : null;
      if (isDryRun) return;
      const waits = outcome.waiting_for ? ` ${named(t.failures.waits, outcome.waiting_for, "")}` : "";
      this.announced = t.proof.repaired(outcome.queued) + waits;
      this.tell("rows-changed");
    });
  }

  private async act(what: Act, deed: () => Promise<void>): Promise<void> {
    await this.perform(NOT_DONE[what](), async () => {
      Object.assign(this, { busy: what, announced: "" });
      try {
        await deed();
      } finally {
        this.busy = null;
      }
    });
  }
}

function resultOf({ checked, in_order: inOrder }: VerificationShown): string {
  return inOrder === checked ? t.proof.allInOrder(checked) : t.proof.inOrder(inOrder, checked);
}

define("salesforce-proof-panel", ProofPanel);
