"""What the server counts, in Prometheus' text format (version 0.0.4)."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds of a request."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters of one server process. Labels come from the server's own names, never from a request."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.samples: Counter[str] = Counter()
        self.components: Counter[tuple[str, str]] = Counter()
        self.values: dict[str, float] = {}
        self.refused: Counter[str] = Counter()
        self.repeats = 0
        self.held = 0
        self.remembered = 0
        self._seconds = [0] * (len(BUCKETS) + 1)
        self._total = 0.0
        self._begun = time.time()

    def request(self, path: str, status: int, seconds: float) -> None:
        """A request that was answered."""
        self.requests[path, status] += 1
        self._seconds[bisect_left(BUCKETS, seconds)] += 1
        self._total += seconds

    def scored(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Results that were handed out, as :func:`veritune.serve.wire.result_of` makes them."""
        for result in results:
            self.samples[result["cause"] or "decided"] += 1
            for alias, part in result["components"].items():
                self.components[alias, part["cause"] or "decided"] += 1
                if part["value"] is not None:
                    self.values[alias] = self.values.get(alias, 0.0) + part["value"]

    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _family("requests_total", "counter", "Requests by path and status")
        for (path, status), count in sorted(self.requests.items()):
            yield f'veritune_requests_total{{path="{_label(path)}",status="{status}"}} {count}'
        yield from _family("request_seconds", "histogram", "From the request's head to its answer")
        below = 0
        for bound, count in zip((*BUCKETS, "+Inf"), self._seconds, strict=True):
            below += count
            yield f'veritune_request_seconds_bucket{{le="{bound}"}} {below}'
        yield f"veritune_request_seconds_sum {self._total:.6f}"
        yield f"veritune_request_seconds_count {below}"
        yield from _family("samples_total", "counter", "Samples by outcome: decided, or the cause that they are not")
        for outcome, count in sorted(self.samples.items()):
            yield f'veritune_samples_total{{outcome="{_label(outcome)}"}} {count}'
        yield from _family("component_total", "counter", "Scores of a reward by outcome")
        for (alias, outcome), count in sorted(self.components.items()):
            yield f'veritune_component_total{{reward="{_label(alias)}",outcome="{_label(outcome)}"}} {count}'
        yield from _family("component_value_sum", "gauge", "Sum of a reward's values; over decided scores, the mean")
        for alias, total in sorted(self.values.items()):
            yield f'veritune_component_value_sum{{reward="{_label(alias)}"}} {total:.9g}'
        yield from _family("refused_total", "counter", "Requests refused, by reason")
        for code, count in sorted(self.refused.items()):
            yield f'veritune_refused_total{{code="{_label(code)}"}} {count}'
        for name, kind, told, value in (
            ("repeats_total", "counter", "Requests answered from memory", self.repeats),
            ("samples_held", "gauge", "Samples accepted and not answered", self.held),
            ("remembered_bytes", "gauge", "Answers kept for requests that are sent again", self.remembered),
            ("resident_bytes", "gauge", "Memory of the server process", resident_bytes()),
            ("start_time_seconds", "gauge", "When it started, since the epoch", round(self._begun, 3)),
        ):
            yield from _family(name, kind, told)
            yield f"veritune_{name} {value}"


def resident_bytes(process: int | str = "self") -> int:
    """The memory that a process holds, 0 where the system does not tell."""
    try:
        with open(f"/proc/{process}/statm", encoding="ascii") as pages:
            return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _family(name: str, kind: str, told: str) -> Iterator[str]:
    yield f"# HELP veritune_{name} {told}."
    yield f"# TYPE veritune_{name} {kind}"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
