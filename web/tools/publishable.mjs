// Makes dist-npm/ of what was built: the elements with their languages, which need nothing else, as a package for `npm publish`.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { declarations, ELEMENTS, EVENTS, manifest, MODULES, pagesDeclarations, propertyOf, reactDeclarations } from "./declared.mjs";

const WEB = new URL("../", import.meta.url);
const OUT = new URL("dist-npm/", WEB);
const FUNCTIONS = { index: ["loadTexts", "setTexts"], pages: [] };
const about = JSON.parse(readFileSync(new URL("npm/elements.json", WEB), "utf8"));
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

/** The declarations of the words, by the compiler: their shape is that of the English ones. */
function declareTexts() {
  const options = "--ignoreConfig --declaration --emitDeclarationOnly --target ES2022 --module ESNext --moduleResolution bundler --strict";
  const folders = ["--rootDir", "src/texts", "--outDir", "dist-npm/texts"];
  const compiler = fileURLToPath(new URL("node_modules/typescript/bin/tsc", WEB));
  execFileSync(process.execPath, [compiler, ...options.split(" "), "--lib", "ES2023,DOM,DOM.Iterable", "--types", "", ...folders, "src/texts/en/index.ts"], {
    cwd: fileURLToPath(WEB), stdio: "inherit",
  });
}

function readme() {
  const row = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const table = (head, rows) => [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
  const named = (attributes) => attributes.map((attribute) => `\`${attribute || propertyOf(attribute).name}\``).join(", ");
  const parts = {
    elements: table(["element", "what", "attributes, and properties"], ELEMENTS.map(({ tag, description, properties }) => [`\`<${tag}>\``, description, named(properties)])),
    events: table(["event", "`detail`", "when"], EVENTS.map((event) => [`\`${event}\``, `\`${about.details[about.events[event].detail]}\``, about.events[event].description])),
    react: readFileSync(new URL("npm/integrations.tsx", WEB), "utf8").trimEnd(),
  };
  return readFileSync(new URL("npm/README.md", WEB), "utf8").replace(/@@(\w+)@@/g, (_, part) => parts[part]);
}

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);
const built = [...Object.values(MODULES).reduce((seen, name) => withImports(name, seen), new Set())];
/** What is built exports what its parts share, too: these are the names that are meant. */
const facades = Object.entries(MODULES).map(([module, file]) => {
  const names = [...ELEMENTS.filter((element) => element.module === module).map(({ name }) => name), ...FUNCTIONS[module]];
  return [`${module}.js`, `export { ${names.join(", ")} } from "./${file}";\n`];
});
const written = {
  ...Object.fromEntries(facades),
  "index.d.ts": declarations(),
  "pages.d.ts": pagesDeclarations(),
  "react.d.ts": reactDeclarations(),
  "custom-elements.json": `${JSON.stringify(manifest(), null, 2)}\n`,
  "README.md": readme(),
};
const copied = [...built.map((name) => [`dist/${name}`, name]), ["../LICENSE", "LICENSE"]];
for (const [from, to] of copied) cpSync(new URL(from, WEB), new URL(to, OUT));
for (const [name, text] of Object.entries(written)) writeFileSync(new URL(name, OUT), text);
declareTexts();
writeFileSync(new URL("package.json", OUT), `${JSON.stringify({
  name: "@eventship/salesforce-elements",
  version,
  description: "Web components for a host's dashboard: the Salesforce card, an event's sync panel, the mapping.",
  license,
  type: "module",
  types: "./index.d.ts",
  exports: {
    ".": { types: "./index.d.ts", default: "./index.js" },
    "./pages": { types: "./pages.d.ts", default: "./pages.js" },
    "./react": { types: "./react.d.ts" },
    "./custom-elements.json": "./custom-elements.json",
    "./package.json": "./package.json",
  },
  customElements: "custom-elements.json",
  files: [...built, ...Object.keys(written), "texts"],
  sideEffects: true,
}, null, 2)}\n`);
