// A person who reads no JSON: what the usual tasks cost in clicks and fields, with everything that Salesforce asks.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { launch, openPage, shoot } from "./browser.mjs";
import { assertEasy, watchEffort } from "./effort.mjs";
import { steps } from "./failure.mjs";
import { FIELDS, mappingByExample } from "./stories/mapping.mjs";
import { Stack } from "./stack.mjs";

const HOST = "host_easy";
const EVENT = "evt_lake";
const TITLE = "Lake Summit";
const REFUSED = 3;

let stack, browser, page, effort;

const card = () => page.locator("salesforce-card");
const dialog = () => page.locator("eventship-dialog");
const drawer = () => page.locator("salesforce-event-sync");
const button = (name, where = page) => where.getByRole("button", { name, exact: true });
const counted = (state, count) => drawer().locator(`.legend [data-state=${state}] b`).filter({ hasText: new RegExp(`^${count}$`) }).waitFor();

const step = steps(() => ({ browser, stack }));

before(async () => {
  stack = await Stack.start();
  await stack.door("PUT", "config", { extra_fields: FIELDS });
  await stack.publish(HOST, EVENT, TITLE);
  browser = await launch();
  page = await openPage(browser);
  effort = await watchEffort(page.context());
  await page.goto(await stack.address(HOST));
});

after(async () => {
  await browser?.close();
  await stack?.stop();
});

step("connecting takes a person at most twelve clicks and fields", async (context) => {
  await assertEasy(effort, "connecting", context, async () => {
    await button("Connect", card()).click();
    await button("I've already installed it", dialog()).click();
    const [popup] = await Promise.all([page.waitForEvent("popup"), button("Connect now", dialog()).click()]);
    await popup.getByRole("button", { name: "Continue to Salesforce" }).click();
    await popup.getByRole("button", { name: "Log in" }).click();
    await Promise.all([popup.waitForEvent("close"), popup.getByRole("button", { name: "Allow" }).click()]);
    await card().locator("[data-state=connected]").waitFor();
  });
});

step("so does linking a campaign", async (context) => {
  const campaignId = await stack.campaign(TITLE);
  await assertEasy(effort, "linking a campaign", context, async () => {
    await page.getByRole("link", { name: TITLE }).click();
    await drawer().getByLabel("Salesforce campaign id").fill(campaignId);
    await button("Validate", drawer()).click();
    await button("Save", drawer()).click();
    await drawer().locator("[data-link=linked]").waitFor();
  });
});

step("and curing a group of failures", async (context) => {
  const rule = { sobject: "Lead", when: "Phone LIKE '555%'", message: "Phone must start with +", field: "Phone" };
  await stack.door("PUT", "config", { validation_rules: [rule] });
  for (let number = 1; number <= REFUSED; number += 1) {
    const attendee = { email: `lake.${number}@lake.example`, first_name: "Lou", last_name: `Lake ${number}`, company: "Lake GmbH", phone: "555 0100" };
    await stack.register(HOST, EVENT, TITLE, attendee, 2000 + number);
  }
  await counted("failed", REFUSED);
  await stack.door("PUT", "config", { validation_rules: [] });
  await assertEasy(effort, "curing a group", context, async () => {
    await drawer().locator("summary", { hasText: "What to do" }).first().click();
    await shoot(page, "easy-group", { fullPage: true });
    await drawer().getByRole("button", { name: new RegExp(`^Retry ${REFUSED}\\b`) }).click();
    await counted("synced", REFUSED);
  });
});

step("and finding out why one attendee is missing", async (context) => {
  const attendee = { email: "late@lake.example", first_name: "Lea", last_name: "Late", company: "Lake GmbH" };
  await stack.webhook("registration.updated", HOST, { id: EVENT, title: TITLE }, {
    id: "reg_2010", status: "waitlisted", registered_at: "2026-11-20T09:00:00Z", attendee,
  });
  await assertEasy(effort, "finding out why one is missing", context, async () => {
    const box = drawer().locator("salesforce-missing");
    await box.locator("summary", { hasText: "Someone is missing?" }).click();
    await box.getByLabel("E-mail address or registration id").fill(attendee.email);
    await button("Find out why", box).click();
    await box.locator("[data-why=not_confirmed_yet]").waitFor();
    await shoot(page, "easy-missing", { fullPage: true });
  });
});

mappingByExample(step, () => ({ page, stack, effort, host: HOST, event: EVENT, title: TITLE }));

step("with an own app no package is asked for, and connecting follows its credentials", async () => {
  const other = await openPage(browser);
  await other.goto(await stack.address("host_own"));
  await button("Connect", other.locator("salesforce-card")).click();
  const asked = other.locator("eventship-dialog");
  await asked.getByText("Open Salesforce install page").waitFor();
  await asked.locator("summary", { hasText: "Use your own Salesforce app" }).click();
  await asked.getByLabel("Consumer Key").fill("3MVG9.lake.own.app.key");
  await asked.getByLabel("Consumer Secret").fill("lake-own-secret-1234");
  await button("Save credentials", asked).click();
  await button("Connect now", asked).waitFor();
  assert.equal(await asked.getByText("install", { exact: false }).filter({ visible: true }).count(), 0);
  await shoot(other, "easy-own-app");
  assert.deepEqual(other.faults, []);
  await other.context().close();
});

step("nothing went wrong on those pages", async () => {
  assert.deepEqual(page.faults, []);
});
