// @vitest-environment happy-dom
import { render } from "lit";
import { expect, test } from "vitest";
import type { PackageInOrg } from "../../src/api/schema";
import { packageView, rightsView } from "../../src/card/package";
import type { View } from "../../src/ui/views";

const missing = [{ object: "Lead", fields: ["evs__Eventship_Key__c"] }];

function textOf(view: View): string {
  const place = document.createElement("div");
  render(view, place);
  return (place.textContent ?? "").replace(/\s+/g, " ").trim();
}

test.each<[PackageInOrg["state"], PackageInOrg["missing"], string[], RegExp, RegExp]>([
  ["there", [], ["Task"], /all of its fields can be written.*never twice/, /assigns/],
  ["incomplete", missing, [], /cannot be written: Lead: evs__Eventship_Key__c.*assigns the permission set/, /never twice/],
  ["not_seen", [], [], /cannot be seen in this org.*assigns the permission set/, /never twice/],
  ["later state", [], [], /We do not know/, /never twice/],
])("what the org has of the package is said: %s", (state, fields, keys, says, leavesOut) => {
  const text = textOf(packageView({ state, missing: fields, unique_keys: keys }));
  expect(text).toMatch(says);
  expect(text).not.toMatch(leavesOut);
});

test("nothing is said of the package before the first look, and no file is linked without documents", () => {
  expect(textOf(packageView(null))).toBe("");
  expect(textOf(rightsView(""))).toBe("");
});
