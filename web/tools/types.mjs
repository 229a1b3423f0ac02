// Writes src/api/schema.ts from openapi/openapi.json, or with --check says that it is behind.
import { readFileSync, writeFileSync } from "node:fs";

const DOCUMENT = new URL("../../openapi/openapi.json", import.meta.url);
const OUTPUT = new URL("../src/api/schema.ts", import.meta.url);
const REF = "#/components/schemas/";

const { components, paths } = JSON.parse(readFileSync(DOCUMENT, "utf8"));
const schemas = components.schemas;
const answered = reachable(responseSchemas());

function* responseSchemas() {
  for (const methods of Object.values(paths)) {
    for (const operation of Object.values(methods)) {
      for (const answer of Object.values(operation.responses ?? {})) yield answer;
    }
  }
}

function reachable(roots) {
  const found = new Set();
  const open = [...roots];
  while (open.length > 0) {
    for (const name of references(open.pop())) {
      if (!found.has(name)) open.push(schemas[name]);
      found.add(name);
    }
  }
  return found;
}

function* references(node) {
  if (node === null || typeof node !== "object") return;
  if (typeof node.$ref === "string" && node.$ref.startsWith(REF)) yield node.$ref.slice(REF.length);
  for (const value of Object.values(node)) yield* references(value);
}

/** Enumerations that the service answers are open: a newer one may know more values. */
function literals(values, isOpen) {
  const known = values.map((value) => JSON.stringify(value)).join(" | ");
  return isOpen && values.length > 1 ? `${known} | Other` : known;
}

function typed(schema, isOpen) {
  if (schema.$ref) return schema.$ref.slice(REF.length);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return literals(schema.enum, isOpen);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map((one) => typed(one, isOpen)))].join(" | ");
  if (schema.type === "array") return `ReadonlyArray<${typed(schema.items ?? {}, isOpen)}>`;
  if (schema.type === "object" && !schema.properties) {
    const of = typeof schema.additionalProperties === "object" ? typed(schema.additionalProperties, isOpen) : "unknown";
    return `Readonly<Record<string, ${of}>>`;
  }
  return { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" }[schema.type] ?? "unknown";
}

function declared([name, schema]) {
  const isAnswered = answered.has(name);
  const text = schema.description ? `/** ${schema.description.replaceAll("*/", "* /").replaceAll("\n", "\n * ")} */\n` : "";
  if (!schema.properties) return `${text}export type ${name} = ${typed(schema, isAnswered)};\n`;
  const members = Object.entries(schema.properties).map(([key, value]) => {
    const isSure = isAnswered || schema.required?.includes(key);
    return `  readonly ${JSON.stringify(key)}${isSure ? "" : "?"}: ${typed(value, isAnswered)};`;
  });
  return `${text}export interface ${name} {\n${members.join("\n")}\n}\n`;
}

const text = [
  "// Made from openapi/openapi.json by tools/types.mjs; do not edit.",
  "/** A value that this version of the client does not know. */\nexport type Other = string & {};\n",
  ...Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)).map(declared),
].join("\n");

if (process.argv.includes("--write")) {
  writeFileSync(OUTPUT, text);
} else if (readFileSync(OUTPUT, "utf8") !== text) {
  console.error("src/api/schema.ts is behind openapi/openapi.json: run `npm run types` and commit it");
  process.exitCode = 1;
}
