import { expect, test } from "vitest";
import { moved } from "../../src/writes/grid-keys";

const at = { row: 5, column: 3 };

test.each([
  ["ArrowUp", false, 4, 3], ["ArrowDown", false, 6, 3], ["ArrowLeft", false, 5, 2], ["ArrowRight", false, 5, 4],
  ["ArrowUp", true, 0, 3], ["ArrowDown", true, 99, 3], ["PageUp", false, 0, 3], ["PageDown", false, 15, 3],
  ["Home", false, 5, 0], ["End", false, 5, 12], ["Home", true, 0, 0], ["End", true, 99, 12],
])("%s (with Ctrl: %s) leads to row %i, column %i", (key, isFar, row, column) => {
  expect(moved(at, key, isFar, 100, 13)).toEqual({ row, column });
});

test("no key leads out of the grid", () => {
  expect(moved({ row: 0, column: 0 }, "ArrowUp", false, 100, 13)).toEqual({ row: 0, column: 0 });
  expect(moved({ row: 99, column: 12 }, "ArrowRight", false, 100, 13)).toEqual({ row: 99, column: 12 });
  expect(moved({ row: 95, column: 0 }, "PageDown", false, 100, 13)).toEqual({ row: 99, column: 0 });
});

test.each([" ", "Enter", "Tab", "a"])("%s does not move", (key) => {
  expect(moved(at, key, false, 100, 13)).toBeNull();
});
