// The package's source as Salesforce's library reads it: components, their documents, the conversion.
import { readFileSync, readdirSync, rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { ComponentSet, MetadataConverter } from "@salesforce/source-deploy-retrieve";
import { XMLParser } from "fast-xml-parser";

const PARSER = new XMLParser({ ignoreAttributes: true, ignoreDeclaration: true, parseTagValue: false });

/** The components of one directory, and the documents of all that it holds: `{ path, owner, kind, root, body }`. */
export function readSource(project, directory) {
  const set = ComponentSet.fromSource(join(project, directory));
  set.sourceApiVersion = JSON.parse(readFileSync(join(project, "sfdx-project.json"), "utf8")).sourceApiVersion;
  const documents = [];
  for (const component of set.getSourceComponents()) {
    const parts = component.getChildren().filter((part) => part.xml && part.xml !== component.xml);
    for (const each of [component, ...parts]) {
      const parsed = readXml(each.xml);
      const path = relative(project, each.xml);
      documents.push({ path, owner: component.fullName, kind: each.type.name, name: each.fullName, ...parsed });
    }
  }
  return { set, documents, files: filesBelow(join(project, directory)).map((path) => relative(project, path)) };
}

/** The documents that a directory becomes in metadata format; nothing of them stays on disk. */
export async function convert(set) {
  const folder = mkdtempSync(join(tmpdir(), "eventship-package-"));
  try {
    const options = { type: "directory", outputDirectory: folder, genUniqueDir: false };
    await new MetadataConverter().convert(set, "metadata", options);
    return filesBelow(folder).map((path) => ({ path: relative(folder, path), ...readXml(path) }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readXml(path) {
  const roots = Object.entries(PARSER.parse(readFileSync(path, "utf8"), true));
  if (roots.length !== 1) throw new Error(`${path} has ${roots.length} roots`);
  return { root: roots[0][0], body: roots[0][1] === "" ? {} : roots[0][1] };
}

function filesBelow(folder) {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
