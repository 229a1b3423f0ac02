// Makes dist-npm/ of what was built: the elements alone, which need nothing else, as a package for `npm publish`.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const WEB = new URL("../", import.meta.url);
const OUT = new URL("dist-npm/", WEB);
const ELEMENTS = "eventship-salesforce.js";
const { version, license } = JSON.parse(readFileSync(new URL("package.json", WEB), "utf8"));

const built = readFileSync(new URL(`dist/${ELEMENTS}`, WEB), "utf8");
const imported = [...built.matchAll(/\b(?:from|import)\s*["']([\w@./-]+)["']/g)].map(([, name]) => name);
if (imported.length > 0) throw new Error(`the elements import ${imported}: they would have to be published, too`);

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);
for (const [from, to] of [[`dist/${ELEMENTS}`, ELEMENTS], ["README.md", "README.md"], ["../LICENSE", "LICENSE"]]) {
  cpSync(new URL(from, WEB), new URL(to, OUT));
}
const about = {
  name: "@eventship/salesforce-elements",
  version,
  description: "Web components for a host's dashboard: the Salesforce card, an event's sync panel, the mapping.",
  license,
  type: "module",
  exports: `./${ELEMENTS}`,
  files: [ELEMENTS],
  sideEffects: true,
};
writeFileSync(new URL("package.json", OUT), `${JSON.stringify(about, null, 2)}\n`);
