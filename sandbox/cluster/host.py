"""What runs in the actor: it holds one worker, and answers with values, also where something was raised."""

from __future__ import annotations

import logging
import os
import pickle
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from veritune.plugins.errors import PluginError, VerituneError

_log = logging.getLogger("veritune.ray")


def say_in_log(text: str) -> None:
    """To the logger ``veritune.ray``, which Python shows on standard error unless told otherwise."""
    _log.warning(text)


def _alike(facts: Any) -> float:
    return 1.0


@dataclass(frozen=True)
class Plan:
    """What a crew's actors are, and how long it waits for them."""

    purpose: str
    """Names the crew in messages: ``scoring.executor: ray``."""
    make: Callable[..., Any]
    """Makes the worker, on the actor's machine: it has ``answer(…)``, and may have ``about()`` and ``close()``."""
    arguments: tuple[Any, ...] = ()
    actors: int | None = None
    """How many at most; None: one on every machine."""
    cpus: float = 0
    gpus: float = 0
    """What Ray reserves for each."""
    at_once: int = 1
    """Answers that one actor works on at the same time. With 1, they are worked on in its main thread."""
    size: Callable[[Any], float] = _alike
    """How much an actor with these facts (its worker's ``about()``) can do, beside the others."""
    wait_s: float = 300.0
    """Seconds to wait for a first actor, or for the next one when all are lost."""
    settle_s: float = 10.0
    """Seconds that work waits for further actors once there is one."""
    farewell_s: float = 0.0
    """Seconds that a worker has for its ``close()`` when the crew ends."""
    name: str | None = None
    """A name in the cluster: processes that give the same one share the actor."""
    say: Callable[[str], None] = say_in_log
    """Who is told what is waited for and what was lost."""


@dataclass(frozen=True)
class Raised:
    """An exception on the actor."""

    error: BaseException | None
    """As it was raised, where it can travel."""
    text: str
    """``Type: message``."""
    trace: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Raised:
        text = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            return cls(None, text, trace)
        return cls(error, text, trace)

    def raise_here(self, purpose: str) -> None:
        """As if it had been raised in this process; what was not meant for the user is a PluginError with its trace."""
        if isinstance(self.error, VerituneError):
            raise self.error
        raise PluginError(f"{purpose}: an exception on a Ray actor: {self.text}\n{self.trace}".rstrip())


class Host:
    """The actor. ``packed``: the pickled maker of the worker and its arguments; what goes wrong there is told."""

    def __init__(self, packed: bytes) -> None:
        self.worker: Any = None
        self.problem: Raised | None = None
        try:
            make, arguments = pickle.loads(packed)
            self.worker = make(*arguments)
        except BaseException as error:  # SystemExit of a user's module, too
            self.problem = Raised.of(error)

    def about(self) -> tuple[str, str, Any]:
        """Node id, where that is, and what the worker says of itself; or the problem that there is none."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        where = f"{socket.gethostname()} (node {node[:8]}, process {os.getpid()})"
        if self.problem is None:
            try:
                return node, where, self.worker.about() if hasattr(self.worker, "about") else None
            except BaseException as error:
                self.problem = Raised.of(error)
        return node, where, self.problem

    def answer(self, packed: bytes) -> Any:
        """The worker's answer, or what it raised."""
        try:
            return self.worker.answer(*pickle.loads(packed))
        except BaseException as error:  # SystemExit, too: it would end the actor without a word
            return Raised.of(error)

    def close(self) -> None:
        if hasattr(self.worker, "close"):
            self.worker.close()
