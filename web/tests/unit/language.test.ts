// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { chooseLanguage, languageName, takeLanguage } from "../../src/console/language";

beforeEach(() => localStorage.clear());
afterEach(() => vi.unstubAllGlobals());

test.each([[["de-AT", "en"], "de"], [["fr", "de"], "de"], [["fr-FR", "nl"], "en"], [["en-GB", "de"], "en"], [[], "en"]])("a browser that reads %j gets the console in %s", (languages, taken) => {
  vi.stubGlobal("navigator", { languages });
  takeLanguage();
  expect(document.documentElement.lang).toBe(taken);
});

test("what a reader chose holds the next time, over the browser's own", () => {
  vi.stubGlobal("navigator", { languages: ["de"] });
  chooseLanguage("en");
  document.documentElement.lang = "";
  takeLanguage();
  expect(document.documentElement.lang).toBe("en");
});

test("a browser that keeps nothing is no fault", () => {
  vi.stubGlobal("navigator", { languages: ["de"] });
  const refuse = () => { throw new DOMException("denied", "SecurityError"); };
  vi.stubGlobal("localStorage", { getItem: refuse, setItem: refuse });
  chooseLanguage("en");
  expect(document.documentElement.lang).toBe("en");
  takeLanguage();
  expect(document.documentElement.lang).toBe("de");
});

test("each language is called by its own name", () => {
  expect(["en", "de"].map(languageName)).toEqual(["English", "Deutsch"]);
});
