// Tables: those the server was started with and those added here, which of them are read, and what they hold.

import { button, el, hide, say } from "./dom.js";

export { editorFor } from "./pickers.js";

const AGAIN = 400; // ms until tables still being read are asked for again
const KINDS = ".csv,.tsv,.tab,.json,.jsonl,.ndjson,.parquet,.gz";
const SHOWN = 8; // tables in sight before the list scrolls

export const counted = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

/** The bar of tables. Fires `read` when what a table holds becomes known. */
export class Tables extends EventTarget {
  /** `changed()`: other tables are chosen now; `given`: those of the server; `uploads.most`: bytes a table may have. */
  constructor(host, { changed, given = [], uploads = { most: Infinity } }) {
    super();
    Object.assign(this, { host, changed, most: uploads.most, all: [], picked: new Set(), renamed: new Map() });
    this.list = el("ul", { class: "table-list" });
    this.loads = el("ul", { class: "table-list loads" });
    this.mix = el("p", { class: "soft table-mix", hidden: true });
    this.told = el("p", { class: "unseen", role: "status" });
    this.file = el("input", { type: "file", multiple: true, accept: KINDS, class: "unseen", tabindex: "-1",
      "aria-label": "Files of tables", onchange: () => { this.add([...this.file.files]); this.file.value = ""; } });
    this.adding = button("Add a table", () => this.file.click(), { class: "add-table" });
    const head = el("div", { class: "table-head" }, el("h2", { text: "Tables" }), this.adding, this.file);
    host.classList.add("tables");
    host.replaceChildren(head, this.list, this.mix, this.loads, this.told);
    this.opening = new Set(given.map((source) => source.id)); // those to begin with, until somebody chooses
    this.receive(given, new Set());
    this.droppable();
  }

  /** The chosen tables, in order. */
  get sources() { return this.all.filter((source) => this.picked.has(source.id)); }

  /** Take what the server says there is: another tab may have added or removed a table. */
  given(sources) { this.receive(sources, this.picked); }

  // ------------------------------------------------------------------------------ columns

  /** Columns of the chosen tables: those all of them have come first; our names stand for renamed ones. */
  get columns() {
    const found = new Map();
    for (const source of this.sources) {
      for (const column of source.columns ?? []) {
        const known = found.get(column.name);
        found.set(column.name, known ? joined(known, column) : { ...column });
      }
    }
    const ours = new Map([...this.renamed].map(([our, theirs]) => [theirs, our]));
    const named = (c) => (ours.has(c.name) ? { ...c, name: ours.get(c.name), theirs: c.name } : c);
    const made = [...found.values()].map(named);
    if (this.sources.length > 1) made.push({ name: "file", kind: "text", role: "label", values: null });
    return made;
  }

  /** The columns that a setting may name. */
  columnsFor({ of }) {
    const numeric = (c) => ["number", "bool"].includes(c.kind) && !KEYS.includes(c.role);
    const wanted = { number: numeric, objective: numeric, column: () => true, group: (c) => c.role === "label" };
    const first = { number: "objective", objective: "objective", column: "label", group: "label" }[of];
    const fit = this.columns.filter(wanted[of] ?? (() => false));
    return [...fit.filter((c) => c.role === first), ...fit.filter((c) => c.role !== first)];
  }

  // ------------------------------------------------------------------------------ state

  receive(sources, picked) {
    const before = this.sources.map(keyOf).join();
    this.all = sources;
    this.picked = new Set(sources.filter((s) => picked.has(s.id)).map((s) => s.id));
    if (this.opening) this.picked = alike(sources.filter((s) => this.opening.has(s.id)));
    this.draw();
    this.dispatchEvent(new Event("read"));
    if (sources.some((source) => source.reading)) this.later();
    if (this.began && before !== this.sources.map(keyOf).join()) this.changed();
    this.began = true;
  }

  later() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(async () => {
      const answer = await fetch("sources").catch(() => null);
      if (answer?.ok) this.given((await answer.json()).sources); else this.later();
    }, AGAIN);
  }

  pick(id, on) {
    this.opening = null;
    if (on) this.picked.add(id); else this.picked.delete(id);
    this.mixed();
    this.dispatchEvent(new Event("read"));
    this.changed();
  }

  /** Tables that have nothing to do with each other are not read as one unless that is asked for. */
  mixed() {
    const readable = this.all.filter((s) => !s.error && !s.reading), chosen = this.sources.filter((s) => !s.error);
    const odd = alike(chosen).size < chosen.length, apart = alike(readable).size < readable.length;
    say(this.mix, odd ? "The tables ticked have different columns, and are read as one: untick what does not belong."
      : apart ? "Ticked tables are read as one. Those with other columns are left out until you tick them." : "");
    hide(this.mix, !this.mix.textContent);
  }

  async remove(source) {
    const answer = await fetch(`sources/${source.id}`, { method: "DELETE" }).catch(() => null);
    if (!answer?.ok && answer?.status !== 400) { // 400: it is gone already
      this.fail(source.name, "could not be removed: is loopstat still running?");
      return;
    }
    this.receive(this.all.filter((s) => s.id !== source.id), this.picked);
    say(this.told, `${source.name} is removed.`);
    this.adding.focus();
  }

  // ------------------------------------------------------------------------------ shown

  draw() {
    const open = new Set([...this.list.querySelectorAll("details[open]")].map((d) => d.dataset.id));
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    this.list.replaceChildren(...this.all.map((source) => this.row(source, open.has(source.id))));
    this.list.classList.toggle("many", this.all.length > SHOWN);
    this.mixed();
    if (focused) [...this.list.querySelectorAll("[data-focus]")].find((n) => n.dataset.focus === focused)?.focus();
  }

  row(source, open) {
    const id = `table-${source.id}`, single = this.all.length === 1;
    const box = el("input", { type: "checkbox", id, "data-focus": id,
      onchange: () => this.pick(source.id, box.checked) });
    box.checked = this.picked.has(source.id);
    const name = el("label", { for: id, class: "table-name", title: source.name },
      el("bdi", { text: shortName(source.name) }));
    const away = button("×", () => this.remove(source), { class: "table-away", "data-focus": `${id}-away`,
      "aria-label": `Remove ${source.name}`,
      title: source.uploaded ? "Remove this table" : "Close this table; the file stays" });
    const line = el("div", { class: "table-line" }, box, name, away);
    box.classList.toggle("unseen", single && box.checked);
    return el("li", { class: source.error ? "wrong" : "" }, line, this.about(source, open));
  }

  about(source, open) {
    if (source.error) return el("p", { class: "error", text: source.error });
    if (source.reading) return el("p", { class: "soft table-size", text: "being read …" });
    const summary = el("summary", { class: "soft table-size",
      text: `${counted(source.rows, "row")}, ${counted(source.columns.length, "column")}` });
    const made = el("details", { "data-id": source.id }, summary);
    const fill = () => { if (made.open && made.childElementCount === 1) made.append(columnTable(source)); };
    made.addEventListener("toggle", fill);
    made.open = open;
    fill();
    return made;
  }

  // ------------------------------------------------------------------------------ adding

  /** Upload files one after the other; the new ones are chosen, together where their columns are the same. */
  async add(files) {
    const taken = [];
    for (const file of files) {
      const source = await this.upload(file);
      if (source) taken.push(source);
    }
    if (!taken.length) return;
    const others = this.all.filter((s) => !taken.some((t) => t.id === s.id));
    this.opening = null;
    this.receive([...others, ...taken], alike(taken));
    say(this.told, taken.map((s) => `${s.name}: ${counted(s.rows, "row")}.`).join(" "));
  }

  upload(file) {
    if (file.size > this.most) {
      const most = `${Math.round(this.most / 1e6)} MB`;
      this.fail(file.name, `is larger than ${most}. Name it on the command line instead: loopstat view ${file.name}`);
      return Promise.resolve(null);
    }
    if (!file.size) {
      this.fail(file.name, "is empty, or a folder: add its files instead.");
      return Promise.resolve(null);
    }
    const bar = el("progress", { max: "1", value: "0", "aria-label": `Upload of ${file.name}` });
    const said = el("span", { class: "soft" });
    const line = el("li", {}, el("div", { class: "table-line" }, el("bdi", { class: "table-name", text: file.name }),
      button("Cancel", () => request.abort(), { class: "quiet" })), el("div", { class: "table-line" }, bar, said));
    const request = new XMLHttpRequest();
    this.loads.append(line);
    return new Promise((done) => {
      const end = (source, wrong = "") => { line.remove(); if (wrong) this.fail(file.name, wrong); done(source); };
      request.upload.onprogress = ({ loaded, total }) => {
        bar.value = loaded / total;
        say(said, loaded < total ? `${Math.round((100 * loaded) / total)} %` : "being read …");
        if (loaded === total) bar.removeAttribute("value");
      };
      request.onload = () => {
        const found = parsed(request.responseText);
        if (request.status === 201 && found) end(found); else end(null, found?.error ?? "could not be taken.");
      };
      request.onabort = () => end(null);
      request.onerror = () => end(null, "could not be sent: is loopstat still running, and the file still there?");
      request.open("POST", `sources?name=${encodeURIComponent(file.name)}`);
      request.send(file);
    });
  }

  fail(name, words) {
    const text = words.startsWith(name) ? words : `${name} ${words}`;
    const line = el("li", { class: "wrong", role: "alert" }, el("p", { class: "error", text }),
      button("Close", () => line.remove(), { class: "quiet" }));
    this.loads.append(line);
  }

  /** Tables may be dropped anywhere on the page. */
  droppable() {
    const over = el("div", { class: "drop-here", hidden: true }, el("p", { text: "Drop tables to open them" }));
    document.body.append(over);
    const holds = (event) => { // a file that nobody takes would be opened in the place of the page
      const files = event.dataTransfer?.types.includes("Files");
      if (files) event.preventDefault();
      return files && !document.querySelector("dialog[open]");
    };
    addEventListener("dragenter", (event) => { if (holds(event)) over.hidden = false; });
    addEventListener("dragover", holds);
    addEventListener("dragleave", (event) => { if (!event.relatedTarget) over.hidden = true; });
    addEventListener("drop", (event) => {
      over.hidden = true;
      if (holds(event)) this.add([...event.dataTransfer.files]);
    });
  }
}

const KEYS = ["session", "step", "parent"];

/** What tells whether another table is chosen, or one that cannot be read. */
const keyOf = (source) => `${source.id}${source.error ? "!" : ""}`;

/** The ids of the first table that can be read and of those with the same columns: one recording in several files. */
const alike = (sources) => {
  const columns = (s) => JSON.stringify((s.columns ?? []).map((column) => column.name).sort());
  const first = sources.find((s) => !s.error);
  const fit = (s) => !s.error && !s.reading && !first.reading && columns(s) === columns(first);
  return new Set(sources.filter((s) => s === first || (first && fit(s))).map((s) => s.id));
};

const joined = (a, b) => {
  const values = a.values && b.values ? [...new Set([...a.values, ...b.values])] : null;
  return { ...a, kind: a.kind === b.kind ? a.kind : "text", role: a.role || b.role, values };
};

/** The end of a path tells tables apart better than its beginning. */
const shortName = (name) => name.split("/").pop() || name;

const parsed = (text) => { try { return JSON.parse(text); } catch { return null; } };

const columnTable = (source) => {
  const rows = source.columns.map((column) => el("tr", {}, el("th", { scope: "row" }, el("bdi", { text: column.name })),
    el("td", { text: column.role || "–" }), el("td", { text: column.kind }),
    el("td", { class: "soft", text: some(column.values) })));
  const head = el("tr", {}, ...["Column", "Read as", "Kind", "Values"].map((text) => el("th", { scope: "col", text })));
  return el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `Columns of ${source.name}` },
    el("table", { class: "columns" }, el("thead", {}, head), el("tbody", {}, ...rows)));
};

const some = (values) => (values?.length ? values.slice(0, 4).join(", ") + (values.length > 4 ? ", …" : "") : "");
