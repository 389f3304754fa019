// Controls of settings that name parts of a table: columns, values of labels, our names for their columns.

import { button, el } from "./dom.js";
import { same, titled } from "./settings.js";

const OFFERED = 10; // columns offered as buttons; all of them in the list of the field
let made = 0;

/** What a setting's values look like, as its kind and what stands for a value say. */
const shapeOf = (row) => {
  const [first] = (row.metavar || "").split(","), [left, right] = first.split("=");
  const pairs = row.kind === "pairs" || right !== undefined;
  const ours = pairs && right !== undefined && /^[a-z]/.test(left); // our name = their column
  return { pairs, ours, several: row.kind === "list" || pairs, right: right ?? "", values: right === "VALUE" };
};

/**
 * Return the control of a row that names parts of a table, or null where its row names none.
 * `changed(value)`; `tables`: a Tables, or plain descriptions of the tables chosen.
 */
export const editorFor = (row, value, changed, tables) => {
  if (!row.of) return null;
  const shape = shapeOf(row), data = Array.isArray(tables) ? plainTables(tables) : tables;
  const one = ["column", "number", "objective"].includes(row.of) ? One : Word;
  const Kind = shape.ours ? Names : shape.pairs ? Pairs : shape.several ? Chips : one;
  const editor = new Kind(row, changed, data, shape);
  editor.show(value ?? row.default ?? null);
  const again = () => {
    if (editor.el.isConnected || !editor.seen) editor.redraw(); else data.removeEventListener("read", again);
  };
  data.addEventListener("read", again);
  return editor;
};

/** Descriptions of tables, as an object like Tables. */
const plainTables = (sources) => {
  const columns = sources.flatMap((s) => s.columns);
  return Object.assign(new EventTarget(), { sources, columns, renamed: new Map(), columnsFor: () => columns });
};

const listOf = (value) => (value === null || value === undefined || value === "" ? [] : [].concat(value));

class Editor {
  constructor(row, changed, tables, shape) {
    made += 1;
    Object.assign(this, { row, changed, tables, shape, id: `p${made}`, value: [], inputs: [], group: true });
    this.el = el("div", { class: "picker" });
  }

  get columns() { return this.tables.columnsFor(this.row); }

  show(value) {
    const next = listOf(value);
    if (this.drawn && same(next, this.value)) return;
    this.value = next;
    this.redraw();
  }

  redraw() {
    this.drawn = true;
    this.seen ||= this.el.isConnected;
    const focus = this.el.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.draw();
    if (focus) this.at(focus)?.focus();
  }

  /** The element of a key: elements are made anew, the focus goes to the one that takes the place. */
  at(key) { return [...this.el.querySelectorAll("[data-key]")].find((n) => n.dataset.key === key); }

  /** Take a new value and tell it; `focus` names what shall have the focus then. */
  put(next, focus = null) {
    this.value = next;
    this.draw();
    this.changed(this.row.kind === "text" ? next[0] ?? null : next.length ? next : null, false);
    if (focus) (this.at(focus) ?? this.inputs[0])?.focus();
  }
}

const option = (value, text = value) => el("option", { value, text });

/** A field with suggestions, which takes what is typed or picked. */
const field = (id, label, options, taken, given = {}) => {
  const list = el("datalist", { id: `${id}-list` }, ...options.map((name) => option(name)));
  const box = el("input", { type: "text", class: "wide", list: list.id, autocomplete: "off", spellcheck: "false",
    "aria-label": label, ...given });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && box.value.trim()) { event.preventDefault(); taken(box.value.trim()); }
  });
  box.addEventListener("input", ({ inputType }) => { // picked from the list, not typed
    if ((!inputType || inputType === "insertReplacementText") && options.includes(box.value)) taken(box.value);
  });
  return { box, list };
};

// ------------------------------------------------------------------------------ an ordered list of names

class Chips extends Editor {
  draw() {
    const known = this.columns, names = known.map((c) => c.name);
    const chips = el("ol", { class: "picked", "aria-label": "Chosen, in order" },
      ...this.value.map((name, k) => this.chip(name, k, names)));
    const left = known.filter((c) => !this.value.includes(c.name));
    const first = this.row.of === "column" ? "label" : "objective", likely = left.filter((c) => c.role === first);
    const shown = (likely.length ? likely : left).slice(0, OFFERED);
    const offers = el("div", { class: "offers" }, ...shown.map((c) => button(`+ ${c.name}`, () => this.add(c.name),
      { "data-key": `+${c.name}`, "aria-label": `Add ${c.name}`, title: titleOf(c) })));
    const rest = left.map((c) => c.name);
    const { box, list } = field(this.id, `Add to ${titled(this.row)}`, rest, (name) => this.add(name),
      { placeholder: shown.length ? "or type a name" : this.row.metavar, "data-key": "field" });
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Backspace" || box.value || !this.value.length) return;
      event.preventDefault();
      this.put(this.value.slice(0, -1), "field");
    });
    box.addEventListener("change", () => { if (box.value.trim()) this.add(box.value.trim()); });
    this.inputs = [box];
    this.el.replaceChildren(...(this.value.length ? [chips] : []), offers, box, list);
  }

  add(name) {
    const more = name.split(",").map((part) => part.trim()).filter((part) => part && !this.value.includes(part));
    if (more.length) this.put([...this.value, ...more], "field");
  }

  chip(name, k, known) {
    const odd = known.length && !known.includes(name);
    const made = el("li", { class: odd ? "odd" : "", title: odd ? "No chosen table has this column" : "" });
    const move = (by) => {
      const next = [...this.value];
      next.splice(k, 1);
      next.splice(Math.min(Math.max(k + by, 0), next.length), 0, name);
      this.put(next, `chip ${name}`);
    };
    const beside = this.value[k + 1] ?? this.value[k - 1] ?? "";
    const drop = () => this.put(this.value.filter((v) => v !== name), `chip ${beside}`);
    const keys = (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by && event.altKey) { event.preventDefault(); move(by); }
      else if (by) this.el.querySelectorAll(".chip-name")[k + by]?.focus();
      else if (["Delete", "Backspace"].includes(event.key)) { event.preventDefault(); drop(); }
      else return;
      event.stopPropagation();
    };
    made.append(button(name, () => {}, { class: "chip-name", "data-key": `chip ${name}`, onkeydown: keys,
      "aria-label": `${name}, ${k + 1} of ${this.value.length}: Alt and arrow keys move it, Delete removes it` }),
    button("×", drop, { "aria-label": `Remove ${name}`, tabindex: "-1" }));
    return made;
  }
}

const titleOf = (column) => [column.theirs && `your ${column.theirs}`, column.role, column.kind,
  column.values?.length ? column.values.slice(0, 6).join(", ") : ""].filter(Boolean).join(" · ");

// ------------------------------------------------------------------------------ one name

class One extends Editor {
  draw() {
    const known = this.columns, [value = ""] = this.value;
    const box = el("select", { "data-key": "field", "aria-label": titled(this.row),
      onchange: () => this.put(box.value ? [box.value] : [], "field") });
    box.append(option("", this.row.default ? `default (${this.row.default})` : "default"),
      ...known.map((c) => option(c.name, c.role && c.role !== c.name ? `${c.name} (${c.role})` : c.name)));
    if (value && !known.some((c) => c.name === value)) box.append(option(value, `${value} (not in the table)`));
    box.value = value;
    this.inputs = [box];
    this.el.replaceChildren(box);
  }
}

/** A name that is no column: a group, a session. Sessions are looked for as they are typed. */
class Word extends Editor {
  draw() {
    const values = this.row.of === "group" ? [...new Set(this.columns.flatMap((c) => c.values ?? []))] : [];
    const { box, list } = field(this.id, titled(this.row), values, (name) => this.put([name], "field"),
      { placeholder: this.row.metavar || "", "data-key": "field" });
    box.value = this.value[0] ?? "";
    box.addEventListener("change", () => {
      if (box.value.trim() !== (this.value[0] ?? "")) this.put(listOf(box.value.trim()));
    });
    if (this.row.of === "session") box.addEventListener("input", () => this.find(box, list));
    this.inputs = [box];
    this.el.replaceChildren(box, list);
  }

  find(box, list) {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(async () => {
      const found = await sessionsOf(this.tables, { find: box.value });
      list.replaceChildren(...(found?.sessions ?? []).slice(0, 30).map((s) => option(s.name)));
    }, 150);
  }
}

/** Ask for sessions of the chosen tables; null where there are none to ask for. */
export const sessionsOf = async (tables, query) => {
  const ids = tables.sources.filter((s) => !s.error).map((s) => s.id);
  if (!ids.length) return null;
  const words = new URLSearchParams(query);
  for (const [our, theirs] of tables.renamed) words.append("columns", `${our}=${theirs}`);
  const answer = await fetch(`sources/${ids.join(",")}/sessions?${words}`).catch(() => null);
  return answer?.ok ? answer.json() : null;
};

// ------------------------------------------------------------------------------ pairs of a name and a value

class Pairs extends Editor {
  draw() {
    const rows = this.value.map((pair, k) => this.line(pair, k));
    const used = this.value.map((pair) => parts(pair)[0]), known = this.columns.filter((c) => !used.includes(c.name));
    const add = el("select", { "data-key": "field", "aria-label": `Add to ${titled(this.row)}`,
      onchange: () => { if (add.value) this.begin(add.value); } },
    option("", rows.length ? "add another …" : "add …"), ...known.map((c) => option(c.name)));
    if (!known.length && !rows.length) add.append(el("option", { disabled: true, text: "no table is open" }));
    this.inputs = [add];
    this.el.replaceChildren(...(rows.length ? [el("div", { class: "pairs" }, ...rows)] : []), add);
  }

  /** A pair without a value yet is shown, and told once it has one. */
  begin(name) {
    const column = this.columns.find((c) => c.name === name);
    if (this.shape.values && column?.values?.length) {
      this.put([...this.value, `${name}=${column.values[0]}`], `value ${name}`);
      return;
    }
    this.value = [...this.value, `${name}=`];
    this.redraw();
    this.at(`value ${name}`)?.focus();
  }

  set(k, name, sign, value) {
    const next = [...this.value];
    next[k] = `${name}${sign}=${value}`;
    this.value = next;
    if (!next.some((pair) => parts(pair)[2] === "")) this.put(next, `value ${name}`);
  }

  line(pair, k) {
    const [name, sign, value] = parts(pair);
    const box = this.valueBox(name, value, (given) => this.set(k, name, sign, given));
    const said = sign ? `${name} is not; press for is` : `${name} is; press for is not`;
    const turn = button(sign ? "≠" : "=", () => this.set(k, name, sign ? "" : "!", value),
      { class: "sign", "data-key": `sign ${name}`, "aria-label": said });
    const others = this.value.filter((other, j) => j !== k && parts(other)[2] !== "");
    const away = button("×", () => this.put(others, "field"), { "aria-label": `Remove ${name}`, class: "away" });
    return el("div", { class: "pair" }, el("bdi", { class: "pair-name", text: name, title: name }),
      this.shape.values ? turn : el("span", { class: "sign", text: "=" }), box, away);
  }

  valueBox(name, value, tell) {
    const column = this.columns.find((c) => c.name === name);
    const key = { "data-key": `value ${name}`, "aria-label": `Value of ${name}` };
    if (this.shape.values && column?.values) {
      const box = el("select", { ...key, onchange: () => tell(box.value) }, ...column.values.map((v) => option(v)));
      if (!column.values.includes(value)) box.prepend(option(value, value ? `${value} (not in the table)` : "…"));
      box.value = value;
      return box;
    }
    const box = el("input", { type: "text", placeholder: this.shape.right || "value", autocomplete: "off", ...key,
      spellcheck: "false", onchange: () => tell(box.value.trim()) });
    box.value = value;
    return box;
  }
}

/** Take `name=value` or `name!=value` apart. */
const parts = (pair) => {
  const at = pair.indexOf("="), left = at < 0 ? pair : pair.slice(0, at), sign = left.endsWith("!") ? "!" : "";
  return [left.slice(0, left.length - sign.length).trim(), sign, at < 0 ? "" : pair.slice(at + 1).trim()];
};

// ------------------------------------------------------------------------------ our names for their columns

const FIRST = ["session", "step"];

class Names extends Editor {
  get mapping() { return new Map(this.value.map((pair) => parts(pair)).map(([our, , theirs]) => [our, theirs])); }

  show(value) {
    super.show(value);
    this.tables.renamed = this.mapping;
  }

  put(next, focus) {
    this.tables.renamed = new Map(next.map((pair) => [parts(pair)[0], parts(pair)[2]]));
    super.put(next, focus);
    this.tables.dispatchEvent(new Event("read"));
  }

  draw() {
    const { mapping } = this, sources = this.tables.sources, columns = sources.flatMap((s) => s.columns ?? []);
    const theirs = [...new Set(columns.map((c) => c.name))];
    const standard = sources.find((s) => s.standard)?.standard ?? FIRST;
    const guess = new Map(sources.flatMap((s) => Object.entries(s.guess ?? {})));
    const shown = [...new Set([...FIRST, ...mapping.keys(), ...this.opened ?? []])];
    const lines = shown.map((our) => this.line(our, theirs, mapping, guess));
    const rest = standard.filter((our) => !shown.includes(our));
    const more = el("select", { "data-key": "more", "aria-label": "Name another of our columns",
      onchange: () => { this.opened = [...this.opened ?? [], more.value]; this.redraw(); } },
    option("", "another of our names …"),
    ...rest.map((our) => option(our, theirs.includes(our) ? `${our} (there)` : our)));
    this.inputs = [lines[0].querySelector("select")];
    this.el.replaceChildren(this.offer(guess, mapping), el("div", { class: "pairs" }, ...lines), more);
  }

  /** Return the button that takes what was guessed, where there is something to take. */
  offer(guess, mapping) {
    const open = [...guess].filter(([our]) => !mapping.has(our));
    if (!open.length) return el("span", { hidden: true });
    const words = open.map(([our, theirs]) => `${our} = ${theirs}`).join(", ");
    return el("p", { class: "guess" }, el("span", { text: `Likely: ${words}. ` }), button("Use this", () => {
      this.put([...this.value, ...open.map(([our, theirs]) => `${our}=${theirs}`)], `our ${open[0][0]}`);
    }, { class: "quiet", "data-key": "guess" }));
  }

  line(our, theirs, mapping, guess) {
    const there = theirs.includes(our), value = mapping.get(our) ?? "";
    const box = el("select", { "data-key": `our ${our}`, "aria-label": `Your column for ${our}`,
      onchange: () => this.take(our, box.value) });
    const likely = guess.get(our), empty = there ? `${our} (by its name)` : likely ? `none; likely ${likely}` : "none";
    box.append(option("", empty), ...theirs.filter((name) => name !== our).map((name) => option(name)));
    if (value && !theirs.includes(value)) box.append(option(value, `${value} (not in the table)`));
    box.value = value;
    const name = el("span", { class: "pair-name", text: our });
    return el("div", { class: "pair ours" }, name, el("span", { class: "sign", text: "=" }), box);
  }

  take(our, theirs) {
    const others = this.value.filter((pair) => parts(pair)[0] !== our && parts(pair)[2] !== theirs);
    this.put(theirs ? [...others, `${our}=${theirs}`] : others, `our ${our}`);
  }
}
