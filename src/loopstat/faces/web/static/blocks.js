// Blocks of a document, made once and updated in place: words, facts, lists, tables, checks, formulas.

import { button, copy, el, flash, hide, Many, Most, say } from "./dom.js";
import { worded } from "./flags.js";

// -------------------------------------------------------------------------------- words

const LINES = 12; // of a list that stand open

const toned = (base, tone) => `${base}${tone ? ` t-${tone}` : ""}`;

/** A figure or a word with its tone and its place in the JSON; only what differs is written. */
export class Figure {
  constructor(node, base = "n") {
    this.node = node;
    this.base = base;
    this.text = node.appendChild(document.createTextNode(""));
    this.cell = {};
  }

  update(cell) {
    const last = this.cell;
    if (cell.t !== last.t) this.text.data = cell.n ? cell.t : worded(cell.t);
    if (cell.tone !== last.tone || cell.shade !== last.shade) this.look(cell);
    if (cell.place !== last.place || cell.form !== last.form) this.place(cell);
    this.cell = cell;
  }

  look({ tone, shade }) {
    const side = shade === undefined ? "" : shade > 0 ? " up" : " down";
    this.node.className = toned(this.base, tone) + side;
    if (shade !== undefined) this.node.style.setProperty("--shade-by", `${Math.round(Math.abs(shade) * 55)}%`);
  }

  place({ place, form }) {
    if (place) this.node.dataset.json = place; else delete this.node.dataset.json;
    if (place && form && form !== "figure") this.node.dataset.form = form; else delete this.node.dataset.form;
  }
}

/** Return words whose figures stay with their unit on one line. */
const bound = (words) => (words.includes(" %") ? words.replaceAll(" %", "\u00a0%") : words);

/** A line of words and figures. */
export class Said {
  constructor(host) {
    this.host = host;
    this.kinds = null;
  }

  update(parts) {
    const kinds = parts.map((part) => (typeof part === "string" ? "s" : part.n ? "n" : "w")).join("");
    if (kinds !== this.kinds) this.build(kinds);
    parts.forEach((given, k) => {
      const node = this.nodes[k], part = typeof given === "string" ? bound(worded(given)) : given;
      if (typeof part !== "string") node.update(part);
      else if (node.data !== part) node.data = part;
    });
  }

  build(kinds) {
    this.kinds = kinds;
    this.nodes = [...kinds].map((kind) =>
      (kind === "s" ? document.createTextNode("") : new Figure(el("span"), kind === "n" ? "n" : "")));
    this.host.replaceChildren(...this.nodes.map((node) => node.node ?? node));
    this.nodes.forEach((node) => node.node && (node.node.className = node.base));
  }
}

/** An answer: the action, toned, and why. */
export class Answered {
  constructor(host) {
    this.host = host;
    this.act = el("b", { class: "act" });
    this.why = el("span");
    this.said = new Said(this.why);
    host.append(this.act, this.why);
  }

  update(answer) {
    say(this.act, worded(answer.said));
    if (this.tone !== answer.tone) this.act.className = toned("act", (this.tone = answer.tone));
    this.said.update(answer.why);
  }
}

/** The box of an answer, its edge in the answer's tone. */
export class Verdict {
  constructor() {
    this.el = el("p", { class: "verdict" });
    this.answered = new Answered(this.el);
  }

  update(answer) {
    if (this.tone !== answer.tone) this.el.className = `verdict e-${(this.tone = answer.tone)}`;
    this.answered.update(answer);
  }
}

// ------------------------------------------------------------------------ facts and texts

class FactRow {
  constructor() {
    this.key = el("dt");
    this.el = el("div", { class: "fact" }, this.key, el("dd"));
    this.said = new Said(this.el.lastChild);
  }

  update({ key, said }) {
    if (this.key.textContent !== key) this.key.textContent = key;
    this.said.update(said);
  }
}

export class FactList {
  constructor() {
    this.el = el("dl", { class: "facts rows" });
    this.many = new Many(this.el, () => new FactRow(), (row, k) => `${k} ${row.key}`);
  }

  update(block) { this.many.update(block.rows); }
}

class Line {
  constructor(tag, look) {
    this.el = el(tag, { class: look });
    this.said = new Said(this.el);
  }

  update(parts) { this.said.update(parts); }
}

export class Words {
  constructor(block) {
    const doubt = block.tone === "doubt", listed = doubt || block.points;
    this.list = el(listed ? "ul" : "div", { class: doubt ? "doubts" : block.points ? "points" : "texts",
      "aria-label": doubt ? "What makes this doubtful" : null });
    this.most = new Most(LINES, "lines");
    this.el = el("div", {}, this.list, this.most.el);
    this.many = new Many(this.list, () => new Line(listed ? "li" : "p", listed ? "" : "soft"), (_, k) => String(k));
  }

  update(block) { this.many.update(this.most.first(block.said, () => this.update(block))); }
}

// -------------------------------------------------------------------------------- tables

const sortedBy = (cell) => cell.v ?? cell.t;

const compared = (a, b, up) => {
  const [x, y] = [sortedBy(a), sortedBy(b)], numbers = [typeof x === "number", typeof y === "number"];
  if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1; // what is not known comes last
  return (up ? 1 : -1) * (numbers[0] ? x - y : String(x).localeCompare(String(y)));
};

/** A table under its heads: it scrolls inside its own box, sorts by a click on a head, and is copied as text. */
export class Table {
  constructor(columns, where, { sorts = true } = {}) {
    this.columns = columns;
    this.sort = null;
    this.rows = [];
    this.body = el("tbody");
    this.heads = columns.map((name) => (name ? el("th", { scope: "col", text: name }) : el("td")));
    this.table = el("table", {}, el("thead", {}, el("tr", {}, ...this.heads)), this.body);
    this.el = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": where }, this.table);
    if (sorts) this.heads.forEach((head, k) => head.tagName === "TH" && this.sortable(head, k));
  }

  sortable(head, k) {
    head.replaceChildren(button(head.textContent, () => {
      const up = this.sort?.column === k ? !this.sort.up : true;
      this.heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      this.sort = { column: k, up };
      this.order();
    }));
  }

  update(rows) {
    while (this.rows.length > rows.length) this.rows.pop().el.remove();
    rows.forEach((cells, k) => {
      const row = (this.rows[k] ??= this.row(cells));
      if (row.figures.length !== cells.length) this.refill(row, cells);
      row.cells = cells;
      row.figures.forEach((figure, c) => figure.update(cells[c]));
    });
    if (this.sort) this.order();
  }

  row(cells) {
    const made = { el: el("tr"), figures: [], cells };
    this.refill(made, cells);
    this.body.append(made.el);
    return made;
  }

  refill(row, cells) {
    row.figures = cells.map((cell) => {
      const node = el("td", { class: cell.n ? "n" : "w" });
      return new Figure(node, cell.n ? "n" : "w");
    });
    row.el.replaceChildren(...row.figures.map((figure) => figure.node));
  }

  order() {
    const { column, up } = this.sort;
    const wanted = [...this.rows].sort((a, b) => compared(a.cells[column], b.cells[column], up));
    if (wanted.every((row, k) => this.body.children[k] === row.el)) return;
    this.body.append(...wanted.map((row) => row.el));
  }

  get text() {
    return [...this.table.rows].map((row) => [...row.cells].map((c) => c.textContent.trim()).join("\t")).join("\n");
  }
}

export class SheetBlock {
  constructor(block, level, where) {
    this.title = el(`h${Math.min(level, 6)}`, { text: block.title });
    this.note = el("p", { class: "note" });
    this.level = level;
    this.where = where;
    const said = block.title || "figures";
    this.copy = button("copy", async () => flash(this.copy, (await copy(this.table.text)) ? "copied" : "not copied"),
      { class: "copy", "aria-label": `Copy ${said}` });
    this.el = el("div", { class: "sheet" }, block.title ? this.title : null, this.note, this.copy);
  }

  update(block) {
    const columns = block.columns.join("\u0000");
    if (columns !== this.columns) {
      this.table?.el.remove();
      const where = `${block.title || "Figures"}, ${this.where}`;
      this.table = new Table(block.columns, where, { sorts: block.rows.length > 2 });
      this.el.append(this.table.el);
      this.columns = columns;
    }
    if (this.note.textContent !== block.note) this.note.textContent = block.note;
    hide(this.note, !block.note);
    this.table.update(block.rows);
  }
}

export class CheckTable {
  constructor(block, where) {
    this.table = new Table(["check", "result", "value", "what it means"], `Checks, ${where}`, { sorts: false });
    this.el = el("div", { class: "sheet" }, this.table.el);
  }

  update(block) {
    const place = (row, k) => (block.place && row.value !== "–" ? `${block.place}.${k}.value` : "");
    this.table.update(block.rows.map((row, k) => [
      { t: row.name },
      row.passed ? { t: "passed" } : { t: "! failed", tone: "doubt" },
      { t: row.value, n: true, place: place(row, k), form: "number" },
      { t: row.message },
    ]));
  }
}

// ------------------------------------------------------------------------------ formulas

const ORIGINS = { source: "as in the source", corrected: "corrected", ours: "ours" };

/** Return a formula drawn by the browser; the letters of its plain form where it cannot be read. */
const drawn = ({ mathml, plain }) => {
  const read = new DOMParser().parseFromString(mathml, "application/xml");
  if (read.documentElement.localName !== "math") return el("code", { text: plain });
  const math = document.importNode(read.documentElement, true);
  math.setAttribute("aria-label", plain);
  return apart(math);
};

/** Return a line of formulas as formulas that may stand below each other: browsers do not break lines of their own. */
const apart = (math) => {
  const row = math.children.length === 1 && math.firstChild.localName === "mrow" ? math.firstChild : math;
  const gap = (node) => node.localName === "mspace" && parseFloat(node.getAttribute("width")) >= 1;
  if (![...row.childNodes].some(gap)) return math;
  const line = el("span", { class: "formula-line", role: "math", "aria-label": math.getAttribute("aria-label") });
  math.removeAttribute("aria-label");
  let part = math.cloneNode(false);
  for (const child of [...row.childNodes]) {
    if (gap(child)) { line.append(part); part = math.cloneNode(false); } else part.append(child);
  }
  line.append(part);
  return line;
};

/** Return words with what stands between backticks set as code. */
const coded = (words) => words.split("`").map((part, k) => (k % 2 ? el("code", { text: part }) : part));

class FormulaRow {
  constructor() { this.el = el("div", { class: "formula" }); }

  update(row) {
    const text = JSON.stringify(row);
    if (text === this.text) return;
    this.text = text;
    this.el.replaceChildren(
      el("div", { class: "formula-head" }, el("span", { class: "formula-name", text: row.name }),
        el("span", { class: `origin o-${row.origin}`, text: ORIGINS[row.origin] ?? row.origin })),
      el("div", { class: "math", tabindex: "0", role: "group", "aria-label": row.name }, drawn(row)),
      ...(row.note ? [el("p", { class: "note" }, ...coded(row.note))] : []),
    );
  }
}

export class FormulaList {
  constructor() {
    this.el = el("div", { class: "formulas" });
    this.many = new Many(this.el, () => new FormulaRow(), (row, k) => `${k}`);
  }

  update(block) { this.many.update(block.rows); }
}
