// Makes dist-npm/ of what was built: the elements with their languages, which need nothing else, as a package for `npm publish`.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const WEB = new URL("../", import.meta.url);
const OUT = new URL("dist-npm/", WEB);
const ELEMENTS = "eventship-salesforce.js";
/** Elements that are pages of their own, imported where they are shown. */
const PAGES = "eventship-salesforce-pages.js";
const { version, license } = JSON.parse(readFileSync(new URL("package.json", WEB), "utf8"));

/** The file and all that it loads from beside it, the languages too. */
function withImports(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  const built = readFileSync(new URL(`dist/${name}`, WEB), "utf8");
  for (const [, , imported] of built.matchAll(/\b(?:from|import)\s*\(?\s*(["'`])([\w@./-]+)\1/g)) {
    if (!imported.startsWith("./")) throw new Error(`the elements import ${imported}: it would have to be published, too`);
    withImports(imported.slice(2), seen);
  }
  return seen;
}

const files = [...withImports(PAGES, withImports(ELEMENTS))];
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);
for (const [from, to] of [...files.map((name) => [`dist/${name}`, name]), ["README.md", "README.md"], ["../LICENSE", "LICENSE"]]) {
  cpSync(new URL(from, WEB), new URL(to, OUT));
}
const about = {
  name: "@eventship/salesforce-elements",
  version,
  description: "Web components for a host's dashboard: the Salesforce card, an event's sync panel, the mapping.",
  license,
  type: "module",
  exports: { ".": `./${ELEMENTS}`, "./pages": `./${PAGES}` },
  files,
  sideEffects: true,
};
writeFileSync(new URL("package.json", OUT), `${JSON.stringify(about, null, 2)}\n`);
