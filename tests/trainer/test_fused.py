"""The lighter layers compute what transformers' do: log-probs and every gradient."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.decode_models import MODELS, make_model
from veritune.trainer.data.packing import make_batch, make_unpadded
from veritune.trainer.policy.attention import make_segments
from veritune.trainer.policy.fused import fuse_layers, runs_blocks
from veritune.trainer.policy.layers import Weights
from veritune.trainer.policy.logprobs import completion_logprobs


def _run(model: Any, autocast: bool) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    ids = torch.arange(24).view(2, 12) % 20
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        logits = model(input_ids=ids).logits.float()
    torch.log_softmax(logits, -1)[..., 3].sum().backward()  # type: ignore[no-untyped-call]
    return logits, {name: p.grad for name, p in model.named_parameters()}


def _states(model: Any, ids: torch.Tensor, inputs: dict[str, Any], autocast: bool = False) -> torch.Tensor:
    """The last states of a pass without a cache, and a backward of a sum of them."""
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        states: torch.Tensor = model.get_decoder()(input_ids=ids, use_cache=False, **inputs).last_hidden_state
    weights = torch.randn(states.shape[-1], generator=torch.Generator().manual_seed(0))
    (states.float() @ weights).tanh().sum().backward()  # type: ignore[no-untyped-call]
    return states.detach()


def _gradients(model: Any) -> dict[str, torch.Tensor]:
    """Of every parameter that has one, and none from now on."""
    found = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    return found


IDS = torch.arange(24).view(2, 12) % 20


@pytest.mark.parametrize("name", MODELS)
def test_a_pass_over_whole_rows_is_that_of_transformers_and_gradients_add_up(name: str) -> None:
    """With and without a mask of ours, twice before a step; then the next step sees the weights that the first made."""
    model, _ = make_model(name)
    fused = copy.deepcopy(model)
    fuse_layers(fused)
    assert runs_blocks(fused.get_decoder())
    mask = (torch.ones(12, 12).tril() * (torch.rand(12, 12, generator=torch.Generator().manual_seed(1)) < 0.7)) > 0
    masked = {"attention_mask": (mask | torch.eye(12, dtype=torch.bool)).expand(2, 1, 12, 12), "position_ids": None}
    optimizers = [torch.optim.AdamW(m.parameters(), lr=1e-3, fused=True) for m in (model, fused)]
    for _ in range(2):
        for more in (dict[str, Any](), masked):
            right, found = (_states(m, IDS, more) for m in (model, fused))
            torch.testing.assert_close(found, right, atol=1e-3, rtol=1e-3)
        for parameter in fused.parameters():
            assert parameter.grad is None or parameter.grad.shape == parameter.shape
        for optimizer in optimizers:
            optimizer.step()
        expected, got = _gradients(model), _gradients(fused)
        assert expected.keys() == got.keys()
        for key, grad in expected.items():
            torch.testing.assert_close(got[key], grad, atol=2e-3, rtol=2e-3, msg=key)


@pytest.mark.parametrize("name", ["qwen2", "qwen3"])
def test_rows_without_padding_are_rows(name: str) -> None:
    model, _ = make_model(name)
    fuse_layers(model)
    rows = [[5, 6, 7, 8, 9, 1, 2], [4, 3], [9, 8, 7, 6]]
    alone = [_states(model, torch.tensor([row]), {}) for row in rows]
    expected = _gradients(model)
    lengths = [len(row) for row in rows]
    inputs: dict[str, Any] = {"position_ids": torch.cat([torch.arange(n) for n in lengths])[None]}
    inputs |= {"segments": make_segments(lengths, "cpu")}
    ids = torch.tensor([[token for row in rows for token in row]])
    together = _states(model, ids, inputs)
    torch.testing.assert_close(together[0], torch.cat([a[0] for a in alone]), atol=1e-5, rtol=1e-5)
    for key, grad in _gradients(model).items():
        torch.testing.assert_close(grad, expected[key], atol=1e-4, rtol=1e-4, msg=key)


def test_unpadded_batches_have_the_log_probs_of_padded_ones() -> None:
    model, _ = make_model("qwen2")
    fuse_layers(model)
    prompts, completions = [[5, 6, 7], [8], [4, 5, 6, 7]], [[9, 10, 1, 3], [11], [12, 13]]
    padded, entropy = completion_logprobs(model, make_batch(prompts, completions, "cpu"), 0.9, "metric")
    found, its_entropy = completion_logprobs(model, make_unpadded(prompts, completions, "cpu"), 0.9, "metric")
    torch.testing.assert_close(found, padded, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(its_entropy, entropy, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["qwen2", "qwen3", "llama"])
def test_under_autocast_gradients_are_as_near_to_float32_as_those_of_transformers(name: str) -> None:
    model, _ = make_model(name)
    fused = copy.deepcopy(model)
    fuse_layers(fused)
    exact = copy.deepcopy(model)
    ids = torch.randint(0, 20, (8, 24), generator=torch.Generator().manual_seed(0))
    for which, autocast in ((exact, False), (model, True), (fused, True)):
        _states(which, ids, {}, autocast)
    right, theirs, ours = (
        torch.cat([g.flatten() for g in _gradients(which).values()]) for which in (exact, model, fused)
    )
    assert float((ours - right).norm()) < 1.1 * float((theirs - right).norm())


def test_checkpointed_layers_have_the_same_gradients() -> None:
    model, _ = make_model("qwen3")
    fuse_layers(model)
    model.train()
    expected_states = _states(model, IDS, {})
    expected = _gradients(model)
    for layer in model.get_decoder().layers:
        layer.gradient_checkpointing = True
    torch.testing.assert_close(_states(model, IDS, {}), expected_states)
    for key, grad in _gradients(model).items():
        torch.testing.assert_close(grad, expected[key], msg=key)


@pytest.mark.parametrize("name", MODELS)
def test_fused_layers_change_nothing_but_rounding(name: str) -> None:
    model, _ = make_model(name)
    fused = copy.deepcopy(model)
    assert fuse_layers(fused) == 2
    fused = copy.deepcopy(fused)  # a copy uses its own parameters
    (logits, grads), (found, found_grads) = _run(model, False), _run(fused, False)
    torch.testing.assert_close(found, logits, atol=1e-4, rtol=1e-4)
    for key, grad in grads.items():
        torch.testing.assert_close(found_grads[key], grad, atol=1e-3, rtol=1e-3, msg=key)


def test_under_autocast_too() -> None:
    """The distance to float32 is no larger than that of transformers' own layers."""
    model, _ = make_model("qwen2")
    fused = copy.deepcopy(model)
    fuse_layers(fused)
    exact, _ = _run(copy.deepcopy(model), False)
    theirs, ours = (float((_run(m, True)[0] - exact).detach().norm() / exact.norm()) for m in (model, fused))
    assert ours < 1.2 * theirs


def test_other_architectures_are_left_alone() -> None:
    model, _ = make_model("qwen2")
    model.config.model_type = "gemma"
    assert fuse_layers(model) == 0


def test_the_sampler_of_a_model_in_half_precision_reads_the_models_own_weights() -> None:
    """No second copy; and where the parameters are put elsewhere, the sampler is told that its graphs are stale."""
    model, _ = make_model("qwen2")
    model.to(torch.bfloat16)
    ids = torch.arange(12)[None]
    before = model(input_ids=ids).logits
    weights = Weights(model, torch.bfloat16)
    attention = model.get_decoder().layers[0].self_attn
    assert weights.layers[0].qkv.data_ptr() == attention.q_proj.weight.data_ptr()
    with torch.no_grad():
        attention.v_proj.weight.zero_()
    assert torch.equal(weights.layers[0].qkv[-len(attention.v_proj.weight) :], attention.v_proj.weight)
    assert not weights.sync()
    model.to(torch.float32).to(torch.bfloat16)
    assert weights.sync()
    assert torch.equal(weights.layers[0].qkv[-len(attention.v_proj.weight) :], attention.v_proj.weight)
    with torch.no_grad():
        attention.q_proj.weight[0, 0] = 3.0
    assert float(weights.layers[0].qkv[0, 0]) == 3.0
    assert not torch.equal(model(input_ids=ids).logits, before)


def test_parameters_that_became_parts_of_one_are_saved_and_copied_as_before(tmp_path: Path) -> None:
    model, _ = make_model("qwen3")
    expected = {name: value.clone() for name, value in model.state_dict().items()}
    fuse_layers(model)
    _states(model, IDS, {})
    copied = copy.deepcopy(model)
    model.save_pretrained(tmp_path)
    read = type(model).from_pretrained(tmp_path)
    for name, value in expected.items():
        assert torch.equal(read.state_dict()[name], value), name
        assert torch.equal(copied.state_dict()[name], value), name
    with torch.no_grad():
        copied.get_decoder().layers[0].self_attn.q_proj.weight.zero_()
    name = "model.layers.0.self_attn.q_proj.weight"
    assert torch.equal(model.state_dict()[name], expected[name])
    _states(copied, IDS, {})  # which makes parts of its own
