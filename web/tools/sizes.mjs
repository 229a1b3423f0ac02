// Says how heavy the built files are, compressed, and fails when the elements together are too heavy.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const DIST = new URL("../dist/", import.meta.url);
const MOST_BYTES = 60_000;

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

const elements = compressed(withImports("eventship-salesforce.js"));
const all = compressed(readdirSync(DIST, { withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => entry.name));
console.log(`the elements: ${(elements / 1000).toFixed(1)} kB gzip (at most ${MOST_BYTES / 1000}); with the console: ${(all / 1000).toFixed(1)} kB`);
if (elements > MOST_BYTES) process.exitCode = 1;
