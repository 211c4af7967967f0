"""Tests skip, and do not fail, where an optional package is absent; any other fault is still one."""

from __future__ import annotations

from tests.conftest import OPTIONAL, what_is_missing
from veritune.plugins import MissingExtraError


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def test_only_an_optional_package_that_is_absent_excuses_a_failure() -> None:
    absent = next(name for name in ("vllm", "e2b", "trackio", "wandb", *OPTIONAL) if what_is_missing(gone(name)))
    assert what_is_missing(gone(f"{absent}.inner")) == absent
    assert what_is_missing(caused(RuntimeError("no"), gone(absent))) == absent
    assert what_is_missing(MissingExtraError(absent, "extra", "this")) == absent
    assert what_is_missing(gone("pytest")) is None, "installed, and no extra"
    assert what_is_missing(gone("veritune.nothing")) is None, "a fault of ours"
    assert what_is_missing(AssertionError(absent)) is None
    assert what_is_missing(None) is None


def gone(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {name!r}", name=name)
