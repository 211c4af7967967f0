"""Dropout, modules trained whole, quantised bases, and adapters as the reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.conftest import TINY
from veritune.plugins import ConfigError
from veritune.trainer.config import RunConfig
from veritune.trainer.data.packing import make_batch
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.tasks import get_task
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.distributed import ALONE
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.models import Policy, load_policy
from veritune.trainer.policy.passes import Passes
from veritune.trainer.policy.reference import make_reference
from veritune.trainer.rollout.decode.choose import make_sampler
from veritune.trainer.rollout.decode.export import policy_weights
from veritune.trainer.run import train
from veritune.trainer.stages.inputs import check_stages

pytest.importorskip("peft", reason="adapters are peft's")
Make = Callable[..., RunConfig]
UNTIED = {**TINY, "tie_word_embeddings": False}
LORA = {"rank": 2, "alpha": 8}
BIG = {"steps": 3, "lr": 3e-2}
IDS = torch.arange(3, 23).view(2, 10)
ROLLOUT = Rollout(0, [5, 6, 7], [8, 9, 10, 11], [-1.0] * 4, "length")


@torch.no_grad()
def _logits(model: Any) -> torch.Tensor:
    found: torch.Tensor = model.eval()(input_ids=IDS).logits.float()
    return found


def _auto(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def _policy(config: RunConfig) -> Policy:
    torch.manual_seed(0)
    return load_policy(config, None if config.model.path else get_task("arithmetic", {"terms": 3}))


@torch.no_grad()
def _move(model: Any, by: float = 0.3) -> Any:
    """Trained weights as if something had been learnt."""
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter += by * torch.randn_like(parameter)
    return model


@pytest.fixture
def base(make_config: Make, tmp_path: Path) -> Path:
    """A whole model in a folder."""
    policy = _policy(make_config(model={"build": UNTIED}))
    policy.save(tmp_path / "base")
    return tmp_path / "base"


# -- dropout -----------------------------------------------------------------------------------------------------------


def test_dropout_is_in_what_learns_alone(make_config: Make) -> None:
    config = make_config(model={"build": TINY, "lora": {**LORA, "dropout": 0.5}}, grpo={"objective": {"beta": 0.1}})
    policy = _policy(config)
    _move(policy.model)
    reference = make_reference(config, policy)
    passes = Passes(config, policy, reference, ALONE)

    def learning() -> torch.Tensor:
        return passes.policy([ROLLOUT])[0].detach()

    def looking() -> torch.Tensor:
        with torch.no_grad():
            return passes.policy([ROLLOUT])[0]

    assert not torch.equal(learning(), learning())
    assert torch.equal(looking(), looking())
    assert torch.equal(passes.reference([ROLLOUT]), looking())
    batch = make_batch([ROLLOUT.prompt_ids], [ROLLOUT.token_ids], "cpu")
    with torch.no_grad():
        torch.testing.assert_close(looking(), completion_logprobs(policy.model.eval(), batch)[0])
    policy.model.train()
    sampler = make_sampler(policy, config.sampling.model_copy(update={"engine": "transformers", "top_k": 1}))
    drawn = [
        sampler.generate([[5, 6]], 1, config.sampling, torch.Generator().manual_seed(0))[0].logprobs for _ in range(2)
    ]
    assert drawn[0] == drawn[1]


def test_a_run_with_dropout_and_a_module_trained_whole_resumes_to_the_same_bits(
    make_config: Make, tmp_path: Path
) -> None:
    lora = {**LORA, "dropout": 0.2, "modules_to_save": ["lm_head"]}
    grpo = {"steps": 2, "lr": 1e-2, "objective": {"beta": 0.1}, "updates": 2}
    few = {"prompts": 1, "metric": "even"}
    values: dict[str, Any] = {"model": {"build": UNTIED, "lora": lora}, "grpo": grpo, "evaluation": few}
    whole = train(make_config(**values, output=str(tmp_path / "whole"), checkpoint={"every": 1, "keep": 9}), quiet=True)
    part = tmp_path / "part"
    (part / "checkpoints").mkdir(parents=True)
    for name in ("config.yaml", "metrics.jsonl"):
        (part / name).write_bytes((whole / name).read_bytes())
    (part / "checkpoints" / "grpo-000001").symlink_to(whole / "checkpoints" / "grpo-000001")
    train(make_config(**values, output=str(part), resume=True), quiet=True)
    files = [folder / "model" / "adapter_model.safetensors" for folder in (whole, part)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert "lm_head.weight" in files[0].read_bytes()[:20_000].decode("latin-1")


# -- modules trained whole ---------------------------------------------------------------------------------------------


def test_a_module_trained_whole_is_saved_merged_exported_and_no_part_of_the_base(
    make_config: Make, base: Path, tmp_path: Path
) -> None:
    lora = {**LORA, "modules_to_save": ["lm_head", "norm"]}
    policy = _policy(make_config(model={"build": None, "path": str(base), "lora": lora}))
    before = _logits(_auto(base))
    torch.testing.assert_close(_logits(policy.model), before)
    tuned = _logits(_move(policy.model))
    assert float((tuned - before).abs().max()) > 0.5
    policy.save(tmp_path / "adapter")
    torch.testing.assert_close(_logits(_auto(tmp_path / "adapter")), tuned, atol=1e-5, rtol=1e-4)
    again = load_policy(make_config(model={"build": None, "path": str(tmp_path / "adapter"), "adapter": "merge"}), None)
    torch.testing.assert_close(_logits(again.model), tuned, atol=1e-4, rtol=1e-4)
    plain = _auto(base)
    plain.load_state_dict(dict(policy_weights(policy.model)))
    torch.testing.assert_close(_logits(plain), tuned, atol=1e-4, rtol=1e-4)
    with policy.model.disable_adapter():
        torch.testing.assert_close(_logits(policy.model), before)


def test_a_made_model_with_a_module_trained_whole_keeps_its_base(make_config: Make) -> None:
    lora = {**LORA, "modules_to_save": ["lm_head"]}
    folder = train(make_config(model={"build": UNTIED, "lora": lora}, grpo={**BIG, "steps": 1}), quiet=True)
    assert float((_logits(_auto(folder / "model")) - _logits(_auto(folder / "base"))).abs().max()) > 1e-3


@pytest.mark.parametrize(
    ("name", "build", "message"),
    [
        ("lm_haed", UNTIED, "Did you mean 'lm_head'"),
        ("lm_head", TINY, "they are tied"),
        ("embed_tokens", TINY, "they are tied"),
    ],
)
def test_modules_that_are_not_there_or_tied_are_refused(
    make_config: Make, name: str, build: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        _policy(make_config(model={"build": build, "lora": {**LORA, "modules_to_save": [name]}}))


# -- the reference -----------------------------------------------------------------------------------------------------


def _logps(config: RunConfig, policy: Policy) -> torch.Tensor:
    return Passes(config, policy, make_reference(config, policy), ALONE).reference([ROLLOUT])


@torch.no_grad()
def _own(model: Any) -> torch.Tensor:
    return completion_logprobs(model.eval(), make_batch([ROLLOUT.prompt_ids], [ROLLOUT.token_ids], "cpu"))[0]


@pytest.mark.parametrize("rank", [2, 4])
@pytest.mark.parametrize("continued", [False, True])
def test_an_adapter_may_be_the_reference(
    make_config: Make, base: Path, tmp_path: Path, rank: int, continued: bool
) -> None:
    """Of the policy's shape it takes turns with its own; of another shape it is a model of its own."""
    other = _policy(make_config(model={"build": None, "path": str(base), "lora": LORA}))
    _move(other.model)
    other.save(tmp_path / "other")
    wanted = _own(other.model)
    model: dict[str, Any] = {"build": None, "path": str(base), "lora": {"rank": rank, "alpha": 8}}
    if continued:
        model = {"build": None, "path": str(tmp_path / "other"), "adapter": "continue"}
    grpo = {"objective": {"beta": 0.1}, "reference": str(tmp_path / "other")}
    config = make_config(model=model, grpo=grpo)
    policy = _policy(config)
    _move(policy.model, 0.1)
    before = _own(policy.model)
    torch.testing.assert_close(_logps(config, policy), wanted, atol=1e-5, rtol=1e-4)
    assert float((before - wanted).abs().max()) > 1e-2
    torch.testing.assert_close(_own(policy.model), before)  # the policy is what it was
    assert make_reference(config, policy).adapter is (rank == 2 or continued)
    plain = make_config(model=model, grpo={"objective": {"beta": 0.1}, "reference": "base"})
    torch.testing.assert_close(_logps(plain, policy), _own(_auto(base)), atol=1e-5, rtol=1e-4)


def test_a_whole_policy_takes_a_folder_or_its_own_as_reference(make_config: Make, base: Path, tmp_path: Path) -> None:
    wanted = _own(_auto(base))
    for name in ("base", str(base)):
        grpo = {**BIG, "objective": {"beta": 0.1}, "reference": name}
        config = make_config(model={"build": None, "path": str(base)}, grpo=grpo)
        policy = _policy(config)
        _move(policy.model, 0.1)
        torch.testing.assert_close(_logps(config, policy), wanted, atol=1e-5, rtol=1e-4)
    warm = {"steps": 6, "batch": 4, "lr": 1e-2}
    folder = train(
        make_config(model={"build": None, "path": str(base)}, grpo=grpo, warmup=warm, output=str(tmp_path / "run")),
        quiet=True,
    )
    first = next(r for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "grpo")
    assert first["kl"] > 1e-3  # from the model before its warm-up


def test_a_reference_that_cannot_be_is_refused_before_the_run(make_config: Make, tmp_path: Path) -> None:
    beta = {"objective": {"beta": 0.1}}
    for grpo, message in (
        ({"reference": "base"}, r"set grpo\.objective\.beta"),
        ({"reference": "base", **beta}, "made from scratch"),
        ({"reference": str(tmp_path / "none"), **beta}, "no folder"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_stages(make_config(grpo=grpo), ALONE)
    with pytest.raises(ConfigError, match="stays what it is"):
        make_config(grpo={"reference": "base", "reference_every": 3, **beta})


# -- quantised ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"build": None, "path": "x", "quantize": "nf4"}, "add lora"),
        ({"quantize": "nf4", "lora": LORA}, "a new model"),
        ({"build": None, "path": "x", "quantize": "int8", "lora": LORA, "fp8": True}, "choose one"),
        ({"build": None, "path": "x", "quantize": "int4", "lora": LORA}, "nf4"),
    ],
)
def test_quantised_weights_that_cannot_be_trained_are_refused(
    make_config: Make, model: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_config(model=model)


@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_an_adapter_learns_on_a_quantised_base(make_config: Make, base: Path, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("bitsandbytes", reason="quantised bases are bitsandbytes'")
    model = {"build": None, "path": str(base), "quantize": kind, "lora": LORA}
    values: dict[str, Any] = {"model": model, "grpo": {**BIG, "objective": {"beta": 0.05}}}
    folder = train(make_config(**values, output=str(tmp_path / kind)), quiet=True)
    steps = [r for r in read_metrics(folder / "metrics.jsonl") if r["phase"] == "grpo"]
    assert steps[0]["kl"] < 1e-6 < steps[-1]["kl"]
    assert max(r["mismatch"] for r in steps) < (1e-4 if kind == "nf4" else 0.05)
    policy = _policy(make_config(model={**model, "lora": None, "path": str(folder / "model"), "adapter": "continue"}))
    packed = [p for p in policy.model.parameters() if not p.is_floating_point()]
    assert packed
    assert not any(p.requires_grad for p in packed)
    tuned = _logits(policy.model)
    assert float((tuned - _logits(_auto(base))).abs().max()) > 1e-2
    with pytest.raises(ConfigError, match="go on with it"):
        _policy(make_config(model={**model, "path": str(folder / "model")}))


@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_a_quantised_policy_is_merged_and_exported_as_it_computes(
    make_config: Make, base: Path, tmp_path: Path, kind: str
) -> None:
    pytest.importorskip("bitsandbytes", reason="quantised bases are bitsandbytes'")
    lora = {**LORA, "save": "merged", "modules_to_save": ["norm"]}
    policy = _policy(make_config(model={"build": None, "path": str(base), "quantize": kind, "lora": lora}))
    tuned = _logits(_move(policy.model))
    from veritune.trainer.policy.saving import save_model

    save_model(tmp_path / "merged", policy, merge=True)
    found = _logits(_auto(tmp_path / "merged"))
    close = 1e-4 if kind == "nf4" else 0.05  # int8 products round their inputs too
    torch.testing.assert_close(found, tuned, atol=close, rtol=1e-3)
    plain = _auto(base)
    plain.load_state_dict(dict(policy_weights(policy.model)))
    torch.testing.assert_close(_logits(plain), found, atol=1e-5, rtol=1e-4)
    static = make_sampler(policy, make_config(sampling={"engine": "static", "top_k": 1}).sampling)
    sampling = make_config(sampling={"max_tokens": 4, "top_k": 1}).sampling
    (drawn,) = static.generate([[5, 6, 7]], 1, sampling, torch.Generator().manual_seed(0))
    batch = make_batch([drawn.prompt_ids], [drawn.token_ids], "cpu")
    with torch.no_grad():
        logps = completion_logprobs(policy.model, batch)[0][0]
    torch.testing.assert_close(torch.tensor(drawn.logprobs), logps, atol=max(close, 2e-4), rtol=1e-2)


def test_without_its_library_a_quantised_base_names_the_line_to_run(
    make_config: Make, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from veritune.plugins import MissingExtraError

    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    model = {"build": None, "path": str(base), "quantize": "nf4", "lora": LORA}
    with pytest.raises(MissingExtraError, match=r"veritune\[qlora\]"):
        _policy(make_config(model=model))


@pytest.mark.parametrize("targets", [["q_porj"], ["q_proj", "v_porj"]])
def test_each_name_of_a_target_is_a_modules(make_config: Make, targets: list[str]) -> None:
    """peft asks that one of them is."""
    config = make_config(model={"build": TINY, "lora": {**LORA, "targets": targets}})
    with pytest.raises(ConfigError, match=r"no module is called '._porj'\. Did you mean '._proj'\?.*k_proj"):
        load_policy(config, get_task("arithmetic", {"terms": 3}))
