import { expect, test } from "vitest";
import { kindName, kindsOf } from "../../src/writes/kinds";

test("kinds come in our order, and those of a newer service last", () => {
  const writes = { fax: 1, member: 2, email_sent: 3, person: 4 };
  expect(kindsOf<number>(writes)).toEqual([["person", 4], ["member", 2], ["email_sent", 3], ["fax", 1]]);
});

test("a kind that is not known yet has a name, too", () => {
  expect(kindName("calendar_event")).toBe("Calendar Events");
  expect(kindName("fax")).toBe("fax");
});
