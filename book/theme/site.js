/* site.js: comfort for the reader. Every page is whole without it.

   theme     The button changes <html data-theme>: "system", "light" or "dark".
             style.css obeys it. The head of the page has set it before anything
             was painted, to what the reader chose last.
   contents  The section being read is marked in the contents of the page.
   copy      A button at each transcript copies what the reader would type, one at
             each listing the lines that the chapter has (<small> is a link there).
   keys      A key clicks the element that names it in aria-keyshortcuts. "?" lists
             all that the page has, so a new one needs nothing here. What handles
             its key itself prevents the default. */

"use strict";
{
const root = document.documentElement;
const SAVED = "trapframe-theme";
const COPIED = 2000;  // milliseconds that a button says so
const SIGNS = { ArrowLeft: "←", ArrowRight: "→" };

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

/* Theme. What is stored may be forbidden to read; then a choice lasts one page. -- */

function savedTheme() {
  try {
    return localStorage.getItem(SAVED) || "system";
  } catch {
    return root.dataset.theme;
  }
}

function saveTheme(theme) {
  try { localStorage.setItem(SAVED, theme); } catch { /* forbidden */ }
}

function showTheme(theme) {
  root.dataset.theme = theme;
  for (const button of document.querySelectorAll("button.theme")) {
    button.ariaLabel = button.title = `Theme: ${theme}`;
  }
  for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
    const own = meta.dataset.for;
    const chosen = theme == own ? "all" : "not all";
    meta.media = theme == "system" ? `(prefers-color-scheme: ${own})` : chosen;
  }
}

/* From what the system wants first to the other theme: the first press is seen. */
function nextTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const themes = ["system", ...dark ? ["light", "dark"] : ["dark", "light"]];
  return themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
}

function switchThemes() {
  showTheme(root.dataset.theme);
  for (const button of document.querySelectorAll("button.theme")) {
    button.addEventListener("click", () => {
      showTheme(nextTheme());
      saveTheme(root.dataset.theme);
    });
  }
  for (const event of ["pageshow", "storage"]) {  // chosen on another page
    addEventListener(event, () => showTheme(savedTheme()));
  }
}

/* Contents -------------------------------------------------------------------- */

/* A heading is reached in the upper third of the window, or above it; the last one
   also when the end of the page is seen. */
function followReading() {
  const links = [...document.querySelectorAll(".toc a")];
  const headings = links.map(link =>
    document.getElementById(decodeURIComponent(link.hash.slice(1))));
  const end = document.querySelector(".colophon"), seen = new Set();
  const update = entries => {
    for (const { target, isIntersecting } of entries) {
      seen[isIntersecting ? "add" : "delete"](target);
    }
    mark(links, seen.has(end) ? links.at(-1)
      : links[headings.findLastIndex(heading => seen.has(heading))]);
  };
  const reached = { rootMargin: "9999999px 0px -67% 0px" };
  const above = new IntersectionObserver(update, reached);
  if (!links.length) return;
  headings.forEach(heading => above.observe(heading));
  new IntersectionObserver(update).observe(end);
}

function mark(links, current) {
  for (const link of links) {
    link.ariaCurrent = link == current ? "location" : null;
  }
  const box = current?.closest("details > ul");
  if (!box || box.scrollHeight <= box.clientHeight) return;
  const top = current.offsetTop - box.scrollTop;
  if (top < 0 || top + current.offsetHeight > box.clientHeight) {
    box.scrollTop = current.offsetTop - box.clientHeight / 2;
  }
}

/* Copy ------------------------------------------------------------------------ */

function commands(pre) {
  return [...pre.querySelectorAll(".cmd")].map(each => each.textContent).join("\n");
}

function lines(pre) {
  const kept = pre.querySelectorAll("code > :not(del, small)");
  return [...kept].map(line => line.textContent).join("");
}

function copyable(selector, name, text) {
  for (const pre of document.querySelectorAll(selector)) {
    if (!text(pre)) continue;
    const button = element("button", { type: "button", textContent: "Copy" });
    const box = element("div", { className: "copy" });
    button.ariaLabel = name;
    box.append(button);
    pre.before(box);
    button.addEventListener("click", () => copy(button, text(pre)));
  }
}

function copy(button, text) {
  const say = words => {
    button.textContent = status.textContent = words;
    setTimeout(() => {
      button.textContent = "Copy";
      status.textContent = "";
    }, COPIED);
  };
  navigator.clipboard.writeText(text)
    .then(() => say("Copied"), () => say("Not copied"));
}

const status = element("p", { className: "unseen", role: "status" });

function offerCopies() {
  if (!navigator.clipboard) return;  // only an address with https has it
  document.body.append(status);
  copyable(".console", "Copy the commands", commands);
  copyable(".listing pre", "Copy the code", lines);
}

/* Keys ------------------------------------------------------------------------ */

const OTHERS = "input, select, textarea, [contenteditable], trap-stepper, dialog";

const scrolls = box => box.scrollWidth > box.clientWidth;

/* Does the key mean something already where it is pressed? */
function isTaken(key, target) {
  if (target.closest(OTHERS)) return true;
  return key in SIGNS && [root, target.closest("[tabindex]") || root].some(scrolls);
}

function pressed(event) {
  const { key, target, ctrlKey, altKey, metaKey, shiftKey } = event;
  if (ctrlKey || altKey || metaKey || shiftKey && key in SIGNS) return;
  if (event.defaultPrevented || event.repeat || isTaken(key, target)) return;
  const meant = document.querySelector(`[aria-keyshortcuts~="${CSS.escape(key)}"]`);
  if (!meant || meant.hidden) return;
  event.preventDefault();
  meant.click();
}

function listKeys() {
  const dialog = element("dialog", { className: "key-list", ariaLabel: "Keys" });
  const list = element("dl");
  for (const meant of document.querySelectorAll("[aria-keyshortcuts]")) {
    if (meant.hidden) continue;
    const [key] = meant.getAttribute("aria-keyshortcuts").split(" ");
    const name = element("dt"), what = meant.title.replace(/ \(.*/, "");
    name.append(element("kbd", { textContent: SIGNS[key] || key }));
    list.append(name, element("dd", { textContent: what || meant.textContent }));
  }
  const form = element("form", { method: "dialog" });
  form.append(element("button", { textContent: "Close" }));
  dialog.append(list, form);
  dialog.setAttribute("closedby", "any");
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

switchThemes();
followReading();
offerCopies();
addEventListener("keydown", pressed);
document.querySelector("button.keys")?.addEventListener("click", listKeys);
}
