"""Pages in a real browser, without a screen; tests that need one are skipped where there is none."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
in_a_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def dom(page: Path, profile: Path, *options: str, width: int = 1400, fragment: str = "", seconds: float = 2) -> str:
    """The page as Chromium has it after some seconds of its own time."""
    assert BROWSER is not None
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={profile}", f"--window-size={width},900", *options,
        f"--virtual-time-budget={1000 * seconds:.0f}", "--dump-dom", page.as_uri() + fragment,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return done.stdout.decode("utf-8")


class _Folder(SimpleHTTPRequestHandler):
    """A proxy that is the whole network: pages of one folder, and what is told, under the name "site"."""

    server: _Network

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path in self.server.more:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(self.server.more[address.path].encode())
        elif address.netloc in ("", "site"):
            self.path = address.path
            super().do_GET()
        else:
            self.send_error(502)

    def do_CONNECT(self) -> None:
        self.send_error(502)

    def send_error(self, code: int, *args: object) -> None:  # type: ignore[override]
        host = urlsplit(self.path if "//" in self.path else f"//{self.path}").hostname or ""
        own = host.endswith((".google.com", ".googleapis.com", ".gvt1.com"))  # what the browser itself asks for
        if not own and not self.path.endswith("/favicon.ico"):
            self.server.failed.append(f"{code} {self.path}")
        super().send_error(code)

    def log_message(self, *args: object) -> None:
        pass


class _Network(ThreadingHTTPServer):
    def __init__(self, folder: Path, more: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Folder, directory=str(folder)))
        self.more = more
        self.failed: list[str] = []


@contextmanager
def network(folder: Path, more: Mapping[str, str]) -> Iterator[_Network]:
    server = _Network(folder, more)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


LOOK = """<!doctype html><title>looks at pages</title><link rel="icon" href="data:,"><body style="margin: 0">
<iframe id="frame" style="border: 0; width: WIDTHpx; height: 900px"></iframe><pre id="found"></pre><script>
const pages = PAGES, frame = document.getElementById("frame"), found = {};

function scrolls(element) {
  for (; element; element = element.parentElement) {
    const style = getComputedStyle(element);
    if (style.overflowX !== "visible" || style.position === "fixed") return true;
  }
  return false;
}

function wrong() {
  const page = frame.contentDocument, root = page.documentElement, all = [];
  const add = (elements, what) => elements.forEach(each => all.push(what + ": " + each.outerHTML.slice(0, 120)));
  if (root.scrollWidth > root.clientWidth) {
    const inside = each => each.getBoundingClientRect().right < root.clientWidth + 1 || scrolls(each.parentElement);
    add([...page.body.querySelectorAll("*")].filter(each => !inside(each)).slice(0, 3), "wider than the page");
  }
  add([...page.images].filter(each => each.complete && !each.naturalWidth), "no picture");
  add([...page.querySelectorAll("mjx-merror")], "no mathematics");
  add([...page.querySelectorAll(".math")].filter(each => !each.querySelector("mjx-container")), "not set");
  if (!page.body.innerText.trim()) all.push("nothing there");
  return all;
}

const wait = milliseconds => new Promise(done => setTimeout(done, milliseconds));
(async () => {
  for (const page of pages) {
    const loaded = new Promise(done => (frame.onload = done));
    frame.src = "/" + page;
    await loaded;
    const unset = () => frame.contentDocument.querySelector(".math:not(:has(mjx-container))");
    for (let k = 0; k < 40 && (k < 3 || unset()); k++) await wait(100);
    found[page] = wrong();
  }
  document.getElementById("found").textContent = JSON.stringify(found);
})();
</script>"""
"""A page that opens others, one after the other, as wide as a screen, and notes what is wrong with them."""


def complaints(folder: Path, pages: Sequence[str], profile: Path, *, width: int) -> list[str]:
    """What goes wrong on pages of a folder when there is nothing else in the world.

    Requests that fail, errors of scripts, what is wider than the page, pictures and mathematics that are not seen.
    """
    assert BROWSER is not None
    look = LOOK.replace("WIDTH", str(width)).replace("PAGES", json.dumps(list(pages)))
    with network(folder, {"/look.html": look}) as found:
        command = [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--proxy-server=127.0.0.1:{found.server_port}", "--enable-logging=stderr", "--v=0",
            f"--user-data-dir={profile}", "--window-size=1400,1000",
            f"--virtual-time-budget={10_000 * (1 + len(pages))}", "--dump-dom", "http://site/look.html",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, timeout=600, check=True)
        lines = done.stderr.decode("utf-8", "replace").splitlines()
        (told,) = re.findall(r'(?s)<pre id="found">(.*?)</pre>', done.stdout.decode("utf-8"))
        seen = json.loads(unescape(told) or "{}")
        assert seen.keys() == set(pages), f"not looked at: {set(pages) - seen.keys()}"
        wrong = [f"{page}: {each}" for page, all_ in seen.items() for each in all_]
        return [*found.failed, *(line.partition("CONSOLE")[2] for line in lines if "CONSOLE" in line), *wrong]
