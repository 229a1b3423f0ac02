/** The field rules as a table, each with what the org says to it, and what the org says to none of them. */

import { css, html, nothing } from "lit";
import type { MappingFinding, ObjectFields, RequiredField, SourceShown } from "../api/schema";
import { named, t } from "../texts";
import type { View } from "../ui/views";
import { blankOptions, grouped, type Draft, type Rule } from "./draft";

export const rulesStyle = css`
  table { border-collapse: collapse; inline-size: 100%; }
  th, td { text-align: start; vertical-align: top; padding: 0.55em 0.75em 0.55em 0; border-block-end: 1px solid var(--line); }
  th { font-size: 0.87em; color: var(--dim); font-weight: 600; }
  td:last-child { text-align: end; white-space: nowrap; }
  @container (max-width: 34rem) {
    table, tbody, tr, td { display: block; inline-size: 100%; }
    thead { position: absolute; clip-path: inset(50%); block-size: 1px; overflow: hidden; }
    tr { border-block-end: 1px solid var(--line); padding-block: 0.5em; }
    td { border: 0; padding-block: 0.15em; }
    td:last-child { text-align: start; }
  }
`;

export interface RuleActs {
  readonly mayChange: boolean;
  readonly objects: Readonly<Record<string, ObjectFields>>;
  readonly sources: readonly SourceShown[];
  /** What is done with a rule is done for all objects that it is written to. */
  readonly edit: (rules: readonly Rule[]) => void;
  readonly remove: (rules: readonly Rule[]) => void;
  readonly switchOff: (rules: readonly Rule[]) => void;
  /** Why the service did not take a rule, by its place. */
  readonly refused: ReadonlyMap<number, string>;
  /** What stands beside a rule that was not chosen here. */
  readonly inherited: (rule: Rule) => string;
}

export function rulesView(draft: Draft, findings: readonly MappingFinding[], acts: RuleActs): View {
  return html`<table><thead><tr><th scope="col">${t.mapping.field}</th><th scope="col">${t.mapping.filledFrom}</th><th scope="col">${t.mapping.mode}</th>
      <th scope="col"><span class="sr">${t.mapping.actions}</span></th></tr></thead><tbody>
    ${grouped(draft.rules).map((group) => {
      const places = group.map((rule) => draft.rules.indexOf(rule));
      return ruleLine(group, findings.filter((each) => places.some((place) => each.path === `fields.${place}`)), acts, places);
    })}
    ${grouped(draft.defaults).map((group) => ruleLine(group, [], acts, []))}
  </tbody></table>`;
}

/** What is wrong beyond single rules, and the required fields that nothing fills. */
export function notesView(findings: readonly MappingFinding[], required: readonly RequiredField[], map: ((field: RequiredField) => void) | null): View {
  const others = findings.filter((each) => !(each.path ?? "").startsWith("fields."));
  const open = required.filter((each) => !each.is_filled);
  if (others.length === 0 && required.length === 0) return nothing;
  return html`${others.map((each) => findingView(each))}
    ${required.length === 0 ? nothing : html`<div class="note ${open.length > 0 ? "bad" : "wait"} stack"><p><strong>${open.length > 0 ? t.mapping.requiredOpen : t.mapping.requiredFilled}</strong></p>
      <ul>${required.map((each) => html`<li class="line apart" data-required=${each.field}><span>${named(t.mapping.objects, each.object, each.object)}: ${each.label} <span class="small dim">${each.field}</span></span>
        ${map ? html`<button class="quiet" @click=${() => map(each)}>${t.mapping.mapIt}<span class="sr"> ${each.label}</span></button>` : nothing}</li>`)}</ul></div>`}`;
}

/** Rules that say the same, once for each object; without a place they were not chosen here. */
function ruleLine(rules: readonly Rule[], findings: readonly MappingFinding[], acts: RuleActs, places: readonly number[]): View {
  const [rule] = rules as readonly [Rule];
  const label = acts.objects[rule.object]?.fields.find((each) => each.name === rule.field)?.label ?? rule.field;
  const objects = rules.map((each) => named(t.mapping.objects, each.object, each.object)).join(", ");
  const isOff = rule.mode === "off";
  const isOwn = places.length > 0;
  const refused = places.flatMap((place) => acts.refused.get(place) ?? []);
  const name = html`<span class="sr"> ${objects} ${label}</span>`;
  return html`<tr data-rule="${rules.map((each) => `${each.object}.${each.field}`).join(" ")}">
    <td><strong>${label}</strong><br><span class="small dim">${objects} · ${rule.field}${isOwn ? "" : ` · ${acts.inherited(rule)}`}</span>
      ${[...new Set(refused)].map((each) => html`<p class="note bad small" role="alert">${t.trial.ruleRefused(each)}</p>`)}
      ${findings.map((each) => findingView(each, rules.length > 1))}</td>
    <td>${isOff ? nothing : sourceText(rule, acts.sources)}${rule.values.length > 0 ? html`<br><span class="small dim">${t.mapping.optionsMapped(rule.values.length - blankOptions(rule).length)}</span>` : nothing}</td>
    <td>${named(t.mapping.modesShort, rule.mode, rule.mode)}</td>
    <td>${!acts.mayChange ? nothing : html`${isOff ? nothing : html`<button class="plain" @click=${() => acts.edit(rules)}>${t.mapping.edit}${name}</button>`}
      ${isOwn ? html`<button class="plain" @click=${() => acts.remove(rules)}>${t.mapping.remove}${name}</button>`
        : html`<button class="plain" @click=${() => acts.switchOff(rules)}>${t.mapping.switchOff}${name}</button>`}`}</td></tr>`;
}

function sourceText(rule: Rule, sources: readonly SourceShown[]): string {
  if (rule.kind === "constant") return t.general.quoted(rule.source);
  if (rule.kind === "template") return rule.source;
  return sources.find((each) => each.path === rule.source)?.label ?? rule.source;
}

/** Which object it is about is said where several are. */
function findingView(finding: MappingFinding, isOfSeveral = false): View {
  const about = isOfSeveral && finding.object ? `${named(t.mapping.objects, finding.object, finding.object)}: ` : "";
  return html`<p class="note small ${finding.severity === "error" ? "bad" : "wait"}" data-finding=${finding.code}>${about}${finding.message}</p>`;
}
