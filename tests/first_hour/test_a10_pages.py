"""A10: what `veritune rewards NAME` prints can be copied: each config, call and command runs as it is printed."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

import veritune
from tests.first_hour.conftest import ROW
from veritune.cli.app import app
from veritune.cli.rewards import example_parameters, examples, plain, source_of
from veritune.config import rewards_from_options
from veritune.plugins import Reward, reward_names
from veritune.plugins.registry import resolve

BUILT_ONLY = {"remote", "judge", "preference", "code", "binary_code", "code_stdio", "cf_code", "ioi_code"}
"""What needs a model, or a sandbox (seconds), to score: other tests run them."""
OWN = '''
from typing import Literal, Sequence
from veritune import reward

@reward
def needy(completion, *, share: float, words: Sequence[str], kind: Literal["a", "b"], many: int | None) -> float:
    """``share`` of ```fenced``` text."""
    return share

@reward
def rich(completion, *, words: tuple[str, ...] = ("it's", "a, b"), options: dict | None = None) -> float:
    return float(len(words))
'''


def printed(reward: Reward) -> tuple[dict[str, Any], str, str]:
    """The config, the call and the command of a page."""
    lines = examples(reward)
    python = lines.index("in Python:")
    config = yaml.safe_load("\n".join(lines[1:python]))
    return config, lines[python + 1].strip(), lines[-1].strip()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Result]:
    (tmp_path / "answers.jsonl").write_text(ROW)
    monkeypatch.chdir(tmp_path)
    return lambda line: CliRunner().invoke(app, shlex.split(line)[1:])


@pytest.mark.parametrize("name", sorted(n for n, plugin in reward_names().items() if plugin == "veritune.rewards"))
def test_a10_every_page_s_examples_run_as_printed(name: str, run: Callable[[str], Result]) -> None:
    config, call, command = printed(resolve(name))
    if name == "reasoning_gym":
        pytest.importorskip("reasoning_gym", reason="reasoning-gym is not installed (it may need a C compiler)")
    composed = veritune.compose(config)
    called = eval(call, {"veritune": veritune})
    assert composed.component(name).reward.spec() == called.spec()
    option = shlex.split(command)[shlex.split(command).index("-r") + 1]
    (from_command,) = rewards_from_options([option]).components
    assert from_command.reward.params.items() <= called.params.items()
    if name not in BUILT_ONLY:
        done = run(command)
        assert done.exit_code == 0, done.output


def test_a10_pages_of_one_s_own_run_too(tmp_path: Path, run: Callable[[str], Result]) -> None:
    file = tmp_path / "own file.py"
    file.write_text(OWN)
    for name in ("rich", "needy"):
        found = resolve(f"{file}:{name}")
        if name == "needy":
            assert example_parameters(found)["kind"] == "a"
            continue
        config, call, command = printed(found)
        assert veritune.compose(config).score("x").value == eval(call, {"veritune": veritune}).score("x").value == 2.0
        assert run(command).exit_code == 0
        assert source_of(found).startswith(str(file))


def test_a10_back_ticks_of_fences_survive_and_code_stays_marked() -> None:
    assert plain("``right`` on ```py``` fences, ``````") == "`right` on ```py``` fences, ``````"
    assert not [name for name in reward_names() if "``" in plain(resolve(name).__doc__ or "").replace("```", "")]
