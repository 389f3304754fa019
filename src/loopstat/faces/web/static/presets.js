// Buttons above the controls: presets by their groups, and what is done with all settings at once.

import { button, el, hide, say } from "./dom.js";
import { loaded } from "./settings.js";

/** Presets as buttons; the one that stands as it was loaded is marked. */
export class Presets {
  constructor(host, desk, rows, chosen) {
    Object.assign(this, { desk, rows, buttons: new Map() });
    const groups = new Map();
    for (const preset of desk.presets) {
      const made = button(preset.name.replaceAll("_", " "), () => chosen(preset), { class: "preset",
        "aria-pressed": "false", title: preset.help || null, "data-preset": preset.name });
      this.buttons.set(preset, made);
      groups.set(preset.group, [...(groups.get(preset.group) ?? []), made]);
    }
    const box = (title, made) => el("div", { class: "preset-group", role: "group", "aria-label": title },
      el("h2", { text: title }), el("div", { class: "preset-row" }, ...made));
    host.replaceChildren(...[...groups].map(([group, made]) => box(group || "Presets", made)));
  }

  update(values) {
    const on = loaded(this.desk, this.rows, values);
    for (const [preset, made] of this.buttons) {
      const pressed = String(on.has(preset));
      if (made.getAttribute("aria-pressed") !== pressed) made.setAttribute("aria-pressed", pressed);
    }
  }
}

/** What is done with the view as a whole: its state on the left, pins and downloads on the right. */
export class Status {
  constructor(host, desk, { pin, download, cancel, again }) {
    this.text = el("span", { class: "status-text" });
    this.bar = el("progress", { class: "bar", "aria-label": "Progress", hidden: true });
    this.stop = button("Cancel", cancel, { class: "quiet", hidden: true });
    this.again = button("Compute it after all", again, { class: "quiet again", hidden: true });
    this.pin = button("Pin these settings", pin, { class: "quiet" });
    const saves = desk.saves.map((s) => [`save:${s.name}`, s.title, "A file for the command line"]);
    const kinds = [["html", "Report", "One HTML file that needs nothing else"],
      ["json", "Figures", "Every one of them, as JSON"], ...saves,
      ["command", "Copy the command", "The command line that gives the same"]];
    const items = kinds.map(([what, name, help]) => {
      const item = button(name, () => {
        this.menu.open = false;
        download(what);
      }, { class: "item", "data-download": what });
      item.append(el("small", { text: help }));
      return item;
    });
    const list = el("div", { class: "items" }, ...items);
    this.menu = el("details", { class: "menu" }, el("summary", { text: "Download" }), list);
    this.menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.menu.open = false;
      this.menu.firstChild.focus();
    });
    this.menu.addEventListener("focusout", (event) => {
      if (!this.menu.contains(event.relatedTarget)) this.menu.open = false;
    });
    host.replaceChildren(el("div", { class: "doing" }, this.bar, this.text, this.stop, this.again), this.pin, this.menu);
  }

  /** Show how far a run is, or nothing; only what takes long enough to be noticed. */
  running({ done = 0, total = 0, label = "" } = {}) {
    hide(this.bar, false);
    hide(this.stop, false);
    hide(this.again, true);
    if (total) [this.bar.max, this.bar.value] = [total, done];
    else this.bar.removeAttribute("value");
    say(this.text, label || "Computing");
  }

  /** Show that nothing runs; `halted` where something was asked for that has no answer. */
  rest(text = "", halted = false) {
    const held = document.activeElement === this.stop;
    hide(this.bar, true);
    hide(this.stop, true);
    hide(this.again, !halted);
    if (held && halted) this.again.focus();
    say(this.text, text);
  }
}
