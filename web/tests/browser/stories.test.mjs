// What a host does, from the first click to the last, in one org and in this order.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before } from "node:test";
import { operations } from "./stories/operations.mjs";
import { assertAccessible, assertFits, launch, openPage, shoot, until } from "./browser.mjs";
import { steps } from "./failure.mjs";
import { PACKAGE_URL, Stack } from "./stack.mjs";
import { aroundCampaigns, beforeConnecting, eraseSomebody, whileConnected, whoDidWhat, whoIsMissing } from "./stories/connecting.mjs";
import { languages } from "./stories/languages.mjs";
import { withManyRows } from "./stories/rows.mjs";

const HOST = "host_otter";
const EVENT = "evt_river";
const TITLE = "River Meeting";
const BROOK = ["evt_brook", "Brook Walk"];
const CREEK = ["evt_creek", "Creek Dinner"];
/** Who registered before the host was connected: reg_901 and so on. */
const EARLY = [BROOK, BROOK, BROOK, CREEK];
/** What the package brings to calendar Events. */
const OF_PACKAGE = { Event: ["Event_Status__c | string(40) | CUN | Event Status", "Cancel_Reschedule_Reason__c | string(255) | CUN | Reason"] };
const PHONE = { width: 360, height: 740 };

let stack, browser, page, campaignId;
const step = steps(() => ({ browser, stack }));

before(async () => {
  stack = await Stack.start();
  await stack.door("PUT", "config", { extra_fields: OF_PACKAGE });
  campaignId = await stack.campaign(TITLE);
  await stack.publish(HOST, EVENT, TITLE);
  for (const [number, [id, title]] of EARLY.entries()) {
    const attendee = { email: `early.${number}@river.example`, first_name: "Early", last_name: `Otter ${number}`, company: "River GmbH" };
    await stack.register(HOST, id, title, attendee, 901 + number);
  }
  browser = await launch();
  page = await openPage(browser);
  await page.goto(await stack.address(HOST));
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

const card = () => page.locator("salesforce-card");

/** The host's page once its card is there: it moves what stands below it, also from under a pointer. */
async function openHost() {
  await page.goto(`${stack.url}/console/#/hosts/${HOST}`);
  await card().locator("summary", { hasText: "What we found in your org" }).waitFor();
}
const mapping = () => page.locator("salesforce-mapping");
const drawer = () => page.locator("salesforce-event-sync");
const button = (name, where = page) => where.getByRole("button", { name, exact: true });
const dialog = () => page.locator("eventship-dialog");
const legend = (state) => drawer().locator(`.legend [data-state=${state}] b`);
const row = (number) => drawer().locator(`[data-registration=reg_${number}]`);

async function signIn(decision) {
  const [popup] = await Promise.all([page.waitForEvent("popup"), button("Connect now", dialog()).click()]);
  await popup.getByText("Otter Events").waitFor();
  await popup.getByRole("button", { name: "Continue to Salesforce" }).click();
  await popup.getByRole("button", { name: "Log in" }).click();
  const choice = popup.getByRole("button", { name: decision });
  await Promise.all([popup.waitForEvent("close"), choice.click()]);
  return popup;
}

/** The sign-in that this address starts, in a page of its own. */
async function throughSalesforce(other, url) {
  await other.goto(url);
  await other.getByRole("button", { name: "Continue to Salesforce" }).click();
  await other.getByRole("button", { name: "Log in" }).click();
  await other.getByRole("button", { name: "Allow" }).click();
}

/** Everything that an event has to write is written, as the API says; a page may still show how it was before. */
async function allDone(eventId) {
  const pending = async () => (await stack.stats(HOST, eventId)).counts.pending;
  await until(async () => (await pending()) === 0, async () => `${await pending()} are pending`);
}

async function counted(state, count) {
  await legend(state).filter({ hasText: new RegExp(`^${count}$`) }).waitFor();
}

step("the token leaves the address and no view has a serious finding", async () => {
  await card().locator("[data-state=not_connected]").waitFor();
  assert.ok(!page.url().includes("token"));
  await card().getByText("4 registrations in 2 events from before the connection").waitFor();
  await card().getByText("Once Salesforce is connected, you decide here").waitFor();
  await assertAccessible(page, "the card before it is connected");
  await shoot(page, "not-connected");
});

step("the install modal leads through two steps", async () => {
  await button("Connect", card()).click();
  const link = dialog().getByRole("link", { name: /Open Salesforce install page/ });
  assert.equal(await link.getAttribute("href"), PACKAGE_URL);
  await button("Copy link for your admin", dialog()).waitFor();
  const file = dialog().getByRole("link", { name: "permission set for your admin (zip)" });
  const [download] = await Promise.all([page.waitForEvent("download"), file.click()]);
  assert.equal(download.suggestedFilename(), "eventship-standard-access.zip");
  await assertAccessible(page, "the install modal");
  await shoot(page, "install");
  await button("I've already installed it", dialog()).click();
  await button("Connect now", dialog()).waitFor();
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
});

beforeConnecting(step, () => ({ page, stack }));

step("a person who denies access is told what happened", async () => {
  await button("Connect", card()).click();
  await button("I've already installed it", dialog()).click();
  await signIn("Deny");
  await dialog().getByRole("heading", { name: "Not connected" }).waitFor();
  assert.match(await dialog().getByRole("alert").innerText(), /access_denied/);
  await shoot(page, "denied");
  await button("Try again", dialog()).click();
});

step("an org without the package gets its own advice", async () => {
  await stack.door("PUT", "config", { package_installed: false });
  const [popup] = await Promise.all([page.waitForEvent("popup"), button("Connect now", dialog()).click()]);
  await popup.getByRole("button", { name: "Continue to Salesforce" }).click();
  await Promise.all([popup.waitForEvent("close"), popup.getByRole("button", { name: "Log in" }).click()]);
  await dialog().locator("strong", { hasText: "Eventship isn't installed in your Salesforce org yet" }).waitFor();
  await assertAccessible(page, "the advice after a failure");
  await stack.door("PUT", "config", { package_installed: true });
  await button("Try again", dialog()).click();
});

step("what another tab began is asked about, and the code is in no address", async () => {
  await page.keyboard.press("Escape");
  const { start_url: url } = await stack.begin(await stack.token(HOST), HOST, { return_to: `/console/?host=${HOST}` });
  const other = await openPage(browser);
  await other.goto(await stack.address(HOST));
  await throughSalesforce(other, url);
  await other.getByRole("heading", { name: /^Connect Northwind Events \(.+\) to Otter Events\?$/ }).waitFor();
  assert.equal(new URL(other.url()).search + new URL(other.url()).hash, `?host=${HOST}`);
  await assertAccessible(other, "the question before a connection");
  await shoot(other, "confirm");
  await other.getByRole("button", { name: "Cancel" }).click();
  await other.locator("salesforce-card [data-state=not_connected]").waitFor();
  assert.deepEqual(other.faults, []);
  await other.context().close();
  await button("Connect", card()).click();
  await button("I've already installed it", dialog()).click();
});

step("who followed a stranger's link is told, nothing is connected, and the access is given back", async () => {
  const stranger = await stack.tokenOf("stranger", "host_stranger");
  const { attempt_id: attempt, start_url: url } = await stack.begin(stranger, "host_stranger", { return_to: `/console/?host=${HOST}` });
  const victim = await openPage(browser);
  await victim.goto(await stack.address(HOST));
  await throughSalesforce(victim, url);
  await victim.locator("salesforce-card [data-strange]").getByText("This sign-in was not begun by you for this host").waitFor();
  assert.equal(new URL(victim.url()).search + new URL(victim.url()).hash, `?host=${HOST}`);
  await assertAccessible(victim, "a stranger's sign-in");
  await shoot(victim, "stranger");
  const headers = { authorization: `Bearer ${stranger}` };
  const ended = await (await fetch(`${stack.url}/v1/hosts/host_stranger/salesforce/connect/${attempt}`, { headers })).json();
  assert.deepEqual([ended.state, ended.problem.code], ["failed", "other_user"]);
  assert.equal((await (await fetch(`${stack.url}/v1/hosts/host_stranger/salesforce`, { headers })).json()).state, "not_connected");
  assert.deepEqual(victim.faults, []);
  await victim.context().close();
});

step("connecting through Salesforce's pages shows the org on the card", async () => {
  await signIn("Allow");
  await card().locator("[data-state=connected]").waitFor();
  await card().getByText("Northwind Events").waitFor();
  await dialog().waitFor({ state: "detached" });
  await assertAccessible(page, "the connected card");
  await shoot(page, "connected");
});

whileConnected(step, () => ({ page, stack }));

step("a person says who they are in Salesforce, and owners see everybody", async () => {
  const own = page.locator("salesforce-user");
  await button("Connect my Salesforce user", own).click();
  await assertAccessible(page, "before one's own sign-in");
  const [popup] = await Promise.all([page.waitForEvent("popup"), button("Sign in to Salesforce", dialog()).click()]);
  await popup.getByRole("button", { name: "Continue to Salesforce" }).click();
  await popup.getByRole("button", { name: "Log in" }).click();
  await Promise.all([popup.waitForEvent("close"), popup.getByRole("button", { name: "Allow" }).click()]);
  await own.getByText("You are Ada Admin in Salesforce.").waitFor();
  await dialog().waitFor({ state: "detached" });
  await own.getByText("Everybody's Salesforce users").click();
  await own.getByRole("listitem").getByText("Ada Admin").waitFor();
  await assertAccessible(page, "one's own Salesforce user");
  await shoot(page, "own-user", { fullPage: true });
});

step("who registered before the connection is written from row, event and card", async () => {
  await card().getByText("4 registrations in 2 events from before the connection").waitFor();
  await page.getByRole("link", { name: CREEK[1] }).click();
  await counted("skipped", 1);
  await button("Write 1 registration from before the connection", drawer()).click();
  await counted("synced", 1);
  await page.getByRole("link", { name: "All events" }).click();
  await card().getByText("3 registrations in 1 event from before the connection").waitFor();
  await page.getByRole("link", { name: BROOK[1] }).click();
  await row(901).getByText("From before the connection").waitFor();
  await assertAccessible(page, "an event from before the connection");
  await shoot(page, "before-event", { fullPage: true });
  await button("Write Early Otter 0 to Salesforce", row(901)).click();
  await counted("synced", 1);
  await page.getByRole("link", { name: "All events" }).click();
  await card().getByText("2 registrations in 1 event from before the connection").waitFor();
  await shoot(page, "before-card", { fullPage: true });
  await button("Write all 2", card()).click();
  await card().locator("[data-before]").waitFor({ state: "detached" });
  await page.getByRole("link", { name: BROOK[1] }).click();
  await counted("synced", 3);
  await page.getByRole("link", { name: "All events" }).click();
  await card().getByText("Everything is up to date").waitFor();
});

step("an event without registrations and campaign says so", async () => {
  await page.getByRole("link", { name: TITLE }).click();
  await drawer().getByText("Nobody has registered yet").waitFor();
  await assertAccessible(page, "the empty drawer");
});

step("a wrong Campaign Id is explained", async () => {
  const field = drawer().getByLabel("Salesforce campaign id");
  await field.fill("001000000000000AAA");
  await button("Validate", drawer()).click();
  await drawer().locator("strong", { hasText: "Invalid Campaign Id" }).waitFor();
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await assertAccessible(page, "a wrong id");
  await shoot(page, "wrong-id");
});

aroundCampaigns(step, () => ({ page, stack }));

step("a campaign is linked with the statuses that are guessed", async () => {
  await drawer().getByLabel("Salesforce campaign id").fill(campaignId);
  await button("Validate", drawer()).click();
  assert.equal(await drawer().getByLabel("When someone registers").inputValue(), "Registered");
  assert.equal(await drawer().getByLabel("When someone is checked in").inputValue(), "Attended");
  await assertAccessible(page, "the choice of statuses");
  await shoot(page, "statuses");
  await button("Save", drawer()).click();
  await drawer().locator("[data-link=linked]").waitFor();
});

step("personalised links are made for one record, and for all members of the campaign", async () => {
  await stack.publish(HOST, EVENT, TITLE, { url: "https://otter.example/river" });
  const links = drawer().locator("salesforce-links-panel");
  await links.getByText("Personalised links").click();
  await links.getByLabel("Salesforce id of a Lead").fill("7015g000000KqRsAAK");
  await button("Make the link", links).click();
  await links.getByText("This is not the id of a Lead").waitFor();
  const { ids: [leadId] } = await stack.door("POST", "records/Lead", [{ LastName: "Invited", Company: "River GmbH", Email: "invited@river.example" }]);
  await stack.door("POST", "records/CampaignMember", [{ CampaignId: campaignId, LeadId: leadId }]);
  await links.getByLabel("Salesforce id of a Lead").fill(leadId);
  await button("Make the link", links).click();
  await links.getByLabel("Link of this record", { exact: true }).waitFor();
  assert.equal(await links.getByLabel("Link of this record", { exact: true }).inputValue(), `https://otter.example/river?salesforce_id=${leadId}`);
  assert.match(await links.getByLabel("Link for an e-mail template", { exact: true }).inputValue(), /salesforce_id=\{\{\{Recipient\.Id\}\}\}$/);
  await assertAccessible(page, "links");
  const [file] = await Promise.all([page.waitForEvent("download"), button("Download links.csv", links).click()]);
  assert.match(await readFile(await file.path(), "utf8"), new RegExp(`${leadId},https://otter.example/river`));
  await shoot(page, "links", { fullPage: true });
  await links.getByText("Personalised links").click();
});

step("counts and rows move while webhooks arrive, without a reload", async () => {
  await page.evaluate(() => { globalThis.isSamePage = true; });
  for (let number = 1; number <= 5; number += 1) {
    await stack.register(HOST, EVENT, TITLE, { email: `otter.${number}@river.example`, first_name: "Otti", last_name: `Otter ${number}`, company: "River GmbH" }, number);
  }
  await counted("synced", 5);
  assert.ok(await page.evaluate(() => globalThis.isSamePage));
  await row(5).getByRole("link", { name: /^Lead/ }).waitFor();
  assert.match(await row(5).getByRole("link", { name: /^Lead/ }).getAttribute("href"), /\/00Q5g/);
  await row(5).getByRole("link", { name: /Campaign: Registered/ }).waitFor();
});

step("a long name and a long company stay inside", async () => {
  await stack.register(HOST, EVENT, TITLE, { email: `${"very.long.".repeat(5)}name@river.example`, first_name: "Maximiliane".repeat(6), last_name: "Otter-von-der-Wasserkante".repeat(2), company: "VeryLongCompanyName".repeat(12) }, 6);
  await counted("synced", 6);
  await assertFits(page, "long texts");
});

step("a failed row is retried until it is synced", async () => {
  const rule = { sobject: "Lead", when: "Phone LIKE '555%'", message: "Phone must start with +", field: "Phone" };
  await stack.door("PUT", "config", { validation_rules: [rule] });
  await stack.register(HOST, EVENT, TITLE, { email: "val@river.example", first_name: "Val", last_name: "Refused", company: "River GmbH", phone: "555 0100" }, 7);
  await counted("failed", 1);
  await drawer().getByText("Salesforce said: “Phone must start with +”").waitFor();
  await drawer().locator("summary", { hasText: "What to do" }).first().click();
  await assertAccessible(page, "the drawer with a failure");
  await shoot(page, "failed", { fullPage: true });
  await stack.door("PUT", "config", { validation_rules: [] });
  await row(7).getByRole("button", { name: /^Retry/ }).click();
  await counted("synced", 7);
  await counted("failed", 0);
});

step("a check-in is shown as attended", async () => {
  await stack.webhook("registration.checked_in", HOST, { id: EVENT, title: TITLE }, {
    id: "reg_1", status: "confirmed", registered_at: "2026-11-20T09:00:00Z", checked_in_at: new Date().toISOString(),
    attendee: { email: "otter.1@river.example", first_name: "Otti", last_name: "Otter 1", company: "River GmbH" },
  });
  await counted("attended", 1);
  await row(1).getByRole("link", { name: /Campaign: Attended/ }).waitFor();
});

step("what somebody deleted in Salesforce is found, and comes back by a repair", async () => {
  const { records } = await stack.door("GET", "records/Task");
  const task = records.find((each) => each.Subject === `Registered: ${TITLE}` && !each.IsDeleted);
  await stack.deleteRecord("Task", task.Id);
  const panel = drawer().locator("salesforce-proof-panel");
  await panel.getByText("Check what is in Salesforce").click();
  await button("Verify", panel).click();
  await panel.locator("[data-verification=done]").getByText("6 of 7 are in order.").waitFor();
  const difference = panel.locator("[data-difference=missing_activity]");
  await difference.getByText(task.Id).waitFor();
  await assertAccessible(page, "a verification");
  await assertFits(page, "a verification");
  await shoot(page, "verified", { fullPage: true });
  await button("Repair…", panel).click();
  await panel.locator("[data-repair]").getByText("1 registration would be written again.").waitFor();
  await assertAccessible(page, "a repair that was counted");
  await button("Repair 1", panel).click();
  await panel.getByText("1 registration is written again.").waitFor();
  const again = async () => (await stack.door("GET", "records/Task")).records.filter((each) => each.WhoId === task.WhoId && each.Subject === task.Subject && !each.IsDeleted);
  await allDone(EVENT);
  await counted("synced", 7);
  await button("Verify again", panel).click();
  await panel.locator("[data-verification=done]").getByText("All 7 are in order.").waitFor();
  assert.equal((await again()).length, 1);
  await panel.getByText("Check what is in Salesforce").click();
});

step("rows are searched and chosen by state", async () => {
  await drawer().getByLabel("Search by name, e-mail or company").fill("otter.3@");
  await row(2).waitFor({ state: "detached" });
  await row(3).waitFor();
  await drawer().getByLabel("Search by name, e-mail or company").fill("");
  await legend("attended").click();
  await row(3).waitFor({ state: "detached" });
  await row(1).waitFor();
  await legend("attended").click();
  await row(3).waitFor();
});

step("a pause holds what comes in, and a resume lets it go", async () => {
  await button("Pause", drawer()).click();
  await drawer().getByText("Syncing of this event is paused").waitFor();
  await stack.register(HOST, EVENT, TITLE, { email: "late@river.example", first_name: "Late", last_name: "Otter", company: "River GmbH" }, 8);
  await counted("pending", 1);
  await button("Resume", drawer()).click();
  await counted("synced", 8);
});

whoIsMissing(step, () => ({ page, stack }), "otter.1@river.example");

step("what the connected user lacks is on card, event, row and the page of operations", async () => {
  await stack.door("PUT", "config", { hidden_fields: { Lead: ["Email"] } });
  await page.goto(`${stack.url}/console/#/hosts/${HOST}`);
  await card().locator("summary", { hasText: "What we found in your org" }).click();
  await card().locator("[data-package=not_seen]").getByText("assigns the permission set Eventship Fields").waitFor();
  await button("Look again", card()).click();
  await card().locator("[data-problem=email_not_searchable]").locator("strong", { hasText: "Lead cannot be looked for by e-mail" }).waitFor();
  await stack.register(HOST, ...CREEK, { email: "hidden@river.example", first_name: "Hidden", last_name: "Otter", company: "River GmbH" }, 911);
  await card().getByText("1 change is waiting").waitFor();
  assert.equal(await card().getByText("Everything is up to date").count(), 0);
  await assertAccessible(page, "a card with a problem");
  await shoot(page, "problem-card", { fullPage: true });
  await page.getByRole("link", { name: CREEK[1] }).click();
  await drawer().locator("[data-problem=email_not_searchable]").waitFor();
  await row(911).getByText("The connected user lacks access in Salesforce").waitFor();
  await assertAccessible(page, "an event with a problem");
  await shoot(page, "problem-event", { fullPage: true });
  await page.getByRole("link", { name: "Operations" }).click();
  await page.locator("ops-overview").getByRole("row").filter({ hasText: "A right is missing" }).getByText("email_not_searchable").waitFor();
  await assertAccessible(page, "operations with a problem");
  await shoot(page, "problem-operations", { fullPage: true });
  await stack.door("PUT", "config", { hidden_fields: { Lead: [] } });
  await page.goto(`${stack.url}/console/#/hosts/${HOST}/events/${CREEK[0]}`);
  await fetch(`${stack.url}/v1/hosts/${HOST}/salesforce/preflight`, { method: "POST", headers: { authorization: `Bearer ${await stack.token(HOST)}` } });
  await counted("synced", 2);
  await drawer().locator("[data-problem]").waitFor({ state: "detached" });
});

step("the host decides what is written, and is told what the org will not take", async () => {
  const fields = ["Diet__c | picklist(255) | CUNR | Diet | Vegan; Vegetarian; None", "Region__c | string(40) | CU | Region"];
  const known = "Legacy_Id__c | string(40) | CUNX | Legacy Id";
  await stack.door("PUT", "config", { extra_fields: { ...OF_PACKAGE, Lead: [...fields, known], Contact: [known] } });
  await openHost();
  await page.getByRole("link", { name: "People and fields" }).click();
  await mapping().getByLabel("Create a Lead").waitFor();
  const objects = () => mapping().evaluate((element) => Object.keys(element.objects));
  await until(async () => (await objects()).length > 0, () => "the mapping knows no objects");
  assert.deepEqual(await objects(), ["Lead", "Contact", "Account", "CampaignMember", "Task", "Event", "Case", "EmailMessage"]);
  await button("Check", mapping()).click();
  await mapping().locator("[data-required=Region__c]").waitFor();
  await mapping().getByRole("button", { name: "Fill it Region" }).click();
  await dialog().getByLabel("A fixed value").check();
  await dialog().getByLabel("Fixed value", { exact: true }).fill("North");
  await assertAccessible(page, "the choice of a field");
  await button("Done", dialog()).click();
  await mapping().locator("[data-required=Region__c]").waitFor({ state: "detached" });
  await mapping().getByLabel("Your own field").selectOption("Legacy_Id__c");
  assert.equal(await mapping().getByLabel("Is compared with").inputValue(), "attendee.id");
  await button("Add a field", mapping()).click();
  await dialog().getByLabel("Field", { exact: true }).fill("Diet");
  await dialog().locator("#source").selectOption("ticket.name");
  await button("Add an option", dialog()).click();
  await dialog().getByLabel("Attendee's option").fill("Standard");
  await dialog().getByLabel("Value in Salesforce").selectOption("Vegan");
  await assertAccessible(page, "options of a field");
  await shoot(page, "mapping-field");
  await button("Done", dialog()).click();
  await mapping().locator("[data-rule='Lead.Diet__c']").getByText("1 option translated").waitFor();
  await assertAccessible(page, "the mapping");
  await shoot(page, "mapping", { fullPage: true });
});

step("a mapping that will fail is saved after a question only", async () => {
  await mapping().getByLabel("Create a Person Account").check();
  await button("Save", mapping()).click();
  await mapping().getByText("Your org will not take some of this").waitFor();
  await mapping().getByText("Person Accounts are not switched on in this org.").waitFor();
  await shoot(page, "mapping-question", { fullPage: true });
  await button("Go on editing", mapping()).click();
  await mapping().getByLabel("Create a Lead").check();
  await button("Save", mapping()).click();
  await mapping().getByRole("status").getByText("Saved.").waitFor();
  await page.setViewportSize(PHONE);
  await assertFits(page, "the mapping");
  await assertAccessible(page, "the mapping on a phone");
  await shoot(page, "mapping-phone", { fullPage: true });
  await page.setViewportSize({ width: 1100, height: 900 });
  await page.reload();
  await mapping().locator("[data-rule='Lead.Diet__c']").getByText("Ticket: name").waitFor();
});

step("what the host decided is written with the next registration", async () => {
  await page.goto(`${stack.url}/console/#/hosts/${HOST}/events/${EVENT}`);
  const attendee = { email: "vegan@river.example", first_name: "Vera", last_name: "Vegan", company: "River GmbH" };
  await stack.webhook("registration.confirmed", HOST, { id: EVENT, title: TITLE }, {
    id: "reg_9", status: "confirmed", registered_at: "2026-11-20T09:00:00Z", attendee, ticket: { name: "Standard", kind: "attendee" },
  });
  await counted("synced", 9);
  const { records } = await stack.door("GET", "records/Lead");
  const { Diet__c: diet, Region__c: region } = records.find((each) => each.Email === attendee.email);
  assert.deepEqual([diet, region], ["Vegan", "North"]);
});

step("an event is switched off and on, a kind over the host's choice and back", async () => {
  await page.goto(`${stack.url}/console/#/hosts/${HOST}/events/${BROOK[0]}`);
  const switches = drawer().locator("salesforce-event-switches");
  await switches.getByRole("switch", { name: "This event" }).click();
  await switches.getByText("The event is switched off.").waitFor();
  await stack.register(HOST, ...BROOK, { email: "off@river.example", first_name: "Off", last_name: "Otter", company: "River GmbH" }, 921);
  await row(921).getByText("The event is switched off").waitFor();
  await page.keyboard.press("Space");
  await switches.getByText("What was skipped goes out now").waitFor();
  await counted("synced", 4);
  await switches.getByText(/^Kinds of write: New people, Tasks/).click();
  await switches.getByRole("switch", { name: "Tasks" }).click();
  await switches.getByText("Chosen for this event").waitFor();
  await assertAccessible(page, "the switches of an event");
  await shoot(page, "switches", { fullPage: true });
  await button("Tasks: as the host has it", switches).click();
  await switches.getByText("Tasks: as the host has it, on.").waitFor();
  assert.equal(await switches.getByText("Chosen for this event").count(), 0);
});

whoDidWhat(step, () => ({ page, stack }), HOST);
eraseSomebody(step, () => ({ page, stack }), HOST);

step("all events are worked on by keyboard, and many are changed after a try", async () => {
  await openHost();
  await page.getByRole("link", { name: "What is written of each event" }).click();
  const events = page.locator("salesforce-events");
  const tasks = (title) => events.getByRole("switch", { name: `Tasks, ${title}` });
  await events.getByRole("checkbox", { name: "Choose" }).first().focus();
  for (const key of ["ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "Space"]) await page.keyboard.press(key);
  await events.getByText(/^Tasks, .+: off\.$/).waitFor();
  await page.keyboard.press("Shift+ArrowDown");
  await events.getByText("2 events chosen").waitFor();
  await assertAccessible(page, "all events");
  await shoot(page, "matrix");
  await button("Choose all that match", events).click();
  await button("Change…", events).click();
  await dialog().getByLabel("Tasks").selectOption("As the host has it");
  await button("Try it out", dialog()).click();
  await dialog().getByText("1 event of 3 would change.").waitFor();
  await assertAccessible(page, "a change of many events");
  await shoot(page, "matrix-change");
  await button("Change 1 event", dialog()).click();
  await events.getByText("1 event has changed.").waitFor();
  for (const title of [TITLE, BROOK[1], CREEK[1]]) assert.equal(await tasks(title).getAttribute("aria-checked"), "true");
  await events.getByLabel("Title").fill("brook");
  await tasks(TITLE).waitFor({ state: "detached" });
  await tasks(BROOK[1]).waitFor();
  assert.equal(await events.locator("[data-cell][tabindex='0']").count(), 1);
  await page.setViewportSize({ width: 320, height: 740 });
  await assertFits(page, "all events on a small phone");
});

step("what a host has written is changed at once, and said", async () => {
  await page.setViewportSize({ width: 1100, height: 900 });
  await openHost();
  await page.getByRole("link", { name: "What is written", exact: true }).click();
  const settings = page.locator("salesforce-settings");
  await settings.getByRole("switch", { name: "Calendar Events" }).click();
  await settings.getByText("Calendar Events: on, from now on.").waitFor();
  await settings.getByLabel("Begin switched off").check();
  await settings.getByRole("group", { name: "Written for" }).first().getByLabel("Webinar").check();
  await settings.getByLabel("E-mail domains").fill("not a domain");
  await page.keyboard.press("Tab");
  await settings.getByRole("alert").getByText("Not saved: what “E-mail domains” has now is not possible").waitFor();
  await settings.getByLabel("Minutes, where no end is known").fill("30");
  await page.keyboard.press("Tab");
  await settings.getByText("Saved: Minutes, where no end is known.").waitFor();
  await assertAccessible(page, "the settings of a host");
  await shoot(page, "settings", { fullPage: true });
  const headers = { authorization: `Bearer ${await page.evaluate(() => sessionStorage.getItem("eventship-console-token"))}` };
  const kept = await (await fetch(`${stack.url}/v1/hosts/${HOST}/salesforce/settings`, { headers })).json();
  assert.deepEqual([kept.writes.calendar_event, kept.new_events, kept.calendar_event.kinds, kept.calendar_event.default_minutes], [true, "off", ["meeting", "webinar"], 30]);
  await settings.getByRole("switch", { name: "Calendar Events" }).click();
  await settings.getByText("Calendar Events: off").waitFor();
  await settings.getByLabel("Are written from the start").check();
  await settings.getByText("Saved: New events.").waitFor();
  await page.setViewportSize({ width: 320, height: 740 });
  await assertFits(page, "the settings on a small phone");
});

step("on a phone nothing sticks out, in any view", async () => {
  await page.setViewportSize(PHONE);
  await page.goto(`${stack.url}/console/#/hosts/${HOST}/events/${EVENT}`);
  await counted("synced", 9);
  await assertFits(page, "the drawer");
  await assertAccessible(page, "the drawer on a phone");
  await shoot(page, "phone");
  await page.getByRole("link", { name: "Operations" }).click();
  await page.getByRole("heading", { name: "Workers" }).waitFor();
  await assertFits(page, "operations");
  await page.getByRole("link", { name: "Otter Events" }).click();
  await card().locator("[data-state=connected]").waitFor();
  await assertFits(page, "the host");
  await page.setViewportSize({ width: 1100, height: 900 });
});

operations(step, () => ({ page, stack, host: HOST, event: ["evt_pond", "Pond Talk"] }));

const MEETING = ["evt_demo", "Product demo"];

/** What the platform says of the meeting's only registration. */
function tells(type, times, more = {}) {
  const event = { id: MEETING[0], title: MEETING[1], kind: "meeting", location: "Berlin", starts_at: "2026-12-03T09:00:00Z", ends_at: "2026-12-03T09:30:00Z" };
  const attendee = { email: "mia@river.example", first_name: "Mia", last_name: "Meets", company: "River GmbH" };
  return stack.webhook(type, HOST, event, { id: "reg_951", status: "confirmed", registered_at: "2026-11-20T09:00:00Z", attendee, ...times }, more);
}

/** With some space on each side. */
function around({ x, y, width, height }) {
  return { x: x - 16, y: y - 8, width: width + 32, height: height + 16 };
}

/** A page of Salesforce's own, as the salesperson has it open. */
async function inSalesforce(sales, path, texts, picture) {
  await sales.goto(new URL(path, stack.org).href);
  for (const text of texts) await sales.getByText(text).first().waitFor();
  await shoot(sales, picture);
}

step("a meeting is booked, moved and missed, and the salesperson sees it in Salesforce", async () => {
  await page.setViewportSize({ width: 1100, height: 900 });
  await page.goto(`${stack.url}/console/#/hosts/${HOST}/settings`);
  for (const kind of ["Calendar Events", "Cases", "E-mails sent", "E-mail replies"]) {
    await page.getByRole("switch", { name: kind }).click();
    await page.getByText(`${kind}: on, from now on.`).waitFor();
  }
  const sales = await openPage(browser, { viewport: { width: 1280, height: 222 } });
  const { ids: [mia] } = await stack.door("POST", "records/Contact", [{ FirstName: "Mia", LastName: "Meets", Email: "mia@river.example" }]);
  const activity = (name) => row(951).getByRole("link", { name });
  await tells("registration.confirmed", {});
  await page.goto(`${stack.url}/console/#/hosts/${HOST}/events/${MEETING[0]}`);
  await activity(/^Calendar Event: Scheduled/).waitFor();
  await activity(/^Case/).waitFor();
  await inSalesforce(sales, "/calendar", ["2026-12-03 09:00–09:30", "Scheduled"], "meeting-booked");
  await tells("email.sent", {}, { email: { id: "mail_1", at: "2026-11-20T09:01:00Z", subject: "See you on Thursday" } });
  await activity(/^E-mail sent: See you on Thursday/).waitFor();
  const friday = { starts_at: "2026-12-04T13:00:00Z", ends_at: "2026-12-04T13:30:00Z" };
  const previous = { starts_at: "2026-12-03T09:00:00Z", ends_at: "2026-12-03T09:30:00Z" };
  await tells("email.replied", {}, { email: { id: "mail_1", at: "2026-11-20T10:00:00Z", subject: "Re: See you on Thursday", snippet: "Friday suits me better." } });
  await tells("registration.rescheduled", friday, { previous, reason: "Travels on Thursday" });
  await activity(/^Calendar Event: Rescheduled/).waitFor();
  await activity(/^E-mail reply/).waitFor();
  await inSalesforce(sales, "/calendar", ["2026-12-04 13:00–13:30", "Rescheduled", "Travels on Thursday"], "meeting-moved");
  await tells("registration.no_show", friday);
  await activity(/^Calendar Event: No-show/).waitFor();
  await assertAccessible(page, "a meeting that was missed");
  await page.evaluate(() => scrollTo(0, 0));
  await shoot(page, "meeting-row", { fullPage: true, clip: around(await drawer().locator("salesforce-rows-panel").boundingBox()) });
  await inSalesforce(sales, "/calendar", ["2026-12-04 13:00–13:30", "No-show"], "meeting-missed");
  await sales.setViewportSize({ width: 1280, height: 400 });
  await inSalesforce(sales, `/people/${mia}`, ["Product demo", "See you on Thursday"], "meeting-person");
  assert.equal((await stack.door("GET", "records/Event")).records.length, 1);
  await sales.context().close();
});

step("a member of the host may look and not change", async () => {
  const other = await openPage(browser);
  await other.goto(await stack.address(HOST, "member"));
  await other.getByText("Only an owner or admin of this host can do this.").waitFor();
  assert.ok(await other.getByRole("button", { name: "Disconnect" }).isDisabled());
  await other.locator("salesforce-user [data-me]").waitFor();
  assert.equal(await other.getByText("Everybody's Salesforce users").count(), 0);
  await other.getByRole("link", { name: "People and fields" }).click();
  await other.locator("salesforce-mapping [data-rule='Lead.Diet__c']").waitFor();
  assert.ok(await other.getByLabel("Create a Lead").isDisabled());
  assert.equal(await other.getByRole("button", { name: "Save", exact: true }).count(), 0);
  await other.goto(`${stack.url}/console/#/hosts/${HOST}/matrix`);
  await other.locator("salesforce-events [role=switch][aria-disabled=true]").first().waitFor();
  assert.equal(await other.getByRole("button", { name: "Change…" }).count(), 0);
  await other.locator("salesforce-events [data-cell][tabindex='0']").focus();
  await other.keyboard.press("Space");
  assert.equal(await other.getByRole("checkbox", { name: "Choose" }).first().isChecked(), false);
  await other.context().close();
});

withManyRows(step, () => ({ page, stack, browser, host: HOST }));

languages(step, () => ({ browser, stack }));

step("a link is ended after a question, and says what stays", async () => {
  await page.goto(`${stack.url}/console/#/hosts/${HOST}/events/${EVENT}`);
  await button("Unlink", drawer()).click();
  await assertAccessible(page, "the question before an unlink");
  await button("Yes, unlink", dialog()).click();
  await drawer().getByText(/Unlinked\. 9 members stay/).waitFor();
  await drawer().getByLabel("Salesforce campaign id").waitFor();
});

step("disconnecting is confirmed, and the card says so", async () => {
  await page.getByRole("link", { name: "All events" }).click();
  await button("Disconnect", card()).click();
  await dialog().getByText(/already synced stay in Salesforce/).waitFor();
  await button("Yes, disconnect", dialog()).click();
  await card().locator("[data-state=disconnected]").waitFor();
  await assertAccessible(page, "the disconnected card");
});

step("a window that was cut off from its page asks there, and the page notices", async () => {
  await button("Connect", card()).click();
  const [popup] = await Promise.all([page.waitForEvent("popup"), button("Connect now", dialog()).click()]);
  await popup.getByRole("button", { name: "Continue to Salesforce" }).click();
  await popup.evaluate(() => { globalThis.opener = null; });
  await popup.getByRole("button", { name: "Log in" }).click();
  await popup.getByRole("button", { name: "Allow" }).click();
  await popup.getByRole("heading", { name: /^Connect Northwind Events \(.+\) to Otter Events\?$/ }).waitFor();
  assert.equal(new URL(popup.url()).search + new URL(popup.url()).hash, `?host=${HOST}`);
  await card().locator("[data-state=disconnected]").waitFor();
  await popup.getByRole("button", { name: "Yes, connect" }).click();
  await card().locator("[data-state=connected]").waitFor();
  await dialog().waitFor({ state: "detached" });
  await popup.close();
});

step("an expired token is told, and nothing is asked any more", async () => {
  await page.evaluate(() => sessionStorage.setItem("eventship-console-token", "not.a.token"));
  await page.reload();
  await page.getByText("This address needs a token").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await assertAccessible(page, "without a token");
});

step("nothing went wrong on the page all the while", () => {
  assert.deepEqual(page.faults, []);
});
