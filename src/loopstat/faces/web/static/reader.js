// One session to be read: its steps with their scores, which were kept, their texts and what changed in them.

import { chosen, Picture } from "./charts.js";
import { button, dialog, el, say } from "./dom.js";
import { changesOf, wholeOf } from "./versions.js";

const LISTED = 40; // names offered while one is typed
const PAGE = 10; // steps of a page up or down

const number = (value) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(4))));
const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : "±"}${number(Math.abs(value))}`;

/** Ask for something about tables; an answer that is none comes back as `{error}`. */
const asked = async (ids, what, query, columns) => {
  const words = new URLSearchParams(query);
  columns.forEach((pair) => words.append("columns", pair));
  const answer = await fetch(`sources/${ids}/${what}?${words}`).catch(() => null);
  if (!answer) return { error: "loopstat does not answer. Is `loopstat view` still running?" };
  const found = await answer.json().catch(() => null);
  return found ?? { error: `loopstat answered with ${answer.status}.` };
};

/** Open a session. `source`: the id of its table, or several read as one; `columns`: our names for theirs, OUR=THEIRS. */
export const openReader = (source, session, columns = []) => new Reader([].concat(source).join(","), columns).open(session);

class Reader {
  constructor(ids, columns) {
    Object.assign(this, { ids, columns, at: 0, column: null, score: null, mark: "", mode: "changes" });
    this.picked = chosen.link === "session" ? [...chosen.names] : [];
    this.build();
  }

  // ------------------------------------------------------------------------------ built once

  build() {
    this.labels = el("dl", { class: "reader-labels" });
    this.failed = el("p", { class: "error", role: "alert", hidden: true });
    this.drawn = el("div", { class: "reader-picture" });
    this.marks = el("div", { class: "reader-marks" });
    this.list = el("ul", { class: "reader-steps", role: "listbox", tabindex: "0", "aria-label": "Steps",
      onkeydown: (event) => this.keys(event), onclick: (event) => this.clicked(event) });
    this.about = el("div", { class: "reader-about" });
    this.tools = el("div", { class: "reader-tools" });
    this.text = el("div", { class: "reader-text", tabindex: "0", role: "region" });
    this.said = el("p", { class: "unseen", role: "status" });
    const right = el("div", { class: "reader-version" }, this.about, this.tools, this.text);
    this.body = el("div", { class: "reader-body" }, this.list, right);
    this.dialog = dialog("Session", this.ways(), this.failed, this.labels, this.marks, this.drawn, this.body, this.said);
    this.dialog.classList.add("reader");
    this.title = this.dialog.querySelector("h2");
    this.dialog.addEventListener("close", () => this.picture?.destroy());
    this.dialog.addEventListener("keydown", (event) => this.further(event));
  }

  /** Previous, next, among the chosen ones, and by name. */
  ways() {
    this.back = button("‹ Previous", () => this.go(-1), { class: "quiet", title: "The session before (p)" });
    this.on = button("Next ›", () => this.go(1), { class: "quiet", title: "The session after (n)" });
    this.place = el("span", { class: "soft" });
    this.only = el("input", { type: "checkbox", id: "reader-only", onchange: () => this.placed() });
    this.only.checked = this.picked.length > 1;
    const among = el("label", { for: "reader-only", class: "soft", text: `only the ${this.picked.length} chosen` });
    const names = el("datalist", { id: "reader-names" });
    this.find = el("input", { type: "search", list: names.id, placeholder: "Find a session", "aria-label": "Find a session by name",
      autocomplete: "off", spellcheck: "false", oninput: (event) => this.typed(event, names), onkeydown: (event) => {
        if (event.key === "Enter" && this.find.value.trim()) { event.preventDefault(); this.sought(); }
      } });
    const choice = this.picked.length > 1 ? [el("span", { class: "reader-only" }, this.only, among)] : [];
    return el("div", { class: "reader-ways" }, this.back, this.on, this.place, ...choice, this.find, names);
  }

  // ------------------------------------------------------------------------------ which session

  async open(name) {
    const query = { name, ...(this.mark ? { best: this.mark } : {}) };
    this.dialog.setAttribute("aria-busy", "true");
    this.wanted = name;
    const found = await asked(this.ids, "session", query, this.columns);
    if (this.wanted !== name || !this.dialog.isConnected) return this.dialog;
    this.dialog.removeAttribute("aria-busy");
    this.fail(found.error);
    if (found.error) { if (!this.data) this.titled(name); return this.dialog; }
    this.take(found);
    this.placing = this.placed();
    return this.dialog;
  }

  take(found) {
    const again = this.data?.session === found.session;
    this.data = found;
    this.titled(found.session);
    const columns = Object.keys(found.steps[0]?.texts ?? {}), scores = Object.keys(found.steps[0]?.scores ?? {});
    if (!columns.includes(this.column)) this.column = columns[0] ?? null;
    this.scored = scores.filter((name) => found.steps.some((s) => s.scores[name] !== null));
    if (!this.scored.includes(this.score)) this.score = this.scored[0] ?? null;
    this.facts(this.labels, found.labels);
    this.marksBar();
    this.steps();
    this.toolsBar(columns);
    this.choose(again ? Math.min(this.at, found.steps.length - 1) : 0);
    if (!again) this.list.focus();
  }

  titled(name) {
    this.title.replaceChildren(el("span", { class: "soft", text: "Session " }), el("bdi", { text: name }));
    this.dialog.setAttribute("aria-label", `Session ${name}`);
  }

  fail(words) {
    this.failed.hidden = !words;
    say(this.failed, words ?? "");
  }

  facts(host, pairs) {
    host.replaceChildren(...Object.entries(pairs).map(([name, value]) =>
      el("div", {}, el("dt", { text: name }), el("dd", {}, el("bdi", { text: value })))));
    host.hidden = !Object.keys(pairs).length;
  }

  /** Know what stands before and after the session shown. */
  async placed() {
    const name = this.data.session;
    if (this.only.checked && this.picked.length > 1) {
      const at = this.picked.indexOf(name);
      this.beside(this.picked[at - 1], this.picked[at + 1], `${at + 1 || "–"} of ${this.picked.length} chosen`);
      return;
    }
    const found = await asked(this.ids, "sessions", { around: name }, this.columns);
    if (found.error || this.data.session !== name || found.at === undefined) return;
    const [before, after] = [found.sessions[found.at - 1], found.sessions[found.at + 1]];
    this.beside(before?.name, after?.name, `${found.number.toLocaleString("en")} of ${found.total.toLocaleString("en")}`);
  }

  beside(before, after, words) {
    this.neighbours = { "-1": before, 1: after };
    this.back.setAttribute("aria-disabled", String(before === undefined));
    this.on.setAttribute("aria-disabled", String(after === undefined));
    say(this.place, words);
  }

  /** Go to a neighbour; a hand that is faster than the answers is followed step by step. */
  go(by) {
    this.going = (this.going ?? Promise.resolve()).then(async () => {
      await this.placing;
      const name = this.neighbours?.[by];
      if (name !== undefined) await this.open(name);
    });
  }

  typed(event, names) {
    if (!event.inputType || event.inputType === "insertReplacementText") { this.sought(); return; }
    clearTimeout(this.waiting);
    this.waiting = setTimeout(async () => {
      const found = await asked(this.ids, "sessions", { find: this.find.value }, this.columns);
      this.offered = (found.sessions ?? []).slice(0, LISTED).map((s) => s.name);
      names.replaceChildren(...this.offered.map((name) => el("option", { value: name })));
    }, 150);
  }

  /** Open the session that was typed: by its whole name, else the first that holds what was typed. */
  async sought() {
    const name = this.find.value.trim();
    const found = await asked(this.ids, "sessions", { find: name }, this.columns);
    const names = (found.sessions ?? []).map((s) => s.name);
    this.open(names.includes(name) || !names.length ? name : names[0]);
  }

  // ------------------------------------------------------------------------------ scores and marks

  marksBar() {
    const pick = (label, options, value, act) => {
      const box = el("select", { "aria-label": label, onchange: () => act(box.value) }, ...options.map(([v, text]) => el("option", { value: v, text })));
      box.value = value;
      return el("label", { class: "soft" }, `${label} `, box);
    };
    const recorded = this.data.steps.some((s) => s.kept !== null), parts = [];
    if (this.scored.length > 1) parts.push(pick("Score", this.scored.map((s) => [s, s]), this.score, (s) => { this.score = s; this.again(); }));
    if (this.score) {
      const best = [[this.score, `highest ${this.score} so far`], [`-${this.score}`, `lowest ${this.score} so far`]];
      const plain = this.mark ? "as recorded" : recorded ? "as recorded" : "nothing recorded";
      parts.push(pick("Kept", [["", plain], ...best], this.mark, (mark) => { this.mark = mark; this.open(this.data.session); }));
    }
    this.marks.replaceChildren(...parts);
  }

  /** Another score: marks of the best so far follow it. */
  again() {
    if (this.mark) { this.mark = (this.mark.startsWith("-") ? "-" : "") + this.score; this.open(this.data.session); return; }
    this.marksBar();
    this.steps();
    this.choose(this.at);
  }

  steps() {
    const several = new Set(this.data.steps.map((s) => s.step)).size < this.data.steps.length;
    this.list.replaceChildren(...this.data.steps.map((step, k) => this.item(step, k, several)));
    if (this.data.more) this.list.append(el("li", { class: "soft", role: "presentation", text: `${this.data.more.toLocaleString("en")} more steps are not shown.` }));
  }

  item(step, k, several) {
    const value = this.score && step.scores[this.score];
    const mark = step.kept === null ? "" : step.kept ? "●" : "○";
    const words = [`step ${step.step}${several ? ` (${k + 1})` : ""}`, this.score && `${this.score} ${number(value)}`,
      step.kept === null ? "" : step.kept ? "kept" : "not kept"].filter(Boolean).join(", ");
    return el("li", { role: "option", id: `reader-${k}`, "data-at": k, class: step.kept === false ? "dropped" : "", "aria-label": words, "aria-selected": "false" },
      el("span", { class: "reader-step", text: `${step.step}` }), el("span", { class: "reader-mark", text: mark, title: step.kept ? "kept" : "" }),
      el("span", { class: "reader-score n", text: this.score ? number(value) : "" }));
  }

  /** Draw the score over steps, with the kept versions and the one that is read. */
  draw() {
    this.drawn.hidden = !this.score || this.data.steps.length < 2;
    if (this.drawn.hidden) return;
    this.picture ??= new Picture(this.drawn, { choose: (_, name) => this.choose(Number(name.split("·")[1]) - 1) });
    const [chart, floats] = pictured(this.data.steps, this.score, this.at);
    this.picture.update(chart, floats, { live: false });
  }

  // ------------------------------------------------------------------------------ which step

  clicked(event) {
    const item = event.target.closest("[data-at]");
    if (item) this.choose(Number(item.dataset.at));
  }

  keys(event) {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.choose(Math.min(Math.max(this.at + by, 0), this.data.steps.length - 1));
  }

  further(event) {
    if (event.target.closest("input, select, textarea") || event.altKey || event.ctrlKey || event.metaKey) return;
    const act = { n: () => this.go(1), p: () => this.go(-1), d: () => this.turn(this.mode === "changes" ? "whole" : "changes") }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  choose(at) {
    if (!this.data.steps[at]) return;
    this.at = at;
    for (const item of this.list.querySelectorAll("[aria-selected=true]")) item.setAttribute("aria-selected", "false");
    const item = this.list.children[at];
    item.setAttribute("aria-selected", "true");
    item.scrollIntoView({ block: "nearest" });
    this.list.setAttribute("aria-activedescendant", item.id);
    this.draw();
    this.tell();
    this.read();
  }

  /** Say what the version shown is: where it came from, its scores against those of the version it was made from. */
  tell() {
    const step = this.data.steps[this.at], before = step.source === null ? null : this.data.steps[step.source];
    const from = before ? `made from step ${before.step}` : "nothing before it";
    const kept = step.kept === null ? "" : step.kept ? ", kept" : ", not kept";
    const head = el("h3", { text: `Step ${step.step}` }, el("span", { class: "soft", text: ` ${from}${kept}` }));
    const facts = el("dl", { class: "reader-labels" });
    const scores = Object.fromEntries(this.scored.map((name) => {
      const value = step.scores[name], was = before?.scores[name] ?? null;
      return [name, number(value) + (value !== null && was !== null ? ` (${signed(value - was)})` : "")];
    }));
    this.facts(facts, { ...step.labels, ...scores });
    this.about.replaceChildren(head, facts);
  }

  // ------------------------------------------------------------------------------ its text

  toolsBar(columns) {
    const parts = [];
    if (columns.length > 1) {
      const box = el("select", { "aria-label": "Text", onchange: () => { this.column = box.value; this.read(); } },
        ...columns.map((name) => el("option", { value: name, text: name })));
      box.value = this.column;
      parts.push(box);
    }
    this.modes = [["changes", "Differences"], ["whole", "Whole version"]].map(([mode, text]) =>
      button(text, () => this.turn(mode), { "data-mode": mode, title: "d turns between the two" }));
    this.all = button("Show all of it", () => this.whole(), { class: "quiet", hidden: true });
    parts.push(el("div", { class: "reader-modes", role: "group", "aria-label": "Show" }, ...this.modes), this.all);
    this.tools.replaceChildren(...(this.column ? parts : []));
  }

  turn(mode) {
    this.mode = mode;
    this.read();
  }

  async read() {
    const { steps } = this.data, at = this.at, step = steps[at];
    this.modes.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.mode === this.mode)));
    if (!this.column) { this.write(el("p", { class: "soft", text: "The table holds no texts of its versions: scores and labels are all there is." })); return; }
    if (!step.texts) await this.fetchFrom(at);
    if (this.data.steps !== steps || this.at !== at) return;
    this.shown(step, step.texts?.[this.column] ?? null);
  }

  /** Fetch the texts that one answer did not hold, from a step on. */
  async fetchFrom(at) {
    const { session, steps } = this.data;
    this.write(el("p", { class: "soft", text: "being read …" }));
    const found = await asked(this.ids, "session", { name: session, from: at }, this.columns);
    this.fail(found.error);
    found.steps?.forEach((step, k) => { if (steps[k]) steps[k].texts ??= step.texts; });
  }

  async whole() {
    const { session, steps } = this.data, at = this.at, { column } = this;
    this.all.disabled = true;
    const found = await asked(this.ids, "session", { name: session, whole: `${at}:${column}` }, this.columns);
    this.all.disabled = false;
    this.fail(found.error);
    if (found.error) return;
    steps[at].texts[column] = { text: found.text, changes: found.changes, shortened: false };
    if (this.data.steps === steps && this.at === at) this.shown(steps[at], steps[at].texts[column]);
  }

  shown(step, held) {
    this.all.hidden = !held?.shortened;
    this.text.setAttribute("aria-label", `${this.column}, step ${step.step}`);
    if (held === null) { this.write(el("p", { class: "soft", text: `This step has no ${this.column}.` })); return; }
    const differences = this.mode === "changes" && held.changes;
    const parts = differences ? changesOf(held.changes) : wholeOf(held.text);
    if (this.mode === "changes" && !held.changes) parts.unshift(this.without(step));
    if (held.shortened) parts.push(el("p", { class: "soft reader-note", text: "Shortened: “Show all of it” fetches the rest." }));
    this.write(...parts);
  }

  /** Say why there are no differences to show. */
  without(step) {
    const before = step.source === null ? null : this.data.steps[step.source];
    const why = !before ? "Nothing before it to compare with: the whole version."
      : before.texts && before.texts[this.column] === null ? `Step ${before.step}, which it was made from, has no ${this.column}: the whole version.`
        : "The two versions are too long, or too different, to be compared line by line: the whole version.";
    return el("p", { class: "soft reader-note", text: why });
  }

  write(...parts) {
    this.text.replaceChildren(...parts);
    this.text.scrollTop = 0;
  }
}

// ------------------------------------------------------------------------------------------- the picture of a score

/** Return a chart of a score over steps, and its floats. */
const pictured = (steps, score, at) => {
  const floats = [], put = (values) => { floats.push(...values); return { f32: [floats.length - values.length, values.length] }; };
  const all = steps.map((step, k) => ({ k, x: step.step, y: step.scores[score], kept: step.kept })).filter((p) => p.y !== null);
  const xs = steps.map((s) => s.step), ys = all.map((p) => p.y), spread = Math.max(...ys) - Math.min(...ys) || 1;
  const none = { low: null, high: null, label: "" };
  const points = (some, tone, shape, label) => (some.length ? [{ kind: "points", ...none, x: put(some.map((p) => p.x)), y: put(some.map((p) => p.y)),
    names: some.map((p) => `step ${p.x} ·${p.k + 1}`), label, tone, shape, faint: false, named: false }] : []);
  const marks = [
    { kind: "line", ...none, x: put(all.map((p) => p.x)), y: put(ys), tone: "context", stroke: "solid", strong: false, step: false },
    ...points(all.filter((p) => p.kept === false), "context", "ring", "not kept"),
    ...points(all.filter((p) => p.kept !== false), "ours", "circle", all.some((p) => p.kept === false) ? "kept" : ""),
    { kind: "rule", axis: "x", at: steps[at].step, low: null, high: null, label: "", tone: "ink", stroke: "dotted" },
  ];
  const x = { label: "step", whole: true, low: Math.min(...xs), high: Math.max(...xs), fixed: false };
  const y = { label: score, low: Math.min(...ys) - 0.06 * spread, high: Math.max(...ys) + 0.06 * spread, fixed: false };
  const described = `${score} over ${steps.length} steps, from ${number(all[0]?.y)} to ${number(all.at(-1)?.y)}.`;
  const chart = { type: "chart", key: `reader-${score}`, title: score, described, note: "", equal: false, size: "low", link: "step",
    depth: "front", x, y, marks, named: [] };
  return [chart, new Float32Array(floats)];
};
