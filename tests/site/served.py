"""A local server for the built site, and what a browser sees of a page that comes from it."""

import functools
import gzip
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sources import built_pages

TEXT = (".html", ".css", ".js", ".svg", ".json", ".txt")
PICTURES = (".png", ".webp", ".jpg", ".gif")
# Run before a page's own scripts: what its security policy refuses is kept.
LISTEN = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) => {
  const { effectiveDirective, blockedURI, sourceFile, lineNumber } = event;
  window.refused.push(`${effectiveDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
});
"""
# How many pictures wait until they are seen, each file once.
WAITING = """() => {
  const waiting = [...document.images].filter((each) => each.loading === "lazy" && !each.complete);
  return new Set(waiting.map((each) => each.src)).size;
}"""
# Ask for what waits until it is seen.
HURRY = """async () => {
  const pictures = [...document.images];
  for (const each of pictures) each.loading = "eager";
  await Promise.all(pictures.map((each) => each.decode().catch(() => {})));
}"""
# Two frames later, what the scripts and styles ask for has been asked for.
SETTLED = """() => document.fonts.ready.then(() => new Promise((resolve) => {
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)));
}))"""

# Run before a page's own scripts: how far what is seen moves without being asked to is added up,
# as https://web.dev/articles/cls defines it for a page that is just opened.
WATCH = """
window.moved = 0;
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) window.moved += each.value;
}).observe({ type: "layout-shift", buffered: true });
"""

KB = 1000
REQUESTS = 20
WITHOUT, TO_TOUCH, WHOLE = 110 * KB, 200 * KB, 250 * KB
# The text of all pages, which a search looks through.
LARGER = {"search.html": 170 * KB}
PICTURES_TOGETHER = 1500 * KB
PHONE = {"viewport": {"width": 412, "height": 823}, "is_mobile": True}
MOVED = 0.1  # what https://web.dev/articles/cls calls good
SHOWN = re.compile(r'(?:src|href)="([^"]*_images/[^"]*)"')


@dataclass(frozen=True)
class Measured:
    """What a browser got for a page, in bytes as they were sent, and what it complained about."""

    name: str
    sizes: dict[str, int]
    requests: int  # when it is opened, without the pictures that wait until they are seen
    refused: list[str]
    said: list[str]

    @property
    def whole(self):
        """What the page weighs with all its pictures."""
        return sum(self.sizes.values())

    @property
    def without(self):
        """What the page weighs without its pictures."""
        return sum(size for url, size in self.sizes.items() if not url.endswith(PICTURES))

    @property
    def goals(self):
        """What each measure is to keep to."""
        to_touch = self.name.startswith(("play/", "practice/"))
        without = TO_TOUCH if to_touch else LARGER.get(self.name, WITHOUT)
        return {"without": without, "whole": max(without, WHOLE), "requests": REQUESTS}

    @property
    def missed(self):
        """The measures over their goals, each with its value."""
        found = {name: getattr(self, name) for name in self.goals}
        return {name: value for name, value in found.items() if value > self.goals[name]}


@functools.cache
def compressed(name):
    """Return a file as a server sends it."""
    return gzip.compress(Path(name).read_bytes(), 9, mtime=0)


class Handler(SimpleHTTPRequestHandler):
    """Serve a folder without a word; text is compressed, as servers do."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format, *arguments):  # noqa: A002 (the name is the library's)
        """Say nothing."""

    def do_GET(self):
        """Send a file, compressed if it is text."""
        name = self.translate_path(self.path)
        if not name.endswith(TEXT):
            super().do_GET()
            return
        try:
            body = compressed(name)
        except OSError:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(name))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=3600")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve(folder):
    """Serve a folder at a free port as long as the context lasts; return its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def measure(context, base, name):
    """Return what a browser sees of a page; the context is a new one, with nothing in its cache."""
    page, asked, sizes, said = context.new_page(), [], {}, []
    page.add_init_script(LISTEN)

    def finished(request):
        sizes[request.url] = request.sizes()["responseBodySize"]

    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfinished", finished)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{base}/{name}")
    waiting = page.evaluate(WAITING)
    page.evaluate(HURRY)
    page.evaluate(SETTLED)
    while not sizes.keys() >= {url for url in asked if url.startswith("http")}:
        page.wait_for_timeout(5)
    refused = page.evaluate("window.refused")
    return Measured(name, sizes, len(sizes) - waiting, refused, said)


def measure_all(browser, base, names):
    """Return what a browser sees of some pages, each of them opened as the first."""
    found = {}
    for name in names:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        found[name] = measure(context, base, name)
        context.close()
    return found


def moved(browser, base, names):
    """Return how far some pages move on a phone while they are drawn, each opened as the first."""
    found = {}
    for name in names:
        context = browser.new_context(**PHONE)
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(f"{base}/{name}")
        page.evaluate(SETTLED)
        found[name] = round(page.evaluate("window.moved"), 3)
        context.close()
    return found


def pictures(folder):
    """Return the picture files that the pages of a folder show."""
    return {
        (path.parent / address).resolve()
        for path in built_pages(folder)
        for address in SHOWN.findall(path.read_text(encoding="utf-8"))
    }
