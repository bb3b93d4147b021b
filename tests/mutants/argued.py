"""Mistakes that no test can notice, or need not, and why: they are known by their names."""

from __future__ import annotations

ARGUED: dict[str, str] = {}
