"""Multi-token prediction (arXiv 2412.19437, eqs 21-25): the numbers of the report however rows are packed, in training
like the rest of the model, and in the checkpoint's folder under DeepSeek's names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainer.mtp_models import KINDS, by_hand, make_model
from tests.trainer.stage_runs import (
    check_goes_on_to_the_same_bits,
    check_processes_are_one,
    check_sharded_processes_are_one,
    stage_config,
)
from tests.trainer.test_distributed import seeded  # noqa: F401 - a fixture
from veritune.plugins import ConfigError
from veritune.trainer.config import MTPConfig
from veritune.trainer.data.future import future_tokens
from veritune.trainer.data.packing import TokenBatch, make_batch, make_packed, make_rows_packed
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.logprobs import HEADS, completion_logprobs
from veritune.trainer.policy.mtp import attach_mtp, copy_without_mtp, logprobs_and_future, mtp_of
from veritune.trainer.policy.mtp_files import as_own, load_mtp, published, read_mtp, save_mtp, split_state
from veritune.trainer.run import train

SHORT, LONG = [5], [9, 3, 14, 6, 7]
PROMPTS = [LONG, LONG, LONG, SHORT, SHORT]
COMPLETIONS = [[4, 8, 1], [2], [11, 12, 13, 14, 1], [4, 8, 1], [3, 9]]
WRITTEN = [[True, False, True], None, [True, True, False, False, True], [False, True, True], None]
MTP = {"mtp": {"depth": 2, "weight": 0.5}}


def layouts() -> dict[str, TokenBatch]:
    return {
        "rows": make_batch(PROMPTS, COMPLETIONS, "cpu"),
        "shared prompts": make_packed(PROMPTS, COMPLETIONS, 64, "cpu"),
        "shared prompts, cut": make_packed(PROMPTS, COMPLETIONS, 9, "cpu"),
        "packed rows": make_rows_packed(PROMPTS, COMPLETIONS, 17, "cpu"),
    }


def states_of(model: Any, sequence: Sequence[int]) -> Tensor:
    states: Tensor = model.get_decoder()(input_ids=torch.tensor([list(sequence)])).last_hidden_state[0]
    return states


def expected_sums(model: Any, depth: int, written: Sequence[Any]) -> Tensor:
    """(D,) Σ log P^k, a sequence at a time."""
    sums = [torch.zeros((), dtype=torch.float64) for _ in range(depth)]
    for prompt, completion, trained in zip(PROMPTS, COMPLETIONS, written, strict=True):
        sequence = [*prompt, *completion]
        for k, logps_TV in enumerate(by_hand(model, sequence, states_of(model, sequence), depth), 1):
            for i, logps_V in enumerate(logps_TV):
                target = i + k + 1
                number = target - len(prompt)
                if target < len(sequence) and number >= 0 and (trained is None or trained[number]):
                    sums[k - 1] = sums[k - 1] + logps_V[sequence[target]]
    return torch.stack(sums)


@pytest.mark.parametrize("kind", ["qwen3"])
def test_sums_and_every_gradient_are_those_of_the_equations_however_rows_are_packed(kind: str) -> None:
    model = make_model(kind, MTPConfig(depth=3))
    for written in ([None] * 5, WRITTEN):
        wanted = expected_sums(model, 3, written)
        scale = torch.tensor([1.0, 0.5, -2.0], dtype=torch.float64)
        gradients = torch.autograd.grad((wanted * scale).sum(), list(model.parameters()))
        for name, batch in layouts().items():
            future = future_tokens(batch, PROMPTS, COMPLETIONS, 3, written)
            logps_RT, _, sums_D = logprobs_and_future(model, batch, future)
            torch.testing.assert_close(sums_D.double(), wanted, rtol=1e-5, atol=1e-5, msg=name)
            torch.testing.assert_close(logps_RT, completion_logprobs(model, batch)[0], rtol=0, atol=0)
            found = torch.autograd.grad((sums_D * scale).sum(), list(model.parameters()))
            for ours, theirs in zip(found, gradients, strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_rows_modules_see_that_row_alone(kind: str) -> None:
    """Of every architecture: a row's sums are the same whatever stands beside it, and in whatever packs."""
    model = make_model(kind, MTPConfig(depth=2), torch.float32)  # experts do not run in float64
    with torch.no_grad():
        alone = sum(
            logprobs_and_future(model, one, future_tokens(one, [p], [c], 2))[2]
            for p, c in zip(PROMPTS, COMPLETIONS, strict=True)
            for one in [make_batch([p], [c], "cpu")]
        )
        for name, batch in layouts().items():
            together = logprobs_and_future(model, batch, future_tokens(batch, PROMPTS, COMPLETIONS, 2))[2]
            torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4, msg=name)


def test_a_deepseek_module_is_that_of_transformers() -> None:
    modeling = pytest.importorskip("transformers.modeling_layers")
    if not hasattr(modeling, "MtpModel"):
        pytest.skip("this transformers has no multi-token prediction of its own")
    model = make_model("deepseek_v3", MTPConfig(depth=1), torch.float32)
    theirs = modeling.MtpModel(model, 1).eval()
    own = {n.removeprefix("mtp."): t for n, t in model.state_dict().items() if n.startswith("mtp.")}
    renamed = {n.replace(".block.", ".mtp_block.").replace(".0.norm.", ".0.post_norm."): t for n, t in own.items()}
    missing, unexpected = theirs.load_state_dict(renamed, strict=False)
    assert not unexpected
    assert all(name.startswith(("embed_tokens", "shared_head", "rotary_emb")) for name in missing)
    tokens = [9, 3, 14, 6, 7, 4, 8, 1]
    states = states_of(model, tokens)[None, :-1]
    ids, positions = torch.tensor([tokens[1:]]), torch.arange(1, len(tokens))[None]
    from transformers.cache_utils import MtpCache

    cache = MtpCache(config=model.config.get_mtp_config())
    hidden = theirs.forward_layer(0, states, positions, cache, input_ids=ids)
    logps = torch.log_softmax(model.lm_head(hidden)[0, :-1].float(), -1)
    wanted = logps.gather(1, torch.tensor(tokens[2:])[:, None]).sum()
    batch = make_batch([tokens[:2]], [tokens[2:]], "cpu")
    sums_D = logprobs_and_future(model, batch, future_tokens(batch, [tokens[:2]], [tokens[2:]], 1))[2]
    torch.testing.assert_close(sums_D[0], wanted, rtol=1e-5, atol=1e-4)


def test_detached_modules_give_the_model_no_gradient() -> None:
    for head in ("reference", "fused"):
        model = make_model("qwen3", MTPConfig(depth=2, detach=True), torch.float32)
        batch = make_batch(PROMPTS, COMPLETIONS, "cpu")
        future = future_tokens(batch, PROMPTS, COMPLETIONS, 2)
        sums_D = logprobs_and_future(model, batch, future, head=HEADS[head])[2]
        torch.autograd.backward(sums_D.sum())
        reached = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
        assert reached == {"mtp"}
        whole = make_model("qwen3", MTPConfig(depth=2), torch.float32)
        torch.testing.assert_close(logprobs_and_future(whole, batch, future)[2], sums_D)


def test_the_weight_follows_its_schedule() -> None:
    report = MTPConfig(schedule="step")
    assert [report.weight_at(s, 9) for s in range(9)] == [0.3] * 6 + [0.1] * 3
    line = MTPConfig(schedule="linear", weight=0.4, final_weight=0.0)
    assert [round(line.weight_at(s, 5), 9) for s in range(5)] == [0.4, 0.3, 0.2, 0.1, 0.0]
    assert MTPConfig(weight=0.7).weight_at(3, 4) == 0.7
    assert MTPConfig(schedule="linear").weight_at(0, 1) == 0.3


# -- the checkpoint's folder -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["qwen3", "deepseek_v3"])
def test_names_in_the_file_are_those_of_deepseeks_checkpoints(kind: str, tmp_path: Path) -> None:
    model = make_model(kind, MTPConfig(depth=2), torch.float32)
    _, own = split_state(model, None)
    names = published(own, 2)
    for part in ("enorm", "hnorm", "eh_proj", "shared_head.norm", "input_layernorm", "self_attn.o_proj"):
        assert f"model.layers.3.{part}.weight" in names
    if kind == "deepseek_v3":
        assert names["model.layers.2.mlp.experts.7.up_proj.weight"].shape == (8, 16)
        assert "model.layers.2.mlp.gate.e_score_correction_bias" in names
    shared = {"model.layers.2.embed_tokens.weight": torch.ones(1), "model.layers.2.shared_head.head.weight": own}
    again = as_own({**names, **shared, "model.layers.1.input_layernorm.weight": torch.ones(1)}, 2)  # type: ignore[dict-item]
    assert again.keys() == own.keys()
    assert all(torch.equal(again[name], own[name]) for name in own)
    save_mtp(tmp_path, own, 2)
    assert all(torch.equal(t, own[name]) for name, t in read_mtp(tmp_path, 2).items())
    from safetensors.torch import save_file

    (tmp_path / "mtp" / "model.safetensors").unlink()  # as published: among the model's own
    save_file({n: t.contiguous() for n, t in names.items()}, str(tmp_path / "model-00002-of-00002.safetensors"))
    assert all(torch.equal(t, own[name]) for name, t in read_mtp(tmp_path, 2).items())


def test_modules_of_a_folder_are_gone_on_with_or_said_to_be_left_out(tmp_path: Path) -> None:
    model = make_model("qwen3", MTPConfig(depth=2), torch.float32)
    save_mtp(tmp_path, split_state(model, None)[1], 2)
    said: list[str] = []
    for depth, words in (
        (1, "those beyond depth: 1 are left out"),
        (2, ""),
        (3, "holds 2 modules of depth: 3; the rest begin as new ones"),
    ):
        other, said[:] = make_model("qwen3", None, torch.float32), []
        attach_mtp(other, MTPConfig(depth=depth))
        load_mtp(str(tmp_path), other, said.append)
        assert words in "".join(said)
        assert bool(said) == bool(words)
        for layer, own in zip(other.mtp.layers[:2], model.mtp.layers, strict=False):
            assert all(torch.equal(a, b) for a, b in zip(layer.parameters(), own.parameters(), strict=True))
    load_mtp(str(tmp_path), make_model("qwen3", None, torch.float32), said.append)
    assert "left out (model.mtp: {depth: 2})" in said[-1]
    wider = make_model("qwen3", MTPConfig(), torch.float32, intermediate_size=32)
    with pytest.raises(ConfigError, match="of another model"):
        load_mtp(str(tmp_path), wider, said.append)


def test_a_run_leaves_the_modules_beside_a_model_that_transformers_loads(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    first = stage_config(tmp_path / "run", "sft", model=MTP, sft={"steps": 2, "batch": 4, "lr": 1e-3})
    folder = train(first, quiet=True) / "model"
    _, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values())
    assert len(read_mtp(folder, 2)) == 2 * 15
    model = {"path": str(folder), "build": None, **MTP}
    second = stage_config(tmp_path / "more", "sft", model=model, sft={"steps": 0})
    after = read_mtp(train(second, quiet=True) / "model", 2)
    assert all(torch.equal(t, after[name]) for name, t in read_mtp(folder, 2).items())


def test_the_models_configuration_says_how_many_modules_there_are() -> None:
    """Engines count them by it, and transformers' own number is 1 whatever there is."""
    for depth in (1, 2):
        model = make_model("deepseek_v3", MTPConfig(depth=depth), torch.float32)
        assert model.config.num_nextn_predict_layers == depth
    assert not hasattr(make_model("qwen3", MTPConfig(depth=2), torch.float32).config, "num_nextn_predict_layers")


def test_a_copy_for_the_reference_has_no_modules() -> None:
    model = make_model("qwen3", MTPConfig(depth=1), torch.float32)
    copied = copy_without_mtp(model)
    assert mtp_of(copied) is None
    assert mtp_of(model) is not None
    assert torch.equal(copied(torch.tensor([[3, 4]])).logits, model(torch.tensor([[3, 4]])).logits)


# -- training ----------------------------------------------------------------------------------------------------------

SECTIONS: dict[str, dict[str, Any]] = {
    "sft": {"sft": {"steps": 4, "batch": 3, "lr": 1e-3, "packing": True, "micro_batch_tokens": 60}},
    "grpo": {
        "warmup": {"steps": 1, "batch": 3, "lr": 1e-3},
        "grpo": {"steps": 4, "prompts": 2, "samples": 4, "lr": 1e-3, "micro_batch_tokens": 60, "minibatches": 2},
    },
}


def run_config(folder: Path, stage: str, **changes: Any) -> Any:
    sampling = {"max_tokens": 8, "engine": "transformers"}
    evaluation = {"prompts": 3, "samples": 4}
    return stage_config(
        folder, stage, model=MTP, **SECTIONS[stage], sampling=sampling, evaluation=evaluation, **changes
    )


@pytest.mark.parametrize("stage", ["sft", "grpo"])
def test_a_run_that_goes_on_has_the_same_bits(stage: str, tmp_path: Path) -> None:
    config = run_config(tmp_path / "whole", stage)
    check_goes_on_to_the_same_bits(config)
    modules = [read_mtp(tmp_path / name / "model", 2) for name in ("whole", "part")]
    assert all(torch.equal(t, modules[1][name]) for name, t in modules[0].items())


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize(
    ("stage", "check"), [("grpo", check_processes_are_one), ("sft", check_sharded_processes_are_one)]
)
def test_processes_train_the_modules_as_one_does(stage: str, check: Any, tmp_path: Path) -> None:
    check(run_config(tmp_path / "run", stage), tmp_path)
    modules = [read_mtp(tmp_path / name / "model", 2) for name in ("alone", "many")]
    for name, tensor in modules[0].items():
        torch.testing.assert_close(tensor, modules[1][name], atol=2e-4, rtol=0)


def test_a_detached_module_leaves_the_policys_steps_what_they_are(tmp_path: Path) -> None:
    """And learns meanwhile: its loss falls."""
    section = {"sft": {"steps": 20, "batch": 8, "lr": 4e-3, "clip_norm": None}}
    logs = {}
    for name, model in (("without", {}), ("with", {"mtp": {"detach": True, "weight": 1.0}})):
        folder = train(
            stage_config(tmp_path / name, "sft", model=model, **section, evaluation={"prompts": 2}), quiet=True
        )
        logs[name] = [r for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "sft"]
    assert [r["loss"] for r in logs["with"]] == [r["loss"] for r in logs["without"]]
    losses = [r["mtp_loss"] for r in logs["with"]]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


@pytest.mark.parametrize(
    ("stage", "changes", "words"),
    [
        ("sft", {"model": {"mtp": {}, "lora": {"rank": 2}}}, "leave out lora"),
        ("ppo", {"model": {"mtp": {}}}, "the stage ppo does not train it"),
        ("sft", {"model": {"mtp": {"dept": 1}}}, "depth"),
    ],
)
def test_where_there_can_be_no_modules_a_sentence_says_so(
    stage: str, changes: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        stage_config(tmp_path, stage, **changes)


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    build = {"model_type": "gpt2", "n_embd": 16, "n_layer": 1, "n_head": 2}
    config = stage_config(tmp_path / "run", "sft", model={"build": build, **MTP})
    with pytest.raises(ConfigError, match="this model is gpt2"):
        train(config, quiet=True)
