"""test_book_reading.py: what makes the book comfortable to read, in a browser: the
theme, the section being read, copying, keys, paper, and a page that is not there.
"""

import contextlib
import functools
import gzip
import http.server
import re
import struct
import threading
import time

import pytest

import site_of_book
import tiny_book
import transcripts

CHAPTER = "04-returning"  # it has all: listings, transcripts, figures, a stepper
SOURCES = f"source-{CHAPTER}"
LIMIT = 5_000  # bytes compressed: the script of every page
TARGET = 24  # pixels: what a finger hits
ADDRESS = "https://book.example/deep/down"
PICTURE = 1200, 630

# The colors of every element.
COLORS = """[...document.querySelectorAll("body, body *")].map(element => {
  const { color, backgroundColor, fill, stroke, borderTopColor } = getComputedStyle(element);
  return [color, backgroundColor, fill, stroke, borderTopColor].join();
})"""
CHOICE = "localStorage.getItem('trapframe-theme')"
PAUSE = "new Promise(done => setTimeout(() => requestAnimationFrame(() => done(0)), %d))"


@pytest.fixture
def page(browser):
    """Opens a page of the book; choices made in earlier tests are forgotten."""
    browser.open(site_of_book.page(CHAPTER))
    if browser.run(CHOICE):
        browser.run("localStorage.clear()")
        wait_for_choice(browser, None)

    def opened(name=CHAPTER, **how):
        browser.open(site_of_book.page(name), **how)
        return browser

    yield opened
    assert browser.errors() == []


def choose(browser, theme):
    """Store a choice, once more if what an earlier page has stored comes after it."""
    for _ in range(5):
        browser.run(f"localStorage.setItem('trapframe-theme', '{theme}')")
        if comes_to_hold(browser, theme):
            return
    pytest.fail(f"{theme} cannot be stored")


def wait_for_choice(browser, theme):
    assert comes_to_hold(browser, theme), f"{theme} is not remembered"


def comes_to_hold(browser, theme):
    """The next page may be another process, which gets a choice later."""
    for _ in range(50):
        browser.open(site_of_book.page("using"))
        if browser.run(CHOICE) == theme:
            return True
        time.sleep(0.1)
    return False


def press(browser, key, **how):
    text = key if len(key) == 1 else ""
    kind = "keyDown" if text else "rawKeyDown"
    browser.ask("Input.dispatchKeyEvent", type=kind, key=key, text=text, **how)
    browser.ask("Input.dispatchKeyEvent", type="keyUp", key=key, **how)


def name_of_page(browser):
    return browser.run("location.pathname").split("/")[-1].removesuffix(".html")


def test_script_is_small():
    script = (site_of_book.made() / "site.js").read_bytes()
    assert len(gzip.compress(script)) <= LIMIT


# ---- Theme


@pytest.mark.parametrize("name", [CHAPTER, SOURCES, "index"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_chosen_theme_is_as_the_systems(page, theme, name):
    wanted = page(name, dark=theme == "dark").run(COLORS)
    other = page(name, dark=theme != "dark").run(COLORS)
    assert wanted != other
    choose(page(name, dark=theme != "dark"), theme)
    assert page(name, dark=theme != "dark").run(COLORS) == wanted


@pytest.mark.parametrize("dark", [False, True])
def test_button_goes_through_the_themes(page, dark):
    press_it = "document.querySelector('button.theme').click()"
    other, same = ("light", "dark") if dark else ("dark", "light")
    browser = page(dark=dark)
    for theme in (other, same, "system"):
        browser.run(press_it)
        assert browser.run("document.documentElement.dataset.theme") == theme
        assert browser.run("document.querySelector('button.theme').ariaLabel") == f"Theme: {theme}"
        assert browser.run(CHOICE) == theme
    browser.run(press_it)
    wait_for_choice(browser, other)
    assert page("using", dark=dark).run("document.documentElement.dataset.theme") == other


def test_theme_is_there_before_anything_is_painted(page, browser):
    """Where there is no <body> yet, there is nothing to paint."""
    choose(page(), "dark")
    watch = """new MutationObserver(() => {
      const { theme } = document.documentElement?.dataset || {};
      if (theme && !window.early) window.early = [theme, String(document.body)];
    }).observe(document, { attributes: true, childList: true, subtree: true });
    """
    script = browser.ask("Page.addScriptToEvaluateOnNewDocument", source=watch)
    try:
        assert page().run("window.early") == ["dark", "null"]
    finally:
        browser.ask("Page.removeScriptToEvaluateOnNewDocument", **script)


def test_color_of_the_window_follows(page):
    used = """[...document.querySelectorAll("meta[name=theme-color]")]
      .filter(meta => matchMedia(meta.media).matches).map(meta => meta.content)"""
    light, dark = page().run(used), page(dark=True).run(used)
    assert light != dark and len(light) == len(dark) == 1
    choose(page(), "dark")
    assert page().run(used) == dark


# ---- The section being read


@pytest.mark.parametrize("width", [390, 1280])
def test_section_being_read_is_marked(page, width):
    browser = page(width=width)
    headings = browser.run("[...document.querySelectorAll('.toc a')].map(a => a.hash)")
    marked = "[...document.querySelectorAll('.toc [aria-current]')].map(a => a.hash)"
    assert browser.run(f"{PAUSE % 50}.then(() => {marked})") == []
    for heading in (headings[1], headings[-3], headings[0]):
        browser.run(f"document.querySelector('{heading}').scrollIntoView()")
        for distance in (0, 200):
            browser.run(f"scrollBy(0, {distance})")
            assert browser.run(f"{PAUSE % 50}.then(() => {marked})") == [heading]
    browser.run("scrollTo(0, document.body.scrollHeight)")
    assert browser.run(f"{PAUSE % 50}.then(() => {marked})") == [headings[-1]]


def test_contents_stay_in_view_where_there_is_room(page):
    top = "document.querySelector('.toc li').getBoundingClientRect().top"
    browser = page(width=1280)
    browser.run("scrollTo(0, 5000)")
    assert 0 < browser.run(top) < 100
    assert not page(width=390).run("document.querySelector('.toc details').open")


# ---- Copying


COPIES = """(async () => {
  const texts = [];
  for (const button of document.querySelectorAll("%s")) {
    button.click();
    texts.push(await navigator.clipboard.readText());
  }
  return texts;
})()"""


def copies(browser, selector):
    """What each of the buttons copies."""
    permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    browser.ask("Browser.grantPermissions", permissions=permissions)
    return browser.run(COPIES % selector)


def typed(name):
    """The commands of each transcript of a page, as its Markdown has them: one that
    ends in a backslash goes on in the next line."""
    for block in transcripts.blocks(transcripts.BOOK / f"{name}.md"):
        commands = []
        for line in block.lines:
            match = transcripts.PROMPT.fullmatch(line)
            if match:
                commands.append((match[1] or match[3], match[2] or ""))
            elif commands and commands[-1][1].endswith("\\"):
                prompt, text = commands.pop()
                commands.append((prompt, f"{text}\n{line}"))
        yield commands


@pytest.mark.parametrize("name", site_of_book.names())
def test_commands_are_copied_without_prompts_and_output(page, name):
    wanted = ["\n".join(text for _, text in each) for each in typed(name) if each]
    copied = copies(page(name), ".copy:has(+ .console) button")
    made = re.compile("make (break BREAK|check EXERCISE)=[a-z0-9-]+")  # by the filters
    assert [text for text in copied if not made.fullmatch(text)] == [
        text for text in wanted if not made.fullmatch(text)
    ]
    assert copied or not wanted


def test_every_prompt_is_copied_somewhere():
    blocks = (each for name in site_of_book.names() for each in typed(name))
    assert {prompt for each in blocks for prompt, _ in each} == {"$", "(gdb)", "(qemu)", transcripts.KERNEL}


def test_code_is_copied_as_the_file_has_it(page):
    """What the listings copy stands in the file, line by line."""
    selector = ".listing[data-file]:has(.copy)"
    browser = page()
    files = browser.run(f"[...document.querySelectorAll('{selector}')].map(f => f.dataset.file)")
    texts = copies(browser, ".listing[data-file] .copy button")
    assert len(texts) == len(files) > 10
    for name, text in zip(files, texts):
        assert text in (site_of_book.ROOT / "chapters" / CHAPTER / name).read_text(), name


def test_a_file_is_copied_whole(page):
    name = f"{CHAPTER}/isr.asm"
    browser = page(f"source/{name}")
    whole = (site_of_book.ROOT / "chapters" / name).read_text()
    assert copies(browser, ".copy button") == [whole]


def test_copying_is_said_aloud(page):
    browser = page()
    copies(browser, ".copy button")
    words = """[...document.querySelectorAll("[role=status], .copy button")]
      .map(each => each.textContent)"""
    assert set(browser.run(words)) == {"Copied"}
    assert set(browser.run(f"{PAUSE % 2500}.then(() => {words})")) == {"Copy", ""}
    assert browser.violations(".copy, .site, .foot, .toc") == []


# ---- Keys


def goes_nowhere(browser, key, **how):
    before = name_of_page(browser)
    press(browser, key, **how)
    browser.run(PAUSE % 150)
    return name_of_page(browser) == before


@pytest.mark.parametrize("key, rel", [("ArrowLeft", "prev"), ("ArrowRight", "next")])
def test_keys_lead_to_the_neighbours(page, key, rel):
    browser = page()
    wanted = browser.run(f"document.querySelector('[rel={rel}]').getAttribute('href')")
    browser.events.clear()
    press(browser, key)
    browser.wait_for("Page.loadEventFired")
    assert f"{name_of_page(browser)}.html" == wanted


@pytest.mark.parametrize("held", ["alt 1", "control 2", "meta 4", "shift 8"])
def test_keys_of_others_are_left_alone(page, held):
    assert goes_nowhere(page(), "ArrowRight", modifiers=int(held[-1]))


@pytest.mark.parametrize(
    "field",
    [
        "<input>",
        "<textarea></textarea>",
        "<select><option>a</select>",
        "<p contenteditable>a</p>",
        "<pre tabindex=0 style='overflow:auto;width:9rem'>" + "wide " * 99 + "</pre>",
    ],
)
def test_keys_mean_what_they_mean_in_fields(page, field):
    browser = page()
    browser.run(f"document.body.insertAdjacentHTML('beforeend', {field!r})")
    browser.run("document.body.lastElementChild.focus()")
    assert browser.run("document.activeElement == document.body.lastElementChild")
    assert goes_nowhere(browser, "ArrowRight")


def test_keys_of_a_stepper_are_its_own(page):
    browser = page()
    browser.run("document.querySelector('trap-stepper [data-go=next]').focus()")
    assert goes_nowhere(browser, "ArrowRight")
    assert browser.run("document.querySelector('trap-stepper output').textContent")[:2] == "1/"
    browser.run("document.querySelector('trap-stepper .words').focus()")
    assert goes_nowhere(browser, "ArrowRight")


def test_question_mark_lists_the_keys(page):
    browser = page()
    press(browser, "?")
    rows = "[...document.querySelectorAll('dialog[open] dt')].map(dt => dt.textContent)"
    assert {"←", "→", "?"} <= set(browser.run(rows))
    assert browser.violations("dialog") == []
    assert goes_nowhere(browser, "ArrowRight")
    press(browser, "Escape", windowsVirtualKeyCode=27)
    assert browser.run(f"{PAUSE % 100}.then(() => {rows})") == []


def test_a_key_clicks_what_names_it(page):
    browser = page()
    button = "<button aria-keyshortcuts=x onclick='this.title = 1'></button>"
    browser.run(f"document.body.insertAdjacentHTML('beforeend', {button!r})")
    press(browser, "x")
    assert browser.run("document.body.lastElementChild.title") == "1"


# ---- Without script, on paper, by finger


def test_page_is_whole_without_script(page):
    browser = page(scripts=False)
    hidden = """[...document.querySelectorAll("main :is(p, pre, h2, h3, td, th, figcaption, svg)")]
      .filter(each => !each.getClientRects().length && !each.closest("details")).length"""
    assert browser.run(hidden) == 0
    shown = "[...document.querySelectorAll('button')].filter(b => b.getClientRects().length).length"
    assert browser.run(shown) == 0
    assert page().run(shown) > 10


def test_paper_has_no_navigation_and_is_white(page):
    choose(page(), "dark")
    browser = page(dark=True)
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.ask("Emulation.setEmulatedMedia", media="print", features=dark)
    seen = """[...document.querySelectorAll("header.site, .toc, .turn, button, dialog")]
      .filter(each => each.getClientRects().length).map(each => each.className)"""
    assert browser.run(seen) == []
    colors = """[getComputedStyle(document.documentElement).backgroundColor,
      getComputedStyle(document.body).color]"""
    assert browser.run(colors) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    size = {"width": 660, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.ask("Emulation.setDeviceMetricsOverride", **size)
    wide = """[...document.querySelectorAll("pre, .scroll")]
      .filter(each => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
      .map(each => each.outerHTML.slice(0, 200))"""
    assert browser.run(wide) == []
    after = "[...document.querySelectorAll('main a')].map(a => getComputedStyle(a, '::after').content)"
    assert set(browser.run(after)) == {"none"}


def test_head_of_a_page_is_one_line(page):
    for width in (360, 390, 820, 1280):
        height = page(width=width).run("document.querySelector('header.site').offsetHeight")
        assert height < 2 * TARGET + 16, width


def test_a_finger_hits_what_it_means(page):
    browser = page(width=390)
    browser.run("document.querySelector('.toc details').open = true")
    names = ".site :is(a, button), .turn a, .copy button, .toc :is(summary, a)"
    small = f"""[...document.querySelectorAll("{names}")]
      .filter(each => each.checkVisibility()).filter(each => {{
        const {{ width, height }} = each.getBoundingClientRect();
        return width < {TARGET} || height < {TARGET};
      }}).map(each => each.outerHTML)"""
    assert browser.run(small) == []


# ---- A page that is not there


class Host(http.server.SimpleHTTPRequestHandler):
    """A host that serves the book under a path, and its 404.html elsewhere."""

    BASE = "/some/base/"

    def translate_path(self, path):
        inside = path.startswith(self.BASE)
        return super().translate_path(path[len(self.BASE) - 1 :] if inside else "/no/such")

    def send_error(self, code, *_):
        page = (site_of_book.OUT / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(page)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def hosted():
    handler = functools.partial(Host, directory=site_of_book.made())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("missing", ["nothing.html", "a/b/c/nothing.html", "a/", "source/x/y"])
def test_missing_page_leads_home(browser, missing):
    with hosted() as host:
        browser.events.clear()
        browser.ask("Page.navigate", url=f"{host}{Host.BASE}{missing}")
        browser.wait_for("Page.loadEventFired")
        browser.run(PAUSE % 300)
        home = browser.run("document.getElementById('home').href")
        assert home == f"{host}{Host.BASE}index.html"
        assert browser.violations("body") == []
        browser.events.clear()
        browser.run("document.getElementById('home').click()")
        browser.wait_for("Page.loadEventFired")
        assert browser.run("document.body.className") == "index"


# ---- With an address


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    book = tiny_book.copy(tmp_path_factory.mktemp("public"))
    worked, said = book.make(f"SITE={ADDRESS}/")
    assert worked, said
    return book


def test_address_is_in_the_pages(public):
    html = public.html("02-two")
    assert f'<link rel="canonical" href="{ADDRESS}/02-two.html">' in html
    assert f'property="og:image" content="{ADDRESS}/social/02-two.png"' in html
    assert f'href="{ADDRESS}/"' in public.html("404")
    locations = re.findall("<loc>(.*)</loc>", public.read("build/book/sitemap.xml"))
    assert locations == [f"{ADDRESS}/", f"{ADDRESS}/01-one.html", f"{ADDRESS}/02-two.html"]
    assert f"Sitemap: {ADDRESS}/sitemap.xml" in public.read("build/book/robots.txt")


def test_every_page_has_its_picture(public):
    pictures = sorted((public.root / "build/book/social").iterdir())
    assert [picture.name for picture in pictures] == ["01-one.png", "02-two.png"]
    for picture in pictures:
        assert struct.unpack(">II", picture.read_bytes()[16:24]) == PICTURE


def test_without_an_address_nothing_is_left_of_it(public):
    worked, said = public.make()
    assert worked, said
    assert not any(ADDRESS in public.html(name) for name in ("01-one", "404"))
    for name in ("sitemap.xml", "robots.txt", "social"):
        assert not (public.root / "build/book" / name).exists()


def test_title_and_description_are_for_those_who_link(public):
    html = public.html("01-one")
    assert '<meta property="og:title" content="1. Chapter">' in html
    assert re.search('<meta name="description" property="og:description" content="A chapter', html)
