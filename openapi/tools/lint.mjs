// Says what Redocly's rules find in openapi.json, as `redocly lint` would, and fails if that is anything.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { lintFromString, loadConfig } from "@redocly/openapi-core";

const at = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const config = await loadConfig({ configPath: at("redocly.yaml") });
const problems = await lintFromString({ source: readFileSync(at("openapi.json"), "utf8"), absoluteRef: at("openapi.json"), config });
for (const { severity, ruleId, message, location } of problems) {
  console.error(`${severity} ${ruleId}: ${location[0]?.pointer ?? ""}: ${message}`);
}
if (problems.length > 0) process.exitCode = 1;
