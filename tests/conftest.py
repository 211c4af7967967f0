"""Shared by all tests: where the real data lives, and a path without the repository's root on it."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import re
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

ROOT = Path(__file__).resolve().parent.parent
# The root's kernels/ and verifiers/ would shadow packages of the same name (Hugging Face's kernels among them).
sys.path[:] = [p for p in sys.path if os.path.realpath(p or os.getcwd()) != str(ROOT)]

SHARED = ROOT.parent / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no worker is alone with one at the end.

    Tests marked ``gpu`` are skipped, with the reason, where there is no CUDA device.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)
    marked = [item for item in items if item.get_closest_marker("gpu") is not None]
    if not marked:
        return
    try:
        import torch

        missing = None if torch.cuda.is_available() else "needs a CUDA device"
    except ImportError:
        missing = "needs torch and a CUDA device"
    if missing is not None:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=missing))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is there by now stays: a full collection need not look at nine thousand tests and every library again.

    Without this a third of the tests' time goes into collections, of 0.4 s each.
    """
    gc.collect()
    gc.freeze()


OPTIONAL = {
    *("torch", "transformers", "datasets", "accelerate", "peft", "trl", "ray", "vllm", "triton", "bitsandbytes"),
    *("numpy", "pandas", "pyarrow", "tokenizers", "safetensors", "matplotlib", "tensorboard", "wandb", "trackio"),
    *(
        "httpx",
        "starlette",
        "uvicorn",
        "httptools",
        "e2b",
        "jieba",
        "py3langid",
        "hypothesis",
        "xdist",
        "build",
        "setuptools",
        "tomli",
        "cloudpickle",
    ),
}
"""What only extras bring, or packages of theirs."""


def what_is_missing(error: BaseException | None) -> str | None:
    """The optional package for want of which something failed; None where it is installed, or another fault."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        given = getattr(error, "args_for_pickle", ())  # of our MissingExtraError: package, extra, purpose
        name = str(getattr(error, "name", None) or (given[0] if isinstance(error, ImportError) and given else ""))
        top = name.partition(".")[0]
        if isinstance(error, ImportError) and top in OPTIONAL and importlib.util.find_spec(top) is None:
            return top
        error = error.__cause__ or error.__context__
    return None


SAID = re.compile(r"needs (\w+), which is not installed")


@pytest.fixture(autouse=True, scope="session")
def _commands_skip_too() -> Generator[None, None, None]:
    """A command that says which optional package it lacks skips its test, too."""
    invoke = CliRunner.invoke

    def or_skip(self: CliRunner, *arguments: Any, **options: Any) -> Result:
        result = invoke(self, *arguments, **options)
        said = SAID.search(result.output)
        if said and what_is_missing(ModuleNotFoundError(name=said[1])):
            pytest.skip(f"needs {said[1]}")
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CliRunner, "invoke", or_skip)
        yield


class OptionalModule(pytest.Module):
    """A module of tests that is skipped, with the reason, where an optional package that it imports is absent."""

    def _getobj(self) -> Any:
        try:
            return super()._getobj()  # type: ignore[no-untyped-call]
        except self.CollectError as error:
            if missing := what_is_missing(error):
                for name, module in list(sys.modules.items()):  # half imported: who imports from it would find a half
                    if getattr(module, "__file__", None) == str(self.path):
                        del sys.modules[name]
                pytest.skip(f"needs {missing}", allow_module_level=True)
            raise


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    return OptionalModule.from_parent(parent, path=module_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _skipping_what_is_missing())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _skipping_what_is_missing())


def _skipping_what_is_missing() -> Generator[None, object, object]:
    """A test that fails for want of an optional package is skipped: with everything installed none is."""
    try:
        return (yield)
    except Exception as error:
        if missing := what_is_missing(error):
            pytest.skip(f"needs {missing}")
        raise


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data; the test is skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"needs the data folder {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def shared_rows(shared: Path) -> Callable[[str], list[dict[str, Any]]]:
    """Rows of a JSONL file under shared/data."""

    def read(name: str) -> list[dict[str, Any]]:
        path = shared / "data" / name
        if not path.is_file():
            pytest.skip(f"needs {path}")
        with path.open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    return read
