// A real Chromium, and what every story looks for on a page.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const SERIOUS = new Set(["serious", "critical"]);
const PATIENCE_MS = 40_000;
const LOOK_MS = 50;

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** A page of its own, and everything that went wrong on it; a stream that is not offered is not wrong. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("console", (message) => {
    const isRefusal = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isRefusal) page.faults.push(message.text());
  });
  page.calls = [];
  page.on("response", (response) => {
    page.calls.push(`${new Date().toISOString()} ${response.status()} ${response.request().method()} ${new URL(response.url()).pathname}`);
  });
  return page;
}

/** Waits for what no locator can wait for; `told` says what is so instead. */
export async function until(isSo, told) {
  for (const deadline = Date.now() + PATIENCE_MS; !(await isSo()); await sleep(LOOK_MS)) {
    if (Date.now() > deadline) assert.fail(await told());
  }
}

/** No serious finding of axe on the page as it is. It runs through the debugger, where the page's policy has no say. */
export async function assertAccessible(page, what) {
  await page.evaluate(await readFile(AXE, "utf8"));
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  const serious = violations.filter((each) => SERIOUS.has(each.impact));
  const told = serious.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(told, [], what);
}

/** Nothing sticks out at the side. */
export async function assertFits(page, what) {
  const [wide, shown] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(wide <= shown, `${what}: ${wide} px wide on ${shown} px`);
}

/** A picture, where SHOTS names a folder for them. */
export async function shoot(page, name, options = {}) {
  const folder = process.env.SHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), ...options });
}
