"""The balance of experts: the same whatever the packing, the micro-batches and the processes; resumed to the bit."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.trainer.moe_models import BUILDS, blocks, mixture, policy_of
from tests.trainer.test_distributed import TOY, _lines, _same, together
from veritune.plugins import ConfigError
from veritune.trainer.config import MoEConfig
from veritune.trainer.data.future import future_tokens
from veritune.trainer.data.packing import TokenBatch, make_batch, make_packed, make_rows_packed
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.policy.experts.load import load_numbers
from veritune.trainer.policy.experts.routing import expect_sequences, routing_of
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.mtp import logprobs_and_future
from veritune.trainer.rollout.decode.choose import Replica
from veritune.trainer.rollout.decode.export import fingerprint, gathered_weights, policy_weights, published
from veritune.trainer.rollout.decode.transformers import TransformersSampler
from veritune.trainer.run import train
from veritune.trainer.stages.table import parse_run

PROMPTS = [[5, 6, 7], [5, 6, 7], [9, 4], [5, 6, 7]]
COMPLETIONS = [[8, 9, 10, 11], [12], [3, 14, 15, 16, 17, 18], [8, 20]]


def batch(how: str) -> TokenBatch:
    if how == "padded":
        return make_batch(PROMPTS, COMPLETIONS, "cpu")
    return {"packed": make_rows_packed, "shared": make_packed}[how](PROMPTS, COMPLETIONS, 40, "cpu")


def trained(policy: Any, batches: Sequence[TokenBatch], weight: float = 1.0) -> tuple[Tensor, dict[str, Tensor], float]:
    """Loads, gradients and balance loss of one optimizer step; the loss trained is 0."""
    routing = routing_of(policy.model)
    assert routing is not None
    policy.model.zero_grad()
    expect_sequences(policy.model, sum(len(b.lengths_R) for b in batches), ALONE)
    for each in batches:
        logps_RT, _ = completion_logprobs(policy.model, each)
        torch.autograd.backward(logps_RT.sum() * weight)
    loss = float(routing.metrics.loss)
    routing.metrics.loss = 0.0
    gradients = {n: p.grad.clone() for n, p in policy.model.named_parameters() if p.grad is not None}
    return routing.loads_ME.clone(), gradients, loss


def exact(policy: Any, config: MoEConfig) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Loads, the loss and its gradients, sequence by sequence, from equations 17–20, in the float64 of a model that
    keeps every state. Layers are run by the model, routers again by hand."""
    model = policy.model
    states: dict[int, Tensor] = {}
    hooks = [
        block.register_forward_pre_hook(lambda module, args, number=number: states.update({number: args[0]}))
        for number, block in enumerate(blocks(model))
    ]
    loads, losses = torch.zeros(len(hooks), 8), []
    for prompt, completion in zip(PROMPTS, COMPLETIONS, strict=True):
        model(input_ids=torch.tensor([[*prompt, *completion[:-1]]]), use_cache=False)
        for number, block in enumerate(blocks(model)):
            states_TH = states[number][0]
            _, chosen_TK = mixture(block, states_TH.detach())
            affinity_TE = states_TH @ block.gate.weight.t()
            sigmoid = hasattr(block.gate, "e_score_correction_bias")
            scores_TE = affinity_TE.sigmoid() if sigmoid else affinity_TE.softmax(1)
            share_TE = scores_TE / scores_TE.sum(1, keepdim=True)
            length, choices = chosen_TK.shape
            total = torch.zeros(())
            for expert in range(8):
                count = int((chosen_TK == expert).sum())
                loads[number, expert] += count
                total = total + 8 / (choices * length) * count * share_TE[:, expert].mean()
            losses.append(total)
    for hook in hooks:
        hook.remove()
    loss = config.sequence_loss * torch.stack(losses).sum() / len(PROMPTS)
    model.zero_grad()
    torch.autograd.backward(loss)
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return loads, loss.detach(), gradients


@pytest.mark.parametrize("kind", BUILDS)
@pytest.mark.parametrize("how", ["padded", "packed", "shared"])
def test_the_sequence_loss_and_the_load_are_those_of_the_equations_in_any_packing(kind: str, how: str) -> None:
    config = MoEConfig(balance="loss", sequence_loss=0.7)
    policy = policy_of(kind, moe=config.model_dump())
    loads, loss, expected = exact(policy, config)
    found_loads, found, found_loss = trained(policy, [batch(how)], weight=0.0)
    assert torch.equal(found_loads, loads)
    assert found_loss == pytest.approx(float(loss), rel=1e-5)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=2e-6, msg=name)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_micro_batches_and_recomputation_count_every_token_once(checkpointing: bool) -> None:
    """With activation checkpointing every layer runs twice, the second time in the backward."""
    moe = {"balance": "both", "sequence_loss": 0.5}
    policy = policy_of("deepseek_v3", moe=moe, activation_checkpointing=checkpointing)
    parts = [make_batch(PROMPTS[a:b], COMPLETIONS[a:b], "cpu") for a, b in ((0, 1), (1, 4))]
    loads, gradients, loss = trained(policy, parts)
    plain = policy_of("deepseek_v3", moe=moe)
    whole_loads, whole, whole_loss = trained(plain, [batch("padded")])
    assert torch.equal(loads, whole_loads)
    assert loads.sum(1).tolist() == [2 * 20] * 2  # 2 experts a token
    assert loss == pytest.approx(whole_loss, rel=1e-5)
    for name, gradient in whole.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-3, atol=1e-5, msg=name)


def test_experts_of_multi_token_prediction_are_balanced_like_the_others_in_any_packing() -> None:
    """A module runs over positions of its own behind a shared prompt; who counts for which sequence stays the same: the
    positions that it predicts a token of the row from, T − k of T."""
    policy = policy_of("deepseek_v3", mtp={"depth": 2}, moe={"balance": "both", "sequence_loss": 0.5})
    routing = routing_of(policy.model)
    assert routing is not None
    found = []
    for how in ("padded", "shared", "packed"):
        expect_sequences(policy.model, 4, ALONE)
        tokens = batch(how)
        future = future_tokens(tokens, PROMPTS, COMPLETIONS, 2)
        policy.model.zero_grad()
        logps_RT, _, sums_D = logprobs_and_future(policy.model, tokens, future)
        torch.autograd.backward(logps_RT.sum() + sums_D.sum())
        gradients = torch.cat([p.grad.flatten() for p in policy.model.parameters() if p.grad is not None])
        found.append((routing.loads_ME.clone(), gradients))
    inputs = [len(prompt) + len(completion) - 1 for prompt, completion in zip(PROMPTS, COMPLETIONS, strict=True)]
    ahead = [2 * sum(max(0, length - module) for length in inputs) for module in (1, 2)]
    assert found[0][0].sum(1).tolist() == [2 * 20, 2 * 20, *ahead]
    for loads, gradients in found[1:]:
        assert torch.equal(loads, found[0][0])
        torch.testing.assert_close(gradients, found[0][1], rtol=1e-3, atol=1e-4)
    routing.after_step(True)
    assert all(float(router.e_score_correction_bias.abs().sum()) > 0 for router in routing.routers)


def test_the_classic_loss_is_that_of_transformers_over_all_tokens_of_a_micro_batch() -> None:
    from transformers.models.qwen3_moe.modeling_qwen3_moe import load_balancing_loss_func

    policy = policy_of("qwen3_moe", moe={"balance": "loss", "sequence_loss": 0.0, "aux_loss": 0.3})
    _, _, loss = trained(policy, [batch("padded")], weight=0.0)
    tokens = batch("padded")
    logits: list[Tensor] = []
    for block in blocks(policy.model):
        block.gate.register_forward_hook(lambda module, args, output: logits.append(output[0]))
    policy.model(input_ids=tokens.ids_BL, use_cache=False)
    real_BL = torch.zeros_like(tokens.ids_BL)
    for row, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
        real_BL[row, : len(prompt) + len(completion) - 1] = 1
    theirs = sum(load_balancing_loss_func((each,), 8, 2, real_BL) for each in logits)
    assert loss == pytest.approx(
        0.3 * float(theirs.detach()) / 2, rel=1e-5
    )  # they sum over the two choices, we average


def test_the_bias_goes_down_where_the_load_is_above_the_mean_and_up_below() -> None:
    policy = policy_of("deepseek_v3", moe={"bias_rate": 0.25})
    routing = routing_of(policy.model)
    assert routing is not None
    before = [router.e_score_correction_bias.clone() for router in routing.routers]
    loads, _, _ = trained(policy, [batch("padded")])
    routing.after_step(False)
    assert all(torch.equal(b, r.e_score_correction_bias) for b, r in zip(before, routing.routers, strict=True)), (
        "skipped"
    )
    trained(policy, [batch("padded")])
    routing.after_step(True)
    for load, old, router in zip(loads, before, routing.routers, strict=True):
        expected = torch.where(load > load.mean(), -0.25, torch.where(load < load.mean(), 0.25, 0.0))
        torch.testing.assert_close(router.e_score_correction_bias - old, expected)
    numbers = routing.read_metrics()
    assert numbers["moe_max_violation"] == pytest.approx(float((loads.amax(1) / loads.mean(1) - 1).mean()))
    assert routing.read_metrics() == {}


def test_load_numbers_of_an_even_load_a_single_expert_and_one_dead() -> None:
    even = load_numbers(torch.full((2, 4), 3.0))
    assert even == pytest.approx({"moe_max_violation": 0, "moe_load_entropy": 1, "moe_dead_share": 0})
    one = load_numbers(torch.tensor([[8.0, 0, 0, 0]]))
    assert one == pytest.approx({"moe_max_violation": 3, "moe_load_entropy": 0, "moe_dead_share": 0.75})


def test_a_bfloat16_model_keeps_its_bias_in_float32() -> None:
    policy = policy_of("deepseek_v3", dtype="bfloat16", moe={})
    routing = routing_of(policy.model)
    assert routing is not None
    for router in routing.routers:
        assert router.e_score_correction_bias.dtype is torch.float32
        assert router.weight.dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("kind", "moe", "words"),
    [
        ("qwen3_moe", {"balance": "bias"}, "none; use loss"),
        ("dense", {"balance": "none"}, "qwen3 has no routers"),
        ("deepseek_v3", {"balance": "loss", "sequence_loss": 0}, "has no loss"),
        ("deepseek_v3", {"balanse": "loss"}, "balance"),
    ],
)
def test_what_the_model_cannot_do_is_refused_in_a_sentence(kind: str, moe: dict[str, Any], words: str) -> None:
    with pytest.raises((ConfigError, ValueError), match=words):
        policy_of(kind, moe=moe)


def run_config(folder: Path, stage: str, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "stage": stage,
        "output": str(folder),
        "model": {"build": BUILDS["deepseek_v3"], "moe": {"balance": "both", "bias_rate": 0.01, "sequence_loss": 0.01}},
        "data": {"task": "arithmetic", "params": {"terms": 3}},
        "rewards": {"even": {"use": f"{TOY}:even"}, "short": {"use": f"{TOY}:short", "weight": 0.5}},
        "sampling": {"max_tokens": 6},
        "evaluation": {"every": None, "prompts": 2},
        **changes,
    }
    return parse_run(values)


SECTIONS: dict[str, dict[str, Any]] = {
    "sft": {"sft": {"steps": 4, "batch": 4}},
    "grpo": {
        "warmup": {"steps": 1, "batch": 3},
        "grpo": {"steps": 4, "prompts": 2, "samples": 3, "updates": 2, "objective": {"beta": 0.1}},
    },
}


@pytest.mark.parametrize("stage", SECTIONS)
def test_a_run_goes_on_to_the_same_bits_its_bias_among_them(tmp_path: Path, stage: str) -> None:
    config = run_config(tmp_path / "whole", stage, checkpoint={"every": 2, "keep": 9}, **SECTIONS[stage])
    train(config, quiet=True)
    shutil.copytree(tmp_path / "whole", tmp_path / "part")
    shutil.rmtree(tmp_path / "part" / "checkpoints" / f"{stage}-000004")
    train(config.model_copy(update={"output": str(tmp_path / "part"), "resume": True}), quiet=True)
    _same(tmp_path / "part", tmp_path / "whole", exact=True)
    state = load_file(tmp_path / "whole" / "model" / "model.safetensors")
    biases = [value for name, value in state.items() if name.endswith("e_score_correction_bias")]
    assert biases
    assert all(float(bias.abs().max()) > 0.009 for bias in biases)
    lines = [line for line in _lines(tmp_path / "whole") if line["phase"] in ("warmup", stage)]
    assert len(lines) > 3
    named = {"moe_max_violation", "moe_load_entropy", "moe_dead_share", "moe_bias_drift", "moe_balance_loss"}
    assert all(named <= line.keys() for line in lines)


@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_two_processes_balance_like_one(tmp_path: Path, strategy: str) -> None:
    """The load is that of all processes: bias, losses and weights are those of one."""
    section = {"steps": 3, "batch": 5, "lr": 1e-3}
    train(run_config(tmp_path / "one", "sft", sft=section), quiet=True)
    assert together(run_config(tmp_path / "two", "sft", sft=section, distributed={"strategy": strategy})) == [0, 0]
    one, two = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("one", "two"))
    for name, tensor in one.items():
        exactly = name.endswith("e_score_correction_bias")
        torch.testing.assert_close(
            two[name], tensor, rtol=0 if exactly else 1e-3, atol=0 if exactly else 1e-4, msg=name
        )
    lines = [[r for r in _lines(tmp_path / name) if r["phase"] == "sft"] for name in ("one", "two")]
    for a, b in zip(*lines, strict=True):
        for key in ("loss", "grad_norm", "moe_max_violation", "moe_balance_loss"):
            assert a[key] == pytest.approx(b[key], rel=1e-3), key


@pytest.mark.parametrize("kind", BUILDS)
def test_an_engine_is_given_the_bias_in_float32_and_every_expert_by_its_published_name(
    tmp_path: Path, kind: str
) -> None:
    policy = policy_of(kind)
    policy.save(tmp_path)
    there = load_file(tmp_path / "model.safetensors")
    given = dict(published(policy_weights(policy.model)))
    assert given.keys() == there.keys()
    assert all(torch.equal(given[name], value) for name, value in there.items())
    before = fingerprint(policy.model)
    gathered = gathered_weights(policy.model, torch.bfloat16)
    biases = [name for name in gathered if name.endswith("e_score_correction_bias")]
    assert all(gathered[name].dtype is torch.float32 for name in biases)
    assert len(biases) == (0 if kind == "qwen3_moe" else 2)
    for name in biases:
        policy.model.get_buffer(name).add_(1e-6)
        assert fingerprint(policy.model) != before, "the server would keep the old bias"


def test_a_copy_that_draws_takes_the_bias_with_the_weights() -> None:
    policy = policy_of("deepseek_v3", moe={})
    copied = copy.deepcopy(policy.model)
    mine, theirs = routing_of(policy.model), routing_of(copied)
    assert mine is not None
    assert theirs is not None
    assert theirs.routers[0] is blocks(copied)[0].gate, "the copy's routers follow the copy's plan"
    mine.routers[0].e_score_correction_bias += 0.5
    Replica(policy.model, copied, TransformersSampler(copied, policy.tokenizer, policy.eos_ids)).sync()
    assert torch.equal(theirs.routers[0].e_score_correction_bias, mine.routers[0].e_score_correction_bias)
