"""The peers, each imported from its installed package or from the one file that is needed; None where absent."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import types
from typing import Any


def trl(name: str) -> Any:
    """A module of trl/kernels, loaded from its file: importing trl itself needs `datasets` and more."""
    found = importlib.util.find_spec("trl")
    if found is None or not found.submodule_search_locations:
        return None
    path = f"{next(iter(found.submodule_search_locations))}/kernels/{name}.py"
    had = {key: sys.modules.get(key) for key in ("transformers", "transformers.utils")}
    parents = ("trl_files", "trl_files.kernels", "trl_files.trainer", "trl_files.trainer.utils")
    for key in (*had, *parents):
        sys.modules[key] = types.ModuleType(key)
        sys.modules[key].__path__ = []
    sys.modules["transformers.utils"].is_triton_available = lambda: True  # type: ignore[attr-defined]
    # What the files take from the rest of TRL: the context that gathers a sharded head, which does nothing here.
    gather = lambda *_: contextlib.nullcontext()  # noqa: E731
    sys.modules["trl_files.trainer.utils"].maybe_gather_lm_head_ctx = gather  # type: ignore[attr-defined]
    try:
        spec = importlib.util.spec_from_file_location(f"trl_files.kernels.{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module
    except (ImportError, OSError):
        return None
    finally:
        for key, module_before in had.items():
            if module_before is None:
                sys.modules.pop(key, None)
            else:
                sys.modules[key] = module_before


def module(name: str) -> Any:
    """Any other peer's module, None when it cannot be imported."""
    try:
        return importlib.import_module(name)
    except Exception as problem:
        print(f"  no {name}: {type(problem).__name__}: {problem}", flush=True)
        return None


def versions() -> dict[str, str]:
    """Versions of the peers that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("trl", "liger_kernel", "cut-cross-entropy", "quack-kernels", "nvidia-cutlass-dsl"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found
