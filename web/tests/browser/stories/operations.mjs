// What on-call people see: red when it should be, the way down from an org to a row and back, and acts that count first.
import assert from "node:assert/strict";
import { assertAccessible, assertFits, shoot } from "../browser.mjs";

const PHONE = { width: 360, height: 740 };
const RULE = { sobject: "Lead", when: "Phone LIKE '555%'", message: "Phone must start with +", field: "Phone" };
const ROW = 990;
const concern = (code, severity, count, subjects, runbook = code) => ({ code, severity, count, seconds: null, subjects, runbook: `/docs/runbooks/${runbook}` });
const CONCERNS = [
  concern("NoWorkers", "page", 1, ["burrow 7"]), concern("OrgsStuck", "page", 1, ["00D5g0000000001EAA"], "WorkIsStuck"),
  concern("ConnectionsEnded", "ticket", 2, ["host_otter", "host_brook"], "WaitsForReconnect"), concern("WebhooksQuarantined", "ticket", 3, []),
];
const button = (name, where) => where.getByRole("button", { name, exact: true });
const dialog = (page) => page.locator("eventship-dialog");
const nav = (page, name) => page.getByRole("navigation", { name: "Operations", exact: true }).getByRole("link", { name, exact: true });
const isOf = (text) => new RegExp(`${text}$`);

/** `at` gives page, stack, host and event, which is `[id, title]`. */
export function operations(step, at) {
  step("operations go from an org down to a row and back, by links alone", async () => {
    const { page, stack, host, event } = at();
    await stack.door("PUT", "config", { validation_rules: [RULE] });
    await stack.register(host, ...event, { email: `stone.${ROW}@river.example`, first_name: "Sam", last_name: "Stone", company: "River GmbH", phone: "555 0990" }, ROW);
    await page.getByRole("link", { name: "Operations", exact: true }).click();
    await page.locator("ops-overview [data-concerns='0']").getByText(/^Nothing is urgent; \d+ rows? ha/).waitFor();
    const line = page.locator("ops-overview").getByRole("row").filter({ hasText: "Has failures" });
    await line.waitFor();
    await line.getByRole("img", { name: /^The last 24 hours: / }).waitFor();
    await assertAccessible(page, "operations");
    await assertFits(page, "operations");
    await shoot(page, "operations", { fullPage: true });
    await line.locator("[data-org]").click();
    await page.locator("ops-org h2").and(page.locator(":focus")).waitFor();
    await page.locator("ops-org [data-state=failed]").first().waitFor();
    await shoot(page, "operations-org", { fullPage: true });
    await page.locator(`ops-org [data-host=${host}]`).click();
    const cells = page.locator("ops-host").getByRole("row").filter({ hasText: event[1] });
    await assertAccessible(page, "a host of operations");
    await shoot(page, "operations-host", { fullPage: true });
    await cells.getByRole("link", { name: isOf(`Failed, ${event[1]}`) }).click();
    await page.locator(`ops-rows [data-row=reg_${ROW}]`).click();
    await page.locator("ops-row").getByRole("heading", { name: "What was tried" }).waitFor();
    await page.locator("ops-row").getByText("FIELD_CUSTOM_VALIDATION_EXCEPTION").first().waitFor();
    assert.ok(!(await page.locator("ops-row").innerText()).includes("Stone"));
    await assertAccessible(page, "a row of operations");
    await shoot(page, "operations-row", { fullPage: true });
    await page.goBack();
    await page.locator(`ops-rows [data-row=reg_${ROW}]`).waitFor();
  });

  step("operations retry what a filter matches, after its count, and the row says who asked", async () => {
    const { page, stack } = at();
    await stack.door("PUT", "config", { validation_rules: [] });
    await button("Retry these…", page).click();
    await dialog(page).getByText("1 row matches; 1 would move.").waitFor();
    await assertAccessible(page, "the question before a retry");
    await button("Retry 1 now", dialog(page)).click();
    await page.locator("ops-rows").getByText("1 row is queued again.").waitFor();
    await page.locator("ops-rows h2").and(page.locator(":focus")).waitFor();
    await page.locator("ops-rows").getByText("No row matches.").waitFor();
    await page.goBack();
    await page.locator("ops-host").getByRole("link", { name: "Who did what with this host" }).click();
    await page.locator("ops-log").getByRole("row").filter({ hasText: "ops.jobs_retried" }).first().waitFor();
    await button("Check that nobody changed the log", page).click();
    await page.locator("ops-log").getByText("is whole.").waitFor();
    await shoot(page, "operations-log");
  });

  step("an org is paused with a reason and goes on, on a phone as well", async () => {
    const { page } = at();
    await page.setViewportSize(PHONE);
    await nav(page, "Orgs").click();
    await page.locator("ops-orgs [data-org]").first().waitFor();
    await assertFits(page, "orgs on a phone");
    await assertAccessible(page, "orgs on a phone");
    await shoot(page, "operations-orgs-phone", { fullPage: true });
    await page.locator("ops-orgs [data-org]").first().click();
    await button("Pause this org…", page).click();
    await dialog(page).getByLabel("Reason, for the log").fill("moves its fields until noon");
    await assertFits(page, "the question on a phone");
    await shoot(page, "operations-pause-phone");
    await button("Pause", dialog(page)).click();
    await page.locator("ops-org [data-state=paused]").waitFor();
    await button("Resume this org…", page).click();
    await button("Resume", dialog(page)).click();
    await page.locator("ops-org [data-state=paused]").waitFor({ state: "detached" });
    const small = await page.locator("ops-org").getByRole("button").evaluateAll((all) => all.filter((each) => each.getBoundingClientRect().height < 44).length);
    assert.equal(small, 0);
    await nav(page, "Log").click();
    await page.locator("ops-log").getByText("reason: moves its fields until noon").first().waitFor();
    for (const name of ["Overview", "Rows", "Webhooks", "Notifications", "Leases", "Log"]) {
      await nav(page, name).click();
      await page.locator("[data-age=fresh]").waitFor();
      await assertFits(page, `${name} on a phone`);
      await shoot(page, `operations-${name.toLowerCase()}-phone`, { fullPage: true });
    }
    await assertAccessible(page, "the log on a phone");
    await page.setViewportSize({ width: 1100, height: 900 });
  });

  step("a silent worker, a stuck org, an ended connection and quarantine turn the page red, with what to do", async () => {
    const { page, stack } = at();
    await page.route("**/ops/overview", async (route) => {
      const answer = await route.fetch();
      const overview = await answer.json();
      const workers = overview.workers.map((each) => ({ ...each, silent_seconds: 45 }));
      await route.fulfill({ response: answer, json: { ...overview, workers, concerns: CONCERNS } });
    });
    await nav(page, "Overview").click();
    await page.locator("ops-overview").getByText("4 things need somebody.").waitFor();
    await page.locator("[data-worker=silent]").first().waitFor();
    await assertAccessible(page, "operations in red");
    await shoot(page, "operations-red", { fullPage: true });
    for (const link of await page.locator("[data-concern]").getByRole("link", { name: /^Runbook/ }).all()) {
      assert.equal((await fetch(`${stack.url}${await link.getAttribute("href")}`)).status, 200);
    }
    await page.setViewportSize(PHONE);
    await assertFits(page, "operations in red on a phone");
    await shoot(page, "operations-red-phone", { fullPage: true });
    await page.setViewportSize({ width: 1100, height: 900 });
    await page.locator("[data-concern=WebhooksQuarantined]").getByRole("link", { name: "Show them" }).click();
    await page.locator("ops-webhooks").getByLabel("In quarantine only").and(page.locator(":checked")).waitFor();
    await page.unrouteAll({ behavior: "wait" });
  });
}
