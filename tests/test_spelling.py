"""test_spelling.py: the book, the figures and the comments of the sources are spelled
as in American English, says aspell. What it does not know, and is right, stands in
words.txt, a word a line."""

import re
import subprocess
from pathlib import Path

import chapters

ROOT = chapters.ROOT
WORDS = Path(__file__).with_name("words.txt")
FENCE = re.compile(r"\s*(`{3,}|~{3,})(.*)")
PROSE_BLOCK = re.compile(r"\.stepper\b")  # its lines are notes: "moment: prose"
# In a line of Markdown: code, addresses, references, attributes but captions.
NO_PROSE = re.compile(
    r"(`+).+?\1|\[[^]]*\]\{\.try\}|(?<=\])\([^)]*\)|https?://\S+|@[\w:-]+|\\\w+|<[^>]*>"
    r"|[.#][\w:-]+(?=[ }])|\b(?!caption|title)[\w-]+=(\"[^\"]*\"|\w+)"
)
COMMENT = {
    ".c": re.compile(r"//(.*)|^ ?\*+ (.*)|/\*(.*?)\*/"),
    ".h": re.compile(r"//(.*)|^ ?\*+ (.*)|/\*(.*?)\*/"),
    ".asm": re.compile(r";(.*)()()"),
}


def markdown(text):
    """The lines' prose, number by number."""
    fence, prose = None, True
    for number, line in enumerate(text.splitlines(), 1):
        found = FENCE.match(line)
        if found and fence is None:
            fence, prose = found[1], bool(PROSE_BLOCK.search(found[2]))
        elif found and found[1].startswith(fence):
            fence, prose = None, True
        if found or prose:
            yield number, NO_PROSE.sub(" ", line)


def comments(path):
    """Those of a source, without its own names, which are no prose."""
    lines = path.read_text().splitlines()
    told = [COMMENT[path.suffix].search(line) for line in lines]
    code = [line[: t.start()] if t else line for line, t in zip(lines, told)]
    names = {*re.findall(r"\w+", "\n".join(code)), "c", "h", "asm", "py"}
    for number, found in enumerate(told, 1):
        tokens = next(filter(None, found.groups()), "").split() if found else []
        yield number, " ".join(t for t in tokens if not names & {*re.findall(r"\w+", t)})


def drawn(text):
    for number, line in enumerate(text.splitlines(), 1):
        yield number, re.sub(r"<[^>]*>|&\w+;", " ", line)


def spelled(text):
    """Its words; names and numbers, such as fork_2, CR3 and ff, are none."""
    for token in text.replace("’", "'").split():
        for part in re.split(r"[-–—/…]", token):
            word = part.strip(".,;:!?()[]{}\"'“”*^+|").removesuffix("'s")
            if re.fullmatch(r"[A-Z]?[a-z']{2,}", word) and not re.fullmatch("[a-f]+", word):
                yield word


def texts():
    for path in [*ROOT.glob("*.md"), *ROOT.glob("book/*.md")]:
        yield path, markdown(path.read_text())
    for path in ROOT.glob("book/figures/*.svg"):
        yield path, drawn(path.read_text())
    for directory in "chapters", "tests":
        for path in (ROOT / directory).rglob("*"):
            if path.suffix in COMMENT and not {"build", "node_modules"} & {*path.parts}:
                yield path, comments(path)


def unknown(words):
    """What aspell does not know of them, with what may be meant."""
    command = ["aspell", "-a", "--lang=en_US", "--encoding=utf-8", "--sug-mode=fast"]
    text = "\n".join(f"^{word}" for word in words)
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{done.stderr}: run ./setup --test"
    told = re.findall(r"^[&#] (\S+) \d+(?: \d+: (.*))?", done.stdout, re.M)
    return {word: ", ".join(meant.split(", ")[:3]) for word, meant in told}


def test_words_are_spelled_right():
    places = {}
    for path, lines in texts():
        for number, line in lines:
            for word in spelled(line):
                place = f"{path.relative_to(ROOT)}:{number}"
                places.setdefault(word, []).append(place)
    known = {*WORDS.read_text().split()}
    asked = [word for word in places if not known & {word, word.lower()}]
    told = [
        f"{place}: “{word}”; meant: {meant or '?'}. If it is right, it goes to tests/words.txt"
        for word, meant in unknown(asked).items()
        for place in places[word][:5]
    ]
    assert not told, "\n" + "\n".join(sorted(told))


def test_no_word_is_said_twice():
    told = [
        f"{path.relative_to(ROOT)}:{number}: “{twice[0]}”"
        for path, lines in texts()
        if path.suffix == ".md"
        for number, line in lines
        for twice in re.finditer(r"\b([A-Za-z]+) \1\b(?! \1)", line)
        if twice[1] not in ("that", "had")
    ]
    assert not told, "\n" + "\n".join(told)


def test_list_of_words_is_in_order():
    words = WORDS.read_text().splitlines()
    assert words == sorted({*words}, key=lambda word: (word.lower(), word))
