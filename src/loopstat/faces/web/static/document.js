// A document on the page: the answer first, pictures, then the figures; updated in place, nothing jumps.

import { Answered, CheckTable, FactList, FormulaList, Said, SheetBlock, Verdict, Words } from "./blocks.js";
import { chosen, Picture } from "./charts.js";
import { Control } from "./controls.js";
import { button, el, hide, Many, Most, say } from "./dom.js";
import { worded } from "./flags.js";

// ------------------------------------------------------------------------------- pictures

/** One picture with its title, its note and a way to keep it. */
export class ChartBlock {
  constructor(chart, hooks) {
    this.hooks = hooks;
    this.host = el("div", { class: "plot" });
    this.note = el("p", { class: "note" });
    this.title = el("span", { class: "chart-title" });
    this.el = el("figure", { class: `chart ${chart.size}`, "data-chart": chart.key },
      el("figcaption", {}, this.title, hooks.keep ? this.keep(chart) : null), this.host, this.note);
    this.picture = new Picture(this.host, { choose: hooks.choose });
  }

  keep(chart) {
    return button("SVG", () => this.hooks.keep(chart.key),
      { class: "quiet keep", "aria-label": `Keep the picture “${chart.title}” as SVG` });
  }

  update(chart, floats, how) {
    say(this.title, chart.title);
    say(this.note, worded(chart.note));
    hide(this.note, !chart.note);
    this.picture.update(chart, floats, how);
  }

  destroy() { this.picture.destroy(); }
}

class ChartRow {
  constructor(hooks) {
    this.el = el("div", { class: "charts grid" });
    this.many = new Many(this.el, (chart) => new ChartBlock(chart, hooks), (chart) => chart.key);
  }

  update(block, floats, how) {
    this.el.dataset.n = String(Math.min(block.charts.length, 4));
    this.many.update(block.charts, floats, how);
  }

  destroy() { this.many.destroy(); }
}

// -------------------------------------------------------------------------------- sections

/** Something folded: its inside is made when it is opened first, and waits while it is closed. */
class Fold {
  constructor(path, look, open, hooks, inside) {
    this.inside = inside;
    this.el = el("details", { class: look, open: hooks.folds.get(path) ?? open });
    this.summary = el("summary");
    this.body = el("div", { class: "inside" });
    this.el.append(this.summary, this.body);
    this.el.addEventListener("toggle", () => {
      hooks.folds.set(path, this.el.open);
      if (this.el.open && this.next) this.fill();
    });
  }

  update(...next) {
    this.next = next;
    if (this.el.open) this.fill();
  }

  fill() {
    const next = this.next;
    this.next = null;
    this.made ??= this.inside(this.body);
    this.made.update(...next);
  }

  destroy() { this.made?.destroy?.(); }
}

const isLong = (block) =>
  block.type !== "chart" && (block.depth === "long" || (block.type === "section" && longOnly(block)));
const longOnly = (section) => !section.answer && section.blocks.length > 0 && section.blocks.every(isLong);

/** Return blocks as they stand on the page: charts in rows, and what is not of the front or short apart. */
const arranged = (blocks, inFold) => {
  const shown = [], long = [];
  for (const block of blocks) {
    const into = !inFold && isLong(block) && block.type !== "section" ? long : shown;
    const last = into[into.length - 1];
    if (block.type !== "chart") into.push(block);
    else if (last?.type === "charts") last.charts.push(block);
    else into.push({ type: "charts", charts: [block] });
  }
  return shown.length ? { shown, long } : { shown: long, long: [] };
};

const keyOf = (block, k) => `${block.type} ${block.key ?? block.title ?? ""}${block.key ? "" : k}`;

/** The blocks of a section, and under “All figures” those that most readers leave. */
class Body {
  constructor(host, level, where, path, hooks, inFold = false) {
    Object.assign(this, { host, level, where, path, hooks, inFold });
    this.shown = el("div", { class: "blocks" });
    host.append(this.shown);
    this.many = new Many(this.shown, (block, key) => this.make(block, key), keyOf);
  }

  update(blocks, floats, how) {
    const { shown, long } = arranged(blocks, this.inFold);
    this.many.update(shown, floats, how);
    if (long.length) this.all(long, floats, how);
    else if (this.fold) { this.fold.destroy(); this.fold.el.remove(); this.fold = null; }
  }

  all(long, floats, how) {
    const { level, where, path, hooks } = this;
    if (!this.fold) {
      const inside = (host) => new Body(host, level, where, `${path}/all`, hooks, true);
      this.fold = new Fold(`${path}/all`, "fold all", false, hooks, inside);
      const of = el("span", { class: "unseen", text: `, ${where}` });
      this.fold.summary.append(el("span", { text: "All figures" }), of);
      this.host.append(this.fold.el);
    }
    this.fold.update(long, floats, how);
  }

  make(block, key) {
    const { level, where, path, hooks } = this;
    switch (block.type) {
      case "section": return new SectionBlock(block, level, where, `${path}/${block.key}`, hooks);
      case "charts": return new ChartRow(hooks);
      case "facts": return new FactList();
      case "text": return new Words(block);
      case "sheet": return new SheetBlock(block, level, where);
      case "checks": return new CheckTable(block, where);
      case "formulas": return new FormulaList();
      default: throw new Error(`no way to show a ${key}`);
    }
  }

  destroy() {
    this.many.destroy();
    this.fold?.destroy();
  }
}

class SectionBlock {
  constructor(section, level, where, path, hooks) {
    Object.assign(this, { level, path, hooks });
    this.title = el(`h${Math.min(level, 6)}`);
    this.lead = el("span", { class: "soft" });
    this.said = new Said(this.lead);
    const inside = (host) => new Inside(host, level, `${section.title}, ${where}`, path, hooks);
    if (section.folded || longOnly(section)) {
      this.fold = new Fold(path, `fold l${level}`, hooks.opens === section.key, hooks, inside);
      this.fold.summary.append(this.title, this.lead);
      this.el = this.fold.el;
    } else {
      this.el = el("section", { class: `part l${level}` }, this.title, this.lead);
      this.made = inside(this.el);
    }
    this.el.dataset.section = section.key;
  }

  update(section, floats, how) {
    say(this.title, section.title);
    this.said.update(section.lead);
    (this.fold ?? this.made).update(section, floats, how);
  }

  destroy() { (this.fold ?? this.made).destroy(); }
}

/** What a section holds under its title. */
class Inside {
  constructor(host, level, where, path, hooks) {
    this.hooks = hooks;
    this.verdict = new Verdict();
    host.append(this.verdict.el);
    this.body = new Body(host, level + 1, where, path, hooks);
  }

  update(section, floats, how) {
    const said = section.answer && section.key !== this.hooks.above;
    hide(this.verdict.el, !said);
    if (said) this.verdict.update(section.answer);
    this.body.update(section.blocks, floats, how);
  }

  destroy() { this.body.destroy(); }
}

// --------------------------------------------------------------------------------- answers

const hasGroups = (blocks) => blocks.some((b) => (b.type === "section" ? hasGroups(b.blocks) : b.link === "group"));
const walk = (blocks) => blocks.flatMap((b) => (b.type === "section" ? [b, ...walk(b.blocks)] : []));

const ROWS = 24; // of the first screen that stand open

/** Sections with an answer, one row each, with their small picture: the first screen. */
class AnswerTable {
  constructor(hooks) {
    this.hooks = hooks;
    this.head = el("tr");
    this.body = el("tbody");
    this.most = new Most(ROWS, "groups");
    this.el = el("div", {}, el("table", { class: "answers" }, el("thead", {}, this.head), this.body), this.most.el);
    this.many = new Many(this.body, (section) => new AnswerRow(section, hooks), (section) => section.key);
  }

  update(by, sections, floats, how) {
    const picture = sections.find((s) => s.answer.picture)?.answer.picture;
    const heads = [by, ...(picture ? [picture.title] : []), "the answer, and why"].join("\u0000");
    if (heads !== this.heads) {
      this.heads = heads;
      this.head.replaceChildren(...heads.split("\u0000").map((text) => el("th", { scope: "col", text })));
    }
    const chooses = how.groups && Boolean(sections[0].group);
    const shown = this.most.first(sections, () => this.update(by, sections, floats, how));
    this.many.update(shown, floats, { ...how, pictured: Boolean(picture), chooses });
  }

  destroy() { this.many.destroy(); }
}

class AnswerRow {
  constructor(section, hooks) {
    this.hooks = hooks;
    this.name = button("", () => hooks.goTo(section.key), { class: "link" });
    this.pick = button("choose", () => this.choose(), { class: "quiet pick", "aria-pressed": "false" });
    this.cell = el("td", { class: "tiny" });
    this.why = el("td");
    this.answered = new Answered(this.why);
    this.el = el("tr", {}, el("td", {}, this.name, this.pick), this.cell, this.why);
    this.follow = () => this.chosen();
    chosen.addEventListener("change", this.follow);
  }

  /** Choose this group in every picture, beside others already chosen; or no more. */
  choose() {
    const names = new Set(chosen.of("group") ?? []);
    if (!names.delete(this.group)) names.add(this.group);
    if (names.size) chosen.set("group", names, "answers"); else chosen.clear();
  }

  chosen() {
    const names = chosen.of("group"), on = Boolean(names?.has(this.group));
    this.pick.setAttribute("aria-pressed", String(on));
    this.el.classList.toggle("unpicked", Boolean(names) && !on);
  }

  update(section, floats, how) {
    say(this.name, section.title);
    if (section.group !== this.group) {
      this.group = section.group;
      this.pick.setAttribute("aria-label", `Choose ${section.title} in every picture`);
      this.chosen();
    }
    hide(this.pick, !how.chooses);
    this.answered.update(section.answer);
    hide(this.cell, !how.pictured);
    if (!section.answer.picture) return;
    if (!this.picture) this.picture = new Picture(this.cell.appendChild(el("div")), { choose: this.hooks.choose });
    this.picture.update(section.answer.picture, floats, how);
  }

  destroy() {
    chosen.removeEventListener("change", this.follow);
    this.picture?.destroy();
  }
}

/** A setting that moves what the document says: a slider under the answer. */
class HandleControl {
  constructor(handle, hooks) {
    const label = handle.label || handle.entry || handle.name.replaceAll("_", " ");
    const row = { name: handle.name, label, symbol: "",
      unit: handle.unit, kind: "number", default: null, choices: [], slider: [handle.low, handle.high], low: handle.low,
      high: null, whole: false, source: "", explained: hooks.explained(handle) };
    this.control = new Control(row, (value, live) => hooks.moved(handle, value, live));
    this.el = this.control.el;
    this.el.dataset.handle = handle.entry ? `${handle.name}.${handle.entry}` : handle.name;
    this.hooks = hooks;
  }

  update(handle) {
    if (this.el.contains(document.activeElement) && this.hooks.moving()) return; // the hand knows better
    const slider = this.el.querySelector("input[type=range]"), ends = [String(handle.low), String(handle.high)];
    if (slider.min !== ends[0] || slider.max !== ends[1]) [slider.min, slider.max] = ends;
    this.control.made.show(Number(handle.at.toPrecision(4)));
    this.control.mark(this.hooks.changed(handle) ? handle.at : null);
  }
}

// -------------------------------------------------------------------------------- the whole

/** A document and its pictures. Hooks: choose, keep, moved, changed, moving, explained, folds. */
export class View {
  constructor(host, hooks) {
    this.hooks = { ...hooks, goTo: (key) => this.goTo(key) };
    this.title = el("h1");
    this.lead = el("p", { class: "soft" });
    this.leadSaid = new Said(this.lead);
    this.verdict = new Verdict();
    this.rough = el("p", { class: "rough" });
    this.first = new Words({ tone: "", points: true });
    this.handles = el("div", { class: "handles" });
    this.handled = new Many(this.handles, (h) => new HandleControl(h, this.hooks), (h) => `${h.name} ${h.entry}`);
    this.answers = new AnswerTable(this.hooks);
    this.between = el("div", { class: "between" });
    this.body = el("div");
    this.computed = new Computed();
    this.el = el("article", { class: "document" }, this.title, this.lead, this.verdict.el, this.rough, this.first.el,
      this.handles, this.answers.el, this.between, this.body, this.computed.el);
    host.replaceChildren(this.el);
  }

  update(doc, floats, how) {
    const answers = walk(doc.sections).filter((section) => section.answer);
    this.hooks.opens = doc.sections.length === 1 || answers.length === 1 ? (answers[0] ?? doc.sections[0])?.key : null;
    say(this.title, doc.title);
    this.leadSaid.update(doc.lead);
    const [only] = answers.length === 1 ? answers : [], answer = doc.answer ?? only?.answer;
    this.hooks.above = doc.answer ? null : only?.key; // said once, where the eye falls first
    hide(this.verdict.el, !answer);
    if (answer) this.verdict.update(answer);
    say(this.rough, doc.rough ? `For now: ${worded(doc.rough)}` : "");
    hide(this.first.el, !doc.first.length);
    this.first.update({ said: doc.first.map((note) => [note]) });
    hide(this.handles, !doc.handles.length);
    this.handled.update(doc.handles);
    hide(this.answers.el, answers.length < 2);
    if (answers.length > 1) this.answers.update(doc.by, answers, floats, { ...how, groups: hasGroups(doc.sections) });
    this.sections(doc, floats, how);
    this.computed.update(doc);
  }

  sections(doc, floats, how) {
    this.inside ??= new Body(this.body, 2, doc.title, "", this.hooks, true);
    const front = (s) => s.depth === "front" && !s.answer;
    const ordered = [...doc.sections.filter(front), ...doc.sections.filter((s) => !front(s))];
    this.inside.update(ordered, floats, how);
  }

  /** Open what is folded around a section and go there. */
  goTo(key) {
    const find = () => this.body.querySelector(`[data-section="${CSS.escape(key)}"]`);
    for (const fold of this.body.querySelectorAll("details")) if (!find()) fold.open = true;
    const target = find();
    for (let e = target; e && e !== this.body; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
    target?.querySelector("summary")?.focus({ preventScroll: true });
    setTimeout(() => target?.scrollIntoView({ block: "start", behavior: "instant" })); // once it has opened
  }

  destroy() {
    this.inside?.destroy();
    this.answers.destroy();
    this.el.remove();
  }
}

/** How it was computed: the command, what was guessed or left out, and the settings. */
class Computed {
  constructor() {
    this.command = el("code");
    this.notes = new Words({ tone: "", points: true });
    this.made = el("p", { class: "soft" });
    const title = el("h2", { text: "How this was computed" });
    this.el = el("details", { class: "fold l2 computed" }, el("summary", {}, title),
      el("div", { class: "inside" }, el("p", {}, this.command), this.notes.el, this.made));
  }

  update({ provenance, notes, first }) {
    say(this.command, provenance.command);
    this.notes.update({ said: [...first, ...notes].map((note) => [note]) });
    const digest = provenance.digest ? `; content digest ${provenance.digest}` : "";
    const settings = provenance.settings.map(([name, value]) => `; ${name} ${value}`).join("");
    say(this.made, `loopstat ${provenance.version}${digest}${settings}.`);
  }
}
