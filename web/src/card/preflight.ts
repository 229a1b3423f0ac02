/** What in the org will make registrations fail: the last look, each finding, and a new look on demand. */

import { css, html, nothing, type PropertyDeclarations } from "lit";
import type { ApiProblem } from "../api/client";
import type { Finding, PreflightShown, PreflightSummary } from "../api/schema";
import { moment, named, t } from "../texts";
import { define, EventshipElement } from "../ui/element";
import { adviceView, outward, problemView, type View } from "../ui/views";
import { controls, look } from "../ui/styles";
import { packageView, rightsView } from "./package";

const TONES: Readonly<Record<string, string>> = { blocker: "bad", warning: "wait", note: "calm" };
const ORDER = ["blocker", "warning", "note"];

export class Preflight extends EventshipElement {
  static override styles = [look, controls, css`:host { container-type: normal; }`];
  static override properties: PropertyDeclarations = {
    ...EventshipElement.properties,
    summary: { attribute: false }, needsPackage: { attribute: false }, mayRun: { attribute: false }, result: { state: true }, problem: { state: true }, isBusy: { state: true },
  };

  /** The card's word on it; null before the first look. */
  declare summary: PreflightSummary | null;
  /** Whether the host connects through the app that our package brings. */
  declare needsPackage: boolean;
  declare mayRun: boolean;
  private declare result: PreflightShown | null;
  private declare problem: ApiProblem | null;
  private declare isBusy: boolean;

  constructor() {
    super();
    Object.assign(this, { summary: null, needsPackage: false, mayRun: false, result: null, problem: null, isBusy: false });
  }

  protected override render() {
    return html`<div class="stack">
      ${this.summary ? verdictView(this.summary) : nothing}
      <details @toggle=${this.toggled}><summary>${t.preflight.show}</summary><div class="stack">
        ${this.problem ? problemView(this.problem, { docsBase: this.docsBase }) : nothing}
        ${this.result ? this.resultView(this.result) : nothing}
        ${this.needsPackage && this.result ? html`${packageView(this.result.package)}${rightsView(this.docsBase)}` : nothing}
        ${this.mayRun ? html`<p><button class="quiet" ?disabled=${this.isBusy} @click=${this.run}>${this.isBusy ? t.preflight.looking : t.preflight.run}</button></p>` : nothing}
      </div></details></div>`;
  }

  private resultView(result: PreflightShown): View {
    const findings = [...result.findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
    return html`<p class="small dim">${result.checked_at ? t.preflight.checked(moment(result.checked_at)) : t.card.preflight.unknown}</p>
      ${findings.length === 0 ? html`<p>${t.preflight.nothing}</p>` : html`<ul class="stack">${findings.map((each) => this.findingView(each))}</ul>`}`;
  }

  private findingView(finding: Finding): View {
    const tone = TONES[finding.severity] ?? "calm";
    return html`<li class="stack" data-finding=${finding.code}>
      <p><strong>${finding.title}</strong> <span class="small dim">${named(t.preflight.severity, finding.severity, t.preflight.severity.other)}</span></p>
      <p>${finding.consequence}</p>
      ${adviceView(finding.advice, { tone, docsBase: this.docsBase, hasTitle: false })}
      ${finding.setup_url ? html`<p class="small">${outward(finding.setup_url, t.preflight.setup, finding.title)}</p>` : nothing}</li>`;
  }

  private readonly toggled = (event: Event): void => {
    const isOpen = (event.target as HTMLDetailsElement).open;
    if (isOpen && this.result === null) void this.ask(() => this.api.host(this.hostId).preflight());
  };

  private readonly run = (): Promise<void> => this.ask(() => this.api.host(this.hostId).runPreflight());

  private async ask(look: () => Promise<PreflightShown>): Promise<void> {
    Object.assign(this, { isBusy: true, problem: null });
    try {
      this.result = await look();
      this.tell("preflight-changed");
    } catch (error) {
      this.problem = this.problemIn(error);
    } finally {
      this.isBusy = false;
    }
  }
}

function verdictView({ verdict, blockers, warnings }: PreflightSummary): View {
  const texts = t.card.preflight;
  switch (verdict) {
    case "blocked": return html`<p class="note bad">${texts.blocked(blockers)}</p>`;
    case "ready_with_warnings": return html`<p class="note wait">${texts.ready_with_warnings(warnings)}</p>`;
    case "ready": return html`<p class="note good">${texts.ready}</p>`;
    default: return html`<p class="note">${texts.unknown}</p>`;
  }
}

define("salesforce-preflight", Preflight);
