"""The command itself, and the commands that show what there is."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from veritune.cli.rewards import describe, reflowed
from veritune.config import parse_reward
from veritune.plugins import reward_names
from veritune.plugins.parameters import type_text
from veritune.plugins.registry import resolve

Run = Callable[..., Result]


def command(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, **settings)


def test_help_names_every_command(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in ("rewards", "score", "attack", "train", "config", "chat", "report", "doctor", "audit", "bench"):
        assert name in result.stdout
        assert run(name, "--help").exit_code == 0


def test_help_imports_little_and_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['veritune', '--help']\nfrom veritune.cli import main\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    modules = set(command("-c", code).stderr.split())
    heavy = {"torch", "transformers", "numpy", "sympy", "langdetect", "pyarrow", "httpx", "ray"}
    assert modules & heavy == set()
    assert 100 < len(modules) < 600, "most of them typer's, rich's and pydantic's"


def test_python_dash_m_works_from_the_repository_root() -> None:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    result = command("-m", "veritune", "--version", cwd=root, env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("veritune ")


def test_a_user_mistake_in_a_real_process_has_status_2_and_no_traceback(tmp_path: Path) -> None:
    result = command("-m", "veritune", "score", "none.jsonl", "-r", "format", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: file 'none.jsonl' does not exist")
    assert "Traceback" not in result.stderr


def test_rewards_lists_every_registered_reward(run: Run) -> None:
    result = run("rewards")
    assert result.exit_code == 0
    for name in reward_names():
        assert name in result.stdout
    listed = json.loads(run("rewards", "--json").stdout)
    assert {entry["name"] for entry in listed} == set(reward_names())
    assert all(entry.get("summary") for entry in listed), "each says what it computes"


def test_one_reward_shows_parameters_modes_source_and_examples(run: Run) -> None:
    result = run("rewards", "format")
    assert result.exit_code == 0
    for text in (
        "think_answer_soft",
        "'think_answer'",
        "open-r1",
        "veritune.rewards.format",
        "in a config:",
        "-r format",
    ):
        assert text in result.stdout


@pytest.mark.parametrize("name", sorted(reward_names()))
def test_the_examples_of_every_reward_are_valid(run: Run, name: str) -> None:
    """The YAML parses and names real parameters; the command line's option parses back."""
    import yaml

    lines = run("rewards", name).stdout.splitlines()
    start, end = lines.index("in a config:"), lines.index("in Python:")
    [settings] = yaml.safe_load("\n".join(lines[start + 1 : end]))["rewards"].values()
    known = resolve(name).parameters
    assert settings.get("params", {}).keys() <= known.keys()
    [option] = [line.split(" -r ")[1].split(" --")[0] for line in lines if " -r " in line and "veritune score" in line]
    [option] = shlex.split(option)
    use, params = parse_reward(option)
    assert use == name
    assert params.keys() <= known.keys()


def test_a_reward_of_ones_own_is_explained_by_path(run: Run, mine: Path) -> None:
    result = run("rewards", f"{mine}:same")
    assert result.exit_code == 0
    assert "where the completion is the gold" in result.stdout
    assert run("rewards", "fromat").exit_code == 2
    about = describe(resolve(f"{mine}:same"))
    assert about["parameters"] == {"right": {"type": "float", "default": 1.0}}


def test_types_and_docs_are_written_for_people() -> None:
    from typing import Annotated, Literal

    assert type_text(Literal["a", "b"] | None) == "'a' | 'b' | null"
    assert type_text(Annotated[int, "positive"] | None) == "int | null"
    assert type_text(dict[str, int]) == "dict[str, int]"
    assert reflowed("One\ntwo.\n\n- ``a``: x\n  y\n- b\n") == "One two.\n\n- `a`: x y\n- b"


def test_doctor_reports_packages_devices_and_plugins(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from veritune.cli import doctor

    seen = [("language python", "ok", "CPython")]  # tests/sandbox asks for them: it runs a program of every language
    monkeypatch.setattr(doctor, "sandboxes", lambda: seen)
    found = json.loads(run("doctor", "--json").stdout)
    assert [row["state"] for row in found["packages"]] == ["ok"] * len(found["packages"])
    assert {"cpu", "torch"} & {row["what"] for row in found["devices"]}, "or that torch is missing"
    assert any(row["what"] == "veritune.rewards" for row in found["plugins"])
    extras = {row["what"]: row for row in found["extras"]}
    assert all(row["more"].startswith("pip install") for row in extras.values() if row["state"] == "missing")
    assert [row["what"] for row in found["sandboxes"]] == [line[0] for line in seen]
    table = run("doctor")
    assert table.exit_code == 0
    assert seen[0][0] in table.stdout


def test_doctor_names_a_plugin_that_does_not_load(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from veritune.cli import doctor
    from veritune.plugins import get_manager
    from veritune.plugins.manager import PluginFailure

    failures = [PluginFailure("broken", "veritune-broken", "ImportError: gone")]
    monkeypatch.setattr(get_manager(), "failures", failures)
    assert ("broken (veritune-broken)", "broken", "ImportError: gone") in doctor.plugins()


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("accuracy", ("accuracy", {})),
        ("cosine:max_len=512,unit=tokens", ("cosine", {"max_len": 512, "unit": "tokens"})),
        ("my.py:fn", ("my.py:fn", {})),
        ("my.py:fn:a=[1, 2],b=null", ("my.py:fn", {"a": [1, 2], "b": None})),
        ("format:pattern='a:b=c'", ("format", {"pattern": "a:b=c"})),
    ],
)
def test_a_reward_option_is_a_name_and_yaml_values(option: str, expected: tuple[str, dict[str, Any]]) -> None:
    assert parse_reward(option) == expected


def test_train_passes_config_and_overrides_on(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[tuple[Any, ...]] = []
    runner = pytest.importorskip("veritune.trainer.run")
    monkeypatch.setattr(
        runner, "train_from_cli", lambda path, overrides, *options: calls.append((path, overrides, *options))
    )
    assert run("train", tmp_path / "run.yaml", "grpo.steps=2", "seed=1").exit_code == 0
    assert run("train", tmp_path / "run.yaml", "--from", "rl", "--dry-run").exit_code == 0
    path = tmp_path / "run.yaml"
    assert calls == [(path, ["grpo.steps=2", "seed=1"], None, None, False), (path, [], "rl", None, True)]


def test_the_shell_completes_rewards_and_presets() -> None:
    words = {"veritune score x.jsonl -r ta": "tag_count", "veritune score x.jsonl --preset r1": "r1-zero"}
    for line, expected in words.items():
        settings = {"_VERITUNE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
        code = "from veritune.cli import main; main()"
        result = command("-c", code, env={**os.environ, **settings})
        assert expected in result.stdout.split()


def test_training_without_torch_names_the_line_to_run(tmp_path: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from veritune.cli import main; main()"
    result = command("-c", code, "train", str(tmp_path / "run.yaml"))
    assert result.returncode == 2
    assert "Run: pip install 'veritune[train]'" in result.stderr
