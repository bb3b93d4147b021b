"""`minigrad check` answers a question about a gradient, whatever a user's module does: 0 and 1 are never an accident.

Each kind of trouble is a module, and the line to be blamed ends with ``# here``. Its exit status is 2, and one sentence
names that file and line.
"""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from minigrad.cli import app

F = "def f(x):\n    return x * x\n"

IMPORTED = {
    "a parenthesis that is not closed": ("x = (  # here\n" + F, "was never closed"),
    "bad indentation": (F + "  y = 1  # here\n", "IndentationError: unindent does not match"),
    "a file in another encoding": (F.encode() + b"s = '\xe9'  # here\n", "SyntaxError: (unicode error) 'utf-8' codec"),
    "a null byte": (F.encode() + b"\0\n", "null bytes"),
    "an exception": (F + "1 / 0  # here\n", "ZeroDivisionError: division by zero"),
    "an exception of its own": (F + "class Mine(Exception): pass\nraise Mine  # here\n", "imported: Mine\n"),
    "an exception of more than one line": (
        F + "raise ValueError('a\\n b' + 900 * ' c')  # here\n",
        "ValueError: a b c c",
    ),
    "an exception that cannot be shown": (
        F + "class Mute(Exception):\n    def __str__(self): return 1 / 0\nraise Mute  # here\n",
        "imported: Mute\n",
    ),
    "an exception that is no Exception": (F + "raise BaseException('odd')  # here\n", "BaseException: odd"),
    "exit": (F + "import sys\nsys.exit()  # here\n", "sys.exit() was called"),
    "exit with status 0": (F + "import sys\nsys.exit(0)  # here\n", "sys.exit(0) was called"),
    "exit with a message": (F + "raise SystemExit('done')  # here\n", "sys.exit(done) was called"),
    "StopIteration": (F + "next(iter(()))  # here\n", "StopIteration"),
    "the end of input": (F + "input()  # here\n", "EOFError"),
    "endless recursion": (F + "def g(): g()  # here\ng()\n", "RecursionError: maximum recursion depth"),
    "a package that is missing": (F + "import nowhere.to_be_found  # here\n", "this needs nowhere, which is not"),
    "a package whose name begins like its own": (F + "import min  # here\n", "this needs min, which is not"),
    "a part of itself that is missing": (F + "import mine.other  # here\n", "this needs mine.other, which is not"),
    "a name that is missing": (F + "from math import nothing  # here\n", "ImportError: cannot import name 'nothing'"),
    "a module that is an extra": (F + "raise ModuleNotFoundError(name='matplotlib')  # here\n", '".[plot]"'),
    "a missing module without a name": (F + "raise ModuleNotFoundError('gone')  # here\n", "gone"),
    "a warning that is an error": (
        F + "import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('error')\n"
        "    warnings.warn('old', DeprecationWarning)  # here\n",
        "DeprecationWarning: old",
    ),
    "a command that runs": (
        F + "import typer\napp = typer.Typer()\n@app.command()\ndef g(): raise typer.Abort\napp(args=[])  # here\n",
        "sys.exit(",
    ),
    "the user's command line": (F + "import typer\nraise typer.BadParameter('no')  # here\n", "BadParameter: no"),
    "a missing module whose name is none": (F + "raise ModuleNotFoundError(name=3)  # here\n", "this needs 3, which"),
    "an error of syntax without a word": (F + "raise SyntaxError  # here\n", "imported: SyntaxError\n"),
    "an error of syntax somewhere else": (F + "raise SyntaxError('odd', (3, 4, 5, 6))  # here\n", "SyntaxError: odd\n"),
    "a note": (F + "error = OSError('no')\nerror.add_note('really')\nraise error  # here\n", "OSError: no; really\n"),
    "a name that raises": ("def __getattr__(name): return 1 // 0  # here\n", "ZeroDivisionError"),
}
"""What goes wrong before there is a function."""

CALLED = {
    "an exception": ("def f(x):\n    raise ValueError('no')  # here\n", "ValueError: no"),
    "an exception where it is differentiated": (
        "import numpy as np\ndef f(x):\n    return x if type(x) is np.ndarray else x.nothing  # here\n",
        "has no attribute 'nothing'",
    ),
    "an exception in a module it imports then": (
        "def f(x):\n    import helper\n    return helper.help(x)\n",
        "helper.py:2, when called with arrays of shape (3,) (domain bounded, seed 0): KeyError: 'none'",
    ),
    "a missing package": ("def f(x):\n    import nowhere  # here\n", "this needs nowhere, which is not installed"),
    "exit": ("import sys\ndef f(x):\n    sys.exit(0)  # here\n", "sys.exit(0) was called"),
    "an exception that is no Exception": ("def f(x):\n    raise GeneratorExit  # here\n", "GeneratorExit"),
    "endless recursion": ("def f(x):\n    return f(x)  # here\n", "RecursionError: maximum recursion depth"),
    "too many arguments": ("def f(x, y):  # here\n    return x\n", "missing 1 required positional argument: 'y'"),
    "shapes that do not fit": ("import numpy as np\ndef f(x):\n    return x @ np.ones(4)  # here\n", "size 4"),
    "text it calls": ("def f(x):\n    return eval('1 +')  # here\n", "SyntaxError: invalid syntax"),
    "no value": ("def f(x):  # here\n    pass\n", ""),
    "text as value": ("def f(x):  # here\n    return 'x'\n", ""),
    "a generator": ("def f(x):  # here\n    yield x\n", ""),
    "a class": ("class f:  # here\n    def __init__(self, x): pass\n", ""),
    "a formula that exits": (
        "import sys\ndef f(x): return x\ndef vjp(g, x):\n    sys.exit(1)  # here\n",
        "sys.exit(1)",
    ),
}
"""What goes wrong in the function itself, or in its formula ``vjp``."""


FINE = {
    "prints": "print('loud')\ndef f(x):\n    print('again')\n    return x * x\n",
    "leaves the folder": "import os\nos.chdir('/')\ndef f(x):\n    os.chdir('/')\n    return x * x\n",
    "clears the search path": "import sys\nimport helper\nsys.path.clear()\n" + F,
    "warns": "import warnings\nwarnings.warn('old')\n" + F,
    "has something called arguments": F + "f.arguments = 'x'\n",
}
"""Modules that do what a module should not, or seem to, and have a right function."""


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments], env={"COLUMNS": "100", "NO_COLOR": "1"})


def blamed(text: str | bytes) -> str:
    """What the sentence says of the place: the file, and the line that is marked."""
    lines = (text if isinstance(text, bytes) else text.encode()).split(b"\n")
    marked = [f"mine.py:{number}," for number, line in enumerate(lines, 1) if line.endswith(b"# here")]
    return marked[0] if marked else ""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write ``mine.py`` to, in which commands are run."""
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "helper"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "helper.py").write_text("def help(x):\n    return {}['none']\n")
    return tmp_path


def write(here: Path, text: str | bytes) -> None:
    (here / "mine.py").write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(("text", "says"), [*IMPORTED.values(), *CALLED.values()], ids=[*IMPORTED, *CALLED])
def test_the_status_is_two_and_a_sentence_names_file_and_line(text: str | bytes, says: str, here: Path) -> None:
    write(here, text)
    done = check(
        "mine:f", "--shape", "3", *(["--vjp", "mine:vjp"] if b"vjp" in (here / "mine.py").read_bytes() else [])
    )
    assert done.exit_code == 2, done.stdout
    sentence = done.stderr.removeprefix("Aborted.\n")  # which that command says itself
    assert sentence.startswith("minigrad: ") and sentence.count("\n") == 1 and len(sentence) < 700
    assert says in sentence and blamed(text) in sentence
    assert done.stdout == ""


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
@pytest.mark.filterwarnings("ignore:old")
def test_a_right_function_passes_whatever_else_its_module_does(text: str, here: Path) -> None:
    write(here, text)
    path = list(sys.path)
    done = check("mine:f", "--shape", "3", "--examples", "2")
    assert done.exit_code == 0, done.output
    assert (Path.cwd(), sys.path) == (here, path)


BUILTIN = [error for error in vars(builtins).values() if isinstance(error, type) and issubclass(error, BaseException)]
OTHERS = {
    "KeyboardInterrupt",  # see below
    "NotImplementedError",  # of a function: that something is not supported is for the checker to say
    "UnicodeDecodeError",  # these three take more than a message
    "UnicodeEncodeError",
    "UnicodeTranslateError",
}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    error=st.sampled_from(sorted({error.__name__ for error in BUILTIN} - OTHERS)),
    said=st.text(),
    before=st.integers(0, 3),
    called=st.booleans(),
    n=st.uuids(),
)
def test_every_exception_of_python_with_every_message(
    error: str, said: str, before: int, called: bool, n: UUID, here: Path
) -> None:
    arguments = f"{said!a}, [ValueError()]" if error.endswith("Group") else ascii(said)
    name = f"mine_{n.hex}"  # never one that has been imported already
    text = "\n" * before + ("def f(x):\n    " if called else "") + f"raise {error}({arguments})"
    (here / f"{name}.py").write_text(text)
    done = check(f"{name}:f", "--shape", "3")
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith(f"minigrad: {here / name}.py:{before + 1 + called}, when ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["raise KeyboardInterrupt", "def f(x):\n    raise KeyboardInterrupt"])
def test_ctrl_c_stays_one(text: str, here: Path) -> None:
    write(here, text)
    assert check("mine:f", "--shape", "3").exit_code == 130


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mine.py:f", "names a file: write mine:f"),
        ("folder/mine.py:f", "names a file: write folder.mine:f"),
        ("mine.py", "names a file: write mine:function"),
        (".mine:f", "write package.module:function"),
        (":f", "write package.module:function"),
        ("mine:", "write package.module:function"),
        ("mine.inside:f", "there is no module mine.inside"),
        ("min:f", "there is no module min "),
        ("mine:f.g", "mine.py) has no f.g"),
        ("sys:nothing", "module sys (built in) has no nothing"),
        ("mine:__doc__", "no function but of type NoneType"),
    ],
)
def test_names_of_nothing(name: str, says: str, here: Path) -> None:
    write(here, F)
    done = check(name, "--shape", "3")
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr


def test_a_formula_that_raises_is_wrong(here: Path) -> None:
    """It is asked for a gradient and gives none: that is an answer to the question, not a wrong question."""
    write(here, F + "def vjp(g, x):\n    raise ValueError('not yet')\n")
    done = check("mine:f", "--shape", "3", "--vjp", "mine:vjp")
    assert (done.exit_code, "raised ValueError: not yet" in done.stdout) == (1, True), done.output


@pytest.mark.parametrize("shape", ["3", "()"])
def test_points_outside_of_the_domain_are_no_mistake(shape: str, here: Path) -> None:
    """The default domain has negative numbers, at which a logarithm has no value, and no gradient that can be wrong."""
    write(here, "import numpy as np\ndef f(x): return np.sum(np.log(x))\n")
    done = check("mine:f", "--shape", shape)
    assert done.exit_code in (0, 3) and done.stderr == "", done.output


def test_a_second_module_is_found_although_the_first_left_the_folder(here: Path) -> None:
    write(here, "import os\nos.chdir('/')\ndef f(x): return x * x\n")
    (here / "helper.py").write_text("def vjp(g, x): return 2 * g * x")
    assert check("mine:f", "--vjp", "helper:vjp", "--shape", "3").exit_code == 0


def test_a_picture_is_written_to_the_folder_where_the_command_was_called(here: Path) -> None:
    write(here, "import os\ndef f(x):\n    os.chdir('/')\n    return x * x\n")
    done = CliRunner().invoke(app, ["draw", "mine:f", "--shape", "3", "--color", "none", "--out", "graph.dot"])
    assert (done.exit_code, done.stdout.strip(), (here / "graph.dot").exists()) == (0, "graph.dot", True), done.output


@pytest.mark.parametrize("kind", ["a parenthesis that is not closed", "exit with status 0", "endless recursion"])
def test_the_same_in_a_process(kind: str, here: Path) -> None:
    """Where Python itself would have had a status for it, and a traceback."""
    text, says = IMPORTED[kind]
    write(here, text)
    command = [sys.executable, "-W", "error", "-m", "minigrad", "check", "mine:f", "--shape", "3"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("minigrad: ") and says in done.stderr and blamed(text) in done.stderr
    assert done.stderr.count("\n") == 1
