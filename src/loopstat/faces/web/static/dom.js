// Elements made without markup: whatever comes from data ends as text.

/** Return an element: `class` and `text`, `on...` listeners, everything else as attributes. */
export const el = (tag, given = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

export const button = (text, onclick, given = {}) => el("button", { type: "button", text, onclick, ...given });

/** Set the text of a node only where it differs: layout is not asked again for what stays. */
export const say = (node, text) => { if (node.textContent !== text) node.textContent = text; };

/** Hide or show a node, only where it changes: a write alone would ask for styles again. */
export const hide = (node, hidden) => { if (node.hidden !== hidden) node.hidden = hidden; };

/** Children kept by key: the same item keeps its element, its folds and its pictures. */
export class Many {
  constructor(host, make, key) {
    this.host = host;
    this.make = make;
    this.key = key;
    this.parts = new Map();
  }

  update(items, ...rest) {
    const seen = new Set();
    items.forEach((item, k) => {
      let key = this.key(item, k);
      while (seen.has(key)) key += "'";
      seen.add(key);
      let part = this.parts.get(key);
      if (!part) this.parts.set(key, (part = this.make(item, key)));
      if (this.host.children[k] !== part.el) this.host.insertBefore(part.el, this.host.children[k] ?? null);
      part.update(item, ...rest);
    });
    if (this.parts.size === seen.size) return;
    for (const [key, part] of this.parts) if (!seen.has(key)) this.drop(key, part);
  }

  drop(key, part) {
    part.destroy?.();
    part.el.remove();
    this.parts.delete(key);
  }

  each(f) { for (const part of this.parts.values()) f(part); }

  destroy() { this.each((part) => part.destroy?.()); }
}

/** The first of many items, and a button that shows all of them: a long list would bury what follows it. */
export class Most {
  constructor(most, of) {
    Object.assign(this, { most, of, all: false });
    this.el = button("", () => { this.all = true; this.again(); }, { class: "quiet more", hidden: true });
  }

  /** Return those to show; `again()` shows them anew once all are asked for. */
  first(items, again) {
    this.again = again;
    const few = !this.all && items.length > this.most + this.most / 4;
    hide(this.el, !few);
    if (few) say(this.el, `Show all ${items.length.toLocaleString("en")} ${this.of}`);
    return few ? items.slice(0, this.most) : items;
  }
}

/** Put a text on the clipboard, also where the page is not allowed to without a selection. */
export const copy = async (text) => {
  try { await navigator.clipboard.writeText(text); return true; } catch { /* not allowed here: the old way */ }
  const area = el("textarea", { class: "unseen", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
};

/** Say on a button that it did its work, then what it was called before. */
export const flash = (on, text) => {
  on.dataset.text ??= on.textContent;
  on.textContent = text;
  clearTimeout(Number(on.dataset.timer));
  on.dataset.timer = String(setTimeout(() => { on.textContent = on.dataset.text; }, 1500));
};

/** Hand a file to the browser's downloads. */
export const save = (blob, name) => {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};

/** Return a dialog with a title and a way out; Escape closes it, the focus returns to where it was. */
export const dialog = (title, ...children) => {
  const made = el("dialog", { class: "dialog", "aria-label": title });
  const head = el("div", { class: "dialog-head" }, el("h2", { text: title }),
    button("Close", () => made.close(), { class: "quiet" }));
  made.append(head, ...children);
  made.addEventListener("close", () => made.remove());
  made.addEventListener("click", (event) => { if (event.target === made) made.close(); });
  document.body.append(made);
  made.showModal();
  return made;
};
