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
