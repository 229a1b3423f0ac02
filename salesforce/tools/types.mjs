// Salesforce's own types of metadata, read from @salesforce/types, and what of a document does not fit them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const FILE = createRequire(import.meta.url).resolve("@salesforce/types/metadata").replace(/\.js$/, ".d.ts");
const HEAD = /^export type (\w+) = (?:(\w+) & )?\{$/;
const MEMBER = /^ {4}(\w+)(\?)?: (\w+)(\[\])?;$/;
const CHOICE = /^export type (\w+) = ('.*');$/;
const ALIAS = /^export type (\w+) = (\w+);$/;
const SIMPLE = {
  any: () => true,
  boolean: (text) => text === "true" || text === "false",
  number: (text) => /^-?\d+(\.\d+)?$/.test(text),
  string: () => true,
};

/** Every type by its name: its members, its choices, or the type that it is another name of. */
export function readTypes() {
  const types = new Map();
  let open = null;
  for (const line of readFileSync(FILE, "utf8").split("\n")) {
    const [head, member, choice, alias] = [HEAD, MEMBER, CHOICE, ALIAS].map((form) => form.exec(line));
    if (head) {
      open = { base: head[2], members: new Map() };
      types.set(head[1], open);
    } else if (member && open) {
      const isList = member[4] !== undefined;
      open.members.set(member[1], { isList, isRequired: !member[2] && !isList, type: member[3] });
    } else if (choice) {
      types.set(choice[1], { choices: new Set([...choice[2].matchAll(/'([^']*)'/g)].map((found) => found[1])) });
    } else if (alias) {
      types.set(alias[1], { alias: alias[2] });
    }
  }
  if (!types.get("CustomField")?.members.size || !types.get("FieldType")?.choices.size) {
    throw new Error("@salesforce/types is not written as it was: tools/types.mjs cannot read it");
  }
  return types;
}

/** What of a value does not fit its type, a line each; `path` says where it stands. */
export function* misfits(types, name, value, path) {
  if (SIMPLE[name]) {
    if (typeof value !== "string" || !SIMPLE[name](value)) yield `${path} is no ${name}`;
    return;
  }
  const type = types.get(name);
  if (!type) {
    yield `${path}: Salesforce has no type ${name}`;
  } else if (type.alias) {
    yield* misfits(types, type.alias, value, path);
  } else if (type.choices) {
    if (!type.choices.has(value)) yield `${path}: ${JSON.stringify(value)} is no ${name}`;
  } else {
    yield* misfittingMembers(types, name, value === "" ? {} : value, path);
  }
}

function* misfittingMembers(types, name, value, path) {
  if (typeof value !== "object" || Array.isArray(value)) {
    yield `${path} is no ${name}`;
    return;
  }
  const members = membersOf(types, name);
  for (const [key, one] of Object.entries(value)) {
    const member = members.get(key);
    if (!member) yield `${path}: ${name} has no ${key}`;
    else if (Array.isArray(one) && !member.isList) yield `${path}.${key} is there ${one.length} times`;
    else for (const each of [one].flat()) yield* misfits(types, member.type, each, `${path}.${key}`);
  }
  for (const [key, member] of members) if (member.isRequired && !(key in value)) yield `${path}: ${key} is missing`;
}

function membersOf(types, name) {
  const { base, members } = types.get(name);
  return base ? new Map([...membersOf(types, base), ...members]) : members;
}
