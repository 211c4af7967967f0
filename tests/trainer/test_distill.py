"""Distillation: its step against both plain models token by token, its rows and drawings, and that it runs as every
stage does."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY
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
from veritune.trainer.data.tasks import get_task
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.models import load_policy, make_tokenizer
from veritune.trainer.run import train

TASK = {"task": "arithmetic", "params": {"terms": 3}}
SMALL = {**TINY, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "head_dim": 8}
SUMS = [(f"{a}+{b}+{c}=", a + b + c) for a, b, c in ((3, 9, 4), (1, 2, 3), (5, 5, 5), (9, 1, 7), (2, 8, 1), (6, 4, 3))]
ROWS = [{"prompt": p, "completion": f"<answer>{n}</answer>" + "1" * (n % 3), "gold": str(n)} for p, n in SUMS]


def _spread(model: Any) -> None:
    for parameter in model.parameters():
        parameter.data *= 2  # far from uniform: a uniform teacher would hide mistakes


@pytest.fixture
def teacher(tmp_path: Path) -> str:
    """A random model of the task's vocabulary, padded to more tokens than the student's."""
    torch.manual_seed(5)
    made = load_policy(stage_config(tmp_path / "none", "grpo"), get_task("arithmetic", {"terms": 3}))
    made.model.resize_token_embeddings(len(made.tokenizer) + 7)
    _spread(made.model)
    made.save(tmp_path / "teacher")
    return str(tmp_path / "teacher")


@pytest.fixture
def rows(tmp_path: Path) -> str:
    return str(write_jsonl(tmp_path / "rows.jsonl", ROWS))


def _config(folder: Path, teacher: str, rows: str, /, **changes: Any) -> Any:
    section = {"train": rows, "batch": 3, "steps": 4, "lr": 1e-3, **changes.pop("distill", {})}
    if section.get("on_policy") == 1:
        del section["train"]
    model = {"build": SMALL, **changes.pop("model", {})}
    given = {"path": teacher, **changes.pop("teacher", {})}
    return stage_config(folder, "distill", model=model, teacher=given, distill=section, **changes)


def _kl(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a.exp() * (a - b)).sum(-1)


def _divergence(p: torch.Tensor, q: torch.Tensor, kind: str) -> torch.Tensor:
    """Of log-probs (tokens, vocabulary) of teacher and student, written out; skews as by default."""
    mixed = {share: (share * p.exp() + (1 - share) * q.exp()).log() for share in (0.1, 0.5, 0.9)}
    return {
        "forward_kl": _kl(p, q),
        "reverse_kl": _kl(q, p),
        "skew_forward_kl": _kl(p, mixed[0.1]),
        "skew_reverse_kl": _kl(q, mixed[0.9]),
        "jsd": 0.5 * _kl(p, mixed[0.5]) + 0.5 * _kl(q, mixed[0.5]),
    }[kind]


PLAIN = {"optimizer": "sgd", "lr": 1.0, "clip_norm": None}
OBJECTIVES: list[dict[str, Any]] = [
    {"divergence": "forward_kl"},
    {"divergence": "reverse_kl", "temperature": 0.8},
    {"divergence": "skew_forward_kl", "ce_weight": 0.3},
    {"divergence": "skew_reverse_kl"},
    {"divergence": "jsd", "temperature": 1.5, "ce_weight": 0.5},
]


@pytest.mark.parametrize(
    ("objective", "on_policy", "more"),
    [
        *((objective, 0.0, {}) for objective in OBJECTIVES),
        (OBJECTIVES[2], 0.34, {"micro_batch_tokens": 1}),
        (OBJECTIVES[4], 0.34, {}),
    ],
)
def test_a_step_is_the_gradient_of_the_written_out_loss(
    tmp_path: Path, teacher: str, rows: str, objective: Any, on_policy: float, more: Any
) -> None:
    settings = {**PLAIN, **more, "objective": objective, "on_policy": on_policy}
    _, stage = begun(_config(tmp_path / "run", teacher, rows, distill=settings))
    model = copy.deepcopy(stage.model)
    metrics = stage.step()
    given = [stage.rows[i] for i in stage.order.take(0, 2 if on_policy else 3)]
    drawn = stage.drawn.rollouts
    assert len(drawn) == (1 if on_policy else 0)
    total, tokens, heat = torch.zeros(()), 0, objective.get("temperature", 1.0)
    for row in [*given, *drawn]:
        size = len(row.token_ids)
        student = logps_of(model, row.prompt_ids, row.token_ids, heat)
        with torch.no_grad():  # cut to the student's vocabulary, and renormalised
            logits = stage.teacher.policy.model(input_ids=torch.tensor([[*row.prompt_ids, *row.token_ids]])).logits
            shared = logits[0, len(row.prompt_ids) - 1 : -1, : student.shape[1]]
            theirs = torch.log_softmax(shared / heat, -1)
        weight = objective.get("ce_weight", 0.0) if row not in drawn else 0.0
        right = logps_of(model, row.prompt_ids, row.token_ids)[range(size), row.token_ids]
        each = (1 - weight) * _divergence(theirs, student, objective["divergence"]) - weight * right
        total, tokens = total + each.sum(), tokens + size
    total = total / tokens
    assert metrics["loss"] == pytest.approx(total.item(), rel=1e-5)
    gradients = torch.autograd.grad(total, list(model.parameters()))
    for before, after, gradient in zip(model.parameters(), stage.model.parameters(), gradients, strict=True):
        torch.testing.assert_close(before - after, gradient, rtol=1e-3, atol=3e-6)


def test_soft_capped_logits_are_compared_as_they_are(tmp_path: Path, teacher: str, rows: str) -> None:
    """Where a head is more than a matrix, both models' own logits are what is compared."""
    build = {
        "model_type": "gemma2", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "head_dim": 8,
        "num_attention_heads": 2, "num_key_value_heads": 1, "final_logit_softcapping": 0.5, "sliding_window": 32,
        "max_position_embeddings": 128,
    }  # fmt: skip
    _, stage = begun(_config(tmp_path / "run", teacher, rows, model={"build": build, "attention": "eager"}))
    assert not stage.linear
    model = copy.deepcopy(stage.model)
    total, tokens = 0.0, 0
    for row in (stage.rows[i] for i in stage.order.take(0, 3)):
        student = logps_of(model, row.prompt_ids, row.token_ids)
        theirs = logps_of(stage.teacher.policy.model, row.prompt_ids, row.token_ids)[:, : student.shape[1]]
        total += _divergence(torch.log_softmax(theirs, -1), student, "forward_kl").sum().item()
        tokens += len(row.token_ids)
    assert stage.step()["loss"] == pytest.approx(total / tokens, rel=1e-5)


def test_the_student_comes_to_the_teacher(tmp_path: Path, teacher: str, rows: str) -> None:
    settings = {"steps": 20, "batch": 6, "lr": 1.5e-2, "on_policy": 0.5}
    folder = train(_config(tmp_path / "run", teacher, rows, distill=settings), quiet=True)
    lines = read_metrics(folder / "metrics.jsonl")
    steps = [r for r in lines if r["phase"] == "distill"]
    first, last = (sum(r["divergence"] for r in part) for part in (steps[:5], steps[-5:]))
    assert last < 0.8 * first
    assert "length" in steps[0]
    assert "reward/even" in [r for r in lines if r["phase"] == "evaluation"][-1]


def test_all_of_a_step_may_be_the_students_own(tmp_path: Path, teacher: str, rows: str) -> None:
    """Then no row is read: the prompts are the task's."""
    _, stage = begun(_config(tmp_path / "run", teacher, rows, distill={"on_policy": 1.0}))
    metrics = stage.step()
    assert metrics["on_policy"] == 1.0
    assert metrics["tokens"] == sum(len(r.token_ids) for r in stage.drawn.rollouts)
    assert not stage.rows


def test_what_the_assistant_did_not_write_is_not_learnt(tmp_path: Path, teacher: str, rows: str) -> None:
    """Of a conversation of several turns, the others' words are in no mean."""
    _, stage = begun(_config(tmp_path / "run", teacher, rows, distill={"objective": {"ce_weight": 0.5}}))
    for row in stage.rows:
        row.written = [False, *([True] * (len(row.token_ids) - 1))]
    total, tokens, student, tutor = 0.0, 0, copy.deepcopy(stage.model), stage.teacher.policy.model
    for row in (stage.rows[i] for i in stage.order.take(0, 3)):
        ours = logps_of(student, row.prompt_ids, row.token_ids)
        theirs = torch.log_softmax(logps_of(tutor, row.prompt_ids, row.token_ids)[:, : ours.shape[1]], -1)
        each = _divergence(theirs, ours, "forward_kl") - ours[range(len(ours)), row.token_ids]
        total, tokens = total + 0.5 * each[1:].sum().item(), tokens + len(ours) - 1
    metrics = stage.step()
    assert metrics["loss"] == pytest.approx(total / tokens, rel=1e-5)
    assert metrics["tokens"] == tokens


def test_a_teacher_elsewhere_says_the_same(tmp_path: Path, teacher: str, rows: str) -> None:
    losses = []
    for here in (torch.device("cpu"), torch.device("cpu", 0)):  # which are not equal, as two devices are
        _, stage = begun(_config(tmp_path / "run", teacher, rows))
        stage.teacher.device = here
        losses.append([stage.step()["loss"] for _ in range(2)])
    assert losses[0] == losses[1]


def test_a_share_that_is_no_whole_number_is_kept_over_steps(tmp_path: Path, teacher: str, rows: str) -> None:
    _, stage = begun(_config(tmp_path / "run", teacher, rows, distill={"batch": 2, "on_policy": 0.25, "steps": 8}))
    assert [stage.step()["on_policy"] * 2 for _ in range(4)] == [0, 1, 0, 1]


# -- the teacher as its top tokens ---------------------------------------------------------------------------------


def test_a_cache_of_all_tokens_is_the_teacher_itself(tmp_path: Path, teacher: str, rows: str) -> None:
    losses = []
    for top_k in (None, 1000):
        objective = {"divergence": "skew_forward_kl", "temperature": 0.8, "ce_weight": 0.2}
        changes = {"teacher": {"top_k": top_k}, "distill": {"objective": objective}}
        folder = train(_config(tmp_path / f"run{top_k}", teacher, rows, **changes), quiet=True)
        losses.append([r["loss"] for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "distill"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_run_with_a_cache_goes_on_without_its_teacher(tmp_path: Path, teacher: str, rows: str) -> None:
    config = _config(tmp_path / "run", teacher, rows, teacher={"top_k": 3}, distill={"steps": 2})
    folder = train(config, quiet=True)
    for file in Path(teacher).glob("*.safetensors"):
        file.unlink()
    more = config.model_copy(update={"resume": True, "distill": config.distill.model_copy(update={"steps": 3})})
    train(more, quiet=True)
    assert [r["step"] for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "distill"] == [1, 2, 3]


# -- as every stage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"distill": {"on_policy": 0.5}}, {"teacher": {"top_k": 3}}])
def test_it_goes_on_to_the_same_bits(tmp_path: Path, teacher: str, rows: str, changes: Any) -> None:
    check_goes_on_to_the_same_bits(_config(tmp_path / "run", teacher, rows, **changes))


@pytest.mark.parametrize("changes", [{}, {"teacher": {"top_k": 3}}])
def test_two_processes_are_one(tmp_path: Path, teacher: str, rows: str, changes: Any) -> None:
    quiet = {"rewards": None, "evaluation": {"metric": "accuracy"}}
    check_processes_are_one(_config(tmp_path / "run", teacher, rows, **quiet, **changes), tmp_path)


def test_sharded_processes_are_one(tmp_path: Path, teacher: str, rows: str) -> None:
    """A step's one completion leaves one of the processes without a row."""
    changes = {"rewards": None, "evaluation": {"metric": "accuracy"}, "distributed": {"strategy": "auto"}}
    section = {"batch": 1, "on_policy": 0.5, "steps": 2, "objective": {"ce_weight": 0.3}}
    check_sharded_processes_are_one(_config(tmp_path / "run", teacher, rows, **changes, distill=section), tmp_path)


def test_an_adapter_learns_and_an_adapter_teaches(tmp_path: Path, teacher: str, rows: str) -> None:
    """A student with LoRA, and a teacher that is an adapter on its base."""
    tuned = _config(tmp_path / "tuned", teacher, rows, model={"build": None, "path": teacher, "lora": {"rank": 2}},
                    distill={"steps": 3, "lr": 0.1, "objective": {"ce_weight": 1.0}})  # fmt: skip
    adapter = train(tuned, quiet=True) / "model"
    assert (adapter / "adapter_config.json").is_file()
    _, stage = begun(_config(tmp_path / "run", str(adapter), rows, model={"lora": {"rank": 4}}))
    assert stage.step()["loss"] > 0
    trained = [name for name, p in stage.model.named_parameters() if p.requires_grad]
    assert trained
    assert all("lora_" in name for name in trained)
    plain = load_policy(_config(tmp_path / "none", teacher, rows, model={"build": None, "path": teacher}), None)
    ids = torch.tensor([stage.rows[0].prompt_ids])
    moved = (stage.teacher.policy.model(input_ids=ids).logits - plain.model(input_ids=ids).logits).abs().max()
    assert moved.item() > 1e-3


def test_steps_that_are_no_numbers_end_the_run(tmp_path: Path, teacher: str, rows: str) -> None:
    config = _config(tmp_path / "run", teacher, rows, distill={"lr": 1e30, "steps": 30, "bad_steps": 2}, rewards=None,
                     evaluation={"metric": "accuracy"})  # fmt: skip
    with pytest.raises(RunError, match=r"2 updates in a row .* lower distill\.lr"):
        train(config, quiet=True)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"teacher": {"path": "/none/such"}}, ConfigError, "there is no folder '/none/such'"),
        ({"teacher": {"device": "cuda:77"}}, ConfigError, "cuda"),
        ({"teacher": {"top_k": 4}, "distill": {"on_policy": 0.5}}, ConfigError, "keeps the teacher's words on rows"),
        ({"distill": {"objective": {"divergence": "kl"}}}, ConfigError, "distill.objective.divergence"),
        ({"distill": {"objective": {"divergence": "skew_reverse_kl", "skew": 1.0}}}, ConfigError, "below 1"),
        ({"distill": {"on_policy": 1.5}}, ConfigError, "distill.on_policy"),
        ({"distill": {"completion": "completions"}}, ColumnError, "no text in the column 'completions'"),
        ({"distill": {"train": None}}, ConfigError, "name a file of prompts and answers"),
        ({"distill": {"on_policy": 1.0, "steps": None}}, ConfigError, "say how many"),
        ({"distill": {"train": "none.jsonl"}}, DataError, "does not exist"),
    ],
)  # fmt: skip
def test_a_wrong_config_is_refused_before_a_model_is_loaded(
    tmp_path: Path, teacher: str, rows: str, changes: Any, error: type[Exception], says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    no_models(monkeypatch)
    with pytest.raises(error, match=says):
        train(_config(tmp_path / "run", teacher, rows, **changes), quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_teacher_that_cannot_be_loaded_leaves_no_folder(tmp_path: Path, teacher: str, rows: str) -> None:
    for file in Path(teacher).glob("*.safetensors"):
        file.unlink()
    with pytest.raises(ConfigError, match="cannot load the model"):
        train(_config(tmp_path / "run", teacher, rows), quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_teacher_of_other_tokens_is_refused(tmp_path: Path, teacher: str, rows: str) -> None:
    make_tokenizer([*"9876543210", "+", "="]).save_pretrained(teacher)
    with pytest.raises(ConfigError, match="has other tokens than the student: token 3 is '9' there and '<think>' here"):
        begun(_config(tmp_path / "run", teacher, rows))


def test_a_teacher_that_cuts_texts_otherwise_is_refused(tmp_path: Path, teacher: str, rows: str) -> None:
    path = Path(teacher) / "tokenizer.json"
    read = json.loads(path.read_text(encoding="utf-8"))
    read["pre_tokenizer"] = {"type": "Split", "pattern": {"String": "+"}, "behavior": "Isolated", "invert": False}
    path.write_text(json.dumps(read), encoding="utf-8")
    with pytest.raises(ConfigError, match="cuts texts into other tokens"):
        begun(_config(tmp_path / "run", teacher, rows))
