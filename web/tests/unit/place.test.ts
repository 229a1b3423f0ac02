/** Addresses of the console. */

import { expect, test } from "vitest";
import { eventAddress, hostAddress, placeOf } from "../../src/console/place";

const NOWHERE = { hostId: null, eventId: null, page: null, itemId: null, isOperations: false };

test.each([
  ["", "", NOWHERE],
  ["", "?host=host_a", { ...NOWHERE, hostId: "host_a" }],
  [hostAddress("host a/b"), "", { ...NOWHERE, hostId: "host a/b" }],
  [hostAddress("h", "mapping"), "", { ...NOWHERE, hostId: "h", page: "mapping" }],
  [eventAddress("h", "evt/1"), "", { ...NOWHERE, hostId: "h", eventId: "evt/1" }],
  [eventAddress("h", "e", "registrations", "reg/7"), "?host=other", { ...NOWHERE, hostId: "h", eventId: "e", page: "registrations", itemId: "reg/7" }],
  ["#/hosts/50%", "", { ...NOWHERE, hostId: "50%" }],
  ["#/operations", "", { ...NOWHERE, isOperations: true }],
  ["#/operations/orgs/00D1", "", { ...NOWHERE, isOperations: true, page: "orgs", itemId: "00D1" }],
])("the address %s%s names its place", (hash, search, place) => {
  expect(placeOf(hash, search)).toEqual(place);
});
