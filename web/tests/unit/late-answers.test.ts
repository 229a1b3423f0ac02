// @vitest-environment happy-dom
import { html } from "lit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { MappingShown, Row, Rows } from "../../src/api/schema";
import { SalesforceCard } from "../../src/card/salesforce-card";
import { SalesforceMapping } from "../../src/mapping/salesforce-mapping";
import { CampaignPicker } from "../../src/sync/campaign-picker";
import { RowsPanel } from "../../src/sync/rows-panel";
import { SalesforceRegistration } from "../../src/sync/salesforce-registration";
import { SalesforceEvents } from "../../src/writes/salesforce-events";
import { SalesforceSettings } from "../../src/writes/salesforce-settings";

type Answer = (method: string, path: string) => unknown;
let answer: Answer;
const asked: string[] = [];

beforeEach(() => {
  asked.length = 0;
  vi.stubGlobal("fetch", async (path: string, { method = "GET" }: RequestInit) => {
    asked.push(`${method} ${path}`);
    const body = await answer(method, path);
    return body instanceof Response ? body : new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
  });
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

/** An answer that is given when the test says so. */
function held<T>(): { readonly answer: Promise<T>; readonly give: (value: T) => void } {
  let give: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => { give = resolve; });
  return { answer: promise, give };
}

/** What is drawn of it does not matter here. */
const shownIn = <T extends HTMLElement>(element: T, properties: object): T => {
  document.body.append(Object.assign(element, { getToken: () => "t", render: () => "", ...properties }));
  return element;
};
const inside = <T>(element: HTMLElement): T => element as unknown as T;

interface Mapping { draft: { recordTypes: object } | null; change(changes: object): void; isUnsaved: boolean; save(): Promise<void> }
const mappingOf = (name: string, version = 1): MappingShown => ({
  event_id: null, version, chosen: { fields: [] }, findings: [], required_without_value: [], is_checked: true, retried: 0,
  effective: { people: { create: "lead" }, owner: {}, record_types: { Lead: name }, task_status: null, fields: [] },
}) as unknown as MappingShown;
const ofHost = (path: string): string => /hosts\/(\w+)/.exec(path)?.[1] ?? "";
const mappings = (read: (host: string) => unknown): Answer => (_, path) =>
  path.endsWith("/mapping") ? read(ofHost(path)) : path.endsWith("/sources") || path.includes("registrants") ? { items: [] } : path.endsWith("/salesforce") ? { role: "owner", state: "disconnected" } : {};

test("a mapping whose answer comes late is not shown, nor saved, as that of the host that is shown by now", async () => {
  const late = held<MappingShown>();
  answer = mappings((host) => (host === "one" ? late.answer : mappingOf(host)));
  const element = shownIn(new SalesforceMapping(), { hostId: "one" });
  await vi.waitFor(() => expect(asked).toContain("GET /v1/hosts/one/salesforce/mapping"));
  element.hostId = "two";
  await vi.waitFor(() => expect(inside<Mapping>(element).draft?.recordTypes).toEqual({ Lead: "two" }));
  late.give(mappingOf("one"));
  await new Promise((resolve) => setTimeout(resolve));
  await new Promise((resolve) => setTimeout(resolve));
  expect(inside<Mapping>(element).draft?.recordTypes).toEqual({ Lead: "two" });
});

test("what is changed while a mapping is being saved stays, unsaved; so does what a change of language meets", async () => {
  const late = held<MappingShown>();
  const reads = mappings(() => mappingOf("before"));
  answer = (method, path) => (method === "PUT" ? late.answer : reads(method, path));
  const element = shownIn(new SalesforceMapping(), { hostId: "one" });
  const mapping = inside<Mapping>(element);
  await vi.waitFor(() => expect(mapping.draft).not.toBeNull());
  mapping.change({ recordTypes: { Lead: "saved" } });
  const saving = mapping.save();
  mapping.change({ recordTypes: { Lead: "later" } });
  late.give(mappingOf("saved"));
  await saving;
  expect([mapping.draft?.recordTypes, mapping.isUnsaved]).toEqual([{ Lead: "later" }, true]);
  asked.length = 0;
  element.lang = "de";
  await vi.waitFor(() => expect(asked).toContain("GET /v1/hosts/one/salesforce/mapping"));
  await vi.waitFor(() => expect(mapping.draft?.recordTypes).toEqual({ Lead: "later" }));
});

test("rows that come live keep the page that the reader is on the way to, and its first row gets the focus", async () => {
  const page = (cursor: string | null): Rows => ({ items: [{ registration_id: `after ${cursor}`, attendee: {}, activities: [], warnings: [] }] as unknown as Row[], next_cursor: cursor === null ? "second" : null, matched: 51 }) as Rows;
  const late = held<Rows>();
  answer = (_, path) => (path.includes("cursor=second") && asked.filter((each) => each.includes("cursor=second")).length === 1 ? late.answer : page(/cursor=(\w+)/.exec(path)?.[1] ?? null));
  const render = () => html`<div class="rows"><a class="name" href="#">the first row</a></div>`;
  const element = shownIn(new RowsPanel(), { hostId: "one", eventId: "evt", mayChange: false, render });
  const panel = inside<{ rows: readonly Row[] | null; turnTo(trail: readonly (string | null)[]): Promise<void>; again: number }>(element);
  await vi.waitFor(() => expect(panel.rows).not.toBeNull());
  const turning = panel.turnTo([null, "second"]);
  panel.again = 0;
  element.version = 1;
  await vi.waitFor(() => expect(asked.length).toBe(3));
  late.give(page("second"));
  await turning;
  await vi.waitFor(() => expect(panel.rows?.map((each) => each.registration_id)).toEqual(["after second"]));
  await vi.waitFor(() => expect(element.shadowRoot?.activeElement?.className).toBe("name"));
  (element.shadowRoot?.activeElement as HTMLElement).blur();
  panel.again = 0;
  element.version = 2;
  await vi.waitFor(() => expect(asked.length).toBe(4));
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(element.shadowRoot?.activeElement).toBeNull();
});

test("pages are those of the order that is shown: while another is on its way there is none to turn to", async () => {
  const late = held<Rows>();
  const page: Rows = { items: [], next_cursor: "second", matched: 51 };
  answer = (_, path) => (path.includes("sort=name") ? late.answer : page);
  const element = Object.assign(new RowsPanel(), { getToken: () => "t", hostId: "one", eventId: "evt", mayChange: false });
  document.body.append(element);
  const next = () => [...(element.shadowRoot?.querySelectorAll<HTMLButtonElement>("nav button") ?? [])].at(-1);
  await vi.waitFor(() => expect(next()?.disabled).toBe(false));
  const order = element.shadowRoot?.querySelectorAll("select")[1] as HTMLSelectElement;
  order.value = "name";
  order.dispatchEvent(new Event("change"));
  await element.updateComplete;
  expect(next()?.disabled).toBe(true);
  late.give(page);
  await vi.waitFor(() => expect(next()?.disabled).toBe(false));
});

test("a registration that was left out is not said to be in because its history could not be read", async () => {
  const element = new SalesforceRegistration();
  const registration = inside<{ setExcluded(is: boolean): Promise<void>; failedAction: unknown; announced: string; problem: { body: { code: string } } | null }>(element);
  answer = (method, path) => {
    if (path.includes("/history")) return new Response(JSON.stringify({ title: "No", status: 503, code: "Unavailable" }), { status: 503, headers: { "content-type": "application/problem+json" } });
    return method === "GET" ? new Promise(() => undefined) : { registration_id: "reg", version: 2, is_excluded: true, attendee: {} };
  };
  shownIn(element, { hostId: "one", eventId: "evt", registrationId: "reg", version: 0 });
  await element.updateComplete;
  await registration.setExcluded(true);
  expect([registration.failedAction, registration.announced === ""]).toEqual([null, false]);
  expect(registration.problem).not.toBeNull();
});

test("what was sent for a registration is not shown of the one that is open by now", async () => {
  const late = held<object>();
  const idOf = (path: string): string => /registrations\/(\w+)/.exec(path)?.[1] ?? "";
  const historyOf = (id: string): object => ({ items: [{ at: `of ${id}` }], next_cursor: null });
  answer = (_, path) => {
    if (path.includes("/history")) return idOf(path) === "one" ? late.answer : historyOf(idOf(path));
    return idOf(path) === "" ? { role: "owner", event: { timezone: "UTC" } } : { registration_id: idOf(path), version: 2, attendee: {} };
  };
  const element = shownIn(new SalesforceRegistration(), { hostId: "one", eventId: "evt", registrationId: "one", version: 0 });
  await vi.waitFor(() => expect(asked.some((each) => each.includes("one/history"))).toBe(true));
  element.registrationId = "two";
  const registration = inside<{ attempts: readonly { at: string }[] | null }>(element);
  await vi.waitFor(() => expect(registration.attempts?.[0]?.at).toBe("of two"));
  late.give(historyOf("one"));
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(registration.attempts?.[0]?.at).toBe("of two");
});

test("a change that waits for the one before is made to the host that it was made of", async () => {
  const first = held<object>();
  answer = (method) => (method === "PUT" ? (asked.filter((each) => each.startsWith("PUT")).length === 1 ? first.answer : {}) : new Promise(() => undefined));
  const element = shownIn(new SalesforceSettings(), { hostId: "one" });
  const settings = inside<{ save(name: string, wish: object, said: string): void; settings: unknown }>(element);
  await element.updateComplete;
  settings.save("Leads", {}, "Saved.");
  settings.save("Tasks", {}, "Saved.");
  element.hostId = "two";
  await element.updateComplete;
  first.give({});
  await vi.waitFor(() => expect(asked.filter((each) => each.startsWith("PUT"))).toEqual(["PUT /v1/hosts/one/salesforce/settings", "PUT /v1/hosts/one/salesforce/settings"]));
  expect(settings.settings).toBeNull();
});

test("the console lists the events of the host that it shows, whichever answer comes last", async () => {
  await import("../../src/console/main");
  const late = held<object>();
  const events = (host: string): object => ({ items: [{ id: `of ${host}` }], next_cursor: null });
  answer = (_, path) => (path.includes("/events") ? (ofHost(path) === "one" ? late.answer : events(ofHost(path))) : { items: [{ id: "one", name: "One" }, { id: "two", name: "Two" }], is_operations: false });
  sessionStorage.setItem("eventship-console-token", "t");
  location.hash = "#/hosts/one";
  const element = shownIn(document.createElement("eventship-console"), {});
  const shown = inside<{ events: readonly { id: string }[] | null }>(element);
  await vi.waitFor(() => expect(asked.some((each) => each.includes("hosts/one/events"))).toBe(true));
  location.hash = "#/hosts/two";
  await vi.waitFor(() => expect(shown.events?.map(({ id }) => id)).toEqual(["of two"]));
  late.give(events("one"));
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(shown.events?.map(({ id }) => id)).toEqual(["of two"]);
});

test("more campaigns are more of those that were searched, whatever was typed or chosen since", async () => {
  answer = () => ({ items: [], next_cursor: "further" });
  const picker = inside<{ search(event: Event): Promise<void>; more(): Promise<void>; q: string; sort: string }>(shownIn(new CampaignPicker(), { hostId: "one", eventId: "evt", q: "summit" }));
  await picker.search(new Event("submit"));
  Object.assign(picker, { q: "dinner", sort: "name" });
  await picker.more();
  expect(asked.at(-1)).toMatch(/q=summit&sort=newest.*cursor=further/);
});

test("all events that were chosen stay those of the filter in another language, and none are chosen of another host", async () => {
  answer = (_, path) => (path.includes("/events") ? { items: [], next_cursor: null } : { role: "owner" });
  const element = shownIn(new SalesforceEvents(), { hostId: "one" });
  const events = inside<{ choose(wish: object, isTyping: boolean): void; isAllPicked: boolean; isChanging: boolean; which: object; page: object | null }>(element);
  await vi.waitFor(() => expect(events.page).not.toBeNull());
  events.choose({ q: "Berlin" }, false);
  Object.assign(events, { isAllPicked: true, isChanging: true });
  element.lang = "de";
  await vi.waitFor(() => expect(asked.filter((each) => each.includes("q=Berlin")).length).toBe(2));
  expect(events.which).toEqual({ filter: { q: "Berlin" } });
  element.hostId = "two";
  await element.updateComplete;
  expect([events.which, events.isChanging]).toEqual([{ event_ids: [] }, false]);
});

test("a page of operations is not replaced by the answer of the page before", async () => {
  await import("../../src/console/ops-list");
  const late = held<object>();
  answer = (_, path) => (path.includes("cursor=second") ? { items: ["second"], next_cursor: null } : late.answer);
  const list = inside<{ data: { items: readonly string[] } | null; turnTo(cursor: string): void }>(shownIn(document.createElement("ops-rows"), { item: "" }));
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  list.turnTo("second");
  await vi.waitFor(() => expect(list.data?.items).toEqual(["second"]));
  late.give({ items: ["first"], next_cursor: "second" });
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(list.data?.items).toEqual(["second"]);
});

test("a host is disconnected though its own app could not be forgotten, and both are said", async () => {
  answer = (method, path) => {
    if (method === "DELETE") return new Response(JSON.stringify({ title: "No", status: 503, code: "Unavailable" }), { status: 503, headers: { "content-type": "application/problem+json" } });
    if (method === "POST") return { state: "disconnected" };
    return path.endsWith("/stream") ? new Response(null, { status: 404 }) : new Promise(() => undefined);
  };
  const element = shownIn(new SalesforceCard(), { hostId: "one", render: () => html`<input id="forget" type="checkbox" checked>` });
  const told: string[] = [];
  element.addEventListener("salesforce-disconnected", () => told.push("disconnected"));
  await element.updateComplete;
  const card = inside<{ disconnect(): Promise<void>; card: { state: string } | null; dialog: string | null; refusal: object | null }>(element);
  card.dialog = "disconnect";
  await card.disconnect();
  expect([card.card?.state, card.dialog, told, card.refusal !== null]).toEqual(["disconnected", null, ["disconnected"], true]);
});

test("who was about to be erased of one host is not of the next", async () => {
  const { Erase } = await import("../../src/console/erase-view");
  answer = () => ({ registrations: 1, salesforce_records: [] });
  const element = shownIn(new Erase(), { hostId: "one" });
  await element.updateComplete;
  const erase = inside<{ who: string; isAsking: boolean; erased: object | null }>(element);
  Object.assign(erase, { who: "river@otter.example", isAsking: true, erased: { registrations: 1, salesforce_records: [] } });
  element.hostId = "two";
  await element.updateComplete;
  expect([erase.who, erase.isAsking, erase.erased]).toEqual(["", false, null]);
});
