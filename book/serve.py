#!/usr/bin/env python3
"""serve.py: the website, on this machine only, made again whenever it changes.

    make serve              at http://localhost:8000/
    make serve PORT=8080

When a file in book/, chapters/ or common/ changes, it makes the pages again, and
the browser loads the one that it shows. What make says against a mistake lies over
the page until the mistake is gone. The rest of the book, that is the check that
all lines are shown and the search index, follows when the pages are there.

A page is told so by a script that is added on its way to the browser; the files in
build/book/ are not changed.
"""

import argparse
import contextlib
import functools
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
WATCHED = ("book", "chapters", "common")
PAUSE = 0.2  # seconds between two looks at the files
ALIVE = 15  # seconds after which an idle browser is asked whether it is still there
EVENTS = "/.events?"

SCRIPT = """
<script>
{
  const events = new EventSource("%s");
  events.addEventListener("made", () => location.reload());
  events.addEventListener("failed", event => {
    const told = document.querySelector("#failed")
      ?? document.body.appendChild(document.createElement("pre"));
    told.id = "failed";
    told.setAttribute("role", "alert");
    told.style = "position: fixed; inset: auto 0 0; max-height: 60vh; overflow: auto;"
      + "padding: 1rem 1.5rem; background: #7d1a0e; color: #fff; white-space: pre-wrap";
    told.textContent = JSON.parse(event.data);
  });
}
</script>
"""


class News:
    """What the browsers have to hear: how often the pages were made or could not
    be, and what was said against them the last time."""

    def __init__(self):
        self.changed = threading.Condition()
        self.number, self.failure = 0, ""

    def tell(self, failure):
        with self.changed:
            self.number += 1
            self.failure = failure
            self.changed.notify_all()

    def after(self, number):
        """Wait for what comes after news NUMBER, for some time."""
        with self.changed:
            self.changed.wait_for(lambda: self.number != number, ALIVE)
            return self.number, self.failure


class Handler(http.server.SimpleHTTPRequestHandler):
    news = None  # of whoever serves

    def do_GET(self):
        file = Path(self.translate_path(self.path))
        if file.is_dir():
            file /= "index.html"
        if self.path.startswith(EVENTS):
            self.send_events(int(self.path[len(EVENTS) :]))
        elif file.suffix == ".html" and file.is_file():
            self.send_page(file)
        else:
            super().do_GET()

    def send_page(self, file):
        script = SCRIPT % f"{EVENTS}{self.news.number - bool(self.news.failure)}"
        page = file.read_bytes() + script.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def send_events(self, number):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        while True:
            heard = number
            number, failure = self.news.after(heard)
            event = "failed" if failure else "made"
            text = f"event: {event}\ndata: {json.dumps(failure)}\n\n"
            try:
                self.wfile.write(text.encode() if number != heard else b": alive\n\n")
            except OSError:
                return  # the page is gone

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_):
        pass


# ---- Making the book


def files(root):
    """{path: when it changed} of all that the book is made of."""
    times = {}
    for top in WATCHED:
        for directory, below, names in os.walk(root / top):
            below[:] = [name for name in below if name not in ("build", "__pycache__")]
            for name in filter(lambda name: not name.startswith("."), names):
                path = os.path.join(directory, name)
                with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                    times[path] = os.stat(path).st_mtime_ns
    return times


def make(goal, arguments):
    """Make a goal of book/Makefile; what it said, if it failed."""
    own = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
    command = ["make", "--silent", "--output-sync", f"-j{os.cpu_count()}", "-C", HERE]
    done = subprocess.run(
        [*command, goal, *arguments],
        env={key: value for key, value in os.environ.items() if key not in own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout if done.returncode != 0 else ""


def make_again(news, arguments):
    start = time.monotonic()
    failure = make("site", arguments)
    news.tell(failure)
    if not failure:
        print(f"made in {time.monotonic() - start:.1f} s", flush=True)
        failure = make("all", arguments)
        if failure:
            news.tell(failure)
    if failure:
        print(failure, end="", flush=True)


def watch(root, before, news, arguments):
    """Make the book again whenever its files are others than before."""
    while True:
        time.sleep(PAUSE)
        now = files(root)
        if now != before:
            make_again(news, arguments)
        before = now


# ---- The command line


def server(root, port, news):
    handler = type("Telling", (Handler,), {"news": news})
    handler = functools.partial(handler, directory=str(root / "build/book"))
    try:
        return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        sys.exit(f"serve: port {port}: {error.strerror}; say make serve PORT={port + 1}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--root", type=Path, default=HERE.parent, help="of the book")
    parser.add_argument("variables", nargs="*", help="for make, NAME=value")
    options = parser.parse_args()
    variables = [f"ROOT={options.root.resolve()}", *options.variables]
    news, before = News(), files(options.root)
    with server(options.root, options.port, news) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        address = f"http://localhost:{serving.server_port}/"
        print(f"The book is at {address}. Ctrl-C ends this.", flush=True)
        watch(options.root, before, news, variables)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
