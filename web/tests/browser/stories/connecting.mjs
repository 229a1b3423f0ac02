// Around connecting: what a host reads before, where it stops, and an app of its own.
import assert from "node:assert/strict";
import { assertAccessible, assertFits, shoot } from "../browser.mjs";

const PAIR = { key: "3MVG9.river.own.app.key.WXYZ", secret: "river-own-secret-5678" };
const card = (page) => page.locator("salesforce-card");
const dialog = (page) => page.locator("eventship-dialog");
const button = (name, where) => where.getByRole("button", { name, exact: true });
const summary = (text, where) => where.locator("summary", { hasText: text });

/** Before the first connection, with the install modal open. `step` registers a step; `at` gives its page and stack. */
export function beforeConnecting(step, at) {
  step("before connecting a host reads which editions have the API, and who may install", async () => {
    const { page } = at();
    await button("Connect", card(page)).click();
    await dialog(page).getByText("or has the permission Download AppExchange Packages").waitFor();
    await dialog(page).getByText("Permitted Users is All users may self-authorize").first().waitFor();
    const letter = decodeURIComponent(await dialog(page).getByRole("link", { name: "Write to your admin" }).getAttribute("href"));
    for (const needed of ["installPackage.apexp", "Download AppExchange Packages", "Install for All Users", "Permitted Users"]) assert.ok(letter.includes(needed), needed);
    await summary("Does your Salesforce edition have the API?", dialog(page)).click();
    await dialog(page).getByText("Professional: only with Salesforce's paid API add-on.").waitFor();
    await assertAccessible(page, "editions");
    await shoot(page, "editions");
  });

  step("a My Domain that is missing or mistyped is told at its field, in a sentence", async () => {
    const { page } = at();
    await button("I've already installed it", dialog(page)).click();
    await dialog(page).getByLabel("My Domain", { exact: true }).check();
    const field = dialog(page).getByLabel("My Domain host");
    for (const [text, sentence] of [["", "Type the host of your My Domain first"], ["otter.example.com", "This is not a My Domain. Look it up under Setup"]]) {
      await field.fill(text);
      await button("Connect now", dialog(page)).click();
      await dialog(page).getByRole("alert").getByText(sentence).waitFor();
      assert.equal(await field.getAttribute("aria-invalid"), "true");
      assert.ok(await field.evaluate((input) => input.getRootNode().activeElement === input));
    }
    const text = await dialog(page).innerText();
    assert.equal(text.split("This is not a My Domain").length, 2);
    for (const foreign of ["body.my_domain", "payload", "Request"]) assert.ok(!text.includes(foreign), foreign);
    await assertAccessible(page, "a mistyped My Domain");
    await shoot(page, "my-domain");
    await dialog(page).getByLabel("Production or Developer Edition").check();
  });

  step("a window that somebody closed is noticed, with the way on", async () => {
    const { page } = at();
    const [popup] = await Promise.all([page.waitForEvent("popup"), button("Connect now", dialog(page)).click()]);
    await popup.getByRole("button", { name: "Continue to Salesforce" }).waitFor();
    await popup.close();
    await dialog(page).getByRole("heading", { name: "The window was closed" }).waitFor();
    await assertAccessible(page, "a closed window");
    await shoot(page, "closed-window");
    await button("Start again", dialog(page)).click();
    await button("Connect now", dialog(page)).waitFor();
    await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "detached" });
  });
}

/** On the card of a connected host. */
export function whileConnected(step, at) {
  step("a connected host may take another Salesforce user without disconnecting", async () => {
    const { page } = at();
    await button("Use another Salesforce user", card(page)).click();
    await dialog(page).getByText("The connection that stands works on until the new one is confirmed").waitFor();
    await button("Connect now", dialog(page)).waitFor();
    await assertAccessible(page, "another user");
    await page.keyboard.press("Escape");
    await card(page).locator("[data-state=connected]").waitFor();
    assert.match(await card(page).getByRole("link", { name: /@/ }).getAttribute("href"), /^mailto:/);
  });

  step("an own app is set up by the guide beside its form, shown on the card, and forgotten after a question", async () => {
    const { page } = at();
    const app = card(page).locator("salesforce-own-app");
    await summary("Use your own Salesforce app", app).click();
    for (const part of ["New External Client App", "Scopes: api, refresh_token, id", "require PKCE", "valid until revoked", "up to ten minutes", "Only New Lightning App is offered?"]) {
      await app.getByText(part).first().waitFor();
    }
    await button("Copy callback URL", app).click();
    await app.getByRole("status").getByText(/Callback URL copied|It is chosen now/).waitFor();
    await app.getByLabel("Consumer Key").fill(PAIR.key);
    await app.getByLabel("Consumer Secret").fill(PAIR.secret);
    await button("Save credentials", app).click();
    await app.getByText("They are used from the next connection on.").waitFor();
    await card(page).getByText("Your own, key ending in WXYZ").waitFor();
    await app.getByText("A new Secret of the same Key is used at once.").waitFor();
    await assertAccessible(page, "an own app on the card");
    await shoot(page, "own-app", { fullPage: true });
    await button("Disconnect", card(page)).click();
    await dialog(page).getByLabel("Forget Key and Secret of your own app, too").waitFor();
    await shoot(page, "disconnect-own-app");
    await page.keyboard.press("Escape");
    await button("Forget them, and use Eventship's app", app).click();
    await app.getByRole("alert").getByText("They are deleted here.").waitFor();
    await assertAccessible(page, "the question before credentials are forgotten");
    await button("Yes, forget them", app).click();
    await app.getByText("Eventship's own app is used.").waitFor();
    await page.setViewportSize({ width: 360, height: 740 });
    await assertFits(page, "an own app on a phone");
    await shoot(page, "own-app-phone", { fullPage: true });
    await page.setViewportSize({ width: 1100, height: 900 });
    await summary("Use your own Salesforce app", app).click();
  });
}

/** From the host's page, once things have happened. */
export function whoDidWhat(step, at, host) {
  step("who did what is read in words, filtered, and paged", async () => {
    const { page, stack } = at();
    await page.goto(`${stack.url}/console/#/hosts/${host}`);
    await page.getByRole("link", { name: "Who did what" }).click();
    const audit = page.locator("eventship-audit");
    await audit.locator("[data-action='salesforce.connected']").getByText("Salesforce was connected").first().waitFor();
    await assertAccessible(page, "who did what");
    await shoot(page, "audit", { fullPage: true });
    await audit.getByLabel("About").selectOption("app");
    await audit.locator("[data-action='salesforce.connected']").first().waitFor({ state: "detached" });
    await audit.getByText("Key and Secret of the own app were forgotten").waitFor();
    await audit.getByLabel("By whom").fill("nobody");
    await page.keyboard.press("Enter");
    await audit.getByText("Nothing of that kind has happened.").waitFor();
    await page.setViewportSize({ width: 360, height: 740 });
    await assertFits(page, "who did what on a phone");
    await page.setViewportSize({ width: 1100, height: 900 });
    await page.goto(`${stack.url}/console/#/hosts/${host}`);
  });
}

/** On the host's settings: of a person who never registered, so that nothing of the story goes. */
export function eraseSomebody(step, at, host) {
  step("an attendee is erased after a question, and the answer says what was kept", async () => {
    const { page, stack } = at();
    await page.goto(`${stack.url}/console/#/hosts/${host}/settings`);
    const box = page.locator("eventship-erase");
    await box.getByLabel("E-mail address, or the attendee's id").fill("never.there@river.example");
    await button("Erase…", box).click();
    await box.getByRole("alert").getByText("Erase everything of never.there@river.example?").waitFor();
    await assertAccessible(page, "the question before an erasure");
    await shoot(page, "erase", { fullPage: true });
    await button("Yes, erase", box).click();
    await box.getByRole("status").getByText("Nothing was kept of this person").waitFor();
  });
}

/** On the page of an event in which `address` is written, and nothing is paused. */
export function whoIsMissing(step, at, address) {
  step("who is missing is looked up by address, and what holds an event back is cured from the answer", async () => {
    const { page } = at();
    const drawer = page.locator("salesforce-event-sync");
    const box = drawer.locator("salesforce-missing");
    const ask = async (who) => {
      await box.getByLabel("E-mail address or registration id").fill(who);
      await button("Find out why", box).click();
    };
    await summary("Someone is missing?", box).click();
    await ask("nobody@river.example");
    await box.locator("[data-why=registration_never_arrived]").getByText("Check the spelling").waitFor();
    assert.ok(!page.calls.some((call) => call.includes("nobody")));
    await button("Pause", drawer).click();
    await drawer.getByText("Syncing of this event is paused").waitFor();
    await ask(address.toUpperCase());
    await box.locator("[data-why=is_in_salesforce]").getByRole("link", { name: /^Open (Lead|Contact)/ }).waitFor();
    await assertAccessible(page, "who is missing");
    await shoot(page, "missing", { fullPage: true });
    await button("Resume the event", box.locator("[data-why=event_is_paused]")).click();
    await box.locator("[data-why=event_is_paused]").waitFor({ state: "detached" });
    await box.getByRole("status").getByText("Done: Resume the event.").waitFor();
    await page.setViewportSize({ width: 360, height: 740 });
    await assertFits(page, "who is missing on a phone");
    await page.setViewportSize({ width: 1100, height: 900 });
    await summary("Someone is missing?", box).click();
  });
}

/** On the page of an event without a campaign, in an org with a dozen of them. */
export function aroundCampaigns(step, at, word = "Tour") {
  const drawer = (page) => page.locator("salesforce-event-sync");
  step("what was pasted instead of a Campaign Id is named, and a drawing shows where the Id is", async () => {
    const { page } = at();
    const field = drawer(page).getByLabel("Salesforce campaign id");
    for (const [text, said] of [["0035g0000000001AAA", "the Id of a Contact"], ["7015g0000000001AAB", "a character of it is wrong"], ["River Meeting", "Nothing like that"]]) {
      await field.fill(text);
      await button("Validate", drawer(page)).click();
      await drawer(page).getByRole("alert").getByText(said).waitFor();
    }
    await summary("Where do I find the Campaign Id?", drawer(page)).click();
    await drawer(page).getByRole("img", { name: /between \/Campaign\/ and \/view/ }).waitFor();
    await assertAccessible(page, "where the Id is");
    await page.setViewportSize({ width: 360, height: 740 });
    await assertFits(page, "where the Id is, on a phone");
    await shoot(page, "campaign-where-phone", { fullPage: true });
    await page.setViewportSize({ width: 1100, height: 900 });
    await shoot(page, "campaign-where", { fullPage: true });
    await summary("Where do I find the Campaign Id?", drawer(page)).click();
  });

  step("campaigns are found ten at a time, those made last first, to the end", async () => {
    const { page, stack } = at();
    const names = Array.from({ length: 12 }, (_, number) => `${word} ${number + 1}`);
    await stack.door("POST", "records/Campaign", names.map((Name) => ({ Name, Type: "Conference", Status: "Planned", IsActive: true, StartDate: "2026-12-01" })));
    await summary("Find one by name", drawer(page)).click();
    await drawer(page).getByLabel("Campaign name").fill(word.toLowerCase());
    await button("Search", drawer(page)).click();
    const found = drawer(page).locator("salesforce-campaign-picker li");
    await found.locator("strong", { hasText: `${word} 12` }).waitFor();
    assert.equal(await found.count(), 10);
    assert.match(await found.first().innerText(), / 12\s+Conference · Planned · Dec 1, 2026/);
    await button("More campaigns", drawer(page)).click();
    await drawer(page).getByText("That is all: 12 campaigns.").waitFor();
    assert.equal(await found.count(), 12);
    await assertAccessible(page, "campaigns that were found");
    await shoot(page, "campaign-search", { fullPage: true });
    await summary("Find one by name", drawer(page)).click();
  });

  step("a campaign is looked at before it is made in production", async () => {
    const { page } = at();
    await summary("Create one for this event", drawer(page)).click();
    await drawer(page).getByText(/It is made in .+, your production org/).waitFor();
    assert.equal(await drawer(page).getByLabel("Name", { exact: true }).inputValue(), "River Meeting");
    await drawer(page).getByText("Active, with the member statuses Sent, Responded, Registered").waitFor();
    await assertAccessible(page, "a campaign before it is made");
    await shoot(page, "campaign-create", { fullPage: true });
    await summary("Create one for this event", drawer(page)).click();
    await drawer(page).getByLabel("Salesforce campaign id").fill("");
  });
}
