"""Names that are imported when they are first asked for. (What `import minigrad` loads is in test_house.py.)"""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from minigrad.lazy import later, shown_by


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("a_package")
    monkeypatch.setitem(sys.modules, "a_package", module)
    module.__getattr__, module.__dir__ = later("a_package", sqrt="math", tau="math")  # type: ignore[method-assign]
    return module


def test_a_name_is_fetched_once_and_then_is_an_ordinary_one(package: ModuleType) -> None:
    assert "sqrt" not in vars(package)
    assert package.sqrt(4.0) == 2.0
    assert "sqrt" in vars(package)


def test_names_to_come_are_listed(package: ModuleType) -> None:
    assert {"sqrt", "tau"} <= set(dir(package))
    assert "tau" not in vars(package)


def test_other_names_are_missed_as_always(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="module 'a_package' has no attribute 'cosh'"):
        package.cosh  # noqa: B018
    assert not hasattr(package, "cosh")


def test_what_shows_an_object_is_imported_when_it_is_shown() -> None:
    shown = shown_by("operator", "neg")
    assert shown(3, include=None, exclude=None) == -3
    with pytest.raises(ModuleNotFoundError):
        shown_by("no_such_module", "f")(3)
