// Texts of versions on the page: whole, or as lines that stayed, went and came. Whatever they hold ends as text.

import { button, el } from "./dom.js";

const AROUND = 3; // unchanged lines shown beside a change
const FOLDED = 9; // unchanged lines in a row from which on they are folded
const PIECE = 4000; // letters of one piece of a whole text: pieces out of sight are not laid out
const LINES = 2000; // lines of differences shown before more are asked for
const CONTROLS = "\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f";
const UNSEEN = "\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff";
const ODD = new RegExp(`[${CONTROLS}${UNSEEN}]`, "gu");

/** Return a text as nodes in which letters that steer or hide stand as their code. */
const seen = (text) => {
  const nodes = [];
  let from = 0;
  for (const { 0: letter, index } of text.matchAll(ODD)) {
    if (index > from) nodes.push(text.slice(from, index));
    const code = `U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    nodes.push(el("span", { class: "odd-letter", title: "an invisible letter", text: code }));
    from = index + letter.length;
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
};

/** Return a whole text in pieces, cut at ends of lines where there are any. */
export const wholeOf = (text) => {
  if (!text) return [el("p", { class: "soft", text: "(empty)" })];
  const pieces = [];
  for (let from = 0; from < text.length;) {
    let to = Math.min(from + PIECE, text.length);
    const end = to < text.length ? text.lastIndexOf("\n", to) : -1;
    if (end > from) to = end + 1;
    else if (to < text.length && /[\ud800-\udbff]/.test(text[to - 1])) to -= 1; // not through a letter of two units
    pieces.push(el("pre", {}, ...seen(text.slice(from, to).replace(/\n$/, ""))));
    from = to;
  }
  return pieces;
};

const SIGNS = { "+": ["came", "ins", "+"], "-": ["went", "del", "−"], "=": ["", "span", " "] };

const line = (sign, text) => {
  const [look, tag, mark] = SIGNS[sign];
  const side = el("span", { class: "diff-sign", text: mark });
  return el("div", { class: `diff-line ${look}` }, side, el(tag, {}, ...seen(text)));
};

/** Return differences line by line; long stretches that stayed are folded. */
export const changesOf = (changes) => {
  const made = [], runs = changes.map(([sign, lines]) => [sign, lines.split("\n")]);
  const came = runs.filter(([s]) => s === "+").reduce((n, [, l]) => n + l.length, 0);
  const went = runs.filter(([s]) => s === "-").reduce((n, [, l]) => n + l.length, 0);
  const said = came || went ? `${came} lines came, ${went} went.` : "Nothing changed.";
  made.push(el("p", { class: "soft reader-note", text: said }));
  let left = LINES;
  const rest = [];
  runs.forEach(([sign, lines], k) => {
    for (const part of partsOf(sign, lines, k === 0, k === runs.length - 1)) {
      if (left <= 0) rest.push(part); else made.push(part());
      left -= lines.length;
    }
  });
  if (rest.length) made.push(more(rest));
  return made;
};

/** Return makers of the pieces of one run: its lines, or its ends and a fold between them. */
const partsOf = (sign, lines, first, last) => {
  const shown = (some) => () => el("div", { class: "diff-run" }, ...some.map((text) => line(sign, text)));
  if (sign !== "=" || lines.length < FOLDED) return [shown(lines)];
  const head = first ? 0 : AROUND, tail = last ? 0 : AROUND;
  const hidden = lines.slice(head, lines.length - tail);
  return [shown(lines.slice(0, head)), fold(hidden), shown(lines.slice(lines.length - tail))];
};

const fold = (lines) => () => {
  const open = button(`… ${lines.length.toLocaleString("en")} lines that stayed`, () => {
    const run = el("div", { class: "diff-run", tabindex: "-1" }, ...lines.map((text) => line("=", text)));
    open.replaceWith(run);
    run.focus({ preventScroll: true });
  }, { class: "fold-lines" });
  return open;
};

const more = (rest) => {
  const open = button("Show the rest", () => open.replaceWith(...rest.map((make) => make())), { class: "fold-lines" });
  return open;
};
