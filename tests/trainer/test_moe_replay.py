"""Router replay: the experts that drew a token are those that it is trained with."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.moe_models import BUILDS, blocks, mixture, policy_of
from tests.trainer.test_distributed import _lines
from tests.trainer.test_moe_balance import run_config
from veritune.plugins import ConfigError
from veritune.trainer.config import SamplingConfig
from veritune.trainer.data.packing import make_batch
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.policy.experts.replay import add_choices
from veritune.trainer.policy.experts.routers import in_bfloat16
from veritune.trainer.policy.experts.routing import routed, routing_of
from veritune.trainer.policy.passes import Passes
from veritune.trainer.rollout.decode.choose import make_sampler
from veritune.trainer.rollout.decode.transformers import TransformersSampler
from veritune.trainer.run import train

PROMPTS = [[5, 6, 7, 8], [9, 4]]
REPLAY = {"balance": "none", "replay": True}


def drawn(policy: Any, model: Any, samples: int = 8, tokens: int = 12) -> list[Rollout]:
    sampler = TransformersSampler(model, policy.tokenizer, policy.eos_ids)
    sampling = SamplingConfig(max_tokens=tokens)
    return sampler.generate(PROMPTS, samples, sampling, torch.Generator().manual_seed(0))


def passes(policy: Any, tmp_path: Path, **grpo: Any) -> Passes:
    return Passes(run_config(tmp_path, "grpo", grpo=grpo), policy, None, ALONE)


def mismatch(found: Passes, rollouts: list[Rollout]) -> float:
    """Mean |log π of training − log π of sampling|, as a run logs it."""
    with torch.no_grad():
        logps_RT, _ = found.policy(rollouts)
    differences = [
        (logps_T[: len(r.logprobs)] - torch.tensor(r.logprobs)).abs()
        for logps_T, r in zip(logps_RT, rollouts, strict=True)
    ]
    return float(torch.cat(differences).mean())


@pytest.mark.parametrize("kind", BUILDS)
@pytest.mark.parametrize("share", [True, False])
def test_of_the_same_weights_every_choice_recorded_is_the_one_that_training_makes(
    kind: str, share: bool, tmp_path: Path
) -> None:
    policy = policy_of(kind, moe=REPLAY)
    rollouts = drawn(policy, policy.model)
    routing = routing_of(policy.model)
    assert routing is not None
    for rollout in rollouts:
        tokens = len(rollout.prompt_ids) + len(rollout.token_ids) - 1
        assert rollout.experts.shape == (tokens, len(routing.routers), 2)
    found = passes(policy, tmp_path, share_prompts=share)
    given: list[torch.Tensor] = []
    follow = routing._replayed

    def compare(replay_NMK: Any, number: int, logits: Any, gates: Any, indices: Any) -> Any:
        known_N = replay_NMK[:, number, 0] >= 0
        given.append((replay_NMK[known_N, number].long().sort(1).values == indices[known_N].sort(1).values).all())
        return follow(replay_NMK, number, logits, gates, indices)

    routing._replayed = compare  # type: ignore[method-assign,assignment]
    assert mismatch(found, rollouts) < 1e-5
    assert len(given) == len(routing.routers)
    assert all(bool(same) for same in given)


@pytest.mark.parametrize("kind", BUILDS)
def test_a_layer_with_choices_given_is_the_equations_with_them_and_gates_have_a_gradient(kind: str) -> None:
    policy = policy_of(kind, moe=REPLAY)
    block = blocks(policy.model)[0]
    rollout = Rollout(0, [5, 6, 7], [8, 9, 10], [0.0] * 3, "eos")
    rollout.experts = torch.randperm(8, generator=torch.Generator().manual_seed(3))[None, None, :2].expand(5, 3, 2)
    tokens = make_batch([rollout.prompt_ids], [rollout.token_ids], "cpu")
    add_choices(policy.model, tokens, [rollout])
    states = torch.randn(1, 5, 20)
    theirs = states[0].double()
    exact = copy.deepcopy(block).double()
    with routed(policy.model, tokens):
        found = block(states)[0]
    expected, _ = mixture(exact, theirs, rollout.experts[:, 0])
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)
    weight = torch.randn(5, 20)
    torch.autograd.backward((found * weight).sum())
    torch.autograd.backward((expected * weight).sum())
    for (name, mine), other in zip(block.named_parameters(), exact.parameters(), strict=True):
        torch.testing.assert_close(mine.grad.double(), other.grad, rtol=1e-3, atol=1e-3, msg=name)
    assert float(block.gate.weight.grad.abs().sum()) > 0


def test_a_sampler_in_bfloat16_is_repeated_in_float32_and_the_mismatch_falls(tmp_path: Path) -> None:
    """Rounded, the router takes other experts for some tokens; what is left with replay is the rounding alone."""
    policy = policy_of("deepseek_v3", moe=REPLAY)
    rollouts = drawn(policy, in_bfloat16(copy.deepcopy(policy.model)), samples=24)
    found = passes(policy, tmp_path)
    without = [replace(rollout, experts=None) for rollout in rollouts]
    apart, repeated = mismatch(found, without), mismatch(found, rollouts)
    print(f"mismatch {apart:.4f} without replay, {repeated:.4f} with it")
    assert repeated < 0.7 * apart
    rollouts[0].experts = None
    mismatch(found, rollouts)  # what nobody recorded is routed as ever


def test_a_run_with_replay_logs_a_mismatch_of_rounding_alone_and_goes_on_the_same(tmp_path: Path) -> None:
    model = {"build": BUILDS["deepseek_v3"], "moe": {"balance": "both", "replay": True}}
    section = {"steps": 2, "prompts": 2, "samples": 3, "updates": 2}
    train(run_config(tmp_path / "run", "grpo", model=model, grpo=section), quiet=True)
    lines = [line for line in _lines(tmp_path / "run") if line["phase"] == "grpo"]
    assert all(line["mismatch"] < 1e-4 for line in lines if line["trained_share"])
    assert any(line["trained_share"] for line in lines)


@pytest.mark.parametrize("engine", ["vllm", "vllm_server", "continuous", "static"])
def test_a_sampler_that_records_nothing_is_refused_at_load(engine: Any) -> None:
    policy = policy_of("deepseek_v3", moe=REPLAY)
    with pytest.raises(ConfigError, match=r"only sampling\.engine: transformers records"):
        make_sampler(policy, SamplingConfig(engine=engine))
    said: list[str] = []
    assert isinstance(make_sampler(policy, SamplingConfig(), said.append), TransformersSampler)


@pytest.mark.parametrize(
    ("stage", "changes"),
    [("sft", {"sft": {"steps": 1}}), ("grpo", {"grpo": {"steps": 1}, "rollout": {"use": "a.py:b"}})],
)
def test_replay_where_nothing_is_drawn_or_recorded_is_refused(stage: str, changes: Any, tmp_path: Path) -> None:
    model = {"build": BUILDS["deepseek_v3"], "moe": REPLAY}
    with pytest.raises((ConfigError, ValueError), match=r"moe\.replay"):
        run_config(tmp_path, stage, model=model, **changes)
