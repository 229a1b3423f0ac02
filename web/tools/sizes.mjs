// Says how heavy the built files are, compressed, and fails when the elements together are too heavy.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const DIST = new URL("../dist/", import.meta.url);
const MOST_BYTES = 60_000;
/** A page loads one language beside the elements. */
const MOST_BYTES_OF_A_LANGUAGE = 25_000;

/** A file and everything that it imports from beside it, each once. */
function withImports(name, seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  const text = readFileSync(new URL(name, DIST), "utf8");
  for (const [, imported] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+)["']/g)) withImports(imported, seen);
  return seen;
}

function compressed(names) {
  return [...names].reduce((sum, name) => sum + gzipSync(readFileSync(new URL(name, DIST)), { level: 9 }).length, 0);
}

const kB = (bytes) => (bytes / 1000).toFixed(1);

const files = readdirSync(DIST, { withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => entry.name);
const elements = compressed(withImports("eventship-salesforce.js"));
const languages = files.filter((name) => name.startsWith("words-")).map((name) => [name, compressed([name])]);
console.log(`the elements: ${kB(elements)} kB gzip (at most ${kB(MOST_BYTES)}); with the console and all languages: ${kB(compressed(files))} kB`);
for (const [name, size] of languages) console.log(`  ${name}: ${kB(size)} kB (at most ${kB(MOST_BYTES_OF_A_LANGUAGE)})`);
if (elements > MOST_BYTES || languages.length === 0 || languages.some(([, size]) => size > MOST_BYTES_OF_A_LANGUAGE)) process.exitCode = 1;
