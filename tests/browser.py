"""browser.py: Chromium without a window, driven through two pipes by the DevTools
protocol. Standard library only.

    with Browser() as browser:
        browser.open(path, width=390, dark=True)    or the address of a page
        browser.look(width=1280)           another window, the page is not loaded again
        browser.run("document.title")      the value of a JavaScript expression
        browser.press("ArrowRight")
        browser.violations(".chart")       of the rules of accessibility
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

AXE = Path(__file__).resolve().parent / "node_modules/axe-core/axe.min.js"
PIPES = 3, 4  # the protocol's descriptors: to and from the browser
SECONDS = 40  # that an answer may take
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
RULES = {"target-size": {"enabled": True}}  # of WCAG 2.2 AA, which axe leaves out
KEYS = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, "Tab": 9}
KEYS |= {"ArrowUp": 38, "ArrowDown": 40, "Enter": 13, "Escape": 27, "/": 191, "k": 75}
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",  # as on a phone, where they take no width
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


class BrowserError(Exception):
    """The browser, or a script in it, did not do what it was asked to."""


def take(*ends):
    """In the new process: make the pipes those of the protocol."""
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in ends]  # out of the way
    for end, number in zip(ends, PIPES):
        os.dup2(end, number)


class Browser:
    def __enter__(self):
        command = next(filter(None, map(shutil.which, NAMES)), None)
        if not command:
            raise BrowserError("no Chromium: run ./setup --test")
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()
        self.process = subprocess.Popen(
            [command, *FLAGS, f"--user-data-dir={self.profile}"],
            preexec_fn=lambda: take(to_browser, from_browser),
            pass_fds=PIPES,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.session, self.buffer = 0, None, b""
        self.events = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        self.ask("Network.setCacheDisabled", cacheDisabled=True)
        return self

    def __exit__(self, *_):
        os.close(self.out)  # Chromium ends when its pipe does
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # whatever is left of it
        self.process.wait()
        os.close(self.into)
        shutil.rmtree(self.profile, ignore_errors=True)

    # The protocol

    def receive(self, deadline):
        """The next message: an answer or an event."""
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.into], [], [], max(0, left))
            read = os.read(self.into, 1 << 16) if ready else b""
            if not read:
                raise BrowserError("Chromium does not answer")
            self.buffer += read
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **parameters):
        """Call a method of the protocol; its result."""
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while True:
            message = self.receive(deadline)
            if message.get("id") == self.number:
                break
            self.events.append(message)
        if "error" in message:
            raise BrowserError(f"{method}: {message['error']['message']}")
        return message["result"]

    def wait_for(self, event):
        deadline = time.monotonic() + SECONDS
        while not any(message.get("method") == event for message in self.events):
            self.events.append(self.receive(deadline))

    # The page

    def open(self, page, fragment="", scripts=True, **look):
        """Load a file or an address. Errors of its scripts: see errors()."""
        address = page if isinstance(page, str) else page.resolve().as_uri()
        address += f"#{fragment}" if fragment else ""
        self.look(**look)
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.events.clear()
        self.ask("Page.navigate", url="about:blank")
        self.wait_for("Page.loadEventFired")
        self.events.clear()
        self.ask("Page.navigate", url=address)
        self.wait_for("Page.loadEventFired")

    def look(self, width=1280, height=900, dark=False, still=True):
        """From now on the window is so wide, and the reader likes it so."""
        size = {"width": width, "height": height}
        self.ask("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=1, mobile=False)
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        pairs = [{"name": name, "value": value} for name, value in features.items()]
        self.ask("Emulation.setEmulatedMedia", features=pairs)

    def run(self, script):
        """The value of an expression, or of the promise it is."""
        done = self.ask(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in done:
            told = done["exceptionDetails"]
            raise BrowserError(told.get("exception", told).get("description", told["text"]))
        return done["result"].get("value")

    def press(self, key, control=False):
        for kind in ("rawKeyDown", "keyUp"):
            self.ask(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=KEYS[key],
                modifiers=2 if control else 0,
            )

    def write(self, text):
        """Put text where the cursor is, as a keyboard does."""
        self.ask("Input.insertText", text=text)

    def wait_until(self, script):
        """Wait for an expression of JavaScript to be true; its value."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            value = self.run(script)
            if value:
                return value
            time.sleep(0.05)
        raise BrowserError(f"not within {SECONDS} s: {script}")

    def told(self, event):
        """What the events of that name say, since the page was opened."""
        return [m["params"] for m in self.events if m.get("method") == event]

    def errors(self):
        """What the page's scripts have thrown."""
        thrown = self.told("Runtime.exceptionThrown")
        return [each["exceptionDetails"]["exception"]["description"] for each in thrown]

    def complaints(self):
        """All that is red in the console: errors, and what Chromium says itself."""
        said = [m for m in self.told("Runtime.consoleAPICalled") if m["type"] == "error"]
        logged = [m["entry"] for m in self.told("Log.entryAdded")]
        return [
            *self.errors(),
            *(" ".join(str(a.get("value")) for a in m["args"]) for m in said),
            *(f"{m['text']} {m.get('url', '')}" for m in logged if m["level"] == "error"),
        ]

    def requests(self):
        """The addresses that were asked for; what is in the page itself is not."""
        asked = [m["request"]["url"] for m in self.told("Network.requestWillBeSent")]
        return [url for url in asked if not url.startswith(("data:", "blob:"))]

    def violations(self, selector="html", rules=()):
        """What axe says against the elements that SELECTOR names, by all its rules
        or some."""
        if not AXE.exists():
            raise BrowserError("no axe-core: run ./setup --test")
        if not self.run("'axe' in window"):
            self.run(AXE.read_text() + "; 0")
        options = {"resultTypes": ["violations"], "rules": RULES}
        if rules:
            options = {"resultTypes": ["violations"], "runOnly": [*rules]}
        return self.run(
            f"axe.run({selector!r}, {json.dumps(options)}).then(done => done.violations.map("
            "v => [v.id, ...v.nodes.map(node => node.html + node.failureSummary)]))"
        )
