// @vitest-environment happy-dom
import { beforeEach, expect, test } from "vitest";
import { hasBegun, noteBegun, takeOut } from "../../src/card/returned";

beforeEach(() => sessionStorage.clear());

function openAt(path: string): void {
  history.replaceState(null, "", path);
}

test("the code leaves the address with all that says how it went", () => {
  openAt("/integrations?tab=crm&salesforce=confirm&attempt=att_1#code=c0de");
  expect(takeOut()).toEqual({ outcome: "confirm", attemptId: "att_1", code: "c0de" });
  expect(location.pathname + location.search + location.hash).toBe("/integrations?tab=crm");
  expect(takeOut()).toBeNull();
});

test("a failure has no code, whatever the fragment says", () => {
  openAt("/integrations?salesforce=failed&attempt=att_1#code=c0de");
  expect(takeOut()).toEqual({ outcome: "failed", attemptId: "att_1", code: null });
  expect(location.hash).toBe("");
});

test("an address that is not ours stays as it is", () => {
  openAt("/console/?host=a#/hosts/b");
  expect(takeOut()).toBeNull();
  expect(location.search + location.hash).toBe("?host=a#/hosts/b");
});

test("only the attempt that this tab began, for this host, is its own", () => {
  noteBegun("att_1", "host_a");
  expect([hasBegun("att_1", "host_a"), hasBegun("att_1", "host_b"), hasBegun("att_2", "host_a")]).toEqual([true, false, false]);
  sessionStorage.clear();
  expect(hasBegun("att_1", "host_a")).toBe(false);
});
