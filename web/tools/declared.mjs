// What npm/elements.json says of the elements, in the forms that editors and compilers read.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const { properties, events, elements } = JSON.parse(readFileSync(join(import.meta.dirname, "../npm/elements.json"), "utf8"));
const OF_ALL = ["host-id", "api-base", "docs-base", ""];
const TOLD_BY_ALL = ["eventship-token-refused"];
/** What is imported, and the built file that it is of. */
export const MODULES = { index: "eventship-salesforce.js", pages: "eventship-salesforce-pages.js" };

export const ELEMENTS = Object.entries(elements).map(([tag, { class: name, module = "index", description, ...own }]) => ({
  tag, name, module, description, properties: [...OF_ALL, ...own.properties], events: [...TOLD_BY_ALL, ...own.events],
}));
export const EVENTS = Object.keys(events);
export const propertyOf = (attribute) => properties[attribute];

/** https://github.com/webcomponents/custom-elements-manifest */
export function manifest() {
  const modules = Object.keys(MODULES).map((module) => {
    const own = ELEMENTS.filter((element) => element.module === module);
    const path = `./${module}.js`;
    return { kind: "javascript-module", path, declarations: own.map(declaration), exports: own.flatMap((element) => exported(element, path)) };
  });
  return { schemaVersion: "2.1.0", modules };
}

function declaration({ tag, name, description, properties: own, events: told }) {
  return {
    kind: "class",
    customElement: true,
    name,
    tagName: tag,
    description,
    superclass: { name: "HTMLElement" },
    attributes: own.filter(Boolean).map((attribute) => ({
      name: attribute, fieldName: properties[attribute].name, type: { text: properties[attribute].type }, description: properties[attribute].description,
    })),
    members: own.map((attribute) => ({
      kind: "field", name: properties[attribute].name, type: { text: properties[attribute].type }, description: properties[attribute].description,
      ...(attribute && { attribute }),
    })),
    events: told.map((event) => ({ name: event, type: { text: `CustomEvent<${events[event].detail}>` }, description: events[event].description })),
  };
}

const exported = ({ tag, name }, module) => [
  { kind: "js", name, declaration: { name, module } },
  { kind: "custom-element-definition", name: tag, declaration: { name, module } },
];

const text = (description) => `/** ${description} */`;

function classOf({ name, description, properties: own, events: told }) {
  return `${text(description)}
export declare class ${name} extends HTMLElement {
${own.map((attribute) => `  ${text(properties[attribute].description)}\n  ${properties[attribute].name}: ${properties[attribute].type};`).join("\n")}
  addEventListener<Name extends ${told.map((event) => JSON.stringify(event)).join(" | ")}>(
    type: Name, listener: (this: ${name}, event: ElementEvents[Name]) => unknown, options?: boolean | AddEventListenerOptions): void;
  addEventListener<Name extends keyof HTMLElementEventMap>(
    type: Name, listener: (this: ${name}, event: HTMLElementEventMap[Name]) => unknown, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}`;
}

/** The classes of one module, and their tags. */
function classesOf(module) {
  const own = ELEMENTS.filter((element) => element.module === module);
  return `${own.map(classOf).join("\n")}

declare global {
  interface HTMLElementTagNameMap {
${own.map(({ tag, name }) => `    "${tag}": ${name};`).join("\n")}
  }
}
`;
}

/** The declarations of pages.js. */
export const pagesDeclarations = () => `import type { ElementEvents, GetToken } from "./index.js";\n\n${classesOf("pages")}`;

/** The declarations of index.js; `Texts` are those of the built languages. */
export function declarations() {
  return `import type { texts } from "./texts/en/index.js";

/** Gives a bearer token of the platform; asked before every request, so it may renew itself. */
export type GetToken = () => string | Promise<string>;
/** Every word of the elements, in one language. */
export type Texts = typeof texts;
export interface OfHost { readonly hostId: string }
export interface OfEvent extends OfHost { readonly eventId: string }
export interface MappingSaved extends OfHost { readonly retried: number }
export interface RowsChanged extends OfEvent { readonly counts: Readonly<Record<string, number>> }
export interface LinkChanged extends OfEvent { readonly campaignId: string | null }

/** What the elements send, all of it bubbling and out of shadow roots. */
export interface ElementEvents {
${EVENTS.map((event) => `  ${text(events[event].description)}\n  "${event}": CustomEvent<${events[event].detail}>;`).join("\n")}
}

/** The elements' words in a language, to take some of them into one's own. */
export declare function loadTexts(language: string): Promise<Texts>;
/** Uses one's own words, before the elements are drawn. */
export declare function setTexts(texts: Texts): void;

declare global {
  interface HTMLElementEventMap extends ElementEvents {}
}

${classesOf("index")}`;
}

/** For JSX of React 19 or later: import "@eventship/salesforce-elements/react" once, for its types. */
export function reactDeclarations() {
  const elementsOf = ELEMENTS.map(({ tag, name, properties: own, events: told }) => `      "${tag}": Common<${name}> & {
${own.filter(Boolean).map((attribute) => `        "${attribute}"${attribute === "host-id" ? "" : "?"}: ${properties[attribute].type};`).join("\n")}
        getToken: GetToken;
${told.map((event) => `        "on${event}"?: (event: ElementEvents["${event}"]) => void;`).join("\n")}
      };`);
  const named = (module) => ELEMENTS.filter((element) => element.module === module).map(({ name }) => name).join(", ");
  return `import type { ElementEvents, GetToken, ${named("index")} } from "./index.js";
import type { ${named("pages")} } from "./pages.js";

interface Common<Element> {
  key?: string | number | null;
  ref?: ((element: Element | null) => void) | { current: Element | null } | null;
  id?: string;
  className?: string;
  lang?: string;
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
${elementsOf.join("\n")}
    }
  }
}
`;
}
