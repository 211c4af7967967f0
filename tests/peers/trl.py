"""TRL's own GRPOTrainer calls our rewards: tools and parsed reasoning, chats, asynchronous rewards, its table."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trl
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from tests.peers.tiny import model, tokenizer
from veritune import get_reward
from veritune.adapters.trl import reward_function
from veritune.plugins import Cause, Score, reward

Remark = Callable[[str, object], None]
GOOD = "<think>\nTwo and two make four.\n</think>\n\nSo it is \\boxed{4}."


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: The first number.
        b: The second number.
    """
    return a + b


class Fixed(GRPOTrainer):
    """The trainer, with a policy that writes ``texts`` in turn: all else of a step is TRL's."""

    texts: Sequence[str] = (GOOD,)

    def _generate_single_turn(self, prompt_ids: list[Any], *args: Any, **kwargs: Any) -> tuple[list[Any], None]:
        texts = itertools.islice(itertools.cycle(self.texts), len(prompt_ids))
        ids = [self.processing_class(text, add_special_tokens=False)["input_ids"] for text in texts]
        return [[*each, self.processing_class.eos_token_id] for each in ids], None


def train(
    folder: Path, rewards: Any, *, texts: Sequence[str] = (GOOD,), batch: int = 4, steps: int = 2, **more: Any
) -> Any:
    encoder = tokenizer()
    encoder.chat_template = (Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja").read_text(encoding="utf-8")
    rows = {"prompt": [[{"role": "user", "content": f"{n}: 2+2?"}] for n in range(16)], "solution": ["4"] * 16}
    trainer = Fixed(
        model=model(len(encoder)),
        processing_class=encoder,
        reward_funcs=rewards,
        train_dataset=Dataset.from_dict(rows),
        args=GRPOConfig(
            output_dir=str(folder),
            max_steps=steps,
            per_device_train_batch_size=batch,
            num_generations=2,
            logging_steps=1,
            max_completion_length=200,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            disable_tqdm=True,
            log_completions=True,
        ),
        **more,
    )
    trainer.texts = texts
    trainer.train()
    return trainer


def logged(trainer: Any) -> list[dict[str, float]]:
    return [entry for entry in trainer.state.log_history if "reward" in entry]


def table(folder: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    files = sorted((folder / "completions").glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


@pytest.mark.parametrize("tools", [None, [add]], ids=["without tools", "with tools"])
def test_reasoning_counts_whether_trl_parses_it_or_not(tmp_path: Path, tools: Any) -> None:
    names = ["think_format", "reasoning_accuracy", "accuracy", "language", "format"]
    params: dict[str, Any] = {"language": {"target": "en"}, "format": {"style": "think"}}
    trainer = train(tmp_path, [get_reward(name, **params.get(name, {})) for name in names], tools=tools)
    first = logged(trainer)[0]
    found = {name: first[f"rewards/{name}/mean"] for name in names}
    assert found == dict.fromkeys(names, 1.0)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_composition_with_tools_is_one_function(tmp_path: Path, asynchronous: bool) -> None:
    config = {"rewards": {"accuracy": {}, "think_format": {"weight": 0.5, "gate": "accuracy"}}}
    trainer = train(tmp_path, reward_function(config, asynchronous=asynchronous), tools=[add])
    assert logged(trainer)[0]["reward"] == pytest.approx(1.5)


def test_a_component_that_has_ended_leaves_no_old_values_in_the_table(tmp_path: Path) -> None:
    config = {"rewards": {"accuracy": {}, "tag_count": {"until_step": 1}, "later": {"use": "format", "from_step": 2}}}
    train(tmp_path, reward_function(config), steps=3)
    rows = table(tmp_path)
    by_step = {step: [row for row in rows if row["step"] == step] for step in {row["step"] for row in rows}}
    assert len(by_step) == 3
    first, *rest = (by_step[step] for step in sorted(by_step))
    assert all(row["tag_count"] is not None and row["later"] is None for row in first)
    assert all(row["tag_count"] is None and row["tag_count_reason"] == "not evaluated" for each in rest for row in each)
    assert all(row["later"] is not None for row in rest[-1])


@reward
def shaky(completion: str) -> Score | float:
    """1 where it says so; undecided for a question mark."""
    return Score.none("a question mark", Cause.INFRA_ERROR) if "?" in completion else float("yes" in completion)


def test_five_percent_undecided(tmp_path: Path, record_property: Remark) -> None:
    texts = ["yes", "no"] * 9 + ["?", "yes"]  # 1 of 20 in each step; its group is ("?", "yes")
    trainer = train(tmp_path, reward_function({"rewards": {"shaky": {"use": shaky}}}), texts=texts, batch=20)
    entry = logged(trainer)[0]
    rows = [row for row in table(tmp_path) if row["step"] == 1]
    assert entry["rewards/shaky/infra_error"] == pytest.approx(1 / 20)
    assert entry["rewards/shaky/mean"] == pytest.approx(10 / 19)
    assert not math.isnan(entry["reward"])
    unsure = [row for row in rows if row["veritune"] is None or math.isnan(row["veritune"])]
    assert len(rows) == 20
    assert len(unsure) == 1
    assert unsure[0]["advantage"] == 0.0
    partner = rows[rows.index(unsure[0]) + 1]
    record_property(
        "remark",
        f"1 of 20 undecided a step: advantage {unsure[0]['advantage']:g}, its partner in the group "
        f"{partner['advantage']:g}, logged reward {entry['reward']:.4f} (mean of the decided {10 / 19:.4f})",
    )
