/** The look, as constructable style sheets: nothing leaks out, and a strict style-src lets them be. */

import { css } from "lit";

/** Every colour is a custom property of the page, with a default for light and for dark. */
export const look = css`
  :host {
    --ink: var(--eventship-ink, light-dark(#191c22, #e9ebf0));
    --dim: var(--eventship-dim, light-dark(#5a6270, #a3abb9));
    --paper: var(--eventship-paper, light-dark(#ffffff, #16181d));
    --soft: var(--eventship-soft, light-dark(#f5f6f8, #1f2229));
    --line: var(--eventship-line, light-dark(#d9dde4, #363b45));
    --field: var(--eventship-field, light-dark(#858d9b, #737b89));
    --accent: var(--eventship-accent, light-dark(#3a4fd0, #a9b4ff));
    --on-accent: var(--eventship-on-accent, light-dark(#ffffff, #14161b));
    --good: var(--eventship-good, light-dark(#157347, #63d39b));
    --wait: var(--eventship-wait, light-dark(#8a5a00, #f0b753));
    --bad: var(--eventship-bad, light-dark(#b3261e, #ff9b92));
    --calm: var(--eventship-calm, light-dark(#5a6270, #a3abb9));
    --radius: var(--eventship-radius, 10px);
    display: block;
    container-type: inline-size;
    color: var(--ink);
    font: var(--eventship-font, 15px/1.5 system-ui, sans-serif);
    overflow-wrap: break-word;
  }
  :host([hidden]) { display: none; }
  *, *::before, *::after { box-sizing: border-box; }
  h2, h3, h4, p, ul, ol, dl, dd, fieldset { margin: 0; padding: 0; }
  h2 { font-size: 1.2em; line-height: 1.3; }
  h3 { font-size: 1.05em; line-height: 1.3; }
  h4 { font-size: 1em; }
  ul { list-style: none; }
  a { color: var(--accent); }
  fieldset { border: 0; min-inline-size: 0; }
  /* Words break at their syllables; what has none to break at, an id or an address, only where the line ends. */
  p, li, dt, h2, h3, h4, label, legend { hyphens: auto; hyphenate-limit-chars: 10 4 4; }
  p, li, dd, code { overflow-wrap: anywhere; }
  button, .button, .chip, summary { overflow-wrap: break-word; }
  .dim { color: var(--dim); }
  .small { font-size: 0.87em; }
  .sr { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  /* What scrolls sideways keeps the words for screen readers inside, which would widen the page. */
  .scroll, .sideways, .wide { position: relative; }
  .stack { display: grid; gap: 0.75em; grid-template-columns: minmax(0, 1fr); }
  .line { display: flex; flex-wrap: wrap; gap: 0.5em 0.75em; align-items: center; }
  .line > *, dl > * { min-inline-size: 0; }
  .line.apart { justify-content: space-between; }
  .panel { background: var(--paper); border: 1px solid var(--line); border-radius: var(--radius); padding: 1.1em 1.25em; }
  .note { background: var(--soft); border-radius: calc(var(--radius) * 0.7); border-inline-start: 4px solid var(--calm); padding: 0.7em 0.9em; }
  .note.bad { border-color: var(--bad); }
  .note.wait { border-color: var(--wait); }
  .note.good { border-color: var(--good); }
  .note ol { padding-inline-start: 1.3em; }
  .chip { display: inline-flex; align-items: center; gap: 0.45em; font-size: 0.87em; font-weight: 600; }
  .chip::before { content: ""; flex: none; forced-color-adjust: none; inline-size: 0.65em; block-size: 0.65em; border-radius: 50%; background: currentColor; }
  .is-good { color: var(--good); } .is-wait { color: var(--wait); } .is-bad { color: var(--bad); } .is-calm { color: var(--calm); }
`;

export const controls = css`
  button, .button {
    font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent); text-decoration: none; display: inline-block;
    text-align: center; border: 1px solid var(--accent); border-radius: calc(var(--radius) * 0.7); padding: 0.45em 1em; cursor: pointer; min-block-size: 2.5em;
  }
  button.quiet, .button.quiet { color: var(--accent); background: transparent; border-color: var(--line); }
  button.bad { background: var(--bad); border-color: var(--bad); }
  button.plain { color: var(--accent); background: none; border-color: transparent; padding-inline: 0.4em; }
  button:hover:not(:disabled), .button:hover { filter: brightness(1.08); }
  button.quiet:hover:not(:disabled), .button.quiet:hover, button.plain:hover:not(:disabled) { background: var(--soft); }
  button:disabled { opacity: 0.55; cursor: not-allowed; }
  :is(button, a, input, select, summary, [tabindex]):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  input:not([type="radio"], [type="checkbox"]), select {
    font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--field); border-radius: calc(var(--radius) * 0.7);
    padding: 0.4em 0.7em; min-block-size: 2.5em; inline-size: 100%; min-inline-size: 0;
  }
  input[aria-invalid="true"] { border-color: var(--bad); }
  input[type="radio"], input[type="checkbox"] { accent-color: var(--accent); inline-size: 1.1em; block-size: 1.1em; flex: none; }
  label.pick { display: flex; gap: 0.55em; align-items: center; padding-block: 0.2em; }
  label.name { font-weight: 600; }
  summary { cursor: pointer; color: var(--accent); }
  details[open] > summary { margin-block-end: 0.6em; }
  progress { inline-size: 100%; block-size: 0.7em; accent-color: var(--accent); }
  .busy { display: grid; gap: 0.6em; }
  .busy span { block-size: 1em; border-radius: 6px; background: var(--line); opacity: 0.6; animation: breathe 1.4s ease-in-out infinite alternate; }
  .busy span:last-child { inline-size: 60%; }
  @keyframes breathe { to { opacity: 0.25; } }
  @media (forced-colors: active) {
    [aria-pressed="true"], [aria-current] { outline: 3px solid Highlight; outline-offset: -3px; }
    .busy span { background: GrayText; }
  }
  @media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
`;
