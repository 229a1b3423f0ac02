// `npm run check`: resolves the source, converts it to metadata format, holds it to Salesforce's types and to the
// rules beside them; then breaks copies of it and expects each to be found.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CONTROLS } from "./controls.mjs";
import { brokenRules } from "./rules.mjs";
import { convert, readSource } from "./source.mjs";
import { misfits, readTypes } from "./types.mjs";

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const SCRATCH_ORG = "config/project-scratch-def.json";
const PARTS = ["config", "force-app", "unpackaged", "sfdx-project.json", "fields.json"];
const TYPES = readTypes();

/** What is wrong with a project, a line each, and how much was looked at. */
async function look(project) {
  const faults = [];
  const documents = [];
  let converted = 0;
  const { packageDirectories } = JSON.parse(readFileSync(join(project, "sfdx-project.json"), "utf8"));
  try {
    for (const { path } of packageDirectories) {
      const source = readSource(project, path);
      const read = new Set(source.documents.map((each) => each.path));
      faults.push(...source.files.filter((each) => !read.has(each)).map((each) => `${each} is part of no component`));
      documents.push(...source.documents);
      for (const made of await convert(source.set)) {
        converted += 1;
        faults.push(...misfits(TYPES, made.root, made.body, `converted ${made.path}`));
      }
    }
    for (const { path, kind, root, body } of documents) {
      if (root !== kind) faults.push(`${path} holds ${root}, not ${kind}`);
      faults.push(...misfits(TYPES, kind, body, path));
    }
    const { settings } = JSON.parse(readFileSync(join(project, SCRATCH_ORG), "utf8"));
    for (const [name, chosen] of Object.entries(settings)) {
      const written = Object.fromEntries(Object.entries(chosen).map(([key, value]) => [key, String(value)]));
      faults.push(...misfits(TYPES, name[0].toUpperCase() + name.slice(1), written, `${SCRATCH_ORG}: ${name}`));
    }
    faults.push(...brokenRules(documents, JSON.parse(readFileSync(join(project, "fields.json"), "utf8"))));
  } catch (error) {
    faults.push(`${error.name}: ${error.message}`);
  }
  return { faults, documents: documents.length, converted };
}

/** A control that is not found is a hole in the check. */
async function holes() {
  const found = [];
  for (const { name, file, edit, moveTo, expects } of CONTROLS) {
    const copy = mkdtempSync(join(tmpdir(), "eventship-control-"));
    try {
      for (const part of PARTS) cpSync(join(PROJECT, part), join(copy, part), { recursive: true });
      const path = join(copy, file);
      const before = existsSync(path) ? readFileSync(path, "utf8") : "";
      if (edit) writeFileSync(path, edit(before));
      if (edit && edit(before) === before) found.push(`${name}: the control changes nothing`);
      if (moveTo) mkdirSync(dirname(join(copy, moveTo)), { recursive: true });
      if (moveTo) renameSync(path, join(copy, moveTo));
      const { faults } = await look(copy);
      const isFound = faults.some((fault) => expects.test(fault));
      if (!isFound) found.push(`${name}: not found (${faults.join("; ") || "no fault"})`);
    } finally {
      rmSync(copy, { recursive: true });
    }
  }
  return found;
}

const begun = performance.now();
const { faults, documents, converted } = await look(PROJECT);
for (const fault of faults) console.error(fault);
const missed = faults.length ? [] : await holes();
for (const each of missed) console.error(`control: ${each}`);
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
if (!faults.length && !missed.length) {
  const looked = `${documents} documents resolved, ${converted} converted`;
  console.log(`salesforce: ${looked}, ${CONTROLS.length} broken copies found, ${seconds} s`);
}
process.exitCode = faults.length || missed.length ? 1 : 0;
