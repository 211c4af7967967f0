"""Our rewards inside trl's real trainer, and inside a process that trl spawns."""

from __future__ import annotations

import inspect
import json
import pickle
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from veritune.adapters.trl import reward_function, reward_functions
from veritune.plugins import ColumnError, ConfigError, Reward, get_reward, reward_names
from veritune.plugins.errors import MissingExtraError
from veritune.plugins.registry import resolve
from veritune.rewards.composition import RewardSet, compose

FIVE: dict[str, dict[str, Any]] = {
    "accuracy": {},
    "format": {"style": "think_answer_soft"},
    "tag_count": {},
    "cosine": {"max_len": 16, "unit": "tokens"},
    "repetition_penalty": {"unit": "tokens"},
}
ANSWERS = ["4", "9", "7"]


# -- the real trainer


@pytest.fixture(scope="module")
def tiny() -> tuple[Any, Any]:
    """A Qwen3 of a few thousand random weights, and a tokenizer of single characters with a chat template."""
    pytest.importorskip("trl")
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    tags = ["<pad>", "<eos>", "<think>", "</think>", "<answer>", "</answer>"]
    vocabulary = {token: i for i, token in enumerate([*tags, *map(chr, range(32, 127)), "\n"])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    inner.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>")
    tokenizer.add_tokens(tags[2:])
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    return Qwen3ForCausalLM(config), tokenizer


def train(
    tiny: tuple[Any, Any],
    folder: Path,
    rewards: Any,
    *,
    chat: bool,
    kinds: tuple[str, ...] = ("math", "math", "math"),
    **settings: Any,
) -> list[dict[str, Any]]:
    """Two optimiser steps; the logged metrics."""
    import torch
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    torch.manual_seed(0)
    model, tokenizer = tiny
    questions = [f"What is it, {answer}?" for answer in ANSWERS]
    prompts = [[{"role": "user", "content": q}] for q in questions] if chat else questions
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=rewards,
        train_dataset=Dataset.from_dict({"prompt": prompts, "solution": ANSWERS, "kind": list(kinds)}),
        args=GRPOConfig(
            output_dir=str(folder),
            max_steps=2,
            per_device_train_batch_size=4,
            num_generations=2,
            max_completion_length=16,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            disable_tqdm=True,
            log_completions=True,
            **settings,
        ),
    )
    trainer.train()
    assert trainer.state.global_step == 2
    return [entry for entry in trainer.state.log_history if "reward" in entry]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("chat", [False, True], ids=["string", "chat"])
def test_five_rewards_go_into_grpo_with_nothing_between(
    tiny: tuple[Any, Any], tmp_path: Path, chat: bool, asynchronous: bool
) -> None:
    rewards = [get_reward(name, **params) for name, params in FIVE.items()]
    functions = [reward.as_async() for reward in rewards] if asynchronous else rewards
    logs = train(tiny, tmp_path, functions, chat=chat)
    assert len(logs) == 2
    for name in FIVE:
        assert f"rewards/{name}/mean" in logs[0]
    assert logs[0]["rewards/accuracy/mean"] == 0.0
    assert -1.0 <= logs[0]["rewards/cosine/mean"] <= -0.5, "wrong answers, by their length in tokens"


@pytest.mark.parametrize("asynchronous", [False, True], ids=["plain", "async"])
def test_a_composed_set_is_one_function_with_its_components_logged(
    tiny: tuple[Any, Any], tmp_path: Path, asynchronous: bool
) -> None:
    config = {
        "rewards": {
            **{name: {"params": params} for name, params in FIVE.items()},
            "repetition_penalty": {"params": {"unit": "characters"}},  # which tokens there were is not logged
            "short": {"use": "cosine", "params": {"max_len": 16, "unit": "tokens"}, "gate": "accuracy"},
            "late": {"use": "tag_count", "from_step": 1, "weight": {1: 0.0, 2: 1.0}},
        }
    }
    logs = train(tiny, tmp_path, reward_function(config, asynchronous=asynchronous), chat=True)
    assert logs[0]["rewards/veritune/mean"] == pytest.approx(logs[0]["reward"])
    assert logs[0]["rewards/short/mean"] == 0.0, "its gate is closed"
    assert logs[0]["rewards/accuracy/timeout"] == 0.0
    assert "rewards/late/mean" not in logs[0]
    assert "rewards/late/mean" in logs[1], "the step is TRL's"
    import pyarrow.parquet as pq

    table = pq.read_table(sorted((tmp_path / "completions").glob("*.parquet"))[0]).to_pylist()
    assert {"accuracy", "accuracy_reason", "veritune"} <= table[0].keys()
    check_rescoring(tmp_path, config, table)


def check_rescoring(run: Path, config: dict[str, Any], table: list[dict[str, Any]]) -> None:
    """The log scored again, its golds joined from the data by the prompts, gives every number to the last bit."""
    import yaml
    from typer.testing import CliRunner

    from veritune.cli.app import app

    assert {row["veritune_identity"] for row in table} == {compose(config).identity_hash}
    (run / "rewards.yaml").write_text(yaml.safe_dump(config))
    rows = [{"question": f"What is it, {answer}?", "solution": answer, "kind": "math"} for answer in ANSWERS]
    (run / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--config", str(run / "rewards.yaml"), "--data", str(run / "data.jsonl"), "--json", "--check"]
    done = CliRunner().invoke(app, ["rescore", str(run), *options])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["completions"] == 8
    assert found["changed"] == 0
    assert {name: column["compared"] for name, column in found["rewards"].items()}.pop("accuracy") == 8
    assert found["reward"]["compared"] == 8


def test_samples_without_a_reward_are_left_out_by_trl(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    config = {"rewards": {"format": {"where": {"kind": "math"}, "affine": {"shift": 1}}}}
    logs = train(tiny, tmp_path, reward_function(config), chat=False, kinds=("math", "poem", "poem"))
    assert {entry["rewards/veritune/mean"] for entry in logs if entry["reward"] == entry["reward"]} <= {1.0}


def test_separate_functions_and_their_weights_go_in_too(tiny: tuple[Any, Any], tmp_path: Path) -> None:
    functions, weights = reward_functions(
        {
            "rewards": {
                "tag_count": {"weight": 0.5},
                "format": {"weight": 2, "where": {"kind": "math"}, "affine": {"shift": -1}},
            }
        }
    )
    assert weights == [0.5, 2.0]
    logs = train(tiny, tmp_path, functions, chat=False, reward_weights=weights)
    assert logs[0]["rewards/format/mean"] == -1.0
    assert logs[0]["reward"] == pytest.approx(0.5 * logs[0]["rewards/tag_count/mean"] - 2)


# -- the adapter itself


def test_forms_of_one_composed_function(tmp_path: Path) -> None:
    file = tmp_path / "rewards.yaml"
    file.write_text("rewards: [format, tag_count]\n")
    for source in (file, {"rewards": ["format", "tag_count"]}, ["format", "tag_count"], compose(file)):
        function = reward_function(source)
        assert isinstance(function, RewardSet)
        assert function.__name__ == "veritune"
        assert function(prompts=["p"], completions=["x"]) == [0.0]
    as_async: Any = reward_function(file, asynchronous=True)
    assert inspect.iscoroutinefunction(as_async.__call__)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"rewards": {"format": {}, "tag_count": {"gate": "format"}}}, "rewards.tag_count.gate"),
        ({"rewards": ["format", "tag_count"], "combine": "min"}, "combine: min"),
        ({"rewards": {"format": {"from_step": 3}}}, "rewards.format: a schedule by step"),
    ],
)
def test_separate_functions_refuse_what_only_the_composed_one_can_do(config: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match="separate functions cannot do this") as caught:
        reward_functions(config)
    assert named in str(caught.value)


# -- several processes


def _answers_of(rank: int, folder: Path, prompts: list[list[str]]) -> None:
    """What a process of two gets for each batch, or is told, in a file."""
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    said: list[Any] = []
    for batch in prompts:
        completions = ["x" * n for n in range(len(batch))]
        reward = reward_function({"rewards": {"tag_count": {"groups": True}}})
        try:
            said.append(reward(prompts=batch, completions=completions))
        except ConfigError as error:
            said.append(str(error))
    (folder / str(rank)).write_text(json.dumps(said))


def test_a_group_split_over_processes_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    split, whole = (["p", "p", "q"], ["q", "r", "r"]), (["p", "p"], ["q", "q"])
    fork = get_context("fork")  # torch is imported already
    ranks = [fork.Process(target=_answers_of, args=(rank, tmp_path, [split[rank], whole[rank]])) for rank in range(2)]
    for process in ranks:
        process.start()
    for rank, process in enumerate(ranks):
        process.join(120)
        assert process.exitcode == 0
        first, second = json.loads((tmp_path / str(rank)).read_text())
        assert "processes 0 and 1 share a prompt" in first
        assert second == [0.0, 0.0]


# -- another process


BOXED = [{"title": "boxed", "use": "format", "params": {"style": "boxed"}}]
COLUMNS: dict[str, Any] = {
    "solution": ["4", "4"],
    "nums": [[1, 3], [1, 3]],
    "target": [4, 4],
    "rubrics": [BOXED, BOXED],
    "schema": ["{}", "{}"],
}
"""What the rewards under test read; add a column here for a reward that needs another one."""
PARAMETERS: dict[str, Any] = {
    "max_len": 100,
    "max_completion_len": 100,
    "soft_punish_cache": 20,
    "target": "en",
}
"""Values for parameters that have no default."""
NEED_A_SERVICE: dict[str, dict[str, Any]] = {
    "judge": {"model": "some/model"},
    "preference": {"model": "some/model"},
    "remote": {"url": "http://localhost:9"},
}
"""Pickled here; called in tests of their own, with a model or a server."""


def configured(name: str) -> Reward:
    """The registered reward with its required parameters."""
    if name in NEED_A_SERVICE:
        return get_reward(name, **NEED_A_SERVICE[name])
    required = [p.name for p in resolve(name).parameters.values() if p.required]
    return get_reward(name, **{parameter: PARAMETERS[parameter] for parameter in required})


def callable_here(reward: Reward) -> bool:
    """Whether the test's data has the columns it needs."""
    try:
        reward.check_columns(list(COLUMNS))
    except ColumnError:
        return False
    return True


def test_every_registered_reward_works_in_a_thread_of_a_spawned_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))  # the spawned process gets the path, not pytest's modules
    import spawned_reward  # type: ignore[import-not-found]

    builtin = sorted(name for name, plugin in reward_names().items() if plugin == "veritune.rewards")
    registered = []
    for name in builtin:
        with suppress(MissingExtraError):  # its package is not installed here
            registered.append(configured(name))
    rewards: list[Any] = [
        reward for reward in registered if reward.name not in NEED_A_SERVICE and callable_here(reward)
    ]
    assert len(rewards) >= 14
    rewards += [reward_function(["format", "tag_count"]), get_reward("format").as_async().inner]
    text = "<think>\nTwo and two are four, says the whole class.\n</think>\n<answer>\n4\n</answer>"
    inputs = {
        "prompts": [[{"role": "user", "content": "What is 2+2?"}]] * 2,
        "completions": [[{"role": "assistant", "content": t}] for t in (text, "no idea")],
        "completion_ids": [list(range(40)), [1, 2]],
        **COLUMNS,
    }
    for reward in registered:
        assert pickle.loads(pickle.dumps(reward)).spec() == reward.spec()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        job = pool.submit(spawned_reward.call_all, [pickle.dumps(reward) for reward in rewards], inputs)
        results = job.result(timeout=120)
    assert [name for name, _ in results] == [reward.__name__ for reward in rewards]
    for (name, values), reward in zip(results, rewards, strict=True):
        assert values == reward(**inputs), name
        assert len(values) == 2
    assert dict(results)["accuracy"] == [1.0, 0.0]
