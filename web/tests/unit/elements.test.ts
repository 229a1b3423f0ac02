// @vitest-environment happy-dom
/// <reference types="vite/client" />
import type { PropertyDeclarations } from "lit";
import { expect, test } from "vitest";
import * as index from "../../src/index";
import * as pages from "../../src/pages";
// @ts-expect-error -- a tool without types of its own
import { ELEMENTS, EVENTS, propertyOf } from "../../tools/declared.mjs";

interface Declared { readonly tag: string; readonly name: string; readonly module: "index" | "pages"; readonly properties: readonly string[] }

const SOURCES = import.meta.glob<string>("../../src/**/*.ts", { query: "?raw", import: "default", eager: true });
const EVENT = /"((?:salesforce|eventship)-[a-z-]*(?:connected|disconnected|saved|refused|changed))"/g;
const modules = { index, pages } as unknown as Record<string, Record<string, { properties: PropertyDeclarations } & CustomElementConstructor>>;

test.each(ELEMENTS as readonly Declared[])("$tag has the attributes and properties that the package declares", ({ tag, name, module, properties }) => {
  const element = modules[module]?.[name];
  const own = Object.entries(element!.properties).filter(([property, { state, attribute }]) => !state && (attribute !== false || property === "getToken"));
  const found = own.map(([property, { attribute }]) => [attribute === false ? "" : (attribute ?? property), property]);
  expect(customElements.get(tag)).toBe(element);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(properties.map((each) => [each, propertyOf(each).name])));
});

test("the package declares every class that there is, and every event that a page is told of", () => {
  const exported = [index, pages].flatMap((module) => Object.keys(module)).filter((name) => name.startsWith("Salesforce"));
  expect((ELEMENTS as readonly Declared[]).map(({ name }) => name).sort()).toEqual(exported.sort());
  const told = Object.values(SOURCES).flatMap((text) => [...text.matchAll(EVENT)]);
  expect([...new Set(told.map(([, event]) => event))].sort()).toEqual([...EVENTS].sort());
});
