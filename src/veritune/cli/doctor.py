"""``veritune doctor``."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

Line = tuple[str, str, str]
"""What, its state (ok, partial, missing, broken or empty), and more about it."""

CORE = ("pluggy", "pydantic", "PyYAML", "typer", "rich", "math-verify", "sympy", "latex2sympy2_extended", "langdetect")
EXTRAS = {
    "train": ("torch", "transformers", "datasets", "pyarrow", "accelerate", "peft"),
    "trl": ("trl",),
    "lang": ("py3langid",),
    "zh": ("jieba",),
    "judge": ("httpx",),
    "ray": ("ray",),
    "vllm": ("vllm",),
    "report": ("matplotlib",),
    "tensorboard": ("tensorboard",),
    "wandb": ("wandb",),
    "trackio": ("trackio",),
}


def doctor(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Say what is installed, which devices there are, and which optional parts work, and why not."""
    sections = {
        "this machine": machine(),
        "packages": [version_line(package, "") for package in CORE],
        "extras": [version_line(p, extra) for extra, packages in EXTRAS.items() for p in packages],
        "devices": devices(),
        "plugins": plugins(),
        "sandboxes": sandboxes(),
    }
    if json:
        import json as json_module

        rows = {
            title: [dict(zip(("what", "state", "more"), line, strict=True)) for line in lines]
            for title, lines in sections.items()
        }
        typer.echo(json_module.dumps(rows, ensure_ascii=False, indent=2))
        return
    from rich.console import Console

    console = Console(highlight=False)
    for title, lines in sections.items():
        console.print(_table(title, lines or [("none", "", "")]))


def _table(title: str, lines: Iterable[Line]) -> Table:
    from rich.text import Text

    from veritune.cli.tables import plain_table

    styles = {"ok": "green", "partial": "yellow", "missing": "yellow", "broken": "red"}
    table = plain_table(title, "", "", "")
    table.show_header = False
    for what, state, more in lines:
        table.add_row(Text(what), Text(state, style=styles.get(state, "")), Text(more))
    return table


def machine() -> list[Line]:
    """Python, system, cores."""
    from veritune import __version__

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return [
        ("veritune", "ok", __version__),
        ("python", "ok", f"{platform.python_version()} ({sys.executable})"),
        ("system", "ok", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("cores for this process", "ok", str(cores)),
    ]


def version_line(package: str, extra: str) -> Line:
    """Whether a package is installed, in which version, and how to get it."""
    label = f"{package} ({extra})" if extra else package
    try:
        return label, "ok", importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return label, "missing", f"pip install 'veritune{f'[{extra}]' if extra else ''}'"


def devices() -> list[Line]:
    """Accelerators as torch sees them."""
    if importlib.util.find_spec("torch") is None:
        return [("torch", "missing", "training needs it: pip install 'veritune[train]'; rewards do not")]
    try:
        import torch
    except Exception as error:
        return [("torch", "broken", f"does not import: {type(error).__name__}: {error}")]
    lines: list[Line] = []
    for index in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(index)
        capability = f"compute {found.major}.{found.minor}"
        lines.append((f"cuda:{index}", "ok", f"{found.name}, {found.total_memory / 2**30:.0f} GiB, {capability}"))
    if not lines:
        built = torch.version.cuda
        why = "no NVIDIA driver or device is visible" if built else "this torch is built without CUDA"
        lines.append(("cuda", "missing", why))
    if torch.backends.mps.is_available():
        lines.append(("mps", "ok", "Apple GPU"))
    lines.append(("cpu", "ok", f"{torch.get_num_threads()} threads"))
    triton = importlib.util.find_spec("triton") is not None
    lines.append(("triton kernels", *(("ok", "") if triton else ("missing", "plain PyTorch is used instead"))))
    return lines


def plugins() -> list[Line]:
    """Every plugin with how much it brings, and those that did not load."""
    from veritune.plugins import get_manager
    from veritune.plugins.manager import SWITCH

    manager = get_manager()
    hooks = ("rewards", "verifiers", "sandboxes", "presets")
    brought: dict[str, dict[str, list[str]]] = {}
    for hook in hooks:
        for name, (plugin, _) in manager.collect(f"veritune_{hook}").items():
            brought.setdefault(plugin, {}).setdefault(hook, []).append(name)
    lines: list[Line] = []
    for plugin, found in sorted(brought.items()):
        what = "; ".join(f"{hook}: {', '.join(sorted(names))}" for hook, names in found.items())
        lines.append((plugin, "ok", what))
    failures = dict.fromkeys(manager.failures)
    lines += [(f"{failure.plugin} ({failure.distribution})", "broken", failure.error) for failure in failures]
    if os.environ.get(SWITCH):
        lines.append((SWITCH, "", f"limits plugins to {os.environ[SWITCH]!r}"))
    return lines


def sandboxes() -> list[Line]:
    """The sandbox room's own findings, where it offers them."""
    import veritune.sandbox

    examine: Any = getattr(veritune.sandbox, "doctor", None)
    if examine is None:
        return [("sandbox", "missing", "this version runs no programs")]
    return [(row.name, row.status, row.detail) for row in examine()] + [_judge(tier) for tier in _TIERS]


_TIERS = ("namespaces", "confined")


def _judge(tier: str) -> Line:
    """A right and a wrong program through the whole judge: a tier can hold and still have no library to show."""
    from veritune.sandbox.errors import SandboxError
    from veritune.sandbox.local.backend import LocalSandbox
    from veritune.verifiers.code.judge import proven

    with LocalSandbox(tier=tier, workers=2) as sandbox:
        try:
            proven(sandbox).report()
        except SandboxError as error:
            return (f"code judge, tier {tier}", "missing", str(error).splitlines()[0])
    return (f"code judge, tier {tier}", "ok", "a right program passes, a wrong one does not")
