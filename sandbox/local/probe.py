"""Finds the strongest tier that works here, by starting it and attacking it. Once per process and configuration."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from veritune.sandbox.errors import SandboxUnavailable
from veritune.sandbox.interface import Enforcement, IsolationReport
from veritune.sandbox.local import host, selftest
from veritune.sandbox.local.inside import rootfs
from veritune.sandbox.local.slot import Slot, SlotDied
from veritune.sandbox.local.wire import base_environment

Tier = Literal["namespaces", "confined", "none"]
_HEAVY_NAMES = tuple(dict.fromkeys(name.partition(".")[0] for name in host.HEAVY_MODULES))
TIERS: tuple[Tier, ...] = ("namespaces", "confined", "none")


@dataclass(frozen=True)
class Plan:
    """How slots are started: picklable, hashable, complete."""

    tier: Tier
    interpreter: host.Interpreter
    packages: tuple[str, ...] = ()
    warm: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    landlock: bool = True
    user_namespace: bool = False
    drop_first: bool = False
    use_filter: bool = True

    def wants_heavy(self, source: str) -> bool:
        """Whether a program is better off in the interpreter that has packages and large modules imported."""
        return any(name in source for name in (*_HEAVY_NAMES, *self.packages))

    def start(self, heavy: bool) -> Slot:
        """Start a slot; SlotDied says why it cannot be had."""
        shown, entries = host.package_folders(self.packages)
        if self.interpreter.version != host.own_interpreter().version:
            shown, entries = (), ()  # compiled packages belong to one version of Python
        extra = (*host.HEAVY_MODULES, *(self.packages if shown else ())) if heavy else ()
        scratch = host.fresh_scratch()
        read_only = host.read_only_paths(self.interpreter, shown, self.read_only)
        home = scratch
        if self.tier == "namespaces":
            home = rootfs.SCRATCH if any(path.startswith("/tmp/") for path in read_only) else "/tmp"
        config: dict[str, Any] = {
            "namespaces": self.tier == "namespaces",
            "user_namespace": self.user_namespace,
            "drop_first": self.drop_first,
            "landlock": self.landlock and self.tier != "none",
            "no_filter": not self.use_filter,
            "run_uid": host.fresh_uid() if os.getuid() == 0 else os.getuid(),
            "read_only": read_only,
            "python_path": list(entries),
            "warm": [*host.LIGHT_MODULES, *self.warm, *extra],
            "scratch": scratch,
            "home": home,
            "environment": base_environment(home),
        }
        return Slot(self.interpreter.path, config, heavy)


@dataclass(frozen=True)
class Probe:
    """The tier that was found: how to start it and what it enforces."""

    plan: Plan
    report: IsolationReport
    failures: tuple[str, ...]
    """Why stronger tiers were passed over."""


_found: dict[Any, Probe | SandboxUnavailable] = {}
_lock = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: globals().update(_lock=threading.RLock()))


def find(
    tier: Tier | None,
    python: str | None,
    packages: Sequence[str],
    warm: Sequence[str],
    read_only: Sequence[str],
    landlock: bool,
    allow_unsafe: bool,
) -> Probe:
    """The strongest tier that starts and passes the self-test; SandboxUnavailable says what was tried."""
    key = (os.getuid(), tier, python, tuple(packages), tuple(warm), tuple(read_only), landlock, allow_unsafe)
    with _lock:
        if key not in _found:
            try:
                _found[key] = _search(*key[1:])
            except SandboxUnavailable as error:
                _found[key] = error
        found = _found[key]
    if isinstance(found, SandboxUnavailable):
        raise SandboxUnavailable(str(found))
    return found


def _search(
    tier: Tier | None,
    python: str | None,
    packages: tuple[str, ...],
    warm: tuple[str, ...],
    read_only: tuple[str, ...],
    landlock: bool,
    allow_unsafe: bool,
) -> Probe:
    failures: list[str] = []
    for wanted in TIERS:
        if (tier is not None and wanted != tier) or (wanted == "none" and not allow_unsafe):
            continue
        for plan in _plans(wanted, python, failures):
            plan = replace(plan, packages=packages, warm=warm, read_only=read_only, landlock=landlock)
            try:
                return Probe(plan, _examine(plan), tuple(failures))
            except (SlotDied, OSError) as error:
                how = " (user namespace)" if plan.user_namespace else ""
                failures.append(f"{wanted}{how}: {error}")
    raise SandboxUnavailable(_explain(tier, failures, allow_unsafe))


def _plans(tier: Tier, python: str | None, failures: list[str]) -> list[Plan]:
    """The ways to get a tier, best first."""
    root = os.getuid() == 0
    other_user = root and tier != "none"
    candidates = host.interpreters(python)
    chosen = next((c for c in candidates if host.usable(c, other_user, tier != "namespaces")), None)
    if chosen is None:
        failures.append(
            f"{tier}: programs run as another user, who can read none of the interpreters "
            f"{', '.join(c.path for c in candidates) or python!r}; install a Python under /usr or pass python="
        )
        return []
    plan = Plan(tier, chosen)
    if tier == "namespaces":
        ways = [plan, replace(plan, user_namespace=True, drop_first=True)]
        return ways if root else [replace(plan, user_namespace=True)]
    return [plan] if tier == "confined" else [plan, replace(plan, use_filter=False)]


def _examine(plan: Plan) -> IsolationReport:
    """Start the tier, attack it, and report what held. SlotDied where it is not worth its name."""
    slot = plan.start(heavy=False)
    try:
        landlock = int(slot.facts["landlock"])
        if plan.tier == "confined" and landlock < 1:
            raise SlotDied("the kernel has no Landlock, or it is switched off")
        held = selftest.attack(slot)
        notes = tuple(slot.facts["not_warm"])
    finally:
        slot.close()
    report = _expected(plan, landlock, notes)
    lost = [name for name, ok in held.items() if not ok]
    if lost and plan.tier != "none":
        raise SlotDied(f"the self-test got through: {', '.join(lost)}")
    taken: dict[str, Any] = dict.fromkeys(lost, "none")
    return replace(report, **taken)


def _expected(plan: Plan, landlock: int, notes: tuple[str, ...]) -> IsolationReport:
    """What a tier enforces by construction; the self-test takes away what does not hold."""
    root = os.getuid() == 0
    filtered: Enforcement = "enforced" if plan.use_filter else "none"
    memory_note = "memory: each process by the kernel, the tree's total looked at 40 times a second"
    if plan.tier == "namespaces":
        extra = () if landlock else ("no Landlock behind the namespaces",)
        return _report(plan, "enforced", "enforced", "enforced", "enforced", "enforced", filtered, memory_note, *extra)
    if plan.tier == "confined":
        return _report(
            plan,
            "partial",
            "enforced",
            "enforced",
            "enforced" if root else "partial",
            "enforced",
            filtered,
            memory_note,
            "fs_read: contents are protected, names and sizes of files can be asked for (stat)",
            "fs_write: the scratch folder's total size is watched, not capped by the kernel",
            *(() if root else ("pids: counted together with all of this user's processes",)),
        )
    network: Enforcement = "enforced" if plan.use_filter else "none"
    return _report(plan, "none", "none", network, "partial", "partial", filtered, memory_note)


def _report(
    plan: Plan,
    fs_read: Enforcement,
    fs_write: Enforcement,
    network: Enforcement,
    pids: Enforcement,
    tree_kill: Enforcement,
    kernel_surface: Enforcement,
    *notes: str,
) -> IsolationReport:
    return IsolationReport(
        "local", plan.tier, fs_read, fs_write, network, pids, "partial", tree_kill, kernel_surface, notes
    )


def _explain(tier: Tier | None, failures: list[str], allow_unsafe: bool) -> str:
    tried = "\n".join(f"  - {failure}" for failure in failures) or "  - nothing could be tried"
    what = f"the tier {tier!r}" if tier is not None else "no isolation"
    advice = (
        "Ways out: run on Linux 5.13 or later with user namespaces or Landlock allowed (docker: "
        "--security-opt seccomp=unconfined, or run as root with --cap-add SYS_ADMIN); use another back-end "
        "(bubblewrap, docker, sandbox_fusion, piston, e2b)"
    )
    if not allow_unsafe:
        advice += "; or accept that programs can read and write this machine's files: allow_unsafe=True"
    verb = "is not to be had" if tier is not None else "can be had"
    return f"sandbox 'local': {what} {verb} here.\n{tried}\n{advice}."
