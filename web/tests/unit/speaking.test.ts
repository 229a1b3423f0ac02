// @vitest-environment happy-dom
import { html } from "lit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

// Each test begins with no language loaded.
async function page(lang: string, own = "") {
  vi.resetModules();
  const texts = await import("../../src/texts");
  const { SpeakingElement } = await import("../../src/ui/speaking");
  const drawn: string[] = [];
  class Inner extends SpeakingElement {
    protected override render() {
      drawn.push(texts.t.general.close);
      return html`<p>${texts.t.general.close}</p>`;
    }
  }
  const inner = `x-inner-${(count += 1)}`;
  customElements.define(inner, Inner);
  class Outer extends SpeakingElement {
    protected override render() {
      const child = document.createElement(inner);
      return html`<h1>${texts.t.general.cancel}</h1>${child}`;
    }
  }
  customElements.define(`x-outer-${count}`, Outer);
  document.documentElement.lang = lang;
  const element = document.createElement(`x-outer-${count}`);
  if (own) element.lang = own;
  document.body.append(element);
  const text = () => [element, element.shadowRoot?.querySelector(inner)].map((each) => each?.shadowRoot?.textContent?.replace(/\s+/g, "") ?? "").join(" ");
  return { element, inner: () => element.shadowRoot?.querySelector<HTMLElement>(inner), text, drawn, texts };
}

let count = 0;
beforeEach(() => document.body.replaceChildren());
afterEach(() => document.documentElement.removeAttribute("lang"));

test.each([["de", "", "Abbrechen Schließen", "de"], ["fr", "", "Cancel Close", "en"], ["de-CH", "en", "Cancel Close", "en"], ["", "de-AT", "Abbrechen Schließen", "de"]])(
  "in a page in %j, an element in %j reads %j and says so", async (lang, own, reads, says) => {
    const { element, inner, text, drawn } = await page(lang, own);
    expect(text()).toBe(" ");
    await vi.waitFor(() => expect(text()).toBe(reads));
    expect([element.lang, element.dir, inner()?.lang]).toEqual([says, "ltr", says]);
    expect(new Set(drawn).size).toBe(1);
  });

test("a page that changes its language is followed, all the way in", async () => {
  const { element, text } = await page("en");
  await vi.waitFor(() => expect(text()).toBe("Cancel Close"));
  document.documentElement.lang = "de";
  await vi.waitFor(() => expect(text()).toBe("Abbrechen Schließen"));
  expect(element.lang).toBe("de");
  element.lang = "en";
  await vi.waitFor(() => expect(text()).toBe("Cancel Close"));
});

test("a page's own words take the place of every language, also of one that is drawn", async () => {
  const { element, text, texts } = await page("de");
  await vi.waitFor(() => expect(text()).toBe("Abbrechen Schließen"));
  const english = await texts.loadTexts("en");
  texts.setTexts({ ...english, locale: "ar", dir: "rtl", general: { ...english.general, close: "أغلق", cancel: "ألغ" } });
  await vi.waitFor(() => expect(text()).toBe("ألغ أغلق"));
  expect([element.lang, element.dir]).toEqual(["ar", "rtl"]);
});
