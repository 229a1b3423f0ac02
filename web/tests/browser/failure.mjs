// The steps of a story, and what a person who was not there needs to know of the one that failed.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { shoot } from "./browser.mjs";

const LAST_CALLS = 25;
const LAST_LINES = 10;
const MOST_LETTERS = 4_000;
const WITHIN_MS = 3_000;

/** Registers steps, each of which goes on from the one before; after one that failed there is nothing to go on from.
 * `at` gives the browser, and the stack where the pages are those of the whole service. */
export function steps(at) {
  let hasFailed = false;
  return (name, deed) => test(name, async (context) => {
    if (hasFailed) return context.skip("an earlier step failed");
    try {
      return await deed(context);
    } catch (error) {
      hasFailed = true;
      throw new Error(`${error.message}\n${await whatWasSaid(at())}`, { cause: error });
    }
  });
}

/** Of every page that is open, and of the service. */
async function whatWasSaid({ browser, stack }) {
  const pages = (browser?.contexts() ?? []).flatMap((context) => context.pages());
  const said = await Promise.all(pages.map((page) => whatThePageSaid(page, stack)));
  await Promise.all(pages.map((page, number) => within(shoot(page, `failed-step-${number}`))));
  return [...said, stack ? await within(whatTheServiceSaid(stack)) : ""].join("\n");
}

/** Its own last lines, and those of each of its processes. */
async function whatTheServiceSaid({ said, home }) {
  const folder = join(home, "logs");
  const logs = (await readdir(folder)).map(async (name) => [name, await readFile(join(folder, name), "utf8")]);
  return [["the service", said], ...(await Promise.all(logs))].map(([name, text]) => `${name} said:\n${lastOf(text.trimEnd().split("\n"), LAST_LINES)}`).join("\n");
}

/** Its last calls, what is seen of it, and, where it shows an event, what the API says of that event now. */
async function whatThePageSaid(page, stack) {
  const [seen, stats] = await Promise.all([within(page.evaluate(textSeen)), within(statsOf(page, stack))]);
  return [`at ${page.url()}, ${new Date().toISOString()}`, lastOf(page.calls ?? [], LAST_CALLS), ...(page.faults ?? []), seen.slice(0, MOST_LETTERS), stats].join("\n");
}

/** As JSON; empty for a page of anything else. */
async function statsOf(page, stack) {
  const [, host, event] = /#\/hosts\/([^/]+)\/events\/([^/]+)/.exec(page.url()) ?? [];
  if (event === undefined) return "";
  const token = await page.evaluate(() => sessionStorage.getItem("eventship-console-token"));
  const answer = await fetch(`${stack.url}/v1/hosts/${host}/events/${event}/salesforce/stats`, { headers: { authorization: `Bearer ${token}` } });
  return `the API says ${answer.status} ${await answer.text()}`;
}

/** A line for each text that a person sees, and for what is in each field; inside of shadow roots as well. It runs in the page. */
function textSeen() {
  const childrenOf = (node) => (node.localName === "slot" && node.assignedNodes().length > 0 ? node.assignedNodes() : (node.shadowRoot ?? node).childNodes);
  const isHidden = (node) => !node.checkVisibility() && getComputedStyle(node).display !== "contents";
  const linesOf = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return [node.data.trim().replace(/\s+/g, " ")];
    if (node.nodeType !== Node.ELEMENT_NODE || ["STYLE", "SCRIPT", "TEMPLATE"].includes(node.tagName) || isHidden(node)) return [];
    if (node.matches("select")) return [`[${node.selectedOptions[0]?.text}]`];
    return node.matches("input, textarea") ? [`[${node.value}]`] : [...childrenOf(node)].flatMap(linesOf);
  };
  return linesOf(document.body).filter(Boolean).join("\n");
}

function lastOf(lines, count) {
  return lines.slice(-count).join("\n");
}

/** What it comes to, or why it came to nothing: a page that hangs or is gone must not hide the step's own error. */
function within(answer) {
  const tooLate = sleep(WITHIN_MS, "no answer in time", { ref: false });
  return Promise.race([answer, tooLate]).catch((error) => error.message);
}
