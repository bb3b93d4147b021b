"""Pages in a real browser, without a screen; tests that need one are skipped where there is none."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
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
    """A proxy that is the whole network: pages of one folder under the name "site", and nothing else."""

    server: _Network

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.netloc in ("", "site"):
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
    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Folder, directory=str(folder)))
        self.failed: list[str] = []


@contextmanager
def network(folder: Path) -> Iterator[_Network]:
    server = _Network(folder)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def complaints(folder: Path, page: str, profile: Path, *, width: int) -> list[str]:
    """What goes wrong on a page of a folder when there is nothing else: requests that fail, and errors of scripts."""
    assert BROWSER is not None
    with network(folder) as found:
        command = [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--proxy-server=127.0.0.1:{found.server_port}", "--enable-logging=stderr", "--v=0",
            f"--user-data-dir={profile}", f"--window-size={width},900", "--virtual-time-budget=4000", "--dump-dom",
            f"http://site/{page}",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, timeout=120, check=True)
        lines = done.stderr.decode("utf-8", "replace").splitlines()
        return [*found.failed, *(line.partition("CONSOLE")[2] for line in lines if "CONSOLE" in line)]
