// The package in a simulated org, as a salesperson meets it: Setup's page, and the button on a Lead and a Contact.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertAccessible, assertFits, launch, openPage, shoot } from "./browser.mjs";
import { steps } from "./failure.mjs";
import { freePort } from "./stack.mjs";

const SIMULATOR = new URL("../../../.venv/bin/salesforce-simulator", import.meta.url).pathname;
const LABEL = "Schedule with Eventship";
let simulator, registrations, org, link, browser, page;

async function door(method, path, body) {
  const answer = await fetch(`${org}/_simulator/${path}`, { method, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

async function ready(deadline = Date.now() + 60_000) {
  while (!(await fetch(`${org}/_simulator/orgs`).then((answer) => answer.ok, () => false))) {
    if (Date.now() > deadline) throw new Error("the simulator did not start");
    await sleep(100);
  }
}

const step = steps(() => ({ browser }));

before(async () => {
  registrations = createServer((request, response) => {
    response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html><title>Register</title><h1>${encodeURI(request.url)}</h1>`);
  });
  await new Promise((resolve) => registrations.listen(0, "127.0.0.1", resolve));
  link = `http://127.0.0.1:${registrations.address().port}/summit?salesforce_id=`;
  const port = await freePort();
  org = `http://127.0.0.1:${port}`;
  simulator = spawn(SIMULATOR, ["--port", String(port), "--quiet"]);
  await ready();
  browser = await launch();
  page = await openPage(browser);
});

after(async () => {
  await browser?.close();
  registrations?.close();
  simulator?.kill();
});

step("the package is installed on Setup's page, and says what it brought", async () => {
  await page.goto(`${org}/`);
  await page.getByRole("link", { name: "Installed packages" }).click();
  await page.getByLabel("Namespace").fill("evs");
  await page.getByLabel("Link of the button").fill(link);
  await page.getByRole("button", { name: "Install" }).click();
  await page.getByText("evs__Cancel_Reschedule_Reason__c").waitFor();
  assert.equal(await page.getByText("unique, external id").count(), 5);
  await assertAccessible(page, "installed packages");
  await assertFits(page, "installed packages");
  await shoot(page, "package-installed", { fullPage: true });
});

for (const [object, row] of [["Lead", { LastName: "Mole", Company: "River GmbH" }], ["Contact", { LastName: "Meets" }]]) {
  step(`the button of a ${object} opens the registration link with the record's id`, async () => {
    const { ids: [id] } = await door("POST", `records/${object}`, [row]);
    await page.goto(`${org}/people/${id}`);
    await assertAccessible(page, `a ${object} with the button`);
    await shoot(page, `package-button-${object.toLowerCase()}`);
    const [opened] = await Promise.all([page.waitForEvent("popup"), page.getByRole("link", { name: LABEL }).click()]);
    await opened.getByRole("heading", { name: `/summit?salesforce_id=${id.slice(0, 15)}` }).waitFor();
    assert.equal(opened.url(), link + id.slice(0, 15));
    await opened.close();
    assert.ok(page.url().endsWith(id));
  });
}

step("an uninstalled package takes its button along", async () => {
  const { ids: [id] } = await door("POST", "records/Lead", [{ LastName: "Vole", Company: "River GmbH" }]);
  await page.goto(`${org}/packages`);
  await page.getByRole("button", { name: "Uninstall" }).click();
  await page.getByText("Nothing here yet.").waitFor();
  await page.goto(`${org}/people/${id}`);
  await page.getByRole("heading", { name: "Timeline" }).waitFor();
  assert.equal(await page.getByText(LABEL).count(), 0);
  assert.deepEqual(page.faults, []);
});
