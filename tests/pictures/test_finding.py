"""Which Graphviz is chosen, what happens when it is broken, and that nothing which it started is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from minigrad.pictures import Digraph, finding
from minigrad.pictures.dot import picture
from minigrad.pictures.finding import Graphviz, GraphvizError, NoGraphvizError, find_graphviz, run

posix = pytest.mark.skipif(os.name != "posix", reason="a Graphviz faked by an executable script needs a POSIX system")
needs_pygraphviz = pytest.mark.skipif(find_spec("pygraphviz") is None, reason="pygraphviz is not installed")
pytestmark = pytest.mark.usefixtures("nothing_installed")

SVG = b'<svg width="72pt" height="36pt">drawn</svg>'
SINGLE = f"text = sys.stdin.read()\nif 'one [' in text:\n    sys.stdout.buffer.write({SVG!r}), sys.exit()\n"
"""The beginning of a Graphviz that draws a single node."""


def small():
    graph = Digraph()
    graph.edge("x", "y")
    return graph


# -- the choice -------------------------------------------------------------------------------------------------------


@posix
def test_the_environment_goes_before_the_path_and_the_path_before_pygraphviz(fake, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", sys.modules[__name__])  # something that can be imported
    assert find_graphviz().name == "pygraphviz"
    on_path = fake("")
    assert find_graphviz() == (str(on_path), (str(on_path),))
    wanted = fake("", name="my-dot", folder="out")
    monkeypatch.setenv("MINIGRAD_DOT", str(wanted))
    assert find_graphviz() == (str(wanted), (str(wanted),))
    monkeypatch.setenv("MINIGRAD_DOT", "")
    assert find_graphviz().name == str(on_path)


@posix
def test_the_environment_may_name_a_command_on_the_path(fake, monkeypatch):
    wanted = fake("", name="dot-14")
    monkeypatch.setenv("MINIGRAD_DOT", "dot-14")
    assert find_graphviz().name == str(wanted)


@posix
def test_an_environment_that_names_nothing_is_an_error_not_ignored(fake, monkeypatch, out):
    fake("sys.exit('must not be called')")
    monkeypatch.setenv("MINIGRAD_DOT", "/no/such/dot")
    with pytest.raises(NoGraphvizError, match=r"MINIGRAD_DOT names '/no/such/dot', which does not exist"):
        small().pipe("svg")
    (out / "text").write_text("not executable")
    monkeypatch.setenv("MINIGRAD_DOT", str(out / "text"))
    with pytest.raises(NoGraphvizError, match=r"text', which is not executable: .* unset it"):
        small().pipe("svg")


def test_without_graphviz_one_sentence_names_three_ways_out():
    with pytest.raises(NoGraphvizError) as caught:
        small().pipe("svg")
    message = str(caught.value)
    ways = ("install Graphviz", 'pip install ".[dot]" in a clone', "open the .dot file")
    assert all(way in message for way in ways)
    assert "\n" not in message and ". " not in message


# -- calling it -------------------------------------------------------------------------------------------------------


@posix
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8")))
@example("ä\r\n\x00" + "x" * 200_000)
def test_the_text_reaches_graphviz_byte_for_byte(fake, text):
    fake("sys.stdout.buffer.write(b'|' + sys.stdin.buffer.read())")
    assert picture(text, "xdot") == b"|" + text.encode("utf-8")


@posix
def test_what_graphviz_prints_besides_a_picture_does_not_matter(fake):
    fake(f"print('Fontconfig warning: Error: none', file=sys.stderr); sys.stdout.buffer.write({SVG!r})")
    assert small().pipe("svg") == SVG


FAILURES = {
    "hangs": ("time.sleep(60)", r"dot was stopped after 0\.5 s .*allow more with timeout="),
    "crashes": ("os.kill(os.getpid(), 9)", r"dot crashed \(signal 9\) on drawing svg"),
    "fails": ("sys.stdout.write('half'); sys.exit('oh dear\\nline 2')", r"failed \(exit 1\).*said:\soh dear\sline 2"),
    "reports an error": ("print('half'); sys.stderr.write('Warning: x\\nError: y')", r"said:\sWarning: x\sError: y"),
    "writes garbage": (
        "sys.stderr.buffer.write(b'\\xff\\n' * 1000); sys.exit(3)", r"failed \(exit 3\).*said:\s\ufffd(\s\ufffd){4}"
    ),
    "draws nothing": ("pass", r"failed \(exit 0\).*it said nothing"),
    "draws rubbish": ("print('hello')", r"dot printed 'hello\\n', which is no SVG: is it Graphviz's dot\?"),
    "draws half": ("print('<svg width=')", r"dot printed '<svg width=\\n', which is no SVG"),
    "has no layouts": (
        """sys.exit('There is no layout engine support for "dot"\\nPerhaps "dot -c" needs to be run (...)')""",
        "There is no layout engine support",
    ),
}  # fmt: skip
failures = pytest.mark.parametrize(("body", "message"), FAILURES.values(), ids=FAILURES)


@posix
@failures
def test_what_a_graphviz_that_draws_others_says_of_this_picture_is_shown(fake, body, message):
    fake(SINGLE + body)
    with pytest.raises(GraphvizError, match=re.compile(message, re.DOTALL)) as caught:
        small().pipe("svg", timeout=0.5 if "sleep" in body else 60)
    assert "a single node" not in str(caught.value)


@posix
@failures
def test_one_that_draws_nothing_is_broken_and_one_sentence_says_what_to_do(fake, body, message, monkeypatch):
    monkeypatch.setattr(finding, "PATIENCE", 0.5)
    fake(body)
    with pytest.raises(GraphvizError, match=message) as caught:
        small().pipe("svg", timeout=0.5 if "sleep" in body else 60)
    assert re.search(r", on drawing a single node: repair it, .* MINIGRAD_DOT, or run pip install", str(caught.value))
    assert "\n" not in str(caught.value)


@posix
@needs_pygraphviz
@failures
def test_pygraphviz_draws_instead_of_a_broken_one_with_a_warning(fake, body, message, monkeypatch):
    monkeypatch.delitem(sys.modules, "pygraphviz")
    script = fake(f"open({str(fake('', 'count', 'out'))!r}, 'a').write('x'); {body}")
    monkeypatch.setattr(finding, "PATIENCE", 0.5)
    monkeypatch.setattr(finding, "run", impatient(finding.run))
    with pytest.warns(UserWarning, match=message) as told:
        assert small().pipe("svg").rstrip().endswith(b"</svg>")
    assert ": pygraphviz draws instead; repair it, or name another one with MINIGRAD_DOT" in str(told[0].message)
    assert told[0].filename == __file__
    calls = script.parent.parent / "out" / "count"
    once = calls.read_text().count("x")
    with pytest.warns(UserWarning, match="pygraphviz draws instead"):
        assert b"<svg" in small().pipe("svg")
    assert calls.read_text().count("x") == once  # it is not called again
    fake(f"sys.stdout.buffer.write({SVG!r})")  # until it is repaired
    os.utime(script, (0, 0))
    assert small().pipe("svg") == SVG


def impatient(run):
    """`run`, which gives up what is no pygraphviz after half a second."""
    return lambda tool, *args: run(tool, *args[:-1], args[-1] if tool.name == "pygraphviz" else 0.5)


@posix
@needs_pygraphviz
def test_one_that_was_asked_for_is_not_replaced(fake, monkeypatch):
    monkeypatch.delitem(sys.modules, "pygraphviz")
    monkeypatch.setenv("MINIGRAD_DOT", str(fake("sys.exit('oh dear')")))
    with pytest.raises(GraphvizError, match="oh dear"):
        small().pipe("svg")


@posix
@needs_pygraphviz
def test_a_format_that_only_one_of_them_knows(fake, monkeypatch):
    monkeypatch.delitem(sys.modules, "pygraphviz")
    fake(f"""
if sys.argv[2] != "-Tsvg":
    sys.exit(f'Format: "{{sys.argv[2][2:]}}" not recognized. Use one of: svg')
sys.stdout.buffer.write({SVG!r})""")
    with pytest.warns(UserWarning, match='"png" not recognized. .*pygraphviz draws instead'):
        assert small().pipe("png")[:4] == b"\x89PNG"
    assert small().pipe("svg") == SVG
    with pytest.raises(GraphvizError, match='"nothing" not recognized'):
        small().pipe("nothing")


def left(marker):
    """The processes with this word in their command line."""
    everything = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in everything.splitlines() if marker in line]


HANGING = """import subprocess
subprocess.Popen([sys.executable, "-c", "import time; open({started!r}, 'w'); time.sleep(60)", "{marker}"])
print("<svg", flush=True)
{rest}"""


@posix
@pytest.mark.parametrize("rest", ["time.sleep(60)", "sys.exit()"], ids=["waits", "has left"])
def test_all_that_a_hanging_one_has_started_ends_with_it(fake, rest, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", os.environ["PATH"] + os.pathsep + "/usr/bin" + os.pathsep + "/bin")
    marker = f"marker-{tmp_path.name}"
    started = tmp_path / "started"
    tool = str(fake(HANGING.format(marker=marker, rest=rest, started=str(started)), "hanging", "out"))
    with pytest.raises(GraphvizError, match="was stopped after 3 s"):
        run(Graphviz(tool, (tool,)), "digraph {}", "svg", "dot", 3.0)
    assert started.exists() and gone(marker)


def gone(marker):
    for _ in range(50):
        if not left(marker):
            return True
        time.sleep(0.1)
    return False


@posix
def test_ctrl_c_ends_it_too(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", os.environ["PATH"] + os.pathsep + "/usr/bin" + os.pathsep + "/bin")
    marker = f"marker-{tmp_path.name}"
    started = tmp_path / "started"
    tool = str(fake(HANGING.format(marker=marker, rest="time.sleep(60)", started=str(started)), "hanging", "out"))

    def interrupt():
        while not started.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Thread(target=interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run(Graphviz(tool, (tool,)), "digraph {}", "svg", "dot", 60.0)
    timer.join()
    assert gone(marker)


@posix
def test_something_that_cannot_be_executed(out, monkeypatch):
    (out / "dot").write_bytes(b"\x00\x01 no program")
    (out / "dot").chmod(0o755)
    monkeypatch.setenv("MINIGRAD_DOT", str(out / "dot"))
    with pytest.raises(GraphvizError, match=r"could not be started .*: is it Graphviz's dot"):
        small().pipe("svg")


@needs_pygraphviz
def test_a_pygraphviz_that_cannot_be_imported_says_so(fake, out, monkeypatch):
    monkeypatch.delitem(sys.modules, "pygraphviz")
    (out / "pygraphviz.py").write_text("raise ImportError('libcgraph.so.8: not found')")
    monkeypatch.setenv("PYTHONPATH", str(out))
    with pytest.raises(GraphvizError, match=r"pygraphviz failed.*\nImportError: libcgraph\.so\.8: not found$"):
        small().pipe("svg")


@needs_pygraphviz
def test_files_in_the_current_folder_are_not_mistaken_for_modules(out, monkeypatch):
    monkeypatch.delitem(sys.modules, "pygraphviz")
    monkeypatch.delenv("PYTHONPATH", raising=False)  # it may contain the current folder
    (out / "random.py").write_text("raise SystemExit('the wrong random')")
    monkeypatch.chdir(out)
    assert b"<svg" in small().pipe("svg")


@needs_pygraphviz
def test_pygraphviz_too_is_stopped(monkeypatch, out):
    monkeypatch.delitem(sys.modules, "pygraphviz")
    with pytest.raises(GraphvizError, match=r"pygraphviz was stopped after 0\.001 s"):
        small().render(out / "a.svg", timeout=0.001)
