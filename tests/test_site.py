"""test_site.py: every page of the book's website in a browser. What is looked for is
told in site_in_browser.py; each page is opened once for all of it."""

import pytest

import site_of_book
from site_in_browser import Site, faults

SHARES = 8  # tests, which share the pages


@pytest.fixture(scope="module")
def site():
    with Site() as served:
        yield served


def pages():
    """All pages in the site's directory; of the many further down, which list
    sources, the largest of each kind, such as .asm."""
    names = site_of_book.everything()
    below = [name for name in names if "/" in name]
    largest = {}
    for name in sorted(below, key=lambda name: site_of_book.page(name).stat().st_size):
        largest[name.rpartition("/")[2].rpartition(".")[2]] = name
    return [name for name in names if "/" not in name] + sorted(largest.values())


@pytest.mark.parametrize("share", range(SHARES))
def test_pages_are_well_in_a_browser(share, browser, site):
    found = [fault for name in pages()[share::SHARES] for fault in faults(browser, site, name)]
    assert not found, "\n" + "\n".join(found)
