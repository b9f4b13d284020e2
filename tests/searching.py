"""searching.py: the book's search dialog, in a browser that shows a page.

    dialog = Dialog(browser)            opened by the key
    dialog.ask("iretq")                 [Found, ...], the best first
    dialog.told()                       what it says above the results
"""

import json
from collections import namedtuple

Found = namedtuple("Found", "kind page place title excerpt")

OPTIONS = """[...document.querySelectorAll("dialog [role=option]")].map(option => [
    option.closest("[role=group]").querySelector("p").textContent,
    new URL(option.href).pathname.replace(/^.*\\/(?=[^/]+$|source\\/)/, ""),
    new URL(option.href).hash.slice(1),
    option.querySelector("strong").textContent,
    option.querySelector(".excerpt").innerHTML])"""


class Dialog:
    def __init__(self, browser):
        self.browser = browser
        self.open()

    def open(self, key="/", control=False):
        self.browser.press(key, control=control)
        self.browser.wait_until("document.activeElement.role == 'combobox'")

    def told(self):
        return self.browser.run("document.querySelector('dialog [role=status]').textContent")

    def ask(self, text):
        """What is found, once the dialog says that it is, or that it cannot."""
        self.browser.run("document.activeElement.select()")
        self.browser.write(text)
        told = "document.querySelector('dialog [role=status]').textContent"
        ready = json.dumps([f"“{text}”", "not be loaded."])
        self.browser.wait_until(f"{ready}.some(end => {told}.endsWith(end))")
        return [Found(*found) for found in self.browser.run(OPTIONS)]

    def chosen(self):
        """The title of the option that the text field says is chosen."""
        return self.browser.run("""
            document.getElementById(document.activeElement.getAttribute(
                "aria-activedescendant")).querySelector("strong").textContent""")
