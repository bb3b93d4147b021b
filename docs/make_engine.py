"""Put the engine's own lines into engine.md, where a comment names them, so that they cannot go stale.

    python docs/make_engine.py            writes them
    python docs/make_engine.py --check    fails if one is not what stands in the source

The comment is ``<!-- file: name -->``: a function, a class, ``Class.method``, or the beginning of a line. The block of
code that follows it belongs to it.
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from pathlib import Path

PAGE = Path(__file__).with_name("engine.md")
ROOT = PAGE.parent.parent
REFERENCE = re.compile(r"<!-- (?P<file>[\w/.]+): (?P<name>[^>]+?) -->\n(?:\n```python\n.*?\n```\n)?", re.DOTALL)


def lines_of(file: str, name: str) -> str:
    """The lines of a definition, or the one line that begins with ``name``."""
    text = (ROOT / file).read_text(encoding="utf-8")
    scope: list[ast.stmt] = ast.parse(text).body
    for part in name.split("."):
        found = [node for node in scope if getattr(node, "name", None) == part]
        if not found:
            break
        (node,) = found
        scope = getattr(node, "body", [])
    else:
        return textwrap.dedent("\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno]))
    starting = [line for line in text.splitlines() if line.startswith(name)]
    if len(starting) != 1:
        raise LookupError(f"{file} has {len(starting)} lines that begin with {name!r}, and no definition of that name")
    return starting[0]


def filled(page: str) -> str:
    """The page with every reference followed by the lines that it names."""
    return REFERENCE.sub(
        lambda m: f"<!-- {m['file']}: {m['name']} -->\n\n```python\n{lines_of(m['file'], m['name'])}\n```\n", page
    )


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    if "--check" not in sys.argv:
        PAGE.write_text(filled(page), encoding="utf-8")
    elif filled(page) != page:
        sys.exit("docs/engine.md is not up to date: run python docs/make_engine.py")
