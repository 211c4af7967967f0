"""DPO's losses against the definitions in float64 and against trl's own on the same tensors, gradients included."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from veritune.trainer.objective.dpo import PairBatch, PairObjective, pair_loss

CHOSEN, REJECTED = [5, 2, 7, 1, 4], [3, 7, 2, 6, 1]
WIDTH, PROMPT = 7, 3

OBJECTIVES: list[tuple[dict[str, Any], list[str]]] = [
    ({"loss": "sigmoid"}, ["sigmoid"]),
    ({"loss": "sigmoid", "beta": 2.0}, ["sigmoid"]),
    ({"loss": "ipo"}, ["ipo"]),
    ({"loss": "ipo", "beta": 0.5}, ["ipo"]),
    ({"loss": "robust", "label_smoothing": 0.2}, ["robust"]),
    ({"loss": "sigmoid", "sft_weight": 0.3}, ["sigmoid", "sft"]),
]


def _tensors(dtype: torch.dtype) -> dict[str, Tensor]:
    """Token log-probs of both answers, and the reference's sums."""
    torch.manual_seed(2)
    found = {}
    for name, lengths in (("chosen", CHOSEN), ("rejected", REJECTED)):
        mask = torch.arange(WIDTH) < torch.tensor(lengths)[:, None]
        logps = -3 * torch.rand(len(lengths), WIDTH, dtype=torch.float64) * mask
        found[name] = logps.to(dtype, copy=True).requires_grad_()
        found[f"{name}_mask"] = mask.to(dtype)
        found[f"{name}_reference"] = (logps.sum(1) + torch.randn(len(lengths), dtype=torch.float64)).to(dtype)
    return found


def _ours(t: dict[str, Tensor], objective: PairObjective, rows: slice = slice(None)) -> Any:
    batch = PairBatch(
        t["chosen"][rows].sum(1), t["rejected"][rows].sum(1), t["chosen_reference"][rows],
        t["rejected_reference"][rows], t["chosen_mask"][rows].sum(1), t["rejected_mask"][rows].sum(1),
    )  # fmt: skip
    return pair_loss(batch, objective, len(CHOSEN), sum(CHOSEN))


def _by_hand(t: dict[str, Tensor], o: PairObjective) -> float:
    """The papers' formulas, one pair at a time, in Python's numbers."""
    total = 0.0
    for i, (a, b) in enumerate(zip(CHOSEN, REJECTED, strict=True)):
        better = sum(t["chosen"][i, :a].tolist()) - float(t["chosen_reference"][i])
        worse = sum(t["rejected"][i, :b].tolist()) - float(t["rejected_reference"][i])
        right, wrong = (math.log1p(math.exp(-s * o.beta * (better - worse))) for s in (1, -1))
        if o.loss == "ipo":
            total += (better / a - worse / b - 1 / (2 * o.beta)) ** 2
        elif o.loss == "robust":
            e = o.label_smoothing
            total += ((1 - e) * right - e * wrong) / (1 - 2 * e)
        else:
            total += (1 - o.label_smoothing) * right + o.label_smoothing * wrong
    likelihood = sum(sum(t["chosen"][i, :a].tolist()) for i, a in enumerate(CHOSEN)) / sum(CHOSEN)
    return total / len(CHOSEN) - o.sft_weight * likelihood


@pytest.mark.parametrize("settings", [*(o for o, _ in OBJECTIVES), {"label_smoothing": 0.1, "sft_weight": 0.5}])
def test_loss_is_the_papers_pair_by_pair(settings: dict[str, Any]) -> None:
    tensors, objective = _tensors(torch.float64), PairObjective(**settings)
    assert _ours(tensors, objective).loss.item() == pytest.approx(_by_hand(tensors, objective), abs=1e-12)


def test_micro_batches_add_up_to_the_whole_step() -> None:
    objective = PairObjective(sft_weight=0.3)
    whole, parts = _tensors(torch.float64), _tensors(torch.float64)
    _ours(whole, objective).loss.backward()
    found = [_ours(parts, objective, rows) for rows in (slice(0, 1), slice(1, 4), slice(4, 5))]
    for part in found:
        part.loss.backward()
    for name in ("chosen", "rejected"):
        torch.testing.assert_close(parts[name].grad, whole[name].grad, rtol=1e-12, atol=1e-14)
    assert sum(p.sums["margin"] for p in found) == pytest.approx(_ours(whole, objective).sums["margin"])


def test_a_falling_chosen_likelihood_is_seen() -> None:
    """Both answers lose likelihood, the rejected one more: the margin rises, and ``displaced`` says what it cost."""
    batch = PairBatch(*(torch.tensor([v]) for v in (-5.0, -9.0, -4.0, -4.0, 3.0, 3.0)))
    sums = pair_loss(batch, PairObjective(), 1, 3).sums
    assert sums["accuracy"] == 1.0
    assert sums["margin"] == pytest.approx(0.4)
    assert sums["displaced"] == 1.0
    assert sums["shift/chosen"] == -1.0
    assert sums["shift/rejected"] == -5.0


def test_far_apart_log_probs_give_finite_gradients() -> None:
    for gap in (-1e4, 1e4):
        chosen = torch.tensor([gap], requires_grad=True)
        batch = PairBatch(chosen, torch.zeros(1), torch.zeros(1), torch.zeros(1), torch.ones(1), torch.ones(1))
        (gradient,) = torch.autograd.grad(pair_loss(batch, PairObjective(beta=1.0), 1, 1).loss, chosen)
        assert math.isfinite(float(gradient))


@pytest.mark.parametrize("wrong", [{"label_smoothing": 0.5}, {"loss": "ipo", "label_smoothing": 0.1}, {"beta": 0.0}])
def test_settings_without_meaning_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PairObjective(**wrong)


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """trl's DPOTrainer, whose loss is given log-probs in place of a model's."""
    pytest.importorskip("trl", reason="compares with trl's loss")
    from datasets import Dataset
    from transformers import Qwen3Config, Qwen3ForCausalLM
    from trl import DPOConfig, DPOTrainer

    from veritune.trainer.policy.models import make_tokenizer

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    settings = Qwen3Config(vocab_size=8, head_dim=16, num_key_value_heads=1, **sizes)
    model, reference = Qwen3ForCausalLM(settings), Qwen3ForCausalLM(settings)
    folder: Path = tmp_path_factory.mktemp("trl")
    config = DPOConfig(output_dir=str(folder), use_cpu=True, bf16=False, report_to="none")
    rows = Dataset.from_list([{"prompt": "a", "chosen": "b", "rejected": "a"}] * 2)
    tokenizer = make_tokenizer(list("ab"))
    made = DPOTrainer(model, reference, args=config, train_dataset=rows, processing_class=tokenizer)
    made.precompute_ref_logps = True
    return made


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(("settings", "theirs"), OBJECTIVES)
def test_loss_and_gradients_equal_trls(
    trainer: Any, settings: dict[str, Any], theirs: list[str], dtype: torch.dtype
) -> None:
    objective = PairObjective(**settings)
    ours, other = _tensors(dtype), _tensors(dtype)
    trainer.beta, trainer.label_smoothing = objective.beta, objective.label_smoothing
    trainer.loss_types, trainer.loss_weights = theirs, [1.0, objective.sft_weight][: len(theirs)]
    logps = torch.cat(
        [torch.zeros(2 * len(CHOSEN), PROMPT - 1, dtype=dtype), torch.cat([other["chosen"], other["rejected"]])], 1
    )
    mask = torch.cat(
        [torch.zeros(2 * len(CHOSEN), PROMPT, dtype=dtype), torch.cat([other["chosen_mask"], other["rejected_mask"]])],
        1,
    )
    outputs = SimpleNamespace(log_probs=logps, entropy=logps, mean_logits=logps, is_top1=logps > 0)
    inputs = {
        "input_ids": torch.ones_like(mask, dtype=torch.long),
        "attention_mask": torch.ones_like(mask, dtype=torch.long),
        "completion_mask": mask.long(),
        "ref_chosen_logps": other["chosen_reference"],
        "ref_rejected_logps": other["rejected_reference"],
    }
    theirs_loss = trainer._compute_loss(lambda **_: outputs, inputs, False)
    found = _ours(ours, objective)
    found.loss.backward()
    theirs_loss.backward()
    torch.testing.assert_close(found.loss, theirs_loss, rtol=1e-6, atol=1e-6)
    for name in ("chosen", "rejected"):
        inside = ours[f"{name}_mask"]  # trl's sums are over its padding too, where log-probs are 0
        mine, trls = (t[name].grad for t in (ours, other))
        assert mine is not None
        assert trls is not None
        torch.testing.assert_close(mine * inside, trls * inside, rtol=1e-6, atol=1e-6)
    logged = trainer._metrics["train"]
    assert found.sums["margin"] / len(CHOSEN) == pytest.approx(logged["rewards/margins"][-1], rel=1e-5)
    assert found.sums["logps/chosen"] / len(CHOSEN) == pytest.approx(logged["logps/chosen"][-1], rel=1e-5)
