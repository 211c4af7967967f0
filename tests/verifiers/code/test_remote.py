"""The same judge through a service: calls are judged, and a service that is away costs its samples only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox import services
from veritune.plugins import Cause, Sample, get_reward
from veritune.plugins.registry import get_sandbox
from veritune.sandbox import JobRefused, Program, SandboxCrashed, SandboxUnavailable, default_sandbox
from veritune.sandbox.external import http
from veritune.verifiers.code import CodeVerifier

ROW = {"entry_point": "f", "tests": [[[1], 2], [[2], 4], [[[3]], [6]], [["a"], {"a": [1.5, None]}]]}
RIGHT = "def f(x):\n    return {'a': (1.5, None)} if x == 'a' else [2 * x[0]] if isinstance(x, list) else 2 * x"
CALLS = {
    "right": (RIGHT, 1.0),
    "a method of Solution": ("class Solution:\n    def f(self, x):\n    " + RIGHT.partition("\n")[2], 1.0),
    "generators": (RIGHT.replace("[2 * x[0]]", "(v for v in [2 * x[0]])"), 1.0),
    "prints much": ("print('x' * 100)\n" + RIGHT.replace("return", "print(x); return"), 1.0),
    "one of four": ("def f(x): return 2", 0.25),
    "raises": ("def f(x): return 2 * x if x != 2 else 1 // 0", 0.25),
    "ends the process": ("import os\n" + RIGHT.replace("return", "x == 2 and os._exit(0); return"), 0.75),
    "does not load": ("def f(x", 0.0),
    "no such function": ("def g(x): return 2 * x", 0.0),
    "returns its own class": ("class L(int):\n    __eq__ = lambda *a: True\ndef f(x): return L(9)", 0.0),
    "an object equal to everything": ("class L:\n    __eq__ = lambda *a: True\ndef f(x): return L()", 0.0),
    "forges findings": ("import os\ndef f(x):\n    os.write(1, b'\\n' + b'0' * 32 + b' {}\\n'); os._exit(0)", 0.0),
    "runs for ever on one": (RIGHT.replace("return", "\n    while x == 2: pass\n    return"), 0.75),
}  # fmt: skip


@pytest.fixture(params=["sandbox_fusion", "piston"])
def remote(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    answer: Callable[..., Any] = services.fusion if request.param == "sandbox_fusion" else services.piston
    service = services.Service(answer(default_sandbox()))
    yield {"name": request.param, "url": service.url + ("/api/v2" if request.param == "piston" else "")}
    service.close()


def test_calls_are_judged_where_programs_cannot_be_joined(remote: dict[str, Any]) -> None:
    verifier = CodeVerifier(sandbox=remote, limits={"cpu_s": 1, "wall_s": 3})
    found = verifier.verify_batch([(f"```python\n{code}\n```", ROW) for code, _ in CALLS.values()])
    scores = {about: verdict.score for about, verdict in zip(CALLS, found, strict=True)}
    assert scores == {about: score for about, (_, score) in CALLS.items()}, [v.reason for v in found]
    assert found[0].evidence["judge"] == "lifted"
    assert found[0].evidence["tamperable"] is False


def test_what_a_service_cannot_carry_is_undecided_and_says_why(remote: dict[str, Any]) -> None:
    row = {"test": "def check(candidate):\n    assert candidate(1) == 2", "entry_point": "f", "prompt": ""}
    verdict = CodeVerifier(sandbox=remote).verify("```python\ndef f(x): return 2\n```", row)
    assert (verdict.correct, verdict.cause) == (None, Cause.ABSTAIN)
    assert "same-process" in verdict.reason
    interactive = {"tests": [{"input": "1"}], "interactor": "pass"}
    verdict = CodeVerifier(sandbox=remote).verify("```python\nprint(1)\n```", interactive)
    assert verdict.cause is Cause.ABSTAIN
    with pytest.raises(JobRefused):
        get_sandbox(**remote).run(Program("cpp", "int main() {}", units={"a.h": ""}))


class Flaky:
    """A service that fails in the ways that services do, for the requests whose turn it is."""

    def __init__(self, failing: Callable[[int], int | None]) -> None:
        self.answer = services.fusion(default_sandbox())
        self.failing = failing
        self.count = 0
        self.lock = threading.Lock()

    def __call__(self, method: str, path: str, body: Any) -> services.Answer:
        with self.lock:
            self.count += 1
            status = self.failing(self.count)
        return self.answer(method, path, body) if status is None else (status, {"detail": "not now"})


TESTS = {"tests": [{"stdin": "", "stdout": "1\n"}]}
SAMPLES = [Sample(f"```python\nprint(1)  # {number}\n```", columns=TESTS) for number in range(6)]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_PAUSES_S", (0.05, 0.1, 0.2))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_service_that_is_busy_is_asked_again(status: int) -> None:
    service = services.Service(Flaky(lambda count: status if count % 3 else None))
    scores = get_reward("code", sandbox={"name": "sandbox_fusion", "url": service.url, "workers": 1}).score_batch(
        SAMPLES
    )
    service.close()
    assert [score.value for score in scores] == [1.0] * 6


@pytest.mark.parametrize("status", [400, 404, 422, 429, 500, 503])
def test_a_service_that_fails_in_mid_run_costs_its_samples_only(status: int) -> None:
    service = services.Service(Flaky(lambda count: status if count > 3 else None))
    scores = get_reward("code", sandbox={"name": "sandbox_fusion", "url": service.url, "workers": 1}).score_batch(
        SAMPLES
    )
    service.close()
    assert [score.value for score in scores] == [1.0] * 3 + [None] * 3
    assert {score.cause for score in scores[3:]} == {Cause.INFRA_ERROR}


def test_a_service_that_goes_away_costs_its_samples_only() -> None:
    service = services.Service(Flaky(lambda count: None))
    reward = get_reward("code", sandbox={"name": "sandbox_fusion", "url": service.url, "workers": 2})
    assert [score.value for score in reward.score_batch(SAMPLES[:2])] == [1.0, 1.0]
    service.close()
    gone = reward.score_batch(SAMPLES[2:4])
    assert [(score.value, score.cause) for score in gone] == [(None, Cause.INFRA_ERROR)] * 2


def test_a_service_that_was_never_there_is_an_error_before_anything_is_scored() -> None:
    sandbox = get_sandbox("sandbox_fusion", url="http://127.0.0.1:9", workers=1)
    with pytest.raises(SandboxUnavailable, match="does not answer"):
        sandbox.run(Program("python", "print(1)"))
    with pytest.raises(Exception, match="does not answer"):
        get_reward("code", sandbox={"name": "sandbox_fusion", "url": "http://127.0.0.1:9"}).score_batch(SAMPLES[:1])


@pytest.mark.parametrize("said", [[], {}, {"run_result": 5}, {"run_result": {"return_code": "x"}}, None, "text"])
def test_nonsense_from_a_service_is_its_failure(said: Any) -> None:
    service = services.Service(lambda *_: (200, said))
    with pytest.raises(SandboxCrashed):
        get_sandbox("sandbox_fusion", url=service.url).run(Program("python", "print(1)"))
    service.close()
