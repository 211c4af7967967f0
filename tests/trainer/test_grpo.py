"""The core loop: what it skips it may skip, how it cuts batches changes nothing, undecided samples leave no trace."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from veritune.plugins import ConfigError, VerituneError
from veritune.rewards.composition import compose
from veritune.trainer.config import RunConfig, SamplingConfig, rewards_section
from veritune.trainer.data.prompts import PromptEncoder
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import make_sources
from veritune.trainer.objective.algorithms import ALGORITHMS
from veritune.trainer.policy.models import Policy
from veritune.trainer.rollout.decode.transformers import TransformersSampler
from veritune.trainer.rollout.drawing import Drawing
from veritune.trainer.rollout.interface import Done
from veritune.trainer.stages.grpo import GRPO
from veritune.trainer.stages.progress import Progress

TOY = Path(__file__).with_name("toy_rewards.py")
Make = Callable[..., RunConfig]


def _stage(config: RunConfig, policy: Policy, tmp_path: Path) -> GRPO:
    source, _, _ = make_sources(config.data, config.seed)
    sampler = TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids)
    rewards = compose(rewards_section(config))
    encode = PromptEncoder(policy.tokenizer, config.data)
    generator = torch.Generator().manual_seed(config.seed)
    drawing = Drawing(sampler, rewards, tmp_path)
    return GRPO(config, policy, drawing, source, encode, generator, Progress("grpo"))


def _gradients(stage: GRPO, batch: Any) -> list[torch.Tensor]:
    """Gradients of the first optimizer step, without taking it."""
    stage.optimizer.step = lambda *a, **k: None  # type: ignore[method-assign,assignment]
    kept: list[torch.Tensor] = []
    zero = stage.optimizer.zero_grad

    def keep(*args: Any, **options: Any) -> None:
        kept.extend(p.grad.clone() for p in stage.model.parameters() if p.grad is not None)
        zero(*args, **options)

    stage.optimizer.zero_grad = keep  # type: ignore[method-assign]
    stage.update(batch)
    return kept


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "bnpo"])
def test_micro_batches_do_not_change_the_gradient(
    algorithm: str, make_config: Make, policy: Policy, tmp_path: Path
) -> None:
    found = []
    for tokens in (100_000, 40, 1):
        grpo = {"algorithm": algorithm, "micro_batch_tokens": tokens, "clip_norm": None}
        stage = _stage(make_config(grpo=grpo), policy, tmp_path)
        batch = stage.draw()
        batch.advantages_PG = stage.advantages(batch)
        found.append(_gradients(stage, batch))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            torch.testing.assert_close(a, b, atol=2e-6, rtol=1e-4)
    assert max(float(g.abs().max()) for g in found[0]) > 1e-4


def test_skipping_rows_without_advantage_is_exact(
    make_config: Make, policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = _stage(make_config(grpo={"clip_norm": None, "algorithm": "dapo"}), policy, tmp_path)
    batch = stage.draw()
    batch.advantages_PG = stage.advantages(batch)
    batch.advantages_PG[0] = 0.0
    batch.advantages_PG[1, 2] = 0.0
    skipped = _gradients(stage, batch)
    monkeypatch.setattr(GRPO, "_every_row", True)
    again = _stage(make_config(grpo={"clip_norm": None, "algorithm": "dapo"}), policy, tmp_path)
    for a, b in zip(skipped, _gradients(again, batch), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_undecided_samples_leave_no_trace_in_the_gradient(make_config: Make, policy: Policy, tmp_path: Path) -> None:
    """A batch with undecided samples has the gradient of the batch without them."""
    grpo = {"clip_norm": None, "samples": 8, "algorithm": "dapo"}
    config = make_config(rewards={"sometimes": {"use": f"{TOY}:sometimes"}}, grpo=grpo)
    stage = _stage(config, policy, tmp_path)
    batch = stage.draw()
    batch.advantages_PG = stage.advantages(batch)
    undecided = batch.advantages_PG.isnan()
    assert 0 < undecided.sum() < undecided.numel()
    with_them = _gradients(stage, batch)
    kept = [r for r, gone in zip(batch.rollouts, undecided.flatten().tolist(), strict=True) if not gone]
    batch.rollouts, batch.advantages_PG = kept, batch.advantages_PG[~undecided][None]
    for a, b in zip(with_them, _gradients(_stage(config, policy, tmp_path), batch), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_truncated_completions_count_in_their_group_but_get_no_gradient(
    make_config: Make, policy: Policy, tmp_path: Path
) -> None:
    config = make_config(grpo={"mask_truncated": True, "clip_norm": None})
    stage = _stage(config, policy, tmp_path)
    batch = stage.draw()
    assert {r.truncated for r in batch.rollouts} == {True, False}
    batch.advantages_PG = stage.advantages(batch)
    before = _gradients(stage, batch)
    for rollout in batch.rollouts:
        if rollout.truncated:
            rollout.token_ids = [5] * len(rollout.token_ids)
    for a, b in zip(before, _gradients(_stage(config, policy, tmp_path), batch), strict=True):
        assert torch.equal(a, b)


def test_beta_zero_makes_no_reference_model(make_config: Make, policy: Policy, tmp_path: Path) -> None:
    assert _stage(make_config(), policy, tmp_path).reference is None
    with_kl = _stage(make_config(grpo={"objective": {"beta": 0.1}}), policy, tmp_path)
    assert with_kl.reference is not None
    assert not any(p.requires_grad for p in with_kl.reference.model.parameters())


@pytest.mark.parametrize(("where", "kind"), [("loss", "k1"), ("loss", "k2"), ("loss", "k3"), ("reward", "k1")])
def test_kl_holds_the_policy_near_the_reference(
    where: str, kind: str, make_config: Make, policy: Policy, tmp_path: Path
) -> None:
    """With no reward signal at all and a policy pushed away from the reference, training on the KL brings it back."""
    objective = {"beta": 1.0, "kl": kind, "kl_in": where, "scale": "none"}
    grpo = {"samples": 32, "prompts": 4, "lr": 3e-3, "steps": 12, "objective": objective}
    config = make_config(rewards={"constant": {"use": f"{TOY}:constant"}}, grpo=grpo)
    stage = _stage(config, policy, tmp_path)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in stage.model.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    first = float(stage._sequence_kl(stage.draw()).mean())
    for _ in range(12):
        stage.step()
    assert float(stage._sequence_kl(stage.draw()).mean()) < 0.7 * first


def test_later_updates_are_off_policy_and_the_first_is_not(make_config: Make, policy: Policy, tmp_path: Path) -> None:
    """Several updates a batch: ratios start at 1 and move; π_old stays the policy that sampled."""
    one = _stage(make_config(grpo={"lr": 1e-2}), copy.deepcopy(policy), tmp_path).step()
    assert (one["ratio_min"], one["ratio_max"]) == (1.0, 1.0)
    many = _stage(make_config(grpo={"lr": 1e-2, "updates": 3, "minibatches": 2}), policy, tmp_path)
    metrics = many.step()
    assert metrics["ratio_max"] > 1.01
    assert metrics["approx_kl"] > 0
    assert metrics["mismatch"] < 1e-4  # old log-probs are those of the sampler, in every pass


def test_minibatches_take_old_log_probs_from_before_the_first_update(
    make_config: Make, policy: Policy, tmp_path: Path
) -> None:
    """The same as precomputing all of them: compared with the sampler's own log-probs of every row."""
    stage = _stage(make_config(grpo={"lr": 1e-2, "minibatches": 3}), policy, tmp_path)
    batch = stage.draw()
    batch.advantages_PG = stage.advantages(batch)
    captured: dict[int, torch.Tensor] = {}
    original = stage._accumulate

    def spy(*args: Any) -> float | None:
        found = original(*args)
        captured.update(args[3])
        return found

    stage._accumulate = spy  # type: ignore[method-assign,assignment]
    stage.update(batch)
    assert len(captured) == len([a for a in batch.advantages_PG.flatten().tolist() if a != 0])
    for row, logps in captured.items():
        torch.testing.assert_close(logps, torch.tensor(batch.rollouts[row].logprobs), atol=1e-4, rtol=1e-4)


class _Scripted:
    """A sampler whose completions are given, to control which groups have signal."""

    def __init__(self, patterns: Sequence[Sequence[int]]) -> None:
        self.patterns, self.calls = list(patterns), 0

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
        rollouts = []
        for index, prompt in enumerate(prompts):
            pattern = self.patterns[self.calls % len(self.patterns)]
            self.calls += 1
            rollouts += [Rollout(index, list(prompt), [4 + bit], [-1.0], "eos", "x") for bit in pattern]
        return rollouts


def test_dynamic_sampling_fills_the_batch_with_groups_that_have_signal(
    make_config: Make, policy: Policy, tmp_path: Path
) -> None:
    config = make_config(grpo={"dynamic_sampling": True, "prompts": 2, "samples": 2, "max_draws": 4})
    stage = _stage(config, policy, tmp_path)
    stage.drawing.sampler = _Scripted([[0, 0], [1, 1], [0, 1], [0, 0], [1, 0], [0, 0]])
    metrics = stage.step()
    assert metrics["groups_without_signal"] == 0
    assert metrics["groups_drawn"] == 6
    assert len(stage.batch.rows) == 2
    prompts = [stage.encode(row.prompt) for row in stage.batch.rows]
    assert [r.prompt_ids for r in stage.batch.rollouts] == [prompts[r.prompt_index] for r in stage.batch.rollouts]
    stage.drawing.sampler = _Scripted([[0, 0]])
    assert stage.step()["groups_drawn"] == 8  # gives up after max_draws rounds and goes on with what there is


def test_the_entropy_to_reach_is_that_of_all_tokens_whatever_their_advantage(
    make_config: Make, policy: Policy, tmp_path: Path
) -> None:
    config = make_config(grpo={"objective": {"top_entropy": 0.3}})
    stage = _stage(config, policy, tmp_path)
    batch = stage.draw()
    rows = list(range(len(batch.rollouts)))
    few = torch.zeros(len(rows))
    few[0] = 1.0
    thresholds = [stage._before_update(batch, a, [rows])[1] for a in (few, torch.ones(len(rows)))]
    assert thresholds[0] == thresholds[1]


def test_a_kl_in_the_reward_is_refused_where_every_reward_is_normalised_by_itself(make_config: Make) -> None:
    with pytest.raises(ConfigError, match="kl_in: loss"):
        make_config(grpo={"algorithm": "gdpo", "objective": {"beta": 0.1, "kl_in": "reward"}})


def test_gdpo_uses_every_component(make_config: Make, policy: Policy, tmp_path: Path) -> None:
    stage = _stage(make_config(grpo={"algorithm": "gdpo"}), policy, tmp_path)
    batch = stage.draw()
    assert abs(float(stage.advantages(batch).mean())) < 1e-5


def test_steps_that_are_not_finite_are_skipped_counted_and_stop_the_run(
    make_config: Make, policy: Policy, tmp_path: Path
) -> None:
    stage = _stage(make_config(grpo={"bad_steps": 2}), policy, tmp_path)
    before = [p.clone() for p in policy.model.parameters()]
    next(policy.model.parameters()).register_hook(lambda g: g * float("nan"))
    assert stage.step()["skipped_updates"] == 1
    for a, b in zip(before, policy.model.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(VerituneError, match="2 updates in a row"):
        stage.step()


def test_top_entropy_trains_on_that_share_of_tokens(make_config: Make, policy: Policy, tmp_path: Path) -> None:
    full = _stage(make_config(grpo={"clip_norm": None}), policy, tmp_path)
    batch = full.draw()
    batch.advantages_PG = full.advantages(batch)
    masked = _stage(make_config(grpo={"clip_norm": None, "objective": {"top_entropy": 0.2}}), policy, tmp_path)
    size = [sum(float(g.square().sum()) for g in _gradients(s, batch)) for s in (full, masked)]
    assert 0 < size[1] < size[0]


def test_it_learns(make_config: Make, policy: Policy, tmp_path: Path) -> None:
    """Thirty steps raise the reward of an easy task by a lot, with the first-form defaults."""
    config = make_config(
        grpo={"steps": 30, "prompts": 4, "samples": 16, "lr": 3e-3}, rewards={"even": {"use": f"{TOY}:even"}}
    )
    stage = _stage(config, policy, tmp_path)
    rewards = [stage.step()["reward"] for _ in range(30)]
    assert sum(rewards[-3:]) / 3 > sum(rewards[:3]) / 3 + 0.3


def test_tokens_that_the_policy_did_not_write_have_no_part_in_the_loss(
    make_config: Make, policy: Policy, tmp_path: Path
) -> None:
    """The gradient is that of −Σ A log π over written tokens / their number, whatever the environment said."""
    stage = _stage(make_config(grpo={"algorithm": "dapo", "clip_norm": None}), policy, tmp_path)
    batch = stage.draw()
    batch.advantages_PG = torch.randn(batch.rewards_PG.shape, generator=torch.Generator().manual_seed(1))
    pick = random.Random(0)
    for rollout in batch.rollouts:
        rollout.token_ids = (rollout.token_ids * 3)[:6]
        rollout.written = [pick.random() < 0.5 for _ in rollout.token_ids[1:]] + [True]
        rollout.logprobs = [-1.0 if written else 0.0 for written in rollout.written]
    total = sum(r.tokens_written for r in batch.rollouts)
    loss = torch.zeros(())
    for rollout, advantage in zip(batch.rollouts, batch.advantages_PG.flatten(), strict=True):
        ids = torch.tensor([[*rollout.prompt_ids, *rollout.token_ids]])
        logps = policy.model(ids).logits[0].log_softmax(-1)
        for place, (token, written) in enumerate(
            zip(rollout.token_ids, rollout.written or [], strict=True), len(rollout.prompt_ids)
        ):
            if written:
                loss = loss - advantage * logps[place - 1, token] / total
    loss.backward()  # type: ignore[no-untyped-call]
    expected = [p.grad.clone() for p in policy.model.parameters()]
    policy.model.zero_grad()
    for found, wanted in zip(_gradients(stage, batch), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-3)
