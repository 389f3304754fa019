// Settings held beside those of now: same charts, same axes, same seed, so that the difference is the settings'.

import { Answered } from "./blocks.js";
import { ChartBlock } from "./document.js";
import { button, el, Many, say } from "./dom.js";
import { same, titled } from "./settings.js";

const MOST = 3;
const SIDES = ["x", "y"];

const pictured = (blocks) => blocks.flatMap((b) => {
  if (b.type === "chart") return [b];
  return b.type === "section" && !b.folded ? pictured(b.blocks) : [];
});

/** Return the charts of a document that stand open; those of its first section where none does. */
const chartsOf = (doc) => {
  const open = pictured(doc.sections);
  return open.length || !doc.sections.length ? open : pictured(doc.sections[0].blocks);
};

/** Return the range of an axis that shows all of some charts. */
const shared = (charts, side) => {
  const ends = (key, pick) => {
    const known = charts.map((c) => c[side][key]).filter((v) => typeof v === "number");
    return known.length ? pick(...known) : null;
  };
  return { low: ends("low", Math.min), high: ends("high", Math.max) };
};

const valueSaid = (value) => {
  if (value === null || value === undefined) return "default";
  if (Array.isArray(value)) return value.join(", ") || "none";
  return typeof value === "boolean" ? (value ? "on" : "off") : String(value);
};

/** One column of the board: a name, an answer, what differs, and what can be done with it. */
class Card {
  constructor(column, hooks) {
    this.verdict = el("p", { class: "card-verdict" });
    this.answered = new Answered(this.verdict);
    this.state = el("p", { class: "soft" });
    this.differs = el("dl", { class: "differs" });
    const acts = column.slot ? el("div", { class: "card-acts" },
      button("Swap", () => hooks.swap(column), { class: "quiet", "aria-label": `Swap ${column.name} back` }),
      button("Unpin", () => hooks.unpin(column), { class: "quiet", "aria-label": `Unpin ${column.name}` })) : null;
    this.el = el("section", { class: `card${column.slot ? "" : " now"}`, "aria-label": column.name },
      el("div", { class: "card-head" }, el("h3", { text: column.name }), acts), this.verdict, this.state, this.differs);
  }

  update(column, rows) {
    const answer = column.doc?.answer;
    this.verdict.hidden = !answer;
    if (answer) this.answered.update(answer);
    say(this.state, column.failed || (column.doc ? column.doc.rough && "Not all of it yet …" : "Computing …"));
    const text = rows.map(([name, row]) => `${name}=${valueSaid(column.values.get(name) ?? row.default)}`).join("\n");
    if (text === this.text) return;
    this.text = text;
    const said = ([name, row]) => el("dd", { text: valueSaid(column.values.get(name) ?? row.default) });
    this.differs.replaceChildren(...rows.map((pair) =>
      el("div", { class: "fact" }, el("dt", { text: titled(pair[1]) }), said(pair))));
  }
}

/** The pictures of one key, a column each, on shared axes. */
class Strip {
  constructor(hooks) {
    this.title = el("h3");
    this.row = el("div", { class: "strip" });
    this.note = el("p", { class: "note" });
    this.el = el("section", { class: "compared" }, this.title, this.row, this.note);
    this.many = new Many(this.row, (item) => new ChartBlock(item.chart, hooks), (item) => item.column.name);
    this.axes = "";
  }

  update({ charts, columns }, how) {
    const first = charts.find(Boolean), known = columns.filter((_, k) => charts[k]);
    const ranges = Object.fromEntries(SIDES.map((side) => [side, shared(charts.filter(Boolean), side)]));
    const axes = JSON.stringify([ranges, known.map((column) => column.name)]), moved = axes !== this.axes;
    this.axes = axes;
    say(this.title, first.title);
    say(this.note, first.note);
    this.many.update(charts.flatMap((chart, k) => (chart ? [{ chart, column: columns[k] }] : [])).map((item) => ({
      ...item, ranges, moved,
    })), how);
  }

  destroy() { this.many.destroy(); }
}

/** Only what moved is drawn again: a pinned picture stays while its axes do. */
class Shown extends ChartBlock {
  constructor({ chart }, hooks) { super({ ...chart, size: "small" }, hooks); }

  update({ chart, column, ranges, moved }, how) {
    if (!moved && this.doc === column.doc) return;
    this.doc = column.doc;
    const sides = Object.fromEntries(SIDES.map((side) => [side, { ...chart[side], ...ranges[side] }]));
    const words = { title: column.name, described: `${column.name}: ${chart.described}`, note: "" };
    super.update({ ...chart, ...sides, ...words, size: "small" }, column.floats, how);
  }
}

export class Pins {
  /** Hooks: ask(slot, pin), swap(pin), cancel(slot), changed(), choose. */
  constructor(host, hooks) {
    this.hooks = { ...hooks, unpin: (pin) => this.unpin(pin) };
    this.pins = [];
    this.now = { name: "Now", slot: 0, values: new Map(), doc: null };
    this.cards = el("div", { class: "cards" });
    this.strips = el("div", { class: "strips" });
    this.el = el("section", { class: "board", "aria-label": "Settings side by side", hidden: true },
      el("h2", { class: "unseen", text: "Settings side by side" }), this.cards, this.strips);
    this.carded = new Many(this.cards, (column) => new Card(column, this.hooks), (column) => column.name);
    this.stripped = new Many(this.strips, () => this.strip(), (item) => item.key);
    host.append(this.el);
  }

  strip() {
    const made = new Strip(this.hooks);
    made.many.make = (item) => new Shown(item, this.hooks);
    return made;
  }

  get full() { return this.pins.length >= MOST; }

  /** Hold settings in a slot of their own, with what is said about them now until its answer is there. */
  add(values) {
    const slot = [1, 2, 3].find((k) => this.pins.every((pin) => pin.slot !== k));
    const { doc, floats } = this.now;
    const pin = { name: `Pin ${"ABC"[slot - 1]}`, slot, values: new Map(values), doc, floats };
    this.pins = [...this.pins, pin].sort((a, b) => a.slot - b.slot);
    this.hooks.ask(slot, pin);
    this.draw({ live: false });
    this.hooks.changed();
    return pin;
  }

  unpin(pin) {
    this.pins = this.pins.filter((other) => other !== pin);
    this.hooks.cancel(pin.slot);
    this.draw({ live: false });
    this.hooks.changed();
  }

  clear() { [...this.pins].forEach((pin) => this.unpin(pin)); }

  /** Ask every pin again: the seed of all columns is another one, or the line was cut. */
  askAll(seed = this.seed) {
    this.seed = seed;
    this.pins.forEach((pin) => this.hooks.ask(pin.slot, pin));
  }

  /** Take in an answer of a slot; one of a slot that is no longer held comes too late. */
  answered(slot, doc, floats, how) {
    const pin = this.pins.find((p) => p.slot === slot);
    if (!pin) return;
    Object.assign(pin, { doc, floats, failed: "" });
    this.draw(how);
  }

  failed(slot, message) {
    const pin = this.pins.find((p) => p.slot === slot);
    if (!pin) return;
    Object.assign(pin, { failed: message });
    this.draw({ live: false });
  }

  moved(values, doc, floats, how) {
    Object.assign(this.now, { values, doc, floats });
    if (this.pins.length) this.draw(how);
  }

  draw(how) {
    this.el.hidden = !this.pins.length;
    if (!this.pins.length) { this.empty(); return; }
    const columns = [this.now, ...this.pins];
    const rows = [...this.hooks.rows()].filter(([name]) =>
      this.pins.some((pin) => !same(valueOf(pin, name), valueOf(this.now, name))));
    this.el.style.setProperty("--columns", String(columns.length));
    this.carded.update(columns, rows);
    this.stripped.update(this.compared(columns), how);
  }

  /** Return the charts by key, one for each column, where the document of now has one. */
  compared(columns) {
    const every = columns.map((column) => new Map((column.doc ? chartsOf(column.doc) : []).map((c) => [c.key, c])));
    return [...every[0].keys()].map((key) => ({ key, columns, charts: every.map((charts) => charts.get(key)) }));
  }

  empty() {
    this.carded.update([]);
    this.stripped.update([]);
  }

  destroy() {
    this.stripped.destroy();
    this.el.remove();
  }
}

const valueOf = (column, name) => column.values.get(name) ?? null;
