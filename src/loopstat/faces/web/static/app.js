// The page: desks as tabs, their settings, their answers. It knows settings, documents and charts, and no lens.

import { Address } from "./address.js";
import { chosen } from "./charts.js";
import { Panel } from "./controls.js";
import { editorFor, Tables } from "./data.js";
import { askSettings, note, showKeys } from "./dialogs.js";
import { View } from "./document.js";
import { button, copy, el, flash, save, say } from "./dom.js";
import { Pins } from "./pins.js";
import { Presets, Status } from "./presets.js";
import { speakOf, spokenOf, worded } from "./flags.js";
import { openReader } from "./reader.js";
import { isDefault, laid, leftOut, readAll, rowsOf, titled, written } from "./settings.js";
import { Link } from "./socket.js";
import { Tabs } from "./tabs.js";
import { themes } from "./theme.js";

const QUIET = 200; // ms before a run is said to take its time
const SPOKEN = 700; // ms after which a hand is taken to rest
const $ = (id) => document.getElementById(id);
const root = document.documentElement;

/** Return the pairs of a setting with one of them set, or taken out. */
const withEntry = (list, entry, value) => {
  const others = (list ?? []).filter((pair) => pair.slice(0, pair.indexOf("=")).trim() !== entry);
  return value === null ? others : [...others, `${entry}=${value}`];
};

class App {
  constructor({ version, desks, sources, uploads }) {
    this.desks = new Map(desks.map((desk) => [desk.name, desk]));
    this.kept = new Map(); // desk to its settings, while another one is shown
    this.folds = new Map(); // desk to what stands open in it
    this.values = new Map();
    this.hand = false;
    root.dataset.version = version;
    this.tables = new Tables($("tables"), { changed: () => this.tabled(), given: sources, uploads });
    this.tabs = new Tabs($("tabs"), desks, (name) => this.turn(name));
    this.address = new Address((found) => this.arrive(found));
    this.link = new Link({ told: (header, floats) => this.told(header, floats), state: (...now) => this.line(...now) });
    this.page();
    this.arrive(this.address.now(), { first: true });
  }

  // ------------------------------------------------------------------------ the page around

  page() {
    themes($("theme"));
    $("keys").addEventListener("click", showKeys);
    $("skip").addEventListener("click", (event) => { event.preventDefault(); $("view").focus(); });
    $("drawer").addEventListener("click", () => this.drawer());
    addEventListener("keydown", (event) => {
      if (event.key === "?" && !event.target.closest("input, textarea, select, dialog")) showKeys();
    });
    this.acts();
  }

  acts() {
    const copied = async () => flash(copying, (await copy(written(this.desk, this.values))) ? "Copied" : "Not copied");
    const copying = button("Copy settings", copied, { class: "quiet" });
    $("acts").replaceChildren(button("Reset", () => this.set(new Map()), { class: "quiet", id: "reset" }), copying,
      button("Load settings", () => askSettings((desk, settings) => this.load(desk, settings)), { class: "quiet" }));
  }

  drawer() {
    const open = $("drawer").getAttribute("aria-expanded") !== "true";
    $("drawer").setAttribute("aria-expanded", String(open));
    $("controls").classList.toggle("open", open);
  }

  // ------------------------------------------------------------------------ desks and settings

  /** Go where an address says; what it names and nobody knows is said. */
  arrive({ desk, pairs }, { first = false } = {}) {
    const known = this.desks.get(desk) ?? this.opening();
    if (desk && known.name !== desk) {
      note($("notes"), `No desk is called “${desk.slice(0, 60)}”: this is ${known.title || known.name}.`);
    }
    const read = readAll(rowsOf(known), known.name === desk ? pairs : []);
    const left = leftOut(read);
    if (left) note($("notes"), `From the address: ${left}.`);
    if (first || this.desk !== known) this.open(known, read.values);
    else this.adopt(read.values);
    if (first) this.address.write(known.name, this.values, { first });
  }

  /** The desk shown unless one is asked for: of the tables given, else the first. */
  opening() {
    const desks = [...this.desks.values()];
    return (this.tables.sources.length && desks.find((desk) => desk.reads)) || desks.find((d) => !d.reads) || desks[0];
  }

  turn(name) {
    if (this.desk?.name === name) return;
    this.open(this.desks.get(name), this.kept.get(name) ?? new Map());
    this.address.write(name, this.values);
  }

  /** Lay a desk out: its controls, an empty view, and its first question. */
  open(desk, values) {
    this.leave();
    Object.assign(this, { desk, values, rows: rowsOf(desk), doc: null });
    document.title = `${desk.title || desk.name} · loopstat`;
    this.tabs.show(desk.name);
    $("document").classList.toggle("moves", desk.live);
    speakOf(this.rows);
    say($("help"), worded(desk.help));
    $("tables").hidden = !desk.reads;
    this.panel = new Panel($("panel"), desk, {
      changed: (name, value, live) => this.moved(name, value, live),
      editorFor: (row, tell) => this.editor(row, tell),
    });
    const lay = (preset) => this.set(laid(this.rows, preset, this.values));
    this.presets = new Presets($("presets"), desk, this.rows, lay);
    this.status = new Status($("status"), desk, {
      pin: () => this.pin(), download: (what) => this.download(what), cancel: () => this.cancel(),
      again: () => this.ask(false),
    });
    this.adopt(values);
  }

  leave() {
    if (!this.desk) return;
    this.kept.set(this.desk.name, this.values);
    this.calm();
    this.pins?.clear();
    this.pins?.destroy();
    this.view?.destroy();
    this.pins = this.view = null;
    this.link.cancel(0);
    chosen.clear();
  }

  editor(row, tell) {
    const changed = (value, live = false) => tell(value, live);
    return editorFor(row, this.values.get(row.name) ?? row.default, changed, this.tables);
  }

  /** Show settings and ask what they give, without a further entry of the history. */
  adopt(values) {
    this.values = values;
    this.panel.update(values);
    this.presets.update(values);
    this.drawerSaid();
    this.ask(false);
  }

  /** Set all settings at once: a preset, a file, everything back. */
  set(values) {
    this.adopt(values);
    this.address.write(this.desk.name, values);
  }

  /** One setting moved: while the hand is on it, and once when it lets go. */
  moved(name, value, live) {
    const next = new Map(this.values), row = this.rows.get(name);
    if (isDefault(row, value)) next.delete(name); else next.set(name, value);
    this.hand = live;
    this.values = next;
    this.panel.controls.get(name)?.show(next.get(name) ?? null);
    this.panel.counts(next);
    this.presets.update(next);
    if (!live) {
      this.drawerSaid();
      this.address.write(this.desk.name, next);
    }
    this.ask(live);
  }

  handled({ name, entry }, value, live) {
    if (!entry) { this.moved(name, value, live); return; }
    // Entries count together: those that nobody set stand where the document has them.
    const beside = this.doc.handles.filter((other) => other.name === name).map((other) => `${other.entry}=${other.at}`);
    this.moved(name, withEntry(this.values.get(name) ?? beside, entry, value), live);
  }

  isHandled({ name, entry }) {
    const value = this.values.get(name);
    return entry ? (value ?? []).some((pair) => pair.startsWith(`${entry}=`)) : value !== undefined;
  }

  load(name, settings) {
    const desk = name === null ? this.desk : this.desks.get(name);
    if (!desk) return `These settings are of “${name.slice(0, 60)}”, which is not here.`;
    const read = readAll(rowsOf(desk), Object.entries(settings)), left = leftOut(read);
    if (left && !read.values.size) return `Nothing could be taken: ${left}.`;
    if (left) note($("notes"), `Settings loaded; ${left}.`);
    if (desk !== this.desk) this.open(desk, read.values); else this.adopt(read.values);
    this.address.write(desk.name, this.values);
    return "";
  }

  drawerSaid() {
    say($("drawer"), this.values.size ? `Settings (${this.values.size} changed)` : "Settings");
  }

  tabled() {
    if (!this.panel) return;
    this.panel.tables(this.values);
    if (this.desk.reads) this.ask(false);
  }

  // ------------------------------------------------------------------------ questions

  get ids() { return this.tables.sources.filter((s) => !s.error).map((s) => s.id); }

  request(values = this.values) {
    return { desk: this.desk.name, settings: Object.fromEntries(values), sources: this.desk.reads ? this.ids : [] };
  }

  /** Whether there is something to ask about; else the page says what is missing. */
  ready() {
    const missing = this.desk.reads && !this.ids.length;
    $("empty").hidden = !missing;
    if (missing) {
      say($("empty"), "No table yet. Drop one anywhere on this page, or add one under Settings: CSV, Parquet or JSON "
        + "Lines, a row for every step of a session. Nothing leaves this computer.");
      $("document").hidden = true;
      this.status.rest();
    } else $("document").hidden = false;
    return !missing;
  }

  ask(live) {
    if (!this.ready() || !this.link.up) return;
    if (live) {
      if (this.desk.live) this.link.live(0, this.request());
      return;
    }
    if (this.link.settle(0, this.request(), this.desk.live)) root.dataset.exact = "";
    const seed = this.values.get("seed");
    if (this.pins?.seed !== seed) this.pins?.askAll(seed);
    this.wait();
  }

  /** Say that something is under way once it takes long enough to be noticed. */
  wait() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => { if (this.link.busy(0)) this.running(); }, QUIET);
    if (this.doc) return;
    this.troubled = true;
    $("document").classList.add("loading");
  }

  /** Say so, and no longer what was wrong with the settings before. */
  running() {
    this.status.running();
    if (this.troubled) this.panel.calm();
    $("failed").hidden = true;
  }

  cancel() {
    this.link.cancel(0);
    clearTimeout(this.waiting);
    $("document").classList.remove("loading");
    this.status.rest(this.doc ? "Cancelled: what is shown is of the settings before, or not all of it."
      : "Cancelled before there was an answer.", true);
  }

  // ------------------------------------------------------------------------ answers

  told(header, floats) {
    if (header.kind === "sources") { this.tables.given?.(header.sources); return; }
    if (header.slot) { this.pinned(header, floats); return; }
    if (header.kind === "document") this.answered(header, floats);
    else if (header.kind === "progress") this.status.running(header);
    else if (header.kind === "error") this.failed(header);
    else if (header.kind === "cancelled" && !this.link.busy(0)) this.status.rest(this.status.text.textContent, true);
  }

  answered({ seq, desk, live, document: doc }, floats) {
    if (desk !== this.desk.name) return;
    const how = { live: Boolean(live) && this.hand }, begun = performance.now();
    this.calm();
    this.doc = doc;
    this.views().update(doc, floats, how);
    this.pins.moved(this.values, doc, floats, how);
    if (!this.link.busy(0)) this.status.rest();
    root.dataset.spent = (performance.now() - begun).toFixed(2);
    root.dataset.exact = live && doc.rough ? "" : "1";
    root.dataset.painted = String(seq);
    this.speak(doc);
  }

  views() {
    if (this.view) return this.view;
    const folds = this.folds.get(this.desk.name) ?? new Map();
    this.folds.set(this.desk.name, folds);
    const choose = (link, name) => this.choose(link, name);
    this.view = new View($("document"), {
      folds, choose,
      keep: (key) => this.download(`svg:${key}`),
      moved: (...given) => this.handled(...given),
      changed: (handle) => this.isHandled(handle),
      moving: () => this.hand,
      explained: ({ name }) => this.rows.get(name)?.explained ?? "",
    });
    this.pins = new Pins(this.view.between, {
      choose, rows: () => this.rows, changed: () => this.pinnable(), swap: (pin) => this.swap(pin),
      ask: (slot, pin) => this.askPin(slot, pin),
      cancel: (slot) => this.link.cancel(slot),
    });
    return this.view;
  }

  calm() {
    if (!this.troubled) return;
    this.troubled = false;
    this.panel.calm();
    $("failed").hidden = true;
    $("document").classList.remove("stale", "loading");
  }

  failed({ message, setting }) {
    this.calm();
    this.troubled = true;
    $("document").classList.toggle("stale", Boolean(this.doc));
    this.status.rest();
    if (setting && this.panel.fail(setting, message)) return;
    const ways = spokenOf(message).map((row) =>
      button(`Go to “${titled(row)}”`, () => this.goTo(row.name), { class: "quiet way" }));
    $("failed").replaceChildren(el("p", { text: worded(message) }), ...ways);
    $("failed").hidden = false;
  }

  /** Show a control, wherever it is folded away, and put the focus there. */
  goTo(name) {
    if (getComputedStyle($("drawer")).display !== "none" && !$("controls").classList.contains("open")) this.drawer();
    this.panel.goTo(name);
  }

  /** Tell those who listen what the answer is, once the hand rests. */
  speak(doc) {
    clearTimeout(this.speaking);
    const answers = doc.answer ? [doc.answer] : doc.sections.map((s) => s.answer).filter(Boolean).slice(0, 1);
    const words = answers.map((a) => a.said + a.why.map((part) => part.t ?? part).join("")).join(" ");
    this.speaking = setTimeout(() => say($("said"), words || doc.title), SPOKEN);
  }

  /** A session is read; what else is named is chosen in every picture, which pictures see to. */
  choose(link, name) {
    const read = link === "session" && this.desk.reads && this.ids.length;
    if (read) openReader(this.ids, name, this.values.get("columns") ?? []);
  }

  // ------------------------------------------------------------------------ pins, files, the line

  /** Pinned settings take the seed of now, so that the same random numbers are drawn in every column. */
  sameSeed(values) {
    const made = new Map(values), seed = this.values.get("seed");
    if (seed === undefined) made.delete("seed"); else made.set("seed", seed);
    return made;
  }

  askPin(slot, pin) {
    pin.values = this.sameSeed(pin.values);
    this.link.settle(slot, this.request(pin.values), this.desk.live);
  }

  pin() {
    if (!this.view || this.pins.full) return;
    this.pins.add(this.values);
  }

  pinnable() { this.status.pin.disabled = Boolean(this.pins?.full); }

  swap(pin) {
    const { values } = pin;
    pin.values = new Map(this.values);
    this.askPin(pin.slot, pin);
    this.set(new Map(values));
  }

  pinned(header, floats) {
    if (header.kind === "document" && header.desk === this.desk.name) {
      this.pins?.answered(header.slot, header.document, floats, { live: false });
    } else if (header.kind === "error") this.pins?.failed(header.slot, worded(header.message));
  }

  async download(what) {
    const body = JSON.stringify({ ...this.request(), what });
    const answer = await fetch("download", { method: "POST", body, headers: { "Content-Type": "application/json" } })
      .catch(() => null);
    if (!answer?.ok) {
      const said = answer && await answer.json().catch(() => null);
      note($("notes"), said?.error ?? "This could not be fetched: is `loopstat view` still running?");
      return;
    }
    if (what === "command") {
      const text = (await answer.text()).trim();
      note($("notes"), `${(await copy(text)) ? "Copied" : "The command"}: ${text}`);
    } else save(await answer.blob(), nameOf(answer) ?? what.replace(/\W+/g, "-"));
  }

  /** The server is back: its tables may be others, and everything is asked again. */
  async returned() {
    const answer = await fetch("sources").catch(() => null);
    if (answer?.ok) this.tables.given((await answer.json()).sources);
    this.ask(false);
    this.pins?.askAll();
  }

  line(state, seconds) {
    const lost = $("lost");
    if (state === "open") {
      if (!lost.hidden) this.returned();
      else if (this.desk) this.ask(false);
      lost.hidden = true;
      return;
    }
    this.status?.rest();
    lost.replaceChildren("The line to loopstat is cut: what you see stays, but does not move. "
      + `Trying again in ${seconds} s. If it was stopped, start it again: \`loopstat view\`. `,
    button("Try now", () => this.link.retry(), { class: "quiet" }));
    lost.hidden = false;
  }
}

const nameOf = (answer) => /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];

const start = async () => {
  const answer = await fetch("desks").catch(() => null);
  if (!answer?.ok) {
    say($("failed"), "loopstat does not answer. Is `loopstat view` still running? It printed this page's address.");
    $("failed").hidden = false;
    return;
  }
  new App(await answer.json());
};
start();
