import { expect, test } from "vitest";
import { LANGUAGES, languageFor, loadTexts } from "../../src/texts";

type Words = { readonly [key: string]: unknown };
/** Every text by its path; a function by the number of its arguments. */
type Table = Map<string, string | number>;

/** Names, and words that are the same in both languages. */
const SAME = new Set([
  "Salesforce", "Eventship", "Org", "Sandbox", "My Domain", "Consumer Key", "Consumer Secret", "Webinar", "Meeting", "Links", "Link", "Status", "Text", "Admin",
  "Lead", "Account", "Orgs", "Leases", "E-Mail", "In Salesforce", "Name", "Version", "Host", "Worker", "Webhooks", "eventship-salesforce console", "ltr", "App", "Problem",
]);
/** Where English itself says nothing. */
const EMPTY = new Set(["texts.preflight.severity.other", "texts.campaign.because.none", "texts.trial.fieldChange.same"]);

function tableOf(words: Words, path: string, table: Table = new Map()): Table {
  for (const [key, value] of Object.entries(words)) {
    const at = `${path}.${key}`;
    if (typeof value === "string") table.set(at, value);
    else if (typeof value === "function") table.set(at, value.length);
    else tableOf(value as Words, at, table);
  }
  return table;
}

async function tableFor(language: string): Promise<Table> {
  const { texts, words } = await LANGUAGES[language]!();
  return new Map([...tableOf(texts, "texts"), ...tableOf(words as unknown as Words, "words")]);
}

const others = Object.keys(LANGUAGES).filter((language) => language !== "en");
const english = await tableFor("en");

test.each(others)("no text is missing or too many in %s", async (language) => {
  expect([...(await tableFor(language)).keys()].sort()).toEqual([...english.keys()].sort());
});

test.each(others)("what is put into a text is the same in %s", async (language) => {
  const table = await tableFor(language);
  const wrong = [...english].filter(([path, value]) => typeof value === "number" && table.get(path) !== value);
  expect(wrong).toEqual([]);
});

test.each(others)("nothing is empty or still English in %s", async (language) => {
  const table = await tableFor(language);
  const wrong = [...table].filter(([path, text]) => !EMPTY.has(path) && typeof text === "string" && (text.trim() === "" || (text === english.get(path) && !SAME.has(text))));
  expect(wrong).toEqual([]);
});

test.each(Object.keys(LANGUAGES))("%s is a locale that numbers and dates are written in", async (language) => {
  const texts = await loadTexts(language);
  expect(Intl.NumberFormat.supportedLocalesOf(texts.locale)).toEqual([texts.locale]);
  expect(texts.locale).toBe(language);
});

test.each([["de", "de"], ["de-AT", "de"], ["DE_ch", "de"], ["en-GB", "en"], ["fr", "en"], ["", "en"], ["toString", "en"]])("a page in %j is answered in %s", (tag, language) => {
  expect(languageFor(tag)).toBe(language);
});
