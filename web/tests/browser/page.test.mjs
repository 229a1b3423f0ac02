// The page of ten lines in the README, on a dashboard's own origin, under a strict policy.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before } from "node:test";
import { assertAccessible, launch, openPage } from "./browser.mjs";
import { steps } from "./failure.mjs";
import { Stack } from "./stack.mjs";

const WEB = new URL("../../", import.meta.url);
const HOST = "host_acme";
const EVENT = "evt_summit";
let stack, browser, dashboard, policy, token;

/** The HTML and the script as the README has them, with the address of a service on another origin. */
async function documented() {
  const readme = await readFile(new URL("README.md", WEB), "utf8");
  const [html, script] = ["html", "js"].map((kind) => readme.match(new RegExp(`\`\`\`${kind}\n([^]*?)\`\`\``))[1]);
  assert.ok(html.trim().split("\n").length <= 10);
  return { html: html.replaceAll(" host-id", ` api-base="${stack.url}" host-id`), script };
}

async function answerOf(path) {
  if (path === "/my/own/token") return [token, "text/plain"];
  const { html, script } = await documented();
  if (path === "/page.js") return [script, "text/javascript"];
  return path.endsWith(".js") ? [await readFile(new URL(`dist${path}`, WEB)), "text/javascript"] : [html, "text/html"];
}

const step = steps(() => ({ browser, stack }));

before(async () => {
  dashboard = createServer(async (request, response) => {
    const [body, type] = await answerOf(request.url);
    response.writeHead(200, { "Content-Type": type, "Content-Security-Policy": policy }).end(body);
  });
  await new Promise((resolve) => dashboard.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${dashboard.address().port}`;
  stack = await Stack.start({ DASHBOARD_URL: origin });
  policy = `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ${stack.url}; require-trusted-types-for 'script'; trusted-types lit-html`;
  token = await stack.token(HOST);
  await stack.publish(HOST, EVENT, "Autumn Summit");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  dashboard?.close();
  await stack?.stop();
});

step("the README's page shows both elements and breaks no policy", async () => {
  const page = await openPage(browser);
  await page.goto(`http://127.0.0.1:${dashboard.address().port}/`);
  await page.locator("salesforce-card [data-state=not_connected]").waitFor();
  await page.locator("salesforce-event-sync").getByText("This host is not connected to Salesforce").waitFor();
  await assertAccessible(page, "the README's page");
  const [popup] = await Promise.all([
    page.waitForEvent("popup"),
    (async () => {
      await page.getByRole("button", { name: "Connect", exact: true }).click();
      await page.getByRole("button", { name: "I've already installed it" }).click();
      await page.getByRole("button", { name: "Connect now" }).click();
    })(),
  ]);
  await popup.getByRole("button", { name: "Continue to Salesforce" }).click();
  await popup.getByRole("button", { name: "Log in" }).click();
  await Promise.all([popup.waitForEvent("close"), popup.getByRole("button", { name: "Allow" }).click()]);
  await page.locator("salesforce-card [data-state=connected]").waitFor();
  await page.locator("salesforce-event-sync").getByLabel("Salesforce campaign id").waitFor();
  assert.deepEqual(page.faults, []);
});
