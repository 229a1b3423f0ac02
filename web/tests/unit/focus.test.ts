// @vitest-environment happy-dom
import { beforeEach, expect, test } from "vitest";
import { keepFocus, restore, spotIn } from "../../src/ui/focus";

const there = (selector: string) => document.querySelector<HTMLElement>(selector)!;

/** The page with this in it, and the focus on its button. */
function page(html: string) {
  document.body.innerHTML = html;
  for (const each of document.querySelectorAll("*")) Object.assign(each, { checkVisibility: () => true });
  there("button").focus();
  return spotIn(document);
}

beforeEach(() => document.body.replaceChildren());

test.each([
  ["<section><h3>Rows</h3><ul><li>Ada <p><button>Retry</button></p></li></ul></section>", "LI"],
  ["<section><h3>Rows</h3><p><button>Load more</button></p></section>", "H3"],
  ["<section><h2>Card</h2><details open><summary>Check</summary><button>Verify</button></details></section>", "SUMMARY"],
])("a button that is gone leaves the focus near: %s", (html, near) => {
  const spot = page(html);
  there("button").remove();
  keepFocus(spot);
  expect(document.activeElement?.tagName).toBe(near);
});

test("who went elsewhere meanwhile stays there", () => {
  const spot = page("<section><h3>Rows</h3><button>Retry</button><input></section>");
  there("input").focus();
  there("button").remove();
  restore(spot!);
  expect(document.activeElement?.tagName).toBe("INPUT");
});

test("a button that works gets the focus back once it may be pressed again", () => {
  const spot = page("<section><h3>Rows</h3><button>Load more</button></section>");
  const button = there("button") as HTMLButtonElement;
  button.disabled = true;
  keepFocus(spot);
  button.blur();
  button.disabled = false;
  keepFocus(null);
  expect(document.activeElement).toBe(button);
});
