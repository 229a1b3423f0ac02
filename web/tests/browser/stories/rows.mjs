// An event's list, each of its registrations, and the page for the door.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { assertAccessible, assertFits, openPage, shoot } from "../browser.mjs";

const DELTA = ["evt_delta", "Delta Fair"];
const MANY = 52;
const RULES = [
  { sobject: "Lead", when: "Phone LIKE '555%'", message: "Phone must start with +", field: "Phone" },
  { sobject: "Lead", when: "Company LIKE 'Refused%'", message: "Name the company", field: "Company" },
];
const PHONE = { width: 360, height: 740 };
const WIDE = { width: 1100, height: 900 };

const drawer = (page) => page.locator("salesforce-event-sync");
const registration = (page) => page.locator("salesforce-registration");
const answer = (name, page) => page.locator("eventship-dialog").getByRole("button", { name, exact: true }).click();
const counted = (page, state, count) => drawer(page).locator(`.legend [data-state=${state}] b`).filter({ hasText: new RegExp(`^${count}$`) }).waitFor();
const attendeeOf = (number) => ({
  email: `delta.${number}@river.example`, first_name: "Dina", last_name: `Delta ${number}`,
  company: number === 11 ? "Refused Ltd" : "River GmbH", ...(number === 12 ? { phone: "555 0199" } : {}),
});

/** While the host is connected. `step` registers a step; `at` gives its page, stack, browser and host. */
export function withManyRows(step, at) {
  step("a list of many has pages, orders, and says what a search needs", async () => {
    const { page, stack, host } = at();
    await page.setViewportSize(WIDE);
    await stack.door("PUT", "config", { validation_rules: RULES });
    for (let number = 1; number <= MANY; number += 1) await stack.register(host, ...DELTA, attendeeOf(number), 3000 + number);
    await page.goto(`${stack.url}/console/#/hosts/${host}/events/${DELTA[0]}`);
    await counted(page, "failed", 2);
    await counted(page, "synced", MANY - 2);
    await drawer(page).getByLabel("Order").selectOption("Failed first");
    await drawer(page).locator(".rows li:nth-child(2)[data-state=failed]").waitFor();
    await drawer(page).getByRole("button", { name: "Next" }).click();
    await drawer(page).getByText(`51–${MANY} of ${MANY}`).waitFor();
    assert.ok(await drawer(page).locator(".rows .name").first().evaluate((link) => link.getRootNode().activeElement === link));
    await stack.register(host, ...DELTA, attendeeOf(MANY + 1), 3000 + MANY + 1);
    await drawer(page).getByText(` of ${MANY + 1}`).waitFor();
    await drawer(page).getByLabel("Search by name").fill("d");
    await drawer(page).getByText("Type at least two letters.").waitFor();
    await drawer(page).getByLabel("Search by name").fill("delta.12@");
    await drawer(page).locator("[data-matched]", { hasText: /^1 registration$/ }).waitFor();
    await assertAccessible(page, "a list of many");
    await drawer(page).getByLabel("Search by name").fill("");
    const file = drawer(page).getByRole("button", { name: "Download as CSV" });
    const [download] = await Promise.all([page.waitForEvent("download"), file.click()]);
    assert.equal((await readFile(await download.path(), "utf8")).trim().split("\n").length, 1 + MANY + 1);
  });

  step("a Retry that is refused again says so beside its button, for all groups at once", async () => {
    const { page } = at();
    await drawer(page).getByRole("button", { name: "Retry all 2" }).click();
    await drawer(page).locator("[data-group] [data-retried]", { hasText: /1 registration was refused again for the same reason/ }).nth(1).waitFor();
    await drawer(page).getByRole("button", { name: /^Show them/ }).first().click();
    await drawer(page).getByText(/^Only: .+ \(FIELD_CUSTOM_VALIDATION_EXCEPTION\)/).waitFor();
    await drawer(page).getByRole("button", { name: "Show all again" }).click();
    await drawer(page).getByRole("button", { name: "Retry Dina Delta 12" }).click();
    await drawer(page).locator("[data-registration=reg_3012] [data-retried]", { hasText: "refused again, with the same value" }).waitFor();
    await shoot(page, "retried", { fullPage: true });
  });

  step("an action without network says that it was not done, until the page is reached again", async () => {
    const { page } = at();
    await page.context().setOffline(true);
    await drawer(page).getByRole("button", { name: "Pause", exact: true }).click();
    const note = drawer(page).getByText("Not paused.");
    await note.waitFor();
    await shoot(page, "not-paused");
    await page.context().setOffline(false);
    await note.waitFor({ state: "detached" });
  });

  step("on a page without addresses of its own a registration opens in place, and leads to the attendee", async () => {
    const { page } = at();
    await drawer(page).evaluate((element) => {
      element.setAttribute("registration-address", "");
      element.setAttribute("attendee-address", "https://otter.example/attendees/{registration_id}");
    });
    const link = drawer(page).locator("[data-registration=reg_3012]").getByRole("link", { name: /^The attendee in Eventship/ });
    assert.equal(await link.getAttribute("href"), "https://otter.example/attendees/reg_3012");
    await drawer(page).getByRole("button", { name: "Dina Delta 12", exact: true }).click();
    await registration(page).getByText("Nothing of it is in Salesforce yet.").waitFor();
    const person = registration(page).getByRole("heading", { name: "Dina Delta 12" });
    assert.ok(await person.evaluate((each) => each.getRootNode().activeElement === each));
    await drawer(page).getByRole("button", { name: `Back to ${DELTA[1]}` }).click();
    const heading = drawer(page).getByRole("heading", { name: "Registrations" });
    await heading.waitFor();
    assert.ok(await heading.evaluate((each) => each.getRootNode().activeElement === each));
    await page.reload();
  });

  step("a registration's page tells what happened, what was sent, and what would be written", async () => {
    const { page } = at();
    await drawer(page).getByLabel("Order").selectOption("Failed first");
    await drawer(page).getByRole("link", { name: "Dina Delta 12" }).click();
    const open = registration(page);
    await open.getByText("Nothing of it is in Salesforce yet.").waitFor();
    await open.getByText(/Times are those of Berlin/).waitFor();
    await open.locator(".attempts summary").first().click();
    await open.getByText('"Phone": "555 0199"').first().waitFor();
    await open.getByRole("button", { name: "Look now" }).click();
    await open.locator("[data-preview]").getByText("Lead would be made").waitFor();
    await open.getByRole("button", { name: "Show the exact requests" }).click();
    await assertAccessible(page, "a registration");
    await shoot(page, "registration", { fullPage: true });
    await page.setViewportSize(PHONE);
    await assertFits(page, "a registration on a phone");
    await shoot(page, "registration-phone", { fullPage: true });
    await page.setViewportSize(WIDE);
  });

  step("a registration is left out and taken in again after a question", async () => {
    const { page, stack } = at();
    await registration(page).getByRole("button", { name: "Leave out…" }).click();
    await answer("Yes, leave out", page);
    await registration(page).getByText("It was left out by hand").waitFor();
    await stack.door("PUT", "config", { validation_rules: [] });
    await registration(page).getByRole("button", { name: "Take in again…" }).click();
    await answer("Yes, take in", page);
    await registration(page).getByText("Written as a new Lead.").waitFor();
    await registration(page).locator("[data-attempt=synced]").waitFor();
  });

  step("a member of the host reads all of it and changes nothing", async () => {
    const { stack, browser, host } = at();
    const other = await openPage(browser);
    await other.goto(await stack.address(host, "member"));
    await other.locator("salesforce-card").waitFor();
    await other.goto(`${stack.url}/console/#/hosts/${host}/events/${DELTA[0]}/registrations/reg_3012`);
    await registration(other).getByText("Only an owner or admin of this host can do this.").waitFor();
    await registration(other).locator("[data-attempt=synced]").waitFor();
    assert.equal(await registration(other).getByRole("button", { name: /Leave out|Retry/ }).count(), 0);
    await other.context().setOffline(true);
    await registration(other).getByRole("button", { name: "Look now" }).click();
    await registration(other).getByText("Salesforce was not asked.").waitFor();
    await other.context().close();
  });

  step("all of an event is written again after a question", async () => {
    const { page } = at();
    await page.getByRole("link", { name: "Back to the event" }).click();
    await drawer(page).getByRole("button", { name: "Write all registrations of this event…" }).click();
    await assertAccessible(page, "the question before a backfill");
    await answer("Yes, write them", page);
    await drawer(page).locator("[data-backfill=done]").waitFor();
    await counted(page, "synced", MANY + 1);
  });

  step("at the door a phone shows who came, live", async () => {
    const { page, stack, host } = at();
    await page.getByRole("link", { name: "Event day" }).click();
    await page.setViewportSize(PHONE);
    const door = page.locator("salesforce-event-day");
    const came = door.locator("[data-checked-in]");
    await came.filter({ hasText: /^0$/ }).waitFor();
    for (const number of [1, 2, 3]) {
      const checkIn = { id: `reg_${3000 + number}`, status: "confirmed", registered_at: "2026-11-20T09:00:00Z", checked_in_at: new Date().toISOString(), attendee: attendeeOf(number) };
      await stack.webhook("registration.checked_in", host, { id: DELTA[0], title: DELTA[1] }, checkIn);
    }
    await came.filter({ hasText: /^3$/ }).waitFor();
    await door.locator("[data-written]").filter({ hasText: /^3$/ }).waitFor();
    await door.locator("[data-heard=now]").waitFor();
    await assertFits(page, "the door on a phone");
    await assertAccessible(page, "the door");
    await shoot(page, "door-phone");
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 740, height: 360 });
    await assertFits(page, "the door on its side");
    await shoot(page, "door-landscape-dark");
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(WIDE);
    await shoot(page, "door");
  });
}
