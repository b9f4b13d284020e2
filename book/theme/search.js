// search.js: the search dialog. A page (search.html) loads it when search is first
// asked for, and opens it again by a click on its button. What is found, pagefind
// says, from the index beside this file (../search.mjs). By the keyboard: arrows
// choose, Enter goes there, Escape closes.
{

const HOME = new URL(".", document.currentScript.src);
const KINDS = {
  prose: { title: "Text", pages: 8, places: 2 },
  code: { title: "Code", pages: 5, places: 1 },
};
const RANKING = { pageLength: 0.1 };  // a long chapter is no worse than a short one
const PAUSE = 80;  // milliseconds without a key, before it searches

const FROM_FILE = location.protocol === "file:";
const HINT = FROM_FILE
  ? "Search works only where a web server sends the pages, since a browser does not "
    + "let a file read the index. The command make serve starts a server."
  : "Words, names, numbers. ↑ ↓ choose, Enter opens, Escape closes.";
const NO_INDEX = "The index could not be loaded.";

document.head.append(Object.assign(document.createElement("link"),
  { rel: "stylesheet", href: new URL("search.css", HOME) }));
document.body.insertAdjacentHTML("beforeend", `
<dialog class="found" aria-label="Search">
<form method="dialog"><input type="text" role="combobox" aria-label="Search text and code"
  placeholder="Search text and code" aria-autocomplete="list" aria-expanded="false"
  aria-controls="found" autocomplete="off" autocapitalize="off" spellcheck="false"
  enterkeyhint="go"><button>Close</button></form>
<p role="status"></p>
<div role="listbox" id="found" aria-label="What was found"></div>
</dialog>`);

const button = document.querySelector("button.search");
const dialog = document.querySelector("dialog.found");
const [input, status, list] = dialog.querySelectorAll("input, [role=status], [role=listbox]");

// ---- What is found

let engine;  // a promise of pagefind
let asked = 0;  // how many searches there were: the last one counts

async function start() {
  const pagefind = await import(new URL("pagefind/pagefind.js", HOME));
  await pagefind.options({ ranking: RANKING, excerptLength: 22 });
  return pagefind;
}

function weight(place) {
  return place.weighted_locations.reduce((sum, at) => sum + at.balanced_score, 0);
}

// The sections of a page, best first: { title, url, excerpt }.
function sections(page) {
  return page.sub_results.sort((a, b) => weight(b) - weight(a)).map(section => ({
    title: section.title, page: section.title === page.meta.title ? "" : page.meta.title,
    url: section.url, excerpt: section.excerpt }));
}

// A source file has no sections, but its lines have names. The best of them has the
// word where it is defined.
function line(page) {
  const best = page.weighted_locations.reduce((a, b) => b.weight > a.weight ? b : a);
  const before = page.anchors.filter(anchor => anchor.location <= best.location);
  const name = before.length ? "#" + before.at(-1).id : "";
  return [{ title: page.meta.title, page: "", url: page.url + name, excerpt: page.excerpt }];
}

// Pages with the words side by side come before those that have them all.
async function ask(pagefind, text, kind) {
  const searches = /\s/.test(text) ? [`"${text}"`, text] : [text];
  const answers = await Promise.all(searches.map(
    words => pagefind.search(words, { filters: { kind } })));
  const all = answers.flatMap(answer => answer.results);
  return [...new Map(all.reverse().map(result => [result.id, result])).values()].reverse();
}

// Of a word that it does not know, pagefind takes the beginning, be it one letter.
function hasWord(text, { excerpt }) {
  const marked = excerpt.toLowerCase().match(/(?<=<mark>).*?(?=<\/mark>)/gs) ?? [];
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.some(word => marked.some(mark => mark.includes(word.slice(0, 3))));
}

async function find(pagefind, text, kind) {
  const { pages, places } = KINDS[kind];
  const results = await ask(pagefind, text, kind);
  const read = await Promise.all(results.slice(0, pages).map(result => result.data()));
  const found = kind === "code" ? line : sections;
  return read.flatMap(page =>
    found(page).filter(place => hasWord(text, place)).slice(0, places));
}

async function search() {
  const text = input.value.trim(), mine = ++asked;
  if (!text || FROM_FILE) return show({}, HINT);
  try {
    const pagefind = await (engine ??= start());
    const kinds = Object.keys(KINDS);
    const found = await Promise.all(kinds.map(kind => find(pagefind, text, kind)));
    if (mine !== asked) return;
    const count = found.flat().length;
    show(Object.fromEntries(kinds.map((kind, i) => [kind, found[i]])),
      `${count || "no"} ${count === 1 ? "place" : "places"} with “${text}”`);
  } catch (error) {
    console.warn(error);
    show({}, NO_INDEX);
  }
}

// ---- What is shown

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter(Boolean));
  return made;
}

// pagefind's excerpts are HTML: text, and <mark> around the words.
function excerpt(html) {
  const made = element("span", { class: "excerpt" });
  made.innerHTML = html;
  return made;
}

function option({ title, page, url, excerpt: html }) {
  return element("a", { role: "option", tabindex: -1, href: url },
    element("strong", {}, title), page && element("small", {}, page), excerpt(html));
}

function show(found, told) {
  const groups = Object.entries(found).filter(([, places]) => places.length);
  list.replaceChildren(...groups.map(([kind, places]) => element("div",
    { role: "group", "aria-labelledby": `found-${kind}` },
    element("p", { id: `found-${kind}`, role: "presentation" }, KINDS[kind].title),
    ...places.map(option))));
  options().forEach((each, i) => each.id = `found-${i}`);
  status.textContent = told;
  list.hidden = !groups.length;
  input.setAttribute("aria-expanded", groups.length > 0);
  list.scrollTop = 0;
  choose(0);
}

function options() {
  return [...list.querySelectorAll("[role=option]")];
}

function chosen() {
  return options().findIndex(each => each.ariaSelected === "true");
}

// The option with the number, going round at the ends.
function choose(number) {
  const all = options();
  const at = all.length ? (number + all.length) % all.length : -1;
  all.forEach((each, i) => each.ariaSelected = i === at);
  if (at < 0) return input.removeAttribute("aria-activedescendant");
  input.setAttribute("aria-activedescendant", all[at].id);
  all[at].scrollIntoView({ block: "nearest" });
}

// ---- What is done

const KEYS = {
  ArrowDown: () => choose(chosen() + 1),
  ArrowUp: () => choose(chosen() - 1),
  Enter: () => options()[chosen()]?.click(),
};

function open() {
  if (!dialog.open) dialog.showModal();
  input.select();
}

let pause;
input.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(search, PAUSE);
});
input.addEventListener("keydown", event => {
  if (!KEYS[event.key] || event.isComposing) return;
  event.preventDefault();
  KEYS[event.key]();
});
// A click beside the dialog closes it, and one on an option leads away.
dialog.addEventListener("click", event => {
  if (event.target === dialog || event.target.closest("a")) dialog.close();
});
button.addEventListener("click", open);
show({}, HINT);
open();
}
