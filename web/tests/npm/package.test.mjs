// The npm package as somebody installs it: from its tarball, without a network, in a folder that has nothing else.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const WEB = fileURLToPath(new URL("../../", import.meta.url));
const TSC = join(WEB, "node_modules/typescript/bin/tsc");
const NAME = "@eventship/salesforce-elements";
const run = (cwd, command, ...words) => execFileSync(command, words, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
let home, installed;

before(() => {
  home = mkdtempSync(join(tmpdir(), "elements-"));
  run(WEB, process.execPath, "tools/publishable.mjs");
  const [{ filename }] = JSON.parse(run(home, "npm", "pack", join(WEB, "dist-npm"), "--json", "--offline"));
  writeFileSync(join(home, "package.json"), '{"private": true, "type": "module"}');
  run(home, "npm", "install", "--offline", "--no-audit", "--no-fund", `./${filename}`);
  installed = join(home, "node_modules", NAME);
});

after(() => rmSync(home, { recursive: true, force: true }));

test("it holds what its package.json names, and every file that another one loads", () => {
  const { exports, version } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  assert.equal(version, JSON.parse(readFileSync(join(WEB, "package.json"), "utf8")).version);
  const files = readdirSync(installed);
  const targets = Object.values(exports).flatMap((to) => (typeof to === "string" ? [to] : Object.values(to)));
  for (const to of targets) assert.ok(files.includes(to.slice(2)), to);
  assert.ok(files.some((name) => name.startsWith("words-de")));
  const readme = readFileSync(join(installed, "README.md"), "utf8");
  assert.match(readme, /\| `<salesforce-event-sync>` \|/);
  assert.match(readme, /\| `salesforce-rows-changed` \| `\{ hostId, eventId, counts \}` \|/);
  assert.doesNotMatch(readme, /@@/);
});

test("its exports have full names", () => {
  for (const module of ["index", "pages"]) {
    const [, list, file] = /export \{ ([^}]+) \} from "\.\/([^"]+)"/.exec(readFileSync(join(installed, `${module}.js`), "utf8"));
    const names = list.split(", ");
    assert.deepEqual(names.filter((name) => name.length < 8), []);
    const built = readFileSync(join(installed, file), "utf8");
    for (const name of names) assert.match(built, new RegExp(`export ?\\{[^}]*\\b${name}\\b`));
  }
});

test("its manifest names each element with its attributes and events", () => {
  const { modules: [{ declarations }] } = JSON.parse(readFileSync(join(installed, "custom-elements.json"), "utf8"));
  const card = declarations.find(({ tagName }) => tagName === "salesforce-card");
  assert.ok(card.attributes.some(({ name, fieldName }) => name === "host-id" && fieldName === "hostId"));
  assert.ok(card.events.some(({ name, type }) => name === "salesforce-connected" && type.text === "CustomEvent<OfHost>"));
});

const COMPILED = {
  "page.ts": `import { SalesforceCard, setTexts, type Texts } from "${NAME}";
import { SalesforceEventDay } from "${NAME}/pages";
export const door = new SalesforceEventDay();
door.eventId = "evt_summit";
const card: SalesforceCard = document.createElement("salesforce-card");
card.getToken = async () => "token";
card.display = "popup";
card.addEventListener("salesforce-connected", (event) => event.detail.hostId.length);
document.addEventListener("salesforce-rows-changed", (event) => { const counts = (event as CustomEvent<{ counts: Record<string, number> }>).detail.counts; return counts; });
export const own = (texts: Texts): void => setTexts({ ...texts, locale: "en-GB" });
`,
};
const REFUSED = {
  "wrong-property.ts": `import { SalesforceCard } from "${NAME}";\nexport const card = new SalesforceCard();\ncard.display = "tab";\n`,
  "wrong-event.tsx": `import type {} from "${NAME}/react";\nexport const page = <salesforce-card host-id="h" getToken={() => ""} onsalesforce-connected={(event) => event.detail.eventId} />;\n`,
  "no-token.tsx": `import type {} from "${NAME}/react";\nexport const page = <salesforce-card host-id="h" />;\n`,
};
/** As much of React's own types as JSX needs: they are not ours to install. */
const REACT = {
  "index.d.ts": "export namespace JSX { interface IntrinsicElements {} interface ElementChildrenAttribute { children: {} } }\nexport {};\n",
  "jsx-runtime.d.ts": 'export { JSX } from "./index";\nexport declare const jsx: unknown, jsxs: unknown, Fragment: unknown;\n',
  "package.json": '{"name": "react", "types": "index.d.ts"}',
};

test("a page and a React component compile against its types, and mistakes do not", () => {
  const react = join(home, "node_modules/react");
  mkdirSync(react);
  for (const [name, text] of Object.entries(REACT)) writeFileSync(join(react, name), text);
  for (const [name, text] of Object.entries({ ...COMPILED, ...REFUSED })) writeFileSync(join(home, name), text);
  cpSync(join(WEB, "npm/integrations.tsx"), join(home, "integrations.tsx"));
  const options = "--noEmit --strict --skipLibCheck false --module ESNext --moduleResolution bundler --target ES2022 --lib ES2023,DOM,DOM.Iterable --jsx react-jsx --types".split(" ");
  const compile = (...names) => run(home, process.execPath, TSC, ...options, "", ...names);
  compile(...Object.keys(COMPILED), "integrations.tsx");
  const mistakes = Object.keys(REFUSED);
  assert.throws(() => compile(...mistakes), ({ stdout }) => mistakes.every((name) => stdout.includes(`${name}(`)));
});
