"""Drawing and scoring together: groups are scored while others are drawn, and it changes no number."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from veritune import reward
from veritune.plugins import RewardError
from veritune.rewards.composition import RewardSet, compose
from veritune.trainer.config import RunConfig, SamplingConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import Row
from veritune.trainer.observe.metrics import Clock, read_metrics
from veritune.trainer.policy.models import Policy
from veritune.trainer.rollout.decode.transformers import TransformersSampler
from veritune.trainer.rollout.drawing import Drawing, _join, _Scored
from veritune.trainer.rollout.interface import Done
from veritune.trainer.run import train
from veritune.trainer.stages.batch import Batch

Make = Callable[..., RunConfig]
ROWS = [Row(f"prompt {i}", {"gold": str(i)}) for i in range(4)]
PROMPTS = [[5, 6, i] for i in range(4)]
RULES: dict[str, Callable[[str, str], float]] = {}
"""What the reward of a test does with a completion and its gold."""


@reward
def ruled(completion: str, gold: str, log_metric: Any = None) -> float:
    if log_metric is not None:
        log_metric("seen", float(gold))
    return RULES["now"](completion, gold)


def rewards() -> RewardSet:
    return compose(ruled)


class Slowly:
    """Hands completions over one by one, in an order of its own; ``before`` is called ahead of each."""

    def __init__(self, order: Sequence[int], before: Callable[[int], None]) -> None:
        self.order, self.before, self.handed = order, before, 0

    def sync(self) -> None:
        return None

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Done | None = None,
    ) -> list[Rollout]:
        count = len(prompts) * samples
        rollouts = [Rollout(i // samples, list(prompts[i // samples]), [7, i], [-1.0] * 2, "eos") for i in range(count)]
        for place in self.order:
            self.before(place)
            rollouts[place].text = f"completion {place}"
            self.handed += 1
            if done is not None:
                done(place, rollouts[place])
        return rollouts


@pytest.fixture(autouse=True)
def _no_rule_left() -> Any:
    yield
    RULES.clear()


def draw(drawing: Drawing) -> Any:
    generator = torch.Generator().manual_seed(0)
    return drawing.draw(ROWS, PROMPTS, 2, SamplingConfig(max_tokens=4), generator, 1, Clock())


def test_a_complete_group_is_scored_before_the_others_are_drawn(tmp_path: Path) -> None:
    scored = {str(i): threading.Event() for i in range(4)}

    def rule(completion: str, gold: str) -> float:
        scored[gold].set()
        return 1.0

    def before(place: int) -> None:
        if place == 5:  # group 3 (places 6 and 7) was handed over; this waits for its score
            assert scored["3"].wait(10)

    RULES["now"] = rule
    drawing = Drawing(Slowly([6, 7, 5, 4, 0, 3, 2, 1], before), rewards(), tmp_path)
    drawn = draw(drawing)
    drawing.close()
    assert [s.value for s in drawn.scores] == [1.0] * 8


@pytest.mark.parametrize("overlap", [True, False])
def test_scores_belong_to_their_completions_in_whatever_order_they_end(overlap: bool, tmp_path: Path) -> None:
    RULES["now"] = lambda completion, gold: int(completion.split()[1]) + 100.0 * int(gold)
    drawing = Drawing(Slowly([3, 7, 1, 0, 6, 2, 5, 4], lambda _: None), rewards(), tmp_path, overlap=overlap)
    drawn = draw(drawing)
    drawing.close()
    assert [s.value for s in drawn.scores] == [place + 100.0 * (place // 2) for place in range(8)]
    assert [s.text for s in drawn.samples] == [f"completion {place}" for place in range(8)]
    assert [r.prompt_index for r in drawn.rollouts] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert drawn.logged == {"seen": 1.5}


def test_a_reward_that_raises_ends_the_drawing_early_with_its_sample_saved(tmp_path: Path) -> None:
    raised = threading.Event()

    def rule(completion: str, gold: str) -> float:
        raised.set()
        raise KeyError("a bug")

    def before(place: int) -> None:
        if place > 1:
            assert raised.wait(10)
            time.sleep(0.05)

    RULES["now"] = rule
    sampler = Slowly(range(8), before)
    drawing = Drawing(sampler, rewards(), tmp_path)
    with pytest.raises(RewardError, match="a bug"):
        draw(drawing)
    drawing.close()
    assert sampler.handed < 8
    assert "completion 0" in (tmp_path / "failed_sample.json").read_text()


def test_without_overlap_rewards_run_in_the_calling_thread_all_together(tmp_path: Path) -> None:
    threads: list[str] = []

    def rule(completion: str, gold: str) -> float:
        threads.append(threading.current_thread().name)
        return 0.0

    RULES["now"] = rule
    draw(Drawing(Slowly(range(8), lambda _: None), rewards(), tmp_path, overlap=False))
    assert threads == [threading.current_thread().name] * 8


def test_a_reward_that_needs_the_main_thread_is_told_how_to_get_it(tmp_path: Path) -> None:
    def rule(completion: str, gold: str) -> float:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        return 1.0

    RULES["now"] = rule
    drawing = Drawing(Slowly(range(8), lambda _: None), rewards(), tmp_path)
    with pytest.raises(RewardError, match=r"scoring\.overlap=false"):
        draw(drawing)
    drawing.close()
    drawn = draw(Drawing(Slowly(range(8), lambda _: None), rewards(), tmp_path, overlap=False))
    assert [s.value for s in drawn.scores] == [1.0] * 8


def test_what_is_logged_is_a_mean_over_samples_however_calls_are_cut(tmp_path: Path) -> None:
    parts = [
        _Scored(logged={"a": [(1.0, 2), (4.0, 6)]}),
        _Scored(logged={"a": [(2.0, 8)], "b": [(5.0, 4)]}),
    ]
    assert _join(parts).logged == {"a": (2 + 24 + 16) / 16, "b": 5.0}
    batch = Batch(drawn=2, logged={"a": 1.0, "b": 3.0})
    batch.add_logged(Batch(drawn=4, logged={"a": 4.0, "c": 5.0}))
    assert (batch.drawn, batch.logged) == (6, {"a": 3.0, "b": 3.0, "c": 5.0})


def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    RULES["now"] = lambda completion, gold: 0.0
    drawing = Drawing(Slowly(range(8), lambda _: None), rewards(), tmp_path)
    others = set(threading.enumerate())  # of a run before this one, perhaps, that is just ending
    draw(drawing)
    mine = {t for t in threading.enumerate() if "veritune-score" in t.name} - others
    assert mine
    drawing.close()
    for thread in mine:
        thread.join(60)  # `close` itself waits a second, which a busy machine may use up
        assert not thread.is_alive()


def test_samplers_announce_each_completion_once(policy: Policy) -> None:
    told: list[tuple[int, Rollout]] = []
    sampler = TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids)
    sampling = SamplingConfig(max_tokens=6, batch=4)
    found = sampler.generate(PROMPTS, 3, sampling, torch.Generator().manual_seed(0), lambda i, r: told.append((i, r)))
    assert sorted(i for i, _ in told) == list(range(12))
    assert all(found[i] is rollout for i, rollout in told)


def test_overlap_changes_no_number_of_a_run(make_config: Make, tmp_path: Path) -> None:
    lines = []
    for overlap in (True, False):
        folder = tmp_path / str(overlap)
        train(make_config(output=str(folder), scoring={"overlap": overlap}), quiet=True)
        clocks = ("seconds", "tokens_per_second", "peak_memory")
        found = read_metrics(folder / "metrics.jsonl")
        lines.append([{k: v for k, v in r.items() if not k.startswith(clocks)} for r in found])
    assert lines[0] == lines[1]


def test_what_a_reward_logs_is_in_the_metrics(make_config: Make, tmp_path: Path) -> None:
    rewards = {"talkative": {"use": f"{Path(__file__).with_name('toy_rewards.py')}:talkative"}}
    train(make_config(rewards=rewards, evaluation={"metric": "talkative"}), quiet=True)
    lines = [r for r in read_metrics(tmp_path / "run" / "metrics.jsonl") if r["phase"] in ("grpo", "evaluation")]
    assert lines
    assert all(line["talkative/length"] == pytest.approx(line["reward"], abs=1e-6) for line in lines)
