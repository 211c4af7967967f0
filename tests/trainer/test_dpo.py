"""DPO: its step against the plain model pair by pair, its pairs, and that it runs as every stage does."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.stage_runs import (
    begun,
    check_goes_on_to_the_same_bits,
    check_processes_are_one,
    check_sharded_processes_are_one,
    logps_of,
    no_models,
    stage_config,
    write_jsonl,
)
from veritune.plugins import ColumnError, ConfigError, DataError, RunError
from veritune.trainer.data.preferences import pairs_of_completions
from veritune.trainer.data.tasks import get_task
from veritune.trainer.observe.metrics import read_metrics, write_completions
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.run import train

SUMS = [(f"{a}+{b}+{c}=", a + b + c) for a, b, c in ((3, 9, 4), (1, 2, 3), (5, 5, 5), (9, 1, 7), (2, 8, 1), (6, 4, 3))]
ROWS = [
    {"prompt": p, "chosen": f"<answer>{n}</answer>", "rejected": f"<answer>{n + 1}</answer>" + "1" * (n % 3)}
    for p, n in SUMS
]


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    return str(write_jsonl(tmp_path / "pairs.jsonl", ROWS))


def _config(folder: Path, pairs: str, /, **changes: Any) -> Any:
    dpo = {"pairs": {"train": pairs}, "batch": 3, "steps": 4, "lr": 1e-3, **changes.pop("dpo", {})}
    return stage_config(folder, "dpo", dpo=dpo, **changes)


PLAIN = {"optimizer": "sgd", "lr": 1.0, "clip_norm": None}


@pytest.mark.parametrize(
    ("loss", "more"), [("sigmoid", {}), ("sigmoid", {"micro_batch_tokens": 1}), ("ipo", {"share_prompts": False})]
)
def test_a_step_is_the_gradient_of_the_pairs_own_loss(tmp_path: Path, pairs: str, loss: str, more: Any) -> None:
    """After a first step has moved the policy off its reference: weights − lr · ∇ of the loss written out."""
    settings = {**PLAIN, **more, "objective": {"loss": loss, "beta": 0.5}}
    _, stage = begun(_config(tmp_path / "run", pairs, dpo=settings))
    reference = copy.deepcopy(stage.model)
    stage.step()
    model, taken = copy.deepcopy(stage.model), stage.order.take(3, 3)
    total = torch.zeros(())
    for pair in (stage.pairs[i] for i in taken):
        ratio = []
        for side in (pair.chosen, pair.rejected):
            places = range(len(side.token_ids)), side.token_ids
            ours, theirs = (logps_of(m, side.prompt_ids, side.token_ids)[places].sum() for m in (model, reference))
            ratio.append((ours - theirs.detach()) / (len(side.token_ids) if loss == "ipo" else 1))
        margin = ratio[0] - ratio[1]
        total = total + ((margin - 1.0) ** 2 if loss == "ipo" else torch.log1p(torch.exp(-0.5 * margin))) / 3
    metrics = stage.step()
    assert metrics["loss"] == pytest.approx(total.item(), rel=1e-5)
    gradients = torch.autograd.grad(total, list(model.parameters()))
    for before, after, gradient in zip(model.parameters(), stage.model.parameters(), gradients, strict=True):
        torch.testing.assert_close(before - after, gradient, rtol=1e-3, atol=3e-6)


def test_the_end_of_sequence_is_part_of_an_answer_and_the_prompt_is_not(tmp_path: Path, pairs: str) -> None:
    run, stage = begun(_config(tmp_path / "run", pairs))
    chosen = stage.pairs[0].chosen
    tokens = run.policy.tokenizer.convert_ids_to_tokens
    assert tokens(chosen.prompt_ids) == list("3+9+4=")
    assert tokens(chosen.token_ids) == ["<answer>", "1", "6", "</answer>", "<eos>"]


def test_preferences_are_learnt_and_the_held_out_ones_judged(tmp_path: Path, pairs: str) -> None:
    dpo = {"steps": 8, "batch": 6, "lr": 4e-3, "pairs": {"train": pairs, "eval": pairs}}
    folder = train(_config(tmp_path / "run", pairs, dpo=dpo), quiet=True)
    lines = read_metrics(folder / "metrics.jsonl")
    steps = [r for r in lines if r["phase"] == "dpo"]
    assert steps[0]["margin"] == pytest.approx(0.0, abs=1e-5)  # the reference is the policy as the run begins
    assert steps[0]["loss"] == pytest.approx(0.6931, abs=1e-4)
    assert steps[-1]["accuracy"] == 1.0
    assert steps[-1]["margin"] > 0.1
    judged = [r for r in lines if r["phase"] == "evaluation"]
    assert judged[-1]["pairs/accuracy"] == 1.0
    assert judged[-1]["pairs/loss"] < judged[0]["pairs/loss"]
    assert "reward/even" in judged[-1]  # and prompts are drawn, as in every stage


def test_chosen_answers_that_become_unlikely_are_said(tmp_path: Path, pairs: str, capsys: Any) -> None:
    """At a rate far too high both answers fall, the rejected ones further."""
    quiet = {"rewards": None, "evaluation": {"metric": "accuracy"}}
    folder = train(_config(tmp_path / "run", pairs, dpo={"steps": 8, "lr": 0.1}, **quiet), quiet=True)
    worst = min(r["shift/chosen"] for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "dpo")
    assert worst < -5
    assert capsys.readouterr().err.count("likelihood displacement") == 1


def test_without_rewards_the_held_out_pairs_are_the_evaluation(tmp_path: Path, pairs: str) -> None:
    evaluation = {"metric": "accuracy"}
    dpo = {"pairs": {"train": pairs, "eval": pairs}, "steps": 1}
    folder = train(_config(tmp_path / "run", pairs, dpo=dpo, rewards=None, evaluation=evaluation), quiet=True)
    judged = [r for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "evaluation"]
    assert judged[-1]["accuracy"] == judged[-1]["pairs/accuracy"]
    assert not (folder / "completions").exists()


@pytest.mark.parametrize(
    "objective",
    [
        {"loss": "sigmoid", "beta": 0.3},
        {"loss": "sigmoid", "label_smoothing": 0.3},
        {"loss": "robust", "label_smoothing": 0.2},
        {"loss": "ipo", "beta": 0.3},
        {"loss": "sigmoid", "sft_weight": 0.5},
    ],
)
def test_the_held_out_loss_is_the_one_that_is_trained_on(tmp_path: Path, pairs: str, objective: Any) -> None:
    """Judged on the pairs of a step, it is that step's loss, whatever the objective."""
    dpo = {"batch": len(ROWS), "objective": objective, "lr": 1e-2, "pairs": {"train": pairs, "eval": pairs}}
    _, stage = begun(_config(tmp_path / "run", pairs, dpo=dpo))
    stage.step()
    judged = stage._judge()["pairs/loss"]
    assert judged == pytest.approx(stage.step()["loss"], rel=1e-5)


def test_it_goes_on_to_the_same_bits(tmp_path: Path, pairs: str) -> None:
    check_goes_on_to_the_same_bits(_config(tmp_path / "run", pairs))


def test_two_processes_are_one(tmp_path: Path, pairs: str) -> None:
    check_processes_are_one(_config(tmp_path / "run", pairs, rewards=None, evaluation={"metric": "accuracy"}), tmp_path)


def test_sharded_processes_are_one(tmp_path: Path, pairs: str) -> None:
    changes = {"rewards": None, "evaluation": {"metric": "accuracy"}, "distributed": {"strategy": "auto"}}
    config = _config(tmp_path / "run", pairs, **changes, dpo={"batch": 1, "pairs": {"train": pairs, "eval": pairs}})
    check_sharded_processes_are_one(config, tmp_path)


def test_an_adapters_reference_is_its_base(tmp_path: Path, pairs: str) -> None:
    _, stage = begun(_config(tmp_path / "run", pairs, model={"lora": {"rank": 4}}))
    base = stage.model.get_base_model()
    before = {name: p.clone() for name, p in base.named_parameters() if "lora_" not in name}
    for row, kept in zip(stage.pairs, stage.reference_.tolist(), strict=True):
        with stage.model.disable_adapter(), torch.no_grad():
            for side, value in zip((row.chosen, row.rejected), kept, strict=True):
                places = range(len(side.token_ids)), side.token_ids
                assert logps_of(base, side.prompt_ids, side.token_ids)[places].sum().item() == pytest.approx(value)
    stage.step()
    assert stage.step()["margin"] != 0
    assert all(torch.equal(p, before[name]) for name, p in base.named_parameters() if name in before)


def test_a_run_without_its_reference_does_not_go_on(tmp_path: Path, pairs: str) -> None:
    config = _config(tmp_path / "run", pairs, dpo={"steps": 1})
    (train(config, quiet=True) / "reference.pt").unlink()
    with pytest.raises(ConfigError, match=r"reference\.pt is missing"):
        train(config.model_copy(update={"resume": True}), quiet=True)


def test_steps_that_are_no_numbers_end_the_run(tmp_path: Path, pairs: str) -> None:
    config = _config(tmp_path / "run", pairs, dpo={"lr": 1e30, "steps": 30, "bad_steps": 2}, rewards=None,
                     evaluation={"metric": "accuracy"})  # fmt: skip
    with pytest.raises(RunError, match=r"2 updates in a row .* lower dpo\.lr"):
        train(config, quiet=True)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"dpo": {"objective": {"beta": 0}}}, ConfigError, "dpo.objective.beta"),
        ({"dpo": {"objective": {"loss": "hinge"}}}, ConfigError, "dpo.objective.loss"),
        ({"dpo": {"pairs": {}}}, ConfigError, "dpo.pairs: name a file"),
        ({"dpo": {"pairs": {"train": "none.jsonl"}}}, DataError, "does not exist"),
        ({"dpo": {"pairs": {"completions": "none"}}}, DataError, "does not exist"),
        ({"dpo": {"pairs": {"min_gap": 0.5}}}, ConfigError, "min_gap is for pairs made of completions"),
        ({"dpo": {"pairs": {"margin": "gap"}}}, ConfigError, "margin: unknown key"),
        ({"dpo": {"optimizer_params": {"momentun": 1}}}, ConfigError, "momentun"),
        ({"evaluation": {"metric": "evn"}}, ConfigError, "Did you mean 'even'"),
    ],
)
def test_a_wrong_config_is_refused_before_a_model_is_loaded(
    tmp_path: Path, pairs: str, changes: Any, error: type[Exception], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_models(monkeypatch)
    with pytest.raises(error, match=says):
        train(_config(tmp_path / "run", pairs, **changes), quiet=True)
    assert not (tmp_path / "run").exists()


def test_pairs_longer_than_the_limit_are_left_out_and_longer_than_the_model_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [*ROWS, {"prompt": "1+1+1=", "chosen": "3" * 200, "rejected": "4"}]
    pairs = str(write_jsonl(tmp_path / "long.jsonl", rows))
    with pytest.raises(ConfigError, match=r"set dpo\.max_tokens=128"):
        begun(_config(tmp_path / "run", pairs))
    _, stage = begun(_config(tmp_path / "run", pairs, dpo={"max_tokens": 20}))
    assert len(stage.pairs) == len(ROWS)
    assert "1 of 7 are longer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"prompt": [{"rol": "user", "content": "1+1+1="}]}, "pair 7: the prompt: message 1: it has no 'role'"),
        ({"prompt": None}, "pair 7: there is no prompt"),
        ({"chosen": [{"role": "user", "content": "3"}]}, "pair 7: an answer is a text or one message"),
        ({"rejected": [{"role": "assistant", "content": "3"}] * 2}, "pair 7: an answer is a text or one message"),
        ({"chosen": 3}, "row 7: 'chosen' is text or a list of messages"),
    ],
)
def test_a_row_that_is_no_pair_is_named(tmp_path: Path, row: Any, says: str) -> None:
    whole = {"prompt": "1+1+1=", "chosen": "3", "rejected": "4"}
    pairs = str(write_jsonl(tmp_path / "odd.jsonl", [*ROWS, {**whole, **row}]))
    with pytest.raises(DataError, match=re.escape(says)):
        begun(_config(tmp_path / "run", pairs))


def test_whole_conversations_are_told_how_they_are_read(tmp_path: Path) -> None:
    asked, other = ({"role": "user", "content": text} for text in ("1+1+1=", "2+1+1="))
    answers = [{"role": "assistant", "content": text} for text in "34"]
    whole = str(
        write_jsonl(tmp_path / "whole.jsonl", [{"chosen": [asked, answers[0]], "rejected": [asked, answers[1]]}])
    )
    with pytest.raises(ColumnError, match=r"no column 'prompt'.*prompt: null"):
        begun(_config(tmp_path / "run", whole))
    odd = str(write_jsonl(tmp_path / "odd.jsonl", [{"chosen": [asked, answers[0]], "rejected": [other, answers[1]]}]))
    with pytest.raises(DataError, match="pair 1: its two conversations begin with different messages"):
        begun(_config(tmp_path / "run", odd, dpo={"pairs": {"train": odd, "prompt": None}}))


def test_a_text_that_is_preferred_to_itself_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, Any]] = [
        *ROWS,
        {"prompt": "1+1+1=", "chosen": "3", "rejected": [{"role": "assistant", "content": "3"}]},
    ]
    _, stage = begun(_config(tmp_path / "run", str(write_jsonl(tmp_path / "twice.jsonl", rows))))
    assert len(stage.pairs) == len(ROWS)
    assert "1 of 7 prefer a text to itself" in capsys.readouterr().err


def test_the_training_file_may_be_the_pairs(tmp_path: Path, pairs: str) -> None:
    """Then it needs no prompts of its own kind: held-out ones are those of ``data.eval``."""
    held = write_jsonl(tmp_path / "held.jsonl", [{"prompt": "1+1+1=", "gold": "3"}])
    tokenizer = make_tokenizer(get_task("arithmetic", {"terms": 3}).vocabulary())
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    data: dict[str, Any] = {"task": None, "params": {}, "train": pairs, "eval": str(held), "prompt": "prompt"}
    config = stage_config(
        tmp_path / "run", "dpo", data=data, model={"tokenizer": str(tmp_path / "tokenizer")}, dpo={"steps": 1}
    )
    lines = read_metrics(train(config, quiet=True) / "metrics.jsonl")
    assert [r["phase"] for r in lines] == ["evaluation", "dpo", "evaluation"]


# -- pairs made of scored completions ------------------------------------------------------------------------------


def _scored(prompt: str, *rewards: float | None, **more: Any) -> list[dict[str, Any]]:
    return [{"prompt": prompt, "completion": f"{prompt} {i}", "reward": r, **more} for i, r in enumerate(rewards)]


def _made(
    path: Path, rows: list[dict[str, Any]], per_prompt: int = 1, min_gap: float = 0.0
) -> list[tuple[str, str, float]]:
    found = pairs_of_completions([str(write_jsonl(path / "scored.jsonl", rows))], per_prompt, min_gap)
    return [(str(p.chosen), str(p.rejected), p.margin) for p in found]


def test_the_best_is_paired_with_the_worst(tmp_path: Path) -> None:
    rows = [*_scored("a", 0.5, 1.0, 0.0, 0.75), *_scored("b", 1.0, 1.0), *_scored("c", 0.25, None, 0.5)]
    assert _made(tmp_path, rows) == [("a 1", "a 2", 1.0), ("c 2", "c 0", 0.25)]
    assert _made(tmp_path, rows, 2) == [("a 1", "a 2", 1.0), ("a 3", "a 0", 0.25), ("c 2", "c 0", 0.25)]
    assert _made(tmp_path, rows, 9, 0.25) == [("a 1", "a 2", 1.0)]


def test_undecided_completions_are_no_zeros_and_repeated_ones_are_one(tmp_path: Path) -> None:
    assert _made(tmp_path, _scored("a", 1.0, None, None)) == []
    twice = [{"prompt": "a", "completion": "same", "reward": r} for r in (1.0, 0.0)]
    assert _made(tmp_path, twice) == []


def test_a_runs_own_folder_gives_pairs_but_not_of_held_out_prompts(tmp_path: Path) -> None:
    write_completions(tmp_path, "step-000001", _scored("a", 1.0, 0.0, finish="eos"))
    write_completions(tmp_path, "step-000002", _scored("a", 0.5, 0.0, finish="length"))
    write_completions(tmp_path, "evaluation-000002", _scored("held out", 1.0, 0.0, finish="eos"))
    (pair,) = pairs_of_completions([str(tmp_path)], 9, 0.0)
    assert (pair.prompt, pair.chosen, pair.rejected) == ("a", "a 0", "a 1")
    assert pair.chosen_ends


def test_completions_that_were_cut_off_have_no_end(tmp_path: Path) -> None:
    rows = [
        {"prompt": "1+1+1=", "completion": "3", "reward": 1.0, "finish": "eos"},
        {"prompt": "1+1+1=", "completion": "44", "reward": 0.0, "finish": "length"},
    ]
    path = write_jsonl(tmp_path / "scored.jsonl", rows)
    run, stage = begun(_config(tmp_path / "run", "", dpo={"pairs": {"completions": str(path)}}))
    tokens = run.policy.tokenizer.convert_ids_to_tokens
    assert tokens(stage.pairs[0].chosen.token_ids) == ["3", "<eos>"]
    assert tokens(stage.pairs[0].rejected.token_ids) == ["4", "4"]


def test_completions_without_a_reward_column_are_refused(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "scored.jsonl", [{"prompt": "a", "completion": "b", "rewards": 1.0}])
    with pytest.raises(ColumnError, match=r"no column 'reward'\. Did you mean 'rewards'"):
        pairs_of_completions([str(path)], 1, 0.0)
