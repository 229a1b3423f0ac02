// The whole console in German, on a wide page and on a phone; a page from right to left; and where the keyboard is.
import assert from "node:assert/strict";
import { assertAccessible, assertFits, openPage, shoot, until } from "../browser.mjs";

const HOST = "host_otter";
const LAGOON = ["evt_lagoon", "Lagoon Day"];
const MANY = 4;
const WIDE = { width: 1100, height: 900 };
const PHONE = { width: 360, height: 740 };
/** A page of 1100 at 200 %. */
const ZOOMED = { width: 550, height: 450 };
/** https://www.w3.org/TR/WCAG22/#text-spacing */
const SPACED = { lineHeight: "1.5", letterSpacing: "0.12em", wordSpacing: "0.16em" };
/** Texts that are short enough may stand in any sentence. */
const LONG_ENOUGH = 14;

/** No view waits for its data any more, twice in a row: one that comes begins to wait a little later. */
async function settled(page) {
  await page.locator("main h1").waitFor({ state: "attached" });
  const waiting = page.locator(".busy").locator("visible=true");
  let calm = 0;
  const isCalm = async () => {
    calm = (await waiting.count()) === 0 ? calm + 1 : 0;
    return calm === 2;
  };
  await until(isCalm, () => `${page.url()} is still loading`);
}

/** One event, registration or org stands for all. */
function shapeOf(address) {
  const [kind, ...parts] = address.slice(2).split("/");
  const [page, item] = kind === "operations" ? parts : parts[1] === "events" ? ["event", ...parts.slice(3)] : parts.slice(1);
  return [kind, page, item === undefined ? "" : parts[1] === "events" ? item : "*"].join("/");
}

async function linksOf(page) {
  const found = await page.locator('a[href^="#/"]').evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  return found.map((address) => [shapeOf(address), address]);
}

/** Every page that links lead to, in the order in which they are met. */
async function walk(page, start, visit) {
  const met = new Map([[shapeOf(start), start]]);
  for (const address of met.values()) {
    await page.evaluate((there) => { location.hash = there; }, address);
    await settled(page);
    await visit(address);
    for (const [shape, next] of await linksOf(page)) if (!met.has(shape)) met.set(shape, next);
  }
  return [...met.keys()];
}

/** Texts of another language that are still on the page. */
async function leftovers(page, foreign, own) {
  const text = await page.evaluate(() => {
    const textOf = (node) => [...node.childNodes].map((each) => (each.nodeType === 3 ? each.data : ["STYLE", "SCRIPT"].includes(each.tagName) ? "" : textOf(each.shadowRoot ?? each))).join(" ");
    return textOf(document.body).replace(/\s+/g, " ");
  });
  const mine = new Set(textsOf(own));
  return textsOf(foreign).filter((each) => each.length >= LONG_ENOUGH && !mine.has(each) && text.includes(each));
}

function textsOf(words) {
  return Object.values(words).flatMap((value) => (typeof value === "string" ? [value] : typeof value === "object" ? textsOf(value) : []));
}

/** Words in buttons, chips and headings that are broken in two without a hyphen. */
function brokenWords() {
  const all = (node) => [...(node.shadowRoot ?? node).querySelectorAll("*")].flatMap((each) => (each.shadowRoot ? [each, ...all(each)] : [each]));
  const texts = all(document.body).filter((each) => each.matches("button, .button, .chip, summary") && each.checkVisibility() && !each.matches(".sr")).flatMap((each) => [...each.childNodes].filter((node) => node.nodeType === 3));
  return texts.flatMap((text) => [...text.data.matchAll(/\S+/g)].filter(({ 0: word, index }) => {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    return !word.includes("-") && new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1;
  }).map(([word]) => word));
}

/** What has the focus, in words. It runs in the page. */
function focused() {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return `${at.localName} ${at.textContent.trim().replace(/\s+/g, " ").slice(0, 60)}`.trim();
}

async function focusedAs(page, pattern) {
  await until(async () => pattern.test(await page.evaluate(focused)), async () => `the focus is on “${await page.evaluate(focused)}”, not on ${pattern}`);
}

/** An event of which everything is refused until the rule is gone. */
async function publishLagoon(stack) {
  await stack.door("PUT", "config", { validation_rules: [{ sobject: "Lead", when: "Phone LIKE '555%'", message: "Phone must start with +", field: "Phone" }] });
  const attendee = (number) => ({ email: `lagoon.${number}@river.example`, first_name: "Lagoon", last_name: `Otter ${number}`, company: "River GmbH", phone: "555 0100" });
  await Promise.all(Array.from({ length: MANY }, (_, number) => stack.register(HOST, ...LAGOON, attendee(number), 2_000 + number)));
}

/** It runs in the page: English with its letters turned into Arabic ones. What is put in stays, as a translator would have it. */
async function speakArabic() {
  const { loadTexts, setTexts } = await import("/console/eventship-salesforce.js");
  const letters = "ابتثجحخدذرزسشصضطظعغفقكلمن";
  const arabic = (text) => text.replace(/[a-z]/gi, (letter) => letters[letter.toLowerCase().charCodeAt(0) - 97] ?? "ه");
  const around = (text, given) => {
    const [first, ...rest] = given.filter((each) => typeof each === "string" && each !== "");
    return first === undefined ? arabic(text) : text.split(first).map((part) => around(part, rest)).join(`\u2068${first}\u2069`);
  };
  const translated = (value) => {
    if (typeof value === "string") return arabic(value);
    if (typeof value === "function") return (...given) => { const text = value(...given); return typeof text === "string" ? around(text, given) : translated(text); };
    if (Array.isArray(value)) return value.map(translated);
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, translated(each)]));
  };
  const english = await loadTexts("en");
  setTexts({ ...translated(english), number: (value) => value.toLocaleString("ar-EG"), locale: "ar", dir: "rtl" });
}

/** `step` registers a step; `at` gives browser and stack. */
export function languages(step, at) {
  let page;

  step("in German every page is German, fits and is accessible, also large, widely spaced and on a phone", async () => {
    const { browser, stack } = at();
    page = await openPage(browser, { locale: "de-AT" });
    await page.goto(await stack.address(HOST));
    await page.locator(".brand", { hasText: "Eventship für Salesforce" }).waitFor();
    const [english, german] = await Promise.all(["en", "de"].map((each) => import(`../../../dist/words-${each}.js`).then(Object.values)));
    const pages = await walk(page, `#/hosts/${HOST}/events/evt_river`, async (address) => {
      const name = `german-${address.replace(/\W+/g, "-")}`;
      assert.deepEqual(await leftovers(page, english, german), [], address);
      if (!address.startsWith("#/operations")) await assertAccessible(page, address);
      for (const size of [WIDE, ZOOMED, PHONE]) {
        await page.setViewportSize(size);
        await assertFits(page, `${address} at ${size.width}`);
        assert.deepEqual(await page.evaluate(brokenWords), [], `${address} at ${size.width}`);
        await shoot(page, `${name}-${size.width}`, { fullPage: true });
      }
      await page.setViewportSize(ZOOMED);
      await page.evaluate((spaced) => Object.assign(document.body.style, spaced), SPACED);
      await assertFits(page, `${address} with text spacing`);
      await page.evaluate(() => document.body.removeAttribute("style"));
      await page.setViewportSize(WIDE);
      assert.match(await page.title(), / — Eventship für Salesforce$/);
    });
    assert.ok(pages.length >= 6, pages.join(" "));
  });

  step("the keyboard keeps its place, whatever goes away, and each page has its title and heading", async () => {
    const { stack } = at();
    await page.getByRole("combobox", { name: "Sprache" }).selectOption("English");
    await page.locator(".brand", { hasText: "Eventship for Salesforce" }).waitFor();
    await publishLagoon(stack);
    await page.goto(`${stack.url}/console/#/hosts/${HOST}`);
    await page.reload();
    await settled(page);
    await page.keyboard.press("Tab");
    await focusedAs(page, /^a Skip to the content/);
    await page.keyboard.press("Enter");
    await focusedAs(page, /^h1 Otter Events/);
    await page.getByRole("link", { name: LAGOON[1] }).press("Enter");
    await focusedAs(page, /^h1 Otter Events — Lagoon Day$/);
    assert.equal(await page.title(), "Lagoon Day — Otter Events — Eventship for Salesforce");
    await page.getByRole("button", { name: /^Show them/ }).press("Enter");
    await focusedAs(page, /^h3 Registrations/);
    await page.getByRole("button", { name: "Show all again" }).press("Enter");
    await focusedAs(page, /^(h3 Registrations|select|input)/);
    await stack.door("PUT", "config", { validation_rules: [] });
    await page.getByRole("button", { name: /^Retry Lagoon/ }).first().press("Enter");
    await focusedAs(page, /Lagoon Otter/);
    await page.evaluate((there) => { location.hash = there; }, `#/hosts/${HOST}/events/evt_river`);
    await page.getByRole("heading", { name: "River Meeting", exact: true }).waitFor();
    await settled(page);
    for (const name of ["Change statuses", "Cancel"]) {
      await page.getByRole("button", { name, exact: true }).focus();
      await page.keyboard.press("Enter");
      await focusedAs(page, /^h3 Campaign/);
    }
  });

  step("a page from right to left mirrors, and what is English in it stays from left to right", async () => {
    const { stack } = at();
    await page.evaluate((there) => { location.hash = there; }, `#/hosts/${HOST}/events/${LAGOON[0]}`);
    await page.evaluate(speakArabic);
    const sync = page.locator("salesforce-event-sync");
    await page.locator("salesforce-event-sync[dir=rtl][lang=ar]").waitFor();
    await assertFits(page, "from right to left");
    const x = async (state) => (await sync.locator(`.legend [data-state=${state}]`).boundingBox()).x;
    assert.ok((await x("synced")) > (await x("failed")));
    assert.equal(await sync.locator("svg.bar").evaluate((bar) => getComputedStyle(bar).transform), "matrix(-1, 0, 0, 1, 0, 0)");
    await sync.locator("[data-group] summary").first().click();
    assert.equal(await sync.locator("[data-group] .note").first().evaluate((note) => getComputedStyle(note).direction), "ltr");
    await shoot(page, "arabic-event", { fullPage: true });
    await page.setViewportSize(PHONE);
    await assertFits(page, "from right to left, on a phone");
    await page.evaluate((there) => { location.hash = there; }, `#/hosts/${HOST}`);
    await settled(page);
    await assertFits(page, "the card from right to left");
    await shoot(page, "arabic-card", { fullPage: true });
    assert.deepEqual(page.faults, []);
    await page.context().close();
    assert.ok(stack.url);
  });
}
