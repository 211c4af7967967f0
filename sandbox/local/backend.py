"""The ``local`` sandbox: programs in warm interpreters behind the strongest isolation that this kernel grants."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import socket
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from veritune.plugins.errors import ConfigError
from veritune.sandbox import interruption, languages
from veritune.sandbox.errors import LanguageUnavailable, SandboxCrashed
from veritune.sandbox.interface import (
    CompileOutcome,
    IsolationReport,
    Job,
    Limits,
    Linked,
    Outcome,
    Program,
    Sandbox,
    Session,
)
from veritune.sandbox.languages import Language, Toolchain
from veritune.sandbox.local import compiler, probe
from veritune.sandbox.local.compiler import CompileCache, Compiled
from veritune.sandbox.local.pool import Pool
from veritune.sandbox.local.prepared import Prepared, checked, is_broken, was_killed, with_inputs
from veritune.sandbox.local.slot import Result, Slot, SlotDied, wait_any
from veritune.sandbox.local.wire import Step, checked_files, encoded, reopen_read_only

T = TypeVar("T")

_PARTNER_GRACE_S = 0.1
"""How long the first program of a pair may take to end once the second has."""
_PROGRAM_GRACE_S = 2.0
"""The same, where the second is an interactor: programs end by themselves once they have read its last word."""
_ATTEMPTS = 4
_BAD_NAME = (errno.ENAMETOOLONG, errno.EILSEQ)
_COMPILER_MESSAGES = 64 << 10


class LocalSandbox(Sandbox):
    """Programs on this machine, with nothing installed but Python and a Linux kernel.

    - ``tier``: insist on ``"namespaces"``, ``"confined"`` or ``"none"``; by default the strongest that works.
    - ``workers``: jobs at a time; by default one per CPU that this process may use.
    - ``packages``: installed packages that programs may import; they are imported beforehand, so that they cost
      nothing. ``warm``: further modules of the standard library to import beforehand.
    - ``read_only``: further files and folders that programs may read. ``python``: another interpreter.
    - ``allow_unsafe``: run even where nothing can be enforced. Every outcome then says so.

    Nothing starts before the first use. SandboxUnavailable, then, where the isolation asked for is not to be had.
    """

    name = "local"

    def __init__(
        self,
        *,
        tier: str | None = None,
        workers: int | None = None,
        packages: Sequence[str] = ("numpy",),
        warm: Sequence[str] = (),
        read_only: Sequence[str] = (),
        python: str | None = None,
        landlock: bool = True,
        allow_unsafe: bool = False,
    ) -> None:
        if tier is not None and tier not in probe.TIERS:
            raise ConfigError(f"tier must be one of {', '.join(probe.TIERS)}, got {tier!r}")
        if workers is not None and workers < 1:
            raise ConfigError(f"workers must be at least 1, got {workers!r}")
        self._options: dict[str, Any] = {
            "tier": tier,
            "workers": workers,
            "packages": tuple(packages),
            "warm": tuple(warm),
            "read_only": tuple(read_only),
            "python": python,
            "landlock": landlock,
            "allow_unsafe": allow_unsafe,
        }
        self.workers = workers or len(os.sched_getaffinity(0))
        self._pool = Pool(self._start_slot, self.workers)
        self._cache = CompileCache()
        self._finalizer = weakref.finalize(self, _close, self._pool, self._cache, os.getpid())

    def __reduce__(self) -> tuple[Callable[..., LocalSandbox], tuple[dict[str, Any]]]:
        return _rebuild, (self._options,)

    def _probe(self) -> probe.Probe:
        return probe.find(**{name: value for name, value in self._options.items() if name != "workers"})

    def _start_slot(self, heavy: bool) -> Slot:
        return self._probe().plan.start(heavy)

    def report(self) -> IsolationReport:
        return self._probe().report

    def passed_over(self) -> tuple[str, ...]:
        """Why stronger tiers than the one in force could not be had."""
        return self._probe().failures

    def languages(self) -> dict[str, str]:
        found = {"python": self._probe().plan.interpreter.path}
        for name, path in languages.available().items():
            with contextlib.suppress(LanguageUnavailable):
                self._toolchain(name)
                found[name] = path
        return found

    def _toolchain(self, name: str) -> Toolchain:
        """A language's tools, if the programs' user can execute them."""
        chain = languages.toolchain(name)
        plan = self._probe().plan
        for tool in chain.tools.values():
            if not plan.readable(tool, below=os.path.dirname(os.path.dirname(tool))):
                raise LanguageUnavailable(
                    f"{name} programs need {tool}, which the user that programs run as cannot read in the tier "
                    f"{plan.tier!r}; install it under /usr"
                )
        return chain

    @property
    def can_link(self) -> bool:
        return True

    def run(
        self,
        program: Program,
        stdin: bytes | str = b"",
        files: Mapping[str, bytes | str] | None = None,
        limits: Limits | None = None,
    ) -> Outcome:
        job = Job(program, stdin, files or {}, limits or Limits())
        report = self.report()
        with self._pool.place():
            prepared = self._prepare(job)
            if isinstance(prepared, Outcome):
                return prepared
            with prepared:
                result = self._run_surely(lambda: self._run_alone(prepared.step, job.limits))
                return prepared.outcome(result, report)

    def run_linked(self, pair: Linked) -> tuple[Outcome, Outcome]:
        report = self.report()
        with self._pool.place():
            first, second = self._prepare(pair.first), self._prepare(pair.second)
            if isinstance(first, Outcome) or isinstance(second, Outcome):
                never = _never_ran(report)
                return (
                    first if isinstance(first, Outcome) else never,
                    second if isinstance(second, Outcome) else never,
                )
            with first, second:
                one, two = self._retry(lambda: self._run_pair(first.step, second.step, pair))
                if was_killed(one) or was_killed(two):
                    one, two = self._retry(lambda: self._run_pair(first.step, second.step, pair))
                return first.outcome(one, report), second.outcome(two, report)

    def open_session(
        self,
        program: Program,
        stdin: bytes | str = b"",
        files: Mapping[str, bytes | str] | None = None,
        limits: Limits | None = None,
        channel: socket.socket | None = None,
    ) -> Session:
        prepared = self._prepare(Job(program, stdin, files or {}, limits or Limits()))
        if isinstance(prepared, Outcome):
            return _EndedSession(prepared)
        ours: socket.socket | None = None
        theirs = channel
        if theirs is None:
            ours, theirs = socket.socketpair()
        prepared.step.channel = theirs.fileno()
        try:
            slot = self._retry(lambda: self._started(prepared.step))
        except BaseException:
            prepared.close()
            if ours is not None:
                ours.close()
            raise
        finally:
            if ours is not None:
                theirs.close()
        return _LocalSession(self._pool, slot, prepared, self.report(), ours)

    def close(self) -> None:
        self._finalizer()

    def _started(self, step: Step) -> Slot:
        interruption.check()
        slot = self._pool.take(step.heavy, step.role)
        try:
            slot.start(step)
        except BaseException:
            self._pool.discard(slot)
            raise
        return slot

    def _retry(self, attempt: Callable[[], T]) -> T:
        """Again where a slot died under the job (killed, out of memory): the job is not to blame."""
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(SlotDied):
                return attempt()
        try:
            return attempt()
        except SlotDied as error:
            raise SandboxCrashed(f"the sandbox's process died {_ATTEMPTS} times under one job: {error}") from error

    def _run_surely(self, attempt: Callable[[], Result], compiles: bool = False) -> Result:
        """As ``_retry``, and once more where the run itself was killed, maybe by somebody else.

        A compiler is ours: it is tried a few times, and where it was killed each time nothing is known of the program.
        (What it only *says* of a killed part may be the source's own words: that counts as a compile error in the end.)
        """
        result = self._retry(attempt)
        for _ in range(_ATTEMPTS if compiles else 1):
            if not was_killed(result, compiles):
                return result
            if result.collected is not None:
                os.close(result.collected)
            result = self._retry(attempt)
        if compiles and was_killed(result):
            raise SandboxCrashed(f"the compiler was killed {_ATTEMPTS + 1} times: is the machine out of memory?")
        return result

    def _run_alone(self, step: Step, limits: Limits) -> Result:
        slot = self._started(step)
        return self._finish(slot, limits)

    def _finish(self, slot: Slot, limits: Limits) -> Result:
        try:
            with interruption.cancelling(slot.cancel):
                result = slot.finish(int(limits.output_kb * 1024))
        except BaseException:
            self._pool.discard(slot)
            raise
        if is_broken(result.answer):
            self._pool.discard(slot)
            raise SlotDied(result.answer["setup_error"])
        self._pool.give_back(slot)
        return result

    def _run_pair(self, first: Step, second: Step, pair: Linked) -> tuple[Result, Result]:
        grace = _PARTNER_GRACE_S if pair.by == "channel" else _PROGRAM_GRACE_S
        # Where both idle it is the program that is ended, so that the tests can say how far it came.
        second.limits = dataclasses.replace(second.limits, idle_s=max(second.limits.idle, first.limits.idle + 2))
        with _joined(first, second, pair.by):
            one = self._started(first)
            try:
                two = self._started(second)
            except BaseException:
                self._pool.discard(one)
                raise
        try:
            with interruption.cancelling(one.cancel), interruption.cancelling(two.cancel):
                ended = wait_any([one, two], second.limits.patience + grace)
            if one not in ended and not wait_any([one], grace):
                one.cancel()  # nobody listens to it any more
        except BaseException:
            self._pool.discard(one)
            self._pool.discard(two)
            raise
        try:
            second_result = self._finish(two, pair.second.limits)
        except BaseException:
            self._pool.discard(one)
            raise
        return self._finish(one, pair.first.limits), second_result

    def _prepare(self, job: Job) -> Prepared | Outcome:
        """The step to run a job, compiled if need be, or the outcome that says that it does not compile."""
        language = languages.find_language(job.program.language)
        stdin, files = encoded(job.stdin), checked_files(job.files)
        source = job.program.source
        by_name = "/dev/" in source
        if language.name == "python":
            step = Step(
                job.limits,
                source=encoded(source),
                arguments=job.program.args,
                python=True,
                support=job.program.support,
                heavy=self._probe().plan.wants_heavy(source),
            )
            return Prepared(with_inputs(step, stdin, files, by_name), job, language, None, None)
        chain = self._toolchain(language.name)
        compiled: Compiled | None = None
        if language.compile:
            compiled = self._compile(language, chain, job)
            if not compiled.outcome.ok:
                return dataclasses.replace(_never_ran(self.report()), compiled=compiled.outcome)
        artifact = compiled.artifact if compiled is not None else None
        step = compiler.run_step(language, chain, source, job.program.args, job.limits, artifact)
        outcome = compiled.outcome if compiled is not None else None
        return Prepared(with_inputs(step, stdin, files, by_name), job, language, outcome, artifact)

    def _compile(self, language: Language, chain: Toolchain, job: Job) -> Compiled:
        """The program compiled by the first standard that takes it; where none does, what the first one said."""
        program, limits = job.program, job.limits
        first: Compiled | None = None
        for standard in language.standards_for(program.language):
            step = compiler.compile_step(language, chain, program, limits, standard)
            made = self._cache.get(step, lambda step=step: self._compile_now(step, limits))  # type: ignore[misc]
            if made.outcome.ok or made.outcome.limit_hit is not None:
                return made
            first = first or made
        assert first is not None
        return first

    def _compile_now(self, step: Step, limits: Limits) -> Compiled:
        result = self._run_surely(lambda: self._run_alone(step, limits), compiles=True)
        if result.answer.get("errno") in _BAD_NAME:  # a class name that no file can have
            return Compiled(CompileOutcome(ok=False, messages=result.stderr[:_COMPILER_MESSAGES]), None)
        answer = checked(result)
        outcome = CompileOutcome(
            ok=answer["limit"] is None and result.collected is not None,
            messages=(result.stderr + result.stdout)[:_COMPILER_MESSAGES],
            limit_hit=answer["limit"],
            starved=answer["starved"],
            cpu_s=answer["cpu_s"],
            wall_s=answer["wall_s"],
        )
        if result.collected is None:
            return Compiled(outcome, None)
        size = os.fstat(result.collected).st_size
        return Compiled(outcome, reopen_read_only(result.collected), size)


@contextlib.contextmanager
def _joined(first: Step, second: Step, by: str) -> Iterator[None]:
    """Both steps with their ends of what joins them; our copies are closed once both have started."""
    if by == "channel":
        ends = [end.detach() for end in socket.socketpair()]
        first.channel, second.channel = ends
    else:
        ends = [*os.pipe2(os.O_CLOEXEC), *os.pipe2(os.O_CLOEXEC)]
        first.pipes, second.pipes = (ends[0], ends[3]), (ends[2], ends[1])
        first.by_name = second.by_name = False
    pulse = os.memfd_create("pulse", 1)
    first.pulse, second.pulse = (pulse, 0), (pulse, 1)
    try:
        yield
    finally:
        for end in (*ends, pulse):
            os.close(end)


def _never_ran(report: IsolationReport) -> Outcome:
    return Outcome(None, None, b"", b"", report)


class _LocalSession(Session):
    def __init__(
        self, pool: Pool, slot: Slot, prepared: Prepared, report: IsolationReport, channel: socket.socket | None
    ) -> None:
        self.channel = channel
        self._pool = pool
        self._slot: Slot | None = slot
        self._prepared = prepared
        self._report = report
        self._outcome: Outcome | None = None

    def wait(self) -> Outcome:
        if self._outcome is not None:
            return self._outcome
        if self._slot is None:
            raise SandboxCrashed("this session was closed, or its sandbox died")
        slot, self._slot = self._slot, None
        try:
            result = slot.finish(int(self._prepared.job.limits.output_kb * 1024))
        except SlotDied as error:
            self._pool.discard(slot)
            raise SandboxCrashed(f"the sandbox's process died under a session: {error}") from error
        except BaseException:
            self._pool.discard(slot)
            raise
        finally:
            self._prepared.close()
        self._pool.give_back(slot)
        self._outcome = self._prepared.outcome(result, self._report)
        return self._outcome

    def cancel(self) -> None:
        if self._slot is not None:
            self._slot.cancel()

    def close(self) -> None:
        if self.channel is not None:
            self.channel.close()
        if self._slot is not None:
            self.cancel()
            self.wait()


class _EndedSession(Session):
    """A program that did not compile."""

    channel = None

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def wait(self) -> Outcome:
        return self._outcome

    def cancel(self) -> None:
        return None

    def close(self) -> None:
        return None


def _rebuild(options: dict[str, Any]) -> LocalSandbox:
    return LocalSandbox(**options)


def _close(pool: Pool, cache: CompileCache, owner: int) -> None:
    if os.getpid() == owner:
        pool.close()
        cache.close()


_shared: LocalSandbox | None = None
_shared_lock = threading.Lock()


def shared() -> LocalSandbox:
    """The process's common instance with default options."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = LocalSandbox()
        return _shared
