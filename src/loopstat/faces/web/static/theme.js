// Light or dark: as the system prefers, or as chosen here. Every style sheet asks the system by its media rules;
// a choice rewrites what they ask, so that nothing is said twice.

const KEY = "loopstat.theme";
const NEXT = { auto: "dark", dark: "light", light: "auto" };
const SAID = { auto: "◐ Auto", dark: "● Dark", light: "○ Light" };
const MEDIA = { dark: "screen", light: "not all" };

const rules = () => [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
  .filter((rule) => rule instanceof CSSMediaRule);

const kept = () => { try { return localStorage.getItem(KEY) ?? "auto"; } catch { return "auto"; } };
const keep = (theme) => { try { localStorage.setItem(KEY, theme); } catch { /* this window only */ } };

const asked = new WeakMap();

const apply = (theme) => {
  for (const rule of rules()) {
    if (!asked.has(rule)) asked.set(rule, rule.media.mediaText);
    const given = asked.get(rule);
    if (given.includes("prefers-color-scheme: dark")) rule.media.mediaText = MEDIA[theme] ?? given;
  }
  document.documentElement.style.colorScheme = theme === "auto" ? "light dark" : theme;
  document.documentElement.dataset.theme = theme;
};

/** Make a button go through auto, dark and light. */
export const themes = (button) => {
  const show = (theme) => {
    apply(theme);
    button.textContent = SAID[theme];
    button.setAttribute("aria-label", `Colours: ${theme}. Change`);
  };
  let theme = kept() in NEXT ? kept() : "auto";
  show(theme);
  button.addEventListener("click", () => {
    theme = NEXT[theme];
    keep(theme);
    show(theme);
  });
};
