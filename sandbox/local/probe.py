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
Way = Literal["other", "mapped", "dropped", "own"]
"""Whom programs run as. ``other``: root becomes a user of its own for each slot. ``mapped``: the same inside a user
namespace that has both (root without CAP_SYS_ADMIN). ``dropped``: it becomes that user before the namespace is made.
``own``: the caller's user."""
_INSIDE = 1000
_landlock_at_most: int | None = None
"""Set by tests that act as an older kernel."""
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
    way: Way = "own"
    use_filter: bool = True
    landlock_at_most: int | None = None
    """Act as on a kernel with this version of Landlock (for tests)."""

    @property
    def other_user(self) -> bool:
        """Whether programs run as somebody else than the caller."""
        return self.way in ("other", "mapped", "dropped")

    @property
    def open_parents(self) -> bool:
        """Whether what programs read must lie in folders that their user may enter: nobody shows it to them."""
        return self.tier != "namespaces" or self.way == "dropped"

    def readable(self, path: str, below: str = "/") -> bool:
        """Whether programs can read a file of this machine, if it is among those that are shown."""
        return host.readable(path, self.other_user, self.open_parents, below)

    def wants_heavy(self, source: str) -> bool:
        """Whether a program is better off in the interpreter that has packages and large modules imported."""
        return any(name in source for name in (*_HEAVY_NAMES, *self.packages))

    def start(self, heavy: bool) -> Slot:
        """Start a slot; SlotDied says why it cannot be had."""
        shown, entries, hidden = self.shown_packages()
        warm = [name for name in self.packages if name not in hidden]
        extra = (*host.HEAVY_MODULES, *(warm if shown else ())) if heavy else ()
        read_only = host.read_only_paths(self.interpreter, shown, self.read_only)
        if self.tier == "namespaces":
            scratch = ""
            home = rootfs.SCRATCH if any(path.startswith("/tmp/") for path in read_only) else "/tmp"
        else:
            scratch = home = host.fresh_scratch()
        config: dict[str, Any] = {
            "namespaces": self.tier == "namespaces",
            **self._identity(),
            "landlock": self.landlock and self.tier != "none",
            "landlock_at_most": self.landlock_at_most,
            "no_filter": not self.use_filter,
            "read_only": read_only,
            "python_path": list(entries),
            "warm": [*host.LIGHT_MODULES, *self.warm, *extra],
            "scratch": scratch,
            "home": home,
            "environment": base_environment(home),
        }
        return Slot(self.interpreter.path, config, heavy)

    def shown_packages(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """(what to show, entries of ``sys.path``, packages that are installed and cannot be shown to programs)."""
        if self.interpreter.version != host.own_interpreter().version:
            return (), (), tuple(self.packages)  # compiled packages belong to one version of Python
        hidden = tuple(name for name in self.packages if not all(map(self.readable, host.package_folders((name,))[0])))
        shown, entries = host.package_folders(name for name in self.packages if name not in hidden)
        return shown, entries, hidden

    def _identity(self) -> dict[str, Any]:
        """Whom programs run as. ``become``: the id that each of them takes on, as the warm interpreter sees it."""
        own = os.getuid()
        uid = host.fresh_uid() if self.other_user else own
        maps = {"mapped": [[0, own], [_INSIDE, uid]], "dropped": [[_INSIDE, uid]], "own": [[_INSIDE, own]]}
        return {
            "map": maps.get(self.way) if self.tier == "namespaces" else None,
            "become": {"other": uid, "mapped": _INSIDE}.get(self.way),
            "drop_to": uid if self.way == "dropped" else None,
        }


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
            plan = replace(plan, landlock_at_most=_landlock_at_most)
            try:
                return Probe(plan, _examine(plan), tuple(failures))
            except (SlotDied, OSError) as error:
                failures.append(f"{wanted}{_HOW[plan.way] if wanted == 'namespaces' else ''}: {error}")
    raise SandboxUnavailable(_explain(tier, failures, allow_unsafe))


_HOW = {
    "other": "",
    "mapped": " (user namespace of two ids)",
    "dropped": " (user namespace of another user)",
    "own": " (user namespace)",
}


def _ways(tier: Tier) -> list[Way]:
    """Whom programs may run as in a tier, best first."""
    if os.getuid() != 0 or tier == "none" or not host.can_become_others():
        return ["own"]
    return ["other", "mapped", "dropped"] if tier == "namespaces" else ["other"]


def _plans(tier: Tier, python: str | None, failures: list[str]) -> list[Plan]:
    """The ways to get a tier, best first, each with an interpreter that its programs can read."""
    candidates = host.interpreters(python)
    plans = []
    for way in _ways(tier):
        for candidate in candidates:
            plan = Plan(tier, candidate, way=way)
            if host.usable(candidate, plan.other_user and tier != "none", plan.open_parents):
                plans.append(plan)
                break
        else:
            failures.append(
                f"{tier}{_HOW[way]}: programs run as another user, who can read none of the interpreters "
                f"{', '.join(c.path for c in candidates) or repr(python)}; install a Python under /usr or pass python="
            )
    return [each for plan in plans for each in (plan, replace(plan, use_filter=False))] if tier == "none" else plans


def _examine(plan: Plan) -> IsolationReport:
    """Start the tier, attack it, and report what held. SlotDied where it is not worth its name."""
    slot = plan.start(heavy=False)
    try:
        landlock = int(slot.facts["landlock"])
        if plan.tier == "confined" and landlock < 1:
            raise SlotDied("the kernel has no Landlock, or it is switched off")
        held = selftest.attack(slot)
        notes = (*slot.facts["not_warm"], *_unseen(plan))
    finally:
        slot.close()
    report = _expected(plan, landlock, notes)
    lost = [name for name, ok in held.items() if not ok]
    if lost and plan.tier != "none":
        raise SlotDied(f"the self-test got through: {', '.join(lost)}")
    taken: dict[str, Any] = dict.fromkeys(lost, "none")
    return replace(report, **taken)


def _unseen(plan: Plan) -> list[str]:
    """Packages that are installed and that programs ask for in vain."""
    hidden = [name for name in plan.shown_packages()[2] if host.package_folders((name,))[0]]
    why = "the programs' user cannot read them, or they belong to another Python"
    return [f"not to be imported by programs: {', '.join(hidden)} ({why})"] if hidden else []


def _expected(plan: Plan, landlock: int, notes: tuple[str, ...]) -> IsolationReport:
    """What a tier enforces by construction; the self-test takes away what does not hold."""
    other = plan.other_user
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
            "enforced" if other else "partial",
            "enforced",
            filtered,
            memory_note,
            "fs_read: contents are protected, names and sizes of files can be asked for (stat)",
            "fs_write: the scratch folder's total size is watched, not capped by the kernel",
            f"fs_write: Landlock {landlock} does not govern modes, owners and times"
            f"{'' if landlock >= 3 else ' nor truncation'}: the filter refuses them for all files",
            *(() if other else ("pids: counted together with all of this user's processes",)),
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
