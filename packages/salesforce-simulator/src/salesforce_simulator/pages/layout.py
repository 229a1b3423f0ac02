"""The frame of every page: no script, light and dark, escaped by its callers."""

from html import escape

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#dcdfe6, #33373f); --soft: light-dark(#f5f6f9, #1d2026);
  --ink: light-dark(#1a1d24, #e8eaf0); --dim: light-dark(#626a78, #9aa2b1);
  --accent: light-dark(#0b5cab, #7ab8ff);
  --paper: light-dark(#ffffff, #14161b); --good: light-dark(#1b7f4d, #5fd39a); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
main.narrow { max-width: 30rem; padding-top: 4rem; }
header { border-bottom: 1px solid var(--line); background: var(--soft); }
header div { max-width: 72rem; margin: 0 auto; padding: .8rem 1.5rem;
  display: flex; gap: 1.5rem; flex-wrap: wrap; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
h1 { font-size: 1.5rem; margin: .5rem 0 1rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
.dim { color: var(--dim); } .good { color: var(--good); font-weight: 600; }
.cards { display: flex; gap: 1rem; flex-wrap: wrap; }
.card { border: 1px solid var(--line); border-radius: .6rem; padding: .7rem 1rem; min-width: 9rem;
  background: var(--soft); }
.card b { display: block; font-size: 1.4rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .6rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .45rem .8rem; vertical-align: top; }
th { font-size: .8rem; color: var(--dim); background: var(--soft); font-weight: 600; }
tr + tr td { border-top: 1px solid var(--line); } td { overflow-wrap: anywhere; }
td ul { margin: 0; padding: 0; list-style: none; }
.choice { display: block; border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem;
  margin: .5rem 0; }
button { font: inherit; padding: .5rem 1.2rem; border-radius: .5rem; border: 1px solid var(--accent);
  cursor: pointer; background: var(--accent); color: var(--paper); }
button.quiet { background: none; color: var(--accent); }
a.button { display: inline-block; padding: .4rem 1rem; border-radius: .5rem;
  border: 1px solid var(--accent); }
form.inline { display: inline; } label { white-space: nowrap; margin-right: .8rem; }
input, select { font: inherit; padding: .4rem .7rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--paper); color: inherit; } input[type=search] { min-width: 16rem; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem;
  overflow-x: auto; }
"""

_LINKS = (
    ("/", "Overview"),
    ("/people", "People"),
    ("/campaigns", "Campaigns"),
    ("/calendar", "Calendar"),
    ("/cases", "Cases"),
    ("/packages", "Installed packages"),
    ("/requests", "Requests"),
    ("/faults", "Faults"),
)


def document(title: str, body: str, *, is_narrow: bool = False, org_id: str | None = None) -> str:
    """A whole page; `body` is HTML already."""
    suffix = f"?org={escape(org_id)}" if org_id else ""
    links = "".join(f'<a href="{path}{suffix}">{label}</a>' for path, label in _LINKS)
    header = "" if is_narrow else f"<header><div><strong>Salesforce simulator</strong>{links}</div></header>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{header}"
        f'<main class="{"narrow" if is_narrow else ""}">{body}</main></body></html>'
    )


def table(headings: list[str], rows: list[list[str]]) -> str:
    """A table of cells that are HTML already."""
    if not rows:
        return '<p class="dim">Nothing here yet.</p>'
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
