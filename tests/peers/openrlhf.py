"""OpenRLHF's own single-turn executor calls our ``reward_func``; its experiences take what it answers."""

from __future__ import annotations

import asyncio
import copy
import importlib.util
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.peers.tiny import tokenizer

Remark = Callable[[str, object], None]
REWARDS = """
from veritune.adapters.openrlhf import reward_function
reward_func = reward_function(CONFIG, undecided=UNDECIDED)
"""
GOOD = "<think>\nTwo and two are four, says the whole class.\n</think>\n<answer>\n4\n</answer>"


@pytest.fixture(scope="module")
def agent() -> Any:
    """``openrlhf.utils.agent`` by its file where the package's ``__init__`` wants what needs CUDA."""
    try:
        import openrlhf.utils.agent as module

        return module
    except ImportError:
        found = importlib.util.find_spec("openrlhf")
        assert found is not None
        assert found.submodule_search_locations is not None
        root = Path(found.submodule_search_locations[0])
        package = types.ModuleType("openrlhf.utils")
        package.__path__ = [str(root / "utils")]
        sys.modules["openrlhf.utils"] = package
        return importlib.import_module("openrlhf.utils.agent")


class Engine:
    """What stands for vLLM: it writes the text that the test wants."""

    def __init__(self, text: str, finished: bool) -> None:
        self.text, self.finished = text, finished
        self.seen: list[int] = []

    async def generate(self, ids: list[int], params: Any, multi_modal_data: Any = None) -> Any:
        self.seen = list(ids)
        end = "<|im_end|>" if self.finished else ""
        tokens = tokenizer()(self.text + end, add_special_tokens=False)["input_ids"]
        reason = "stop" if self.finished else "length"
        return types.SimpleNamespace(
            outputs=[types.SimpleNamespace(token_ids=tokens, text=self.text, finish_reason=reason, logprobs=None)]
        )


def execute(
    agent: Any,
    folder: Path,
    config: str,
    prompt: str,
    text: str,
    label: Any,
    *,
    undecided: str = "0.0",
    finished: bool = True,
    max_length: int = 4000,
    max_tokens: int = 1000,
) -> dict[str, Any]:
    file = folder / "rewards.py"
    file.write_text(REWARDS.replace("CONFIG", config).replace("UNDECIDED", undecided))
    executor = agent.SingleTurnAgentExecutor(str(file))
    params = types.SimpleNamespace(max_tokens=max_tokens, logprobs=None)
    return asyncio.run(
        executor.execute(prompt, label, copy.copy(params), max_length, tokenizer(), Engine(text, finished))
    )


def chat(question: str) -> str:
    return str(
        tokenizer().apply_chat_template(
            [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
        )
    )


@pytest.mark.parametrize("finished", [True, False])
def test_a_finished_completion_earns_its_format(agent: Any, tmp_path: Path, finished: bool) -> None:
    found = execute(agent, tmp_path, '"r1-zero"', chat("2+2?"), GOOD, "4", finished=finished)
    cut = {name: value.item() for name, value in found["extra_logs"].items()}
    assert cut["undecided"] == 0.0
    assert {name: value for name, value in cut.items() if value != 1.0 and "/known" in name} == {}
    both = execute(agent, tmp_path, '["format"]', chat("2+2?"), GOOD, "4", finished=finished)
    assert both["reward"].item() == 1.0


PROMPT = "Put your answer in \\boxed{4}. Here are worked examples, which are long enough to be cut from the left."


@pytest.mark.parametrize("max_length", [4000, 1060, 1030])
def test_a_prompt_that_was_cut_is_not_graded(agent: Any, tmp_path: Path, max_length: int) -> None:
    prompt = chat(PROMPT)
    said = execute(agent, tmp_path, '["accuracy"]', prompt, "I do not know.", "4", max_length=max_length)
    assert (said["reward"].item(), said["extra_logs"]["undecided"].item()) == (0.0, 0.0)
    right = execute(agent, tmp_path, '["accuracy"]', prompt, "It is \\boxed{4}.", "4", max_length=max_length)
    assert right["reward"].item() == 1.0


def test_labels_that_are_json_are_read_by_path(agent: Any, tmp_path: Path) -> None:
    config = '{"rewards": {"countdown": {"columns": {"nums": "gold.numbers", "target": "gold.target"}}}}'
    label = '{"target": 24, "numbers": [4, 6]}'
    assert execute(agent, tmp_path, config, "p", "<answer>4*6</answer>", label)["reward"].item() == 1.0
    assert execute(agent, tmp_path, config, "p", "<answer>4+6</answer>", label)["reward"].item() == 0.0


def test_what_becomes_of_undecided_samples(agent: Any, tmp_path: Path, record_property: Remark) -> None:
    config = '["accuracy"]'
    found = [execute(agent, tmp_path, config, "p", "\\boxed{4}", label) for label in ("4", "", "4")]
    assert [one["reward"].item() for one in found] == [1.0, 0.0, 1.0]
    assert [one["extra_logs"]["undecided"].item() for one in found] == [0.0, 1.0, 0.0]
    assert {tuple(one["extra_logs"]) for one in found} == {("undecided", "accuracy", "accuracy/known")}
    lost = execute(agent, tmp_path, config, "p", "\\boxed{4}", "", undecided='"raise"')
    assert lost["reward"] is None
    record_property(
        "remark",
        "undecided: the number chosen, logs `undecided` and `{component}/known`; without a number "
        "OpenRLHF swallows UndecidedError and goes on with `reward=None`",
    )
