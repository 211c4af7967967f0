"""Batches drawn ahead: never older than allowed, of the weights they say, in turns and by a thread alike."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.trainer.conftest import tiny_config
from veritune.plugins import ConfigError, RewardError, VerituneError
from veritune.trainer.config import RunConfig, parse_config
from veritune.trainer.data.packing import make_batch
from veritune.trainer.observe.metrics import Clock, read_metrics
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.models import Policy
from veritune.trainer.rollout.ahead import Ahead, DrawingThread
from veritune.trainer.rollout.cancelling import Cancelled, check_cancelled
from veritune.trainer.rollout.decode.choose import Replica
from veritune.trainer.rollout.evaluation import Evaluator
from veritune.trainer.run.checkpoint import list_checkpoints
from veritune.trainer.run.run import train
from veritune.trainer.stages.grpo import GRPO
from veritune.trainer.stages.inputs import check_drawing
from veritune.trainer.stages.table import STAGES

TOY = Path(__file__).with_name("toy_rewards.py")
FUNCTIONS = Path(__file__).with_name("episode_functions.py")
Make = Callable[..., RunConfig]

HANGING = """
import time
from pathlib import Path
from veritune import reward

@reward
def hangs(completion_ids):
    if (Path(__file__).parent / "trouble").exists():
        (Path(__file__).parent / "hanging").write_text("now")
        time.sleep(1000)
    return float(sum(completion_ids) % 2)
"""


def numbers(folder: Path) -> list[dict[str, Any]]:
    clocks = ("seconds", "tokens_per_second", "peak_memory")
    lines = read_metrics(folder / "metrics.jsonl")
    return [{k: v for k, v in r.items() if not k.startswith(clocks)} for r in lines]


def same_weights(one: Path, other: Path) -> bool:
    (name,) = {p.name for p in (one / "model").glob("*.safetensors")}
    first, second = (load_file(str(folder / "model" / name)) for folder in (one, other))
    return all(torch.equal(first[key], second[key]) for key in first)


def drawing_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "veritune-draw"]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Any:
    yield
    assert not drawing_threads()


# -- counting ----------------------------------------------------------------------------------------------------------


def simulate(staleness: int, updates: int, steps: int, threaded: bool) -> list[tuple[int, int, list[int]]]:
    """A run of counting: step, age, and the optimizer step at which each batch was asked for."""
    weights, taken = [0], [0]

    def hold(busy: bool) -> Callable[[], None]:
        now = weights[0]
        return lambda: taken.__setitem__(0, now)

    def draw(step: int, clock: Clock) -> tuple[int, int]:
        return step, taken[0] if threaded else weights[0]

    ahead = Ahead(draw, staleness, updates, 0, steps, lambda: None, hold if threaded else None)
    found = []
    for step in range(steps):
        ahead.offer(weights[0], Clock())
        (drawn_for, drawn_with), asked = ahead.take(weights[0], Clock())
        assert (drawn_for, drawn_with) == (step, asked.version)
        found.append((step, weights[0] - drawn_with, [asked.version]))
        for _ in range(updates):
            ahead.offer(weights[0], Clock())
            weights[0] += 1
    assert ahead.kept() == []  # nothing is drawn beyond the last step
    assert ahead.close()
    return found


@pytest.mark.parametrize("threaded", [False, True])
def test_no_batch_is_older_than_allowed_and_each_is_as_old_as_it_may_be(threaded: bool) -> None:
    for staleness, updates in itertools.product(range(6), range(1, 4)):
        for step, age, _ in simulate(staleness, updates, 7, threaded):
            assert age == min(staleness, step * updates)


def test_a_batch_too_old_is_an_error_not_a_lesson() -> None:
    ahead = Ahead(lambda step, clock: step, 1, 1, 0, 9, lambda: None)
    ahead.offer(0, Clock())
    ahead.take(0, Clock())
    with pytest.raises(RuntimeError, match="2 optimizer steps old"):
        ahead.take(2, Clock())


def test_a_phase_within_another_is_counted_once() -> None:
    clock = Clock()
    begun = time.perf_counter()
    with clock.phase("update"), clock.phase("rollout"):
        time.sleep(0.02)
    assert clock.seconds["rollout"] >= 0.02
    assert sum(clock.seconds.values()) <= time.perf_counter() - begun
    assert clock.seconds["update"] < 0.02


# -- whole runs --------------------------------------------------------------------------------------------------------


class Watched(GRPO):
    """Keeps the policy's weights after every optimizer step, and every batch with the number of steps behind it."""

    last: Watched

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        Watched.last = self
        self.kept = [self.weights()]
        self.seen: list[tuple[int, Any]] = []
        self.optimizer.register_step_post_hook(lambda *_: self.kept.append(self.weights()))

    def weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def update(self, batch: Any) -> dict[str, float]:
        self.seen.append((len(self.kept) - 1, batch))
        return super().update(batch)

    def logprobs(self, version: int, rollouts: Sequence[Any]) -> list[torch.Tensor]:
        """Those of the tokens that the policy wrote, of the weights after so many optimizer steps."""
        now = self.weights()
        self.model.load_state_dict(self.kept[version])
        try:
            with torch.no_grad():
                prompts, completions = [r.prompt_ids for r in rollouts], [r.token_ids for r in rollouts]
                found = completion_logprobs(self.model, make_batch(prompts, completions, self.policy.device))[0]
        finally:
            self.model.load_state_dict(now)
        return [row[: len(r.token_ids)][written(r)] for row, r in zip(found, rollouts, strict=True)]


def written(rollout: Any) -> torch.Tensor:
    return torch.tensor([True] * len(rollout.token_ids) if rollout.written is None else rollout.written)


def said(rollout: Any) -> torch.Tensor:
    return torch.tensor(rollout.logprobs)[written(rollout)]


RUNS: dict[str, dict[str, Any]] = {
    "one": {"sampling": {"staleness": 1}},
    "three": {"sampling": {"staleness": 3}},
    "between": {"sampling": {"staleness": 2}, "grpo": {"updates": 2, "minibatches": 2}},
    "lora": {"sampling": {"staleness": 1}, "model": {"lora": {"rank": 2}}},
    "draws": {"sampling": {"staleness": 1, "engine": "transformers"}, "grpo": {"dynamic_sampling": True}},
    "turns": {"sampling": {"staleness": 1}, "rollout": {"use": f"{FUNCTIONS}:echo", "max_turns": 2}},
}


def stale(make_config: Make, name: str, thread: bool, **changes: Any) -> RunConfig:
    values = {key: dict(value) for key, value in RUNS[name].items()}
    values["sampling"] |= {"max_tokens": 6, **({"device": "cpu"} if thread else {})}
    values["grpo"] = {"steps": 5, "prompts": 2, "lr": 2e-2, **values.get("grpo", {}), **changes.pop("grpo", {})}
    return make_config(**{"evaluation": {"prompts": 1, "metric": "even"}, **values, **changes})


@dataclass
class Done:
    folder: Path
    config: RunConfig
    stage: Watched


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool], Done]:
    """Whole runs, each once."""
    found: dict[tuple[str, bool], Done] = {}

    def run(name: str, thread: bool) -> Done:
        if (name, thread) not in found:
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(STAGES, "grpo", Watched)
                make = partial(tiny_config, tmp_path_factory.mktemp("whole"))
                config = stale(make, name, thread, log={"completions_every": 1})
                found[name, thread] = Done(train(config, quiet=True), config, Watched.last)
        return found[name, thread]

    return run


@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize("name", RUNS)
def test_every_completion_has_the_log_probs_of_the_weights_its_age_says(
    name: str, thread: bool, done: Callable[[str, bool], Done]
) -> None:
    run = done(name, thread)
    oldest, updates = run.config.sampling.staleness, run.config.grpo.updates * run.config.grpo.minibatches
    others, aged = 0, 0
    assert len(run.stage.seen) == 5
    for version, batch in run.stage.seen:
        age = min(oldest, version)
        assert all(r.age == age for r in batch.rollouts)
        drawn, now = (run.stage.logprobs(number, batch.rollouts) for number in (version - age, version))
        for rollout, then_T, now_T in zip(batch.rollouts, drawn, now, strict=True):
            torch.testing.assert_close(said(rollout), then_T, atol=2e-5, rtol=0)
            aged += age > 0
            others += age > 0 and not torch.allclose(said(rollout), now_T, atol=2e-5)
    assert others > 0.5 * aged > 0  # the check could have failed
    lines = [r for r in read_metrics(run.folder / "metrics.jsonl") if r["phase"] == "grpo"]
    assert [r["rollout/age_max"] for r in lines] == [min(oldest, step * updates) for step in range(5)]
    assert all(("seconds/wait" in r and "seconds/idle" in r) == thread for r in lines)


@pytest.mark.parametrize("name", RUNS)
def test_a_thread_and_taking_turns_give_the_same_run(name: str, done: Callable[[str, bool], Done]) -> None:
    """So that neither time nor the place of the drawing decides anything."""
    assert numbers(done(name, True).folder) == numbers(done(name, False).folder)
    assert same_weights(done(name, True).folder, done(name, False).folder)


def test_the_same_seed_is_the_same_run(make_config: Make, done: Callable[[str, bool], Done]) -> None:
    again = train(stale(make_config, "three", True), quiet=True)
    assert numbers(again) == numbers(done("three", True).folder)
    assert same_weights(again, done("three", True).folder)


def test_staleness_zero_is_the_run_without_the_key(make_config: Make, tmp_path: Path) -> None:
    plain = train(make_config(output=str(tmp_path / "plain")), quiet=True)
    zero = train(make_config(output=str(tmp_path / "zero"), sampling={"staleness": 0, "max_tokens": 8}), quiet=True)
    copied = {"staleness": 0, "max_tokens": 8, "device": "cpu"}
    other = train(make_config(output=str(tmp_path / "other"), sampling=copied), quiet=True)
    for folder in (zero, other):
        assert numbers(folder) == numbers(plain)
        assert same_weights(folder, plain)
    assert not any(name.startswith("rollout/") for line in numbers(plain) for name in line)


def test_completions_are_written_with_their_age(done: Callable[[str, bool], Done]) -> None:
    import pyarrow.parquet as parquet

    folder = done("one", True).folder
    for step in range(1, 6):
        ages = parquet.read_table(folder / "completions" / f"step-{step:06d}.parquet")["age"].to_pylist()
        assert set(ages) == {0 if step == 1 else 1}


def test_evaluations_are_drawn_with_the_newest_weights(make_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    run, seen = Evaluator.run, []

    def watched(self: Any, step: int) -> Any:
        found = run(self, step)
        assert isinstance(self.drawing.sampler, Replica)
        pairs = zip(self.policy.model.parameters(), self.drawing.sampler.copied.parameters(), strict=True)
        seen.append(all(torch.equal(one, other) for one, other in pairs))
        return found

    monkeypatch.setattr(Evaluator, "run", watched)
    train(stale(make_config, "three", True, evaluation={"every": 1}), quiet=True)
    assert seen == [True] * 6


# -- overlap -----------------------------------------------------------------------------------------------------------


def test_the_next_batch_is_drawn_while_the_policy_is_updated(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits in the middle for the other to have begun: taking turns would never get there."""
    steps = 4
    updating, drawing = ([threading.Event() for _ in range(steps + 1)] for _ in range(2))
    update, generate, drawn = GRPO.update, Replica.generate, itertools.count()
    waits: list[bool] = []

    def slow_update(self: Any, batch: Any) -> dict[str, float]:
        step = self.progress.step
        updating[step].set()
        if step + 1 < steps:
            waits.append(drawing[step + 1].wait(20))
        return update(self, batch)

    def slow_draw(self: Any, *arguments: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            number = next(drawn)
            drawing[number].set()
            if number:
                waits.append(updating[number - 1].wait(20))
        return generate(self, *arguments)

    monkeypatch.setattr(GRPO, "update", slow_update)
    monkeypatch.setattr(Replica, "generate", slow_draw)
    train(stale(make_config, "one", True, grpo={"steps": steps}), quiet=True)
    assert waits == [True] * (2 * (steps - 1))


# -- ends --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "thread"), [("one", True), ("three", False), ("between", True)])
def test_a_run_asked_to_end_goes_on_to_the_same_numbers(
    name: str,
    thread: bool,
    done: Callable[[str, bool], Done],
    make_config: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The batch in flight is kept in the checkpoint: it is trained on after the resume."""
    whole = done(name, thread).folder
    step = GRPO.step

    def asked(self: Any) -> dict[str, float]:
        found = step(self)
        if self.progress.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return found

    monkeypatch.setattr(GRPO, "step", asked)
    with pytest.raises(SystemExit):
        train(stale(make_config, name, thread), quiet=True)
    assert not drawing_threads()
    monkeypatch.undo()
    part = train(stale(make_config, name, not thread, resume=True), quiet=True)
    assert numbers(part) == numbers(whole)
    assert same_weights(part, whole)


def prompts_of(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, list[list[int]]]]:
    """Fills, as runs go on, with the prompts that were trained on and the ages of their completions."""
    seen: list[tuple[int, list[list[int]]]] = []
    update = GRPO.update

    def watched(self: Any, batch: Any) -> dict[str, float]:
        seen.append((batch.rollouts[0].age, [r.prompt_ids for r in batch.rollouts]))
        return update(self, batch)

    monkeypatch.setattr(GRPO, "update", watched)
    return seen


@pytest.mark.parametrize("thread", [False, True])
def test_after_an_error_the_batch_in_flight_is_drawn_again_and_no_prompt_is_lost(
    thread: bool, done: Callable[[str, bool], Done], make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [[r.prompt_ids for r in batch.rollouts] for _, batch in done("one", thread).stage.seen]
    with monkeypatch.context() as patch:
        seen = prompts_of(patch)
        advantages = GRPO.advantages

        def failing(self: Any, batch: Any) -> Any:
            if self.progress.step == 3:
                raise VerituneError("trouble")
            return advantages(self, batch)

        patch.setattr(GRPO, "advantages", failing)
        with pytest.raises(VerituneError, match="after grpo step 3 is saved"):
            train(stale(make_config, "one", thread), quiet=True)
        patch.setattr(GRPO, "advantages", advantages)
        train(stale(make_config, "one", thread, resume=True), quiet=True)
    assert [prompts for _, prompts in seen] == whole
    assert [age for age, _ in seen] == [0, 1, 1, 0, 1]


@pytest.mark.parametrize("change", [{"samples": 3}, {"staleness": 0}, {"max_tokens": 5}])
def test_what_is_in_flight_is_drawn_again_where_the_config_has_changed(
    change: dict[str, int], make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = GRPO.step

    def asked(self: Any) -> dict[str, float]:
        found = step(self)
        if self.progress.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return found

    monkeypatch.setattr(GRPO, "step", asked)
    with pytest.raises(SystemExit):
        train(stale(make_config, "three", False), quiet=True)
    monkeypatch.undo()
    seen = prompts_of(monkeypatch)
    config = stale(make_config, "three", False, resume=True)
    at = config.grpo if "samples" in change else config.sampling
    name = "grpo" if "samples" in change else "sampling"
    train(config.model_copy(update={name: at.model_copy(update=change)}), quiet=True)
    assert [age for age, _ in seen] == ([0] * 3 if "staleness" in change else [0, 1, 2])
    assert all(len(prompts) == 2 * change.get("samples", 4) for _, prompts in seen)


def test_an_error_in_the_drawing_thread_is_the_runs_with_its_place(make_config: Make, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from veritune import reward\nseen = []\n\n@reward\ndef fails(completion_ids, step=None):\n"
        "    seen.append(1)\n    if len(seen) > 40:\n        raise LookupError('a bug of mine')  # line 8\n"
        "    return float(sum(completion_ids) % 2)\n"
    )
    config = stale(make_config, "one", True, rewards={"it": {"use": f"{file}:fails"}}, evaluation={"metric": "it"})
    with pytest.raises(RewardError, match=r"a bug of mine[\s\S]*mine.py, line 8[\s\S]*is saved") as raised:
        train(config, quiet=True)
    assert any("ahead.py" in str(entry.path) for entry in raised.traceback)
    assert (tmp_path / "run" / "failed_sample.json").is_file()


def test_a_second_signal_ends_at_once_though_the_drawing_thread_waits(
    make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from veritune.trainer.run.ending import Interrupted

    (tmp_path / "mine.py").write_text(HANGING)
    step = GRPO.step

    def begin(stage: Any) -> dict[str, float]:
        if stage.progress.step == 2:
            (tmp_path / "trouble").write_text("now")
        return step(stage)

    monkeypatch.setattr(GRPO, "step", begin)
    changes = {
        "rewards": {"it": {"use": f"{tmp_path / 'mine.py'}:hangs"}},
        "evaluation": {"prompts": 2, "metric": "it"},
    }
    config = stale(make_config, "one", True, **changes)

    def child() -> None:
        try:
            train(config, quiet=True)
        except Interrupted as error:
            os._exit(error.status if not drawing_threads() else 99)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    deadline = time.monotonic() + 60
    while not (tmp_path / "hanging").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGTERM)
    time.sleep(0.5)
    assert process.is_alive()
    os.kill(process.pid, signal.SIGTERM)
    process.join(20)
    assert process.exitcode == 143
    (saved,) = list_checkpoints(tmp_path / "run" / "checkpoints")
    assert saved.name in ("grpo-000002", "grpo-000003")


def test_a_draw_that_is_not_wanted_any_more_ends() -> None:
    thread, begun = DrawingThread(), threading.Event()

    def work() -> None:
        begun.set()
        with suppress(Cancelled):
            while True:
                check_cancelled()
                time.sleep(0.001)

    thread.submit(work)
    assert begun.wait(10)
    assert thread.close(lambda: None)
    check_cancelled()  # of no interest to other threads


# -- what is refused, what is set --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "world", "message"),
    [
        ({"sampling": {"device": "cpu", "engine": "vllm_server"}}, World(), "vLLM has its device from its own"),
        ({"sampling": {"device": "cpu", "staleness": 1}}, World(0, 2), "is for one process, and these are 2"),
        ({"sampling": {"device": "cuda:9"}}, World(), "cuda:9"),
        (
            {"sampling": {"device": "cpu", "staleness": 1}, "scoring": {"overlap": False}},
            World(),
            "need the main thread",
        ),
        (
            {"sampling": {"engine": "vllm_server", "staleness": 1}},
            World(0, 2, mesh="mesh"),
            "with fsdp2 weights are gathered by all processes",
        ),
        ({"sampling": {"engine": "vllm_server", "staleness": 1, "top_k": 5}}, World(), "with top_k, top_p or min_p"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(
    make_config: Make, changes: dict[str, Any], world: World, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_drawing(make_config(**changes), world)


def test_stale_completions_are_weighted_unless_the_config_says_otherwise(make_config: Make) -> None:
    assert make_config().grpo.objective.importance == "none"
    made = make_config(sampling={"staleness": 1}, grpo={"objective": {"beta": 0.1}})
    assert (made.grpo.objective.importance, made.grpo.objective.beta) == ("truncate", 0.1)
    assert parse_config(made.model_dump(mode="json")) == made
    named = make_config(sampling={"staleness": 1}, grpo={"objective": {"importance": "none"}})
    assert named.grpo.objective.importance == "none"
    with pytest.raises(ConfigError, match="staleness"):
        make_config(sampling={"staleness": -1})


def test_the_correction_is_with_the_samplers_own_log_probs(make_config: Make, policy: Policy, tmp_path: Path) -> None:
    """On the first update of a batch π_old is the policy itself: the weight is π/π_sampler all the same, capped; and
    rows that drifted are masked."""
    from tests.trainer.test_grpo import _gradients, _stage

    shift = 0.4
    cases: list[tuple[dict[str, Any], float]] = [
        ({}, 1.0),
        ({"importance": "truncate"}, 1.4918),  # e^0.4
        ({"importance": "truncate", "importance_cap": 1.2}, 1.2),
        ({"importance": "mask", "importance_cap": 1.2}, 0.0),
        ({"importance": "icepop", "importance_cap": 1.2}, 0.0),
    ]
    for objective, factor in cases:
        gradients = []
        for moved in (0.0, shift):
            grpo = {"clip_norm": None, "objective": {"surrogate": "reinforce", **objective}}
            stage = _stage(make_config(grpo=grpo), policy, tmp_path)
            batch = stage.draw()
            batch.advantages_PG = stage.advantages(batch)
            for rollout in batch.rollouts:
                rollout.logprobs = [value - moved for value in rollout.logprobs]
            gradients.append(_gradients(stage, batch))
            stage.drawing.close()
        for one, other in zip(*gradients, strict=True):
            torch.testing.assert_close(other, one * factor, rtol=1e-3, atol=1e-6)


def test_rows_that_drifted_since_they_were_drawn_are_masked_on_the_first_update(
    make_config: Make, policy: Policy, tmp_path: Path
) -> None:
    from tests.trainer.test_grpo import _gradients, _stage

    def gradient(mask: float | None, keep_bad: bool) -> list[torch.Tensor]:
        grpo = {"clip_norm": None, "objective": {"off_policy_mask": mask}}
        stage = _stage(make_config(grpo=grpo), policy, tmp_path)
        batch = stage.draw()
        batch.advantages_PG = stage.advantages(batch)
        for rollout in batch.rollouts:
            rollout.logprobs = [value + 1.0 for value in rollout.logprobs]  # the sampler was surer of them
        if not keep_bad:
            batch.advantages_PG = batch.advantages_PG.clamp(min=0)
        found = _gradients(stage, batch)
        stage.drawing.close()
        return found

    for one, other in zip(gradient(0.5, True), gradient(None, False), strict=True):
        torch.testing.assert_close(one, other)
    assert any(not torch.allclose(a, b) for a, b in zip(gradient(2.0, True), gradient(0.5, True), strict=True))
