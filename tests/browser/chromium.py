"""A headless browser, and a page in it that notes all it does: messages, errors, requests, violations of its policy."""

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""

NO_NETWORK = """
for (const name of ["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "Worker"]) {
  window[name] = function () { throw new Error(name + " was used"); };
}
navigator.sendBeacon = () => { throw new Error("a beacon was sent"); };
"""
"""Run before the page's own scripts: whatever would talk to somebody fails."""


def executable():
    """The path of an installed browser, or `None`."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def started():
    """A browser that ends with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page and what it did."""

    page: object
    messages: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    requests: list = field(default_factory=list)

    def complaints(self):
        """Everything that a page without fault has none of."""
        return [*self.messages, *self.errors, *self.page.evaluate("window.violations")]


@contextmanager
def opened(browser, file, **options):
    """The report in `file`, opened without a network; `options` are those of a browser context."""
    options = {"viewport": {"width": 1280, "height": 900}, **options}
    context = browser.new_context(**options)
    context.set_offline(True)
    context.add_init_script(WATCH + NO_NETWORK)
    watched = Watched(context.new_page())
    watched.page.on("console", lambda message: watched.messages.append(f"{message.type}: {message.text}"))
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    watched.page.on("request", lambda request: watched.requests.append(request.url))
    # All that there is to load is in the file, so when this returns the pictures are drawn.
    watched.page.goto(file.as_uri())
    try:
        yield watched
    finally:
        context.close()
