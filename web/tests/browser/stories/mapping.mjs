// Mapping by example: what a host who reads no JSON does with two questions, and what keeps their work.
import assert from "node:assert/strict";
import { assertAccessible, assertFits, shoot } from "../browser.mjs";
import { assertEasy } from "../effort.mjs";

const DIET = "Diet__c | picklist(255) | CUNR | Diet | Vegan; Vegetarian; None";
const SHIRT = "Garment__c | string(40) | CUN | Garment";
const PEOPLE = [["Rosa", "vegan", "M"], ["Lena", "vegetarian", "L"], ["Kim", "vegan", "M"], ["Ana", "vegetarian", "L"]];
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1100, height: 900 };

/** Fields of the org for the questions; before the host connects. */
export const FIELDS = { Lead: [DIET, SHIRT], Contact: [DIET, SHIRT], CampaignMember: [DIET] };

const button = (name, where) => where.getByRole("button", { name, exact: true });

/** `at` gives page, stack, effort, and whose event it is. */
export function mappingByExample(step, at) {
  const page = () => at().page;
  const mapping = () => page().locator("salesforce-mapping");
  const dialog = () => page().locator("eventship-dialog");
  const example = () => mapping().locator("salesforce-mapping-example");
  const ofLead = (field) => example().locator(`[data-record=Lead] [data-field=${field}]`);
  /** Focus is on what has this text, wherever it is. */
  const hasFocus = (text) => page().waitForFunction((wanted) => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at?.textContent?.trim() === wanted;
  }, text);
  const open = (path) => page().goto(`${at().stack.url}/console/#/hosts/${at().host}${path}`);

  step("two questions are mapped with at most twelve clicks and fields, seen on a real person", async (context) => {
    const { stack, effort, host, event, title } = at();
    for (const [number, [name, diet, size]] of PEOPLE.entries()) {
      const answers = [{ key: "diet", label: "Dietary needs", value: diet }, { key: "size", label: "Which size do you wear?", value: size }];
      const attendee = { email: `${name}@lake.example`, first_name: name, last_name: "Shore", company: "Shore GmbH" };
      await stack.webhook("registration.confirmed", host, { id: event, title }, { id: `reg_30${number}`, status: "confirmed", registered_at: "2026-11-20T09:00:00Z", attendee, answers });
    }
    await open("");
    await assertEasy(effort, "mapping two questions", context, async () => {
      await page().getByRole("link", { name: "People and fields" }).click();
      await ofLead("LastName").getByText("Shore").waitFor();
      await mapping().locator("[data-suggestion='answers.diet']").getByText("2 of 2 options match").waitFor();
      await shoot(page(), "mapping-suggestion", { fullPage: true });
      await button("Take it Dietary needs", mapping()).click();
      await button("Add a field", mapping()).click();
      await dialog().getByLabel("Field", { exact: true }).fill("Garment");
      await dialog().locator("#source").selectOption("answers.size");
      await dialog().locator("[data-seen]").getByText("Lead").waitFor();
      await assertAccessible(page(), "a rule for several objects");
      await shoot(page(), "mapping-rule");
      await button("Done", dialog()).click();
      await hasFocus("Add a field");
      await mapping().locator("[data-reach='4']").waitFor();
      await ofLead("Diet__c").getByText("new").waitFor();
      await ofLead("Garment__c").getByText("new").waitFor();
      await mapping().locator("[data-rule='Lead.Diet__c Contact.Diet__c CampaignMember.Diet__c']").waitFor();
      await mapping().locator("[data-rule='Lead.Garment__c Contact.Garment__c']").waitFor();
      await assertAccessible(page(), "mapping by example");
      await shoot(page(), "mapping-example", { fullPage: true });
      await button("Save", mapping()).click();
      await mapping().getByRole("status").getByText("Saved.").waitFor();
    });
    assert.notEqual(await page().evaluate(() => document.activeElement.tagName), "BODY");
    await page().setViewportSize(PHONE);
    await assertFits(page(), "mapping by example");
    await assertAccessible(page(), "mapping by example on a phone");
    await shoot(page(), "mapping-example-phone", { fullPage: true });
    await page().setViewportSize(DESKTOP);
  });

  step("somebody else is found by name, and shown", async () => {
    await button("Choose somebody else", example()).click();
    await example().getByLabel("Search by name").fill("lena");
    await example().locator("[data-registrant='reg_301']").waitFor();
    await example().locator("[data-registrant='reg_300']").waitFor({ state: "detached" });
    await button("Lena Shore", example()).click();
    await example().getByText("Now shown: Lena Shore.").waitFor();
    await ofLead("Diet__c").getByText("Vegetarian").waitFor();
    await hasFocus("Choose somebody else");
  });

  step("a text of several values is completed and checked while it is typed", async () => {
    await button("Add a field", mapping()).click();
    await dialog().getByLabel("Object").selectOption("Task");
    await dialog().getByLabel("Field", { exact: true }).fill("No such field");
    await dialog().getByText("Your org has no such field").waitFor();
    await dialog().getByLabel("Object").selectOption("Lead");
    await dialog().getByLabel("Field", { exact: true }).fill("Description");
    await dialog().getByLabel("A text of several values").check();
    await dialog().getByLabel("Text", { exact: true }).fill("Met at {event.titel} ");
    await dialog().getByText("There is no value “event.titel”. Did you mean “event.title”?").waitFor();
    assert.ok(await button("Done", dialog()).isDisabled());
    await assertAccessible(page(), "a text that is wrong");
    await shoot(page(), "mapping-text");
    await button("Use event.title", dialog()).click();
    await dialog().locator("[data-insert='answers.diet']").click();
    assert.equal(await dialog().getByLabel("Text", { exact: true }).inputValue(), "Met at {event.title} {answers.diet}");
    await dialog().locator("[data-seen]").getByText(`Met at ${at().title} vegetarian`).waitFor();
    await button("Done", dialog()).click();
    await mapping().locator("[data-rule^='Lead.Description']").waitFor();
  });

  step("an owner is chosen by name", async () => {
    await mapping().getByLabel("A user, or for Leads a queue").check();
    await button("Save", mapping()).click();
    await mapping().getByText("Choose a user or a queue first.").waitFor();
    await mapping().getByLabel("User or queue").fill("event");
    await button("Event Leads", mapping()).click();
    await mapping().getByText("Owner: Event Leads").waitFor();
    await ofLead("OwnerId").getByText("Event Leads").waitFor();
    await assertAccessible(page(), "an owner");
  });

  step("leaving with unsaved changes asks, and a reload keeps them", async () => {
    await page().getByRole("link", { name: "All events" }).click();
    await dialog().getByText("Your changes to people and fields are not saved.").waitFor();
    await assertAccessible(page(), "the question before leaving");
    await shoot(page(), "mapping-leave");
    await button("Stay here", dialog()).click();
    await dialog().waitFor({ state: "detached" });
    await hasFocus("‹ All events");
    let hasAsked = false;
    page().once("dialog", (asked) => { hasAsked = asked.type() === "beforeunload"; return asked.accept(); });
    await page().reload();
    assert.ok(hasAsked);
    await mapping().getByText("Your unsaved changes from before are back.").waitFor();
    await mapping().getByText("Owner: Event Leads").waitFor();
    await mapping().locator("[data-rule^='Lead.Description']").waitFor();
    await page().getByRole("link", { name: "All events" }).click();
    await button("Leave and discard them", dialog()).click();
    await page().locator("salesforce-card").waitFor();
    await page().getByRole("link", { name: "People and fields" }).click();
    await mapping().locator("[data-rule^='Lead.Diet__c']").waitFor();
    assert.equal(await mapping().locator("[data-rule^='Lead.Description']").count(), 0);
  });

  step("an event has its own, over what it inherits, and gives it back", async () => {
    const { event } = at();
    await open(`/events/${event}`);
    await page().getByRole("link", { name: "People and fields of this event" }).click();
    await mapping().locator("[data-own='0']").waitFor();
    await mapping().locator("[data-rule^='Lead.Diet__c']").getByText("from the host").waitFor();
    await mapping().getByLabel("Create a Contact").check();
    await button("Switch off Lead, Contact Garment", mapping()).click();
    await hasFocus("Add a field");
    await mapping().locator("[data-own='3']").waitFor();
    await example().locator("[data-record=Contact] [data-field=Diet__c]").waitFor();
    await assertAccessible(page(), "an event's own mapping");
    await shoot(page(), "mapping-event", { fullPage: true });
    await button("Save", mapping()).click();
    await mapping().getByRole("status").getByText("Saved.").waitFor();
    await mapping().locator("[data-own='3']").waitFor();
  });

  step("another event takes them over after a look, and goes back to the host's", async () => {
    const { stack, host, event, title } = at();
    await stack.publish(host, "evt_shore", "Shore Walk");
    await open("/events/evt_shore/mapping");
    await mapping().locator("[data-own='0']").waitFor();
    await mapping().locator("summary", { hasText: "Copy from elsewhere" }).click();
    await mapping().getByLabel("Event to copy from").selectOption({ label: title });
    await button("Look at it first", mapping()).click();
    await mapping().locator("salesforce-mapping-copy").getByText("Garment__c").waitFor();
    await assertAccessible(page(), "a look before copying");
    await shoot(page(), "mapping-copy", { fullPage: true });
    await button("Copy it", mapping()).click();
    await mapping().locator("[data-own='3']").waitFor();
    await button("All as the host has it", mapping()).click();
    await button("Yes, take them back", mapping()).click();
    await mapping().locator("[data-own='0']").waitFor();
    await open(`/events/${event}`);
  });
}
