"""What the page and the examples on episodes show runs as written."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.trainer.episode_functions import Scripted
from veritune.trainer.config import RolloutConfig, SamplingConfig, load_config, parse_config
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import Row
from veritune.trainer.policy.models import make_tokenizer
from veritune.trainer.rollout.episodes import Episodes, load_episode

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "episodes.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
TALK = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
PROGRAM = "Let me see.\n```python\nprint(6 * 7)\n```"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's files, as the working directory."""
    for kind, body in BLOCKS:
        if kind == "python":
            name = re.match(r"# file: (\S+)\n", body)
            assert name is not None
            (tmp_path / name[1]).write_text(body, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def play(config: dict[str, Any], stop: list[str], turns: list[str]) -> Rollout:
    """The one episode in which the policy writes these turns."""
    tokenizer = make_tokenizer([*map(chr, range(32, 127)), "\n"])
    tokenizer.chat_template = TALK + "{% if add_generation_prompt %}assistant: {% endif %}"
    eos = [tokenizer.eos_token_id]
    sampler = Scripted(tokenizer, eos, lambda context, call: turns[call - 1])
    limits = RolloutConfig(**config)
    episodes = Episodes(load_episode(limits), limits, sampler, tokenizer, eos)
    sampling = SamplingConfig(max_tokens=1000, stop=stop)
    (rollout,) = episodes.play([Row("2+3", {})], [[3]], 1, sampling, torch.Generator().manual_seed(0))
    return rollout


def test_the_calculator_of_the_page(written: Path) -> None:
    values = yaml.safe_load(next(body for kind, body in BLOCKS if kind == "yaml"))
    config = parse_config({"model": {"path": "m"}, "data": {"task": "arithmetic"}, "rewards": ["format"], **values})
    assert config.rollout is not None
    found = play(config.rollout.model_dump(), config.sampling.stop, ["<call>2+3</call>", "So 5."])
    assert found.text == "<call>2+3</call><result>5</result>So 5."


def test_the_session_of_the_page(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(written))
    session = next(body for kind, body in BLOCKS if kind == "pycon")
    test = doctest.DocTestParser().get_doctest(session, {}, PAGE.name, PAGE.name, 0)
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test).failed == 0


@pytest.mark.parametrize("example", [False, True])
def test_programs_of_the_policy_run_in_the_sandbox(written: Path, example: bool) -> None:
    file = ROOT / "examples" / "python_env.py" if example else Path("python_env.py")
    found = play({"use": f"{file}:interpreter"}, [], [PROGRAM, PROGRAM.replace("6 * 7", "6 / 0"), "It is 42."])
    assert found.messages is not None
    assert [m["role"] for m in found.messages] == ["assistant", "tool", "assistant", "tool", "assistant"]
    assert found.messages[1]["content"] == "42\n"
    assert "exit status 1" in found.messages[3]["content"]
    assert ("ZeroDivisionError" in found.messages[3]["content"]) == example
    assert found.finish == "eos"


def test_the_example_asks_and_is_answered() -> None:
    """The stop string of the config, the demonstrations of the task and the example's function fit each other."""
    config = load_config(ROOT / "examples" / "calculator.yaml")
    assert config.rollout is not None
    values = {**config.rollout.model_dump(), "use": str(ROOT / config.rollout.use)}
    found = play(values, config.sampling.stop, ["<think>2+3=", "</think><answer>5</answer>"])
    assert found.text == "<think>2+3=5</think><answer>5</answer>"
    assert found.turns == 2


def test_the_task_demonstrates_calls() -> None:
    from random import Random

    from veritune.trainer.data.tasks import get_task

    task, random = get_task("arithmetic", {"terms": 3}), Random(0)
    row = task.row(random)
    shown = task.demonstration(row, random, call=1.0)
    assert shown == f"<think>{row['prompt']}{row['gold']}</think><answer>{row['gold']}</answer>"
