/** The choices about people: who is created, who is touched, who owns new records, and their record types. */

import { html, nothing } from "lit";
import type { HostApi } from "../api/client";
import type { ObjectFields, OwnerGiven, PeopleGiven, SourceShown } from "../api/schema";
import { named, t } from "../texts";
import type { View } from "../ui/views";
import type { Draft } from "./draft";

type People = Required<PeopleGiven>;
type Owner = Required<OwnerGiven>;
type Switch = "update_existing" | "fill_required" | "leave_company_blank";

const CREATED: ReadonlyArray<People["create"]> = ["lead", "contact", "person_account", "nobody"];
const OWNERS: ReadonlyArray<Owner["how"]> = ["leave", "organizer", "fixed"];
const ADOPTED: ReadonlyArray<People["adopt_duplicates"]> = ["always", "same_name", "never"];
const SWITCHES: readonly Switch[] = ["update_existing", "fill_required", "leave_company_blank"];

export interface PeopleActs {
  readonly mayChange: boolean;
  readonly objects: Readonly<Record<string, ObjectFields>>;
  readonly sources: readonly SourceShown[];
  readonly host: HostApi;
  /** Why the service did not take the owner; empty where it did. */
  readonly ownerRefused: string;
  readonly change: (changes: Partial<Draft>) => void;
}

export function peopleView(draft: Draft, acts: PeopleActs): View {
  const set = (changes: Partial<People>): void => acts.change({ people: { ...draft.people, ...changes } });
  return html`<fieldset class="stack" ?disabled=${!acts.mayChange}><legend><h3>${t.mapping.peopleHeading}</h3></legend>
      <div>${CREATED.map((each) => radio("create", t.mapping.create[each], draft.people.create === each, () => set({ create: each })))}</div></fieldset>
    ${matchView(draft.people, acts, set)}
    <fieldset ?disabled=${!acts.mayChange}><legend><h3>${t.mapping.duplicatesHeading}</h3></legend><p class="small dim">${t.mapping.duplicatesIntro}</p>
      ${ADOPTED.map((each) => radio("adopt_duplicates", t.mapping.duplicates[each], draft.people.adopt_duplicates === each, () => set({ adopt_duplicates: each })))}</fieldset>
    <fieldset ?disabled=${!acts.mayChange}><legend><h3>${t.mapping.switchesHeading}</h3></legend>
      ${SWITCHES.map((each) => html`<label class="pick"><input type="checkbox" id=${each} .checked=${draft.people[each]} @change=${(event: Event) => set({ [each]: isChecked(event) })}>
        <span>${t.mapping.switches[each]}</span></label>`)}
      <div class="narrow"><label class="name" for="nobodys-account">${t.mapping.nobodysAccount}</label>
        <input id="nobodys-account" autocomplete="off" maxlength="255" aria-describedby="nobodys-account-hint" .value=${draft.people.account_for_nobody ?? ""} @input=${(event: Event) => set({ account_for_nobody: valueOf(event).trim() || null })}>
        <p id="nobodys-account-hint" class="small dim">${t.mapping.nobodysAccountHint}</p></div>
      ${optOutView(draft.people, acts, set)}</fieldset>
    ${ownerView(draft.owner, acts)}
    <fieldset ?disabled=${!acts.mayChange}><legend><h3>${t.mapping.tasksHeading}</h3></legend><div class="narrow"><label class="name" for="task-status">${t.mapping.taskStatus}</label>
      <input id="task-status" autocomplete="off" maxlength="255" aria-describedby="task-status-hint" .value=${draft.taskStatus ?? ""} @input=${(event: Event) => acts.change({ taskStatus: valueOf(event).trim() || null })}>
      <p id="task-status-hint" class="small dim">${t.mapping.taskStatusHint}</p></div></fieldset>
    ${recordTypesView(draft, acts)}`;
}

/** People are compared by text: a field of numbers cannot tell them apart. */
const TEXT_TYPES: ReadonlySet<string> = new Set(["string", "email", "phone", "url"]);

/** A field of the host's own by which people are known, and our value for it: both or neither. */
function matchView({ match_by: by }: People, { mayChange, objects, sources }: PeopleActs, set: (changes: Partial<People>) => void): View {
  const fields = ["Lead", "Contact"].flatMap((each) => objects[each]?.fields ?? []).filter((field) => field.is_external_id && field.is_mappable && TEXT_TYPES.has(field.type));
  const names = new Map(fields.map((field) => [field.name, field.label]));
  if (by !== null) names.set(by.field, names.get(by.field) ?? by.field);
  const paths = by === null || sources.some((each) => each.path === by.from) ? sources : [...sources, { path: by.from, label: by.from }];
  return html`<fieldset ?disabled=${!mayChange}><legend><h3>${t.mapping.matchHeading}</h3></legend><p class="small dim">${t.mapping.matchIntro}</p><div class="fields">
    <div><label class="name" for="match-field">${t.mapping.matchField}</label>
      <select id="match-field" @change=${(event: Event) => set({ match_by: valueOf(event) === "" ? null : { field: valueOf(event), from: by?.from ?? "attendee.id" } })}>
        <option value="" .selected=${by === null}>${names.size === 0 ? t.mapping.matchNone : t.mapping.optOutNone}</option>
        ${[...names].map(([name, label]) => html`<option value=${name} .selected=${by?.field === name}>${label} (${name})</option>`)}</select></div>
    ${by === null ? nothing : html`<div><label class="name" for="match-from">${t.mapping.matchFrom}</label>
      <select id="match-from" @change=${(event: Event) => set({ match_by: { field: by.field, from: valueOf(event) } })}>
        ${paths.map((each) => html`<option value=${each.path} .selected=${each.path === by.from}>${each.label}</option>`)}</select></div>`}</div></fieldset>`;
}

/** Salesforce's own boxes that mean such a no; any of the host's own may. */
const OPT_OUTS: ReadonlySet<string> = new Set(["HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall"]);

function optOutView(people: People, { objects }: PeopleActs, set: (changes: Partial<People>) => void): View {
  const fields = ["Lead", "Contact"].flatMap((each) => objects[each]?.fields ?? []).filter((field) => field.type === "boolean" && field.is_mappable && (OPT_OUTS.has(field.name) || field.name.endsWith("__c")));
  const names = new Map(fields.map((field) => [field.name, field.label]));
  if (people.opt_out_field !== null) names.set(people.opt_out_field, names.get(people.opt_out_field) ?? people.opt_out_field);
  return html`<div class="narrow"><label class="name" for="opt-out">${t.mapping.optOut}</label>
    <select id="opt-out" aria-describedby="opt-out-hint" @change=${(event: Event) => set({ opt_out_field: valueOf(event) || null })}>
      <option value="" .selected=${people.opt_out_field === null}>${t.mapping.optOutNone}</option>
      ${[...names].map(([name, label]) => html`<option value=${name} .selected=${people.opt_out_field === name}>${label} (${name})</option>`)}</select>
    <p id="opt-out-hint" class="small dim">${t.mapping.optOutHint}</p></div>`;
}

function ownerView(owner: Owner, acts: PeopleActs): View {
  const { mayChange, change } = acts;
  const set = (changes: Partial<Owner>): void => change({ owner: { ...owner, ...changes } });
  return html`<fieldset ?disabled=${!mayChange}><legend><h3>${t.mapping.ownerHeading}</h3></legend>
    ${OWNERS.map((each) => radio("owner", t.mapping.owner[each], owner.how === each, () => set({ how: each, id: null })))}
    ${owner.how === "fixed" ? html`<salesforce-owner-picker .host=${acts.host} .value=${owner.id ?? ""} .isDisabled=${!mayChange} .refused=${acts.ownerRefused} @owner-chosen=${(event: CustomEvent<string>) => set({ id: event.detail })}></salesforce-owner-picker>` : nothing}
    <label class="pick"><input type="checkbox" .checked=${owner.run_assignment_rules} @change=${(event: Event) => set({ run_assignment_rules: isChecked(event) })}><span>${t.mapping.assignment}</span></label></fieldset>`;
}

function recordTypesView(draft: Draft, { mayChange, objects, change }: PeopleActs): View {
  const shown = Object.values(objects).filter((each) => each.record_types.length > 0 || draft.recordTypes[each.object] !== undefined);
  if (shown.length === 0) return nothing;
  const set = (object: string, name: string): void => {
    const { [object]: _, ...others } = draft.recordTypes;
    change({ recordTypes: name === "" ? others : { ...others, [object]: name } });
  };
  return html`<fieldset ?disabled=${!mayChange}><legend><h3>${t.mapping.recordTypesHeading}</h3></legend><div class="fields">
    ${shown.map((each) => {
      const chosen = draft.recordTypes[each.object] ?? "";
      const isGone = chosen !== "" && !each.record_types.some((type) => type.developer_name === chosen);
      return html`<div><label class="name" for="type-${each.object}">${named(t.mapping.objects, each.object, each.label)}</label>
        <select id="type-${each.object}" @change=${(event: Event) => set(each.object, valueOf(event))}>
          <option value="" .selected=${chosen === ""}>${t.mapping.recordTypeDefault}</option>
          ${each.record_types.filter((type) => type.is_available || type.developer_name === chosen).map((type) => html`<option value=${type.developer_name} .selected=${type.developer_name === chosen}>${type.name}</option>`)}
          ${isGone ? html`<option value=${chosen} .selected=${true}>${chosen}</option>` : nothing}</select></div>`;
    })}</div></fieldset>`;
}

function radio(name: string, text: string, isChosen: boolean, choose: () => void): View {
  return html`<label class="pick"><input type="radio" name=${name} .checked=${isChosen} @change=${choose}><span>${text}</span></label>`;
}

function isChecked(event: Event): boolean {
  return (event.target as HTMLInputElement).checked;
}

function valueOf(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value;
}
