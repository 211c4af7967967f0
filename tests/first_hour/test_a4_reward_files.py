"""A4: a reward file imports its neighbours, however the command is started, and an edited file is read again."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from veritune import compose, get_reward
from veritune.cli import put_working_folder_last
from veritune.plugins import ConfigError, PluginError, UnknownNameError, files

REWARD = """
from {helper} import bonus

def short(completion, *, limit: int = 5):
    return bonus + (len(completion) <= limit)

def late(completion):
    import {helper}
    return {helper}.bonus
"""


BOTH = """
import os, runpy, sys
from contextlib import suppress
sys.path[0] = "/nowhere"  # where the script veritune lies
from veritune.cli import main
with suppress(SystemExit):
    main()
sys.modules = {k: v for k, v in sys.modules.items() if not k.startswith(("my_r", "a4_"))}
sys.path = [os.getcwd(), *(p for p in sys.path if p != os.getcwd())]  # as python -m puts it
runpy.run_module("veritune", run_name="__main__")
"""


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


def put(folder: Path, bonus: float, helper: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{helper}.py").write_text(f"bonus = {bonus}\n")
    (folder / "my_r.py").write_text(REWARD.format(helper=helper))
    return f"{folder / 'my_r.py'}"


def test_a4_the_command_and_the_module_score_with_the_same_file(tmp_path: Path) -> None:
    put(tmp_path, 1.0, "a4_helper")
    (tmp_path / "rows.jsonl").write_text('{"completion": "four"}\n')
    done = subprocess.run(
        [sys.executable, "-c", BOTH, "score", "rows.jsonl", "-r", "my_r.py:short", "-r", "my_r:late", "--json", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p.endswith("src"))},
    )
    assert done.returncode == 0, done.stderr
    script, module = done.stdout.splitlines()
    assert script == module
    assert '"mean": 2.0' in script


def test_a4_the_working_folder_is_on_the_path_and_hides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "/somewhere"])
    put_working_folder_last()
    assert sys.path == ["/somewhere", str(tmp_path)]
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "py.typed").touch()
    put_working_folder_last()
    assert sys.path == ["/somewhere"], "of a checkout it would hide Hugging Face's kernels"


def test_a4_neighbours_are_found_from_anywhere_and_later_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = put(tmp_path / "one", 1.0, "a4_neighbour")
    monkeypatch.chdir("/")
    assert get_reward(f"{file}:short").score("four").value == 2.0
    assert get_reward(f"{file}:late").score("four").value == 1.0
    assert pickle.loads(pickle.dumps(get_reward(f"{file}:short", limit=1))).score("four").value == 1.0


def test_a4_two_folders_may_have_a_neighbour_of_one_name(tmp_path: Path) -> None:
    one, two = (put(tmp_path / f"folder_{n}", n, "a4_same") for n in (1, 2))
    assert [get_reward(f"{file}:short").score("four").value for file in (one, two)] == [2.0, 3.0]
    assert [get_reward(f"{file}:short").score("four").value for file in (one, two)] == [2.0, 3.0]


def test_a4_two_folders_may_have_a_package_of_one_name(tmp_path: Path) -> None:
    made = []
    for n in (1, 2):
        package = tmp_path / f"package_{n}" / "a4_package"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("from a4_package.inner import bonus\n")
        (package / "inner.py").write_text(f"bonus = {n}.0\n")
        (package.parent / "my_r.py").write_text(REWARD.format(helper="a4_package"))
        made.append(package.parent / "my_r.py")
    assert [get_reward(f"{file}:short").score("four").value for file in made] == [2.0, 3.0]


def test_a4_only_modules_with_the_names_of_neighbours_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a process with torch looks at thousands for every folder that it has loaded a file from, at every file."""
    asked: list[str] = []
    monkeypatch.setattr(files, "_is_anothers", lambda name, module, folder: asked.append(name))
    assert get_reward(f"{put(tmp_path, 1.0, 'a4_few')}:short").score("four").value == 2.0
    assert set(asked) <= {"a4_few", "my_r"}


def test_a4_an_edited_file_is_read_again_and_what_was_made_stays(tmp_path: Path) -> None:
    file = tmp_path / "edited.py"
    file.write_text("def r(completion): return 1.0\n")
    before = get_reward(f"{file}:r")
    file.write_text("def r(completion): return 22.0\n")
    assert get_reward(f"{file}:r").score("x").value == 22.0
    assert before.score("x").value == 1.0
    file.write_text("def r(completion: return 3.0\n")
    with pytest.raises(PluginError, match=r"does not import: SyntaxError: .* \(line 1\)"):
        get_reward(f"{file}:r")
    file.write_text("def r(completion): return 444.0\n")
    assert get_reward(f"{file}:r").score("x").value == 444.0


def test_a4_a_file_in_a_config_is_found_beside_it_or_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "conf", 1.0, "a4_beside")
    config = tmp_path / "conf" / "r.yaml"
    config.write_text('rewards: {short: {use: "my_r.py:short"}}')
    monkeypatch.chdir(tmp_path)
    assert compose(config).score("four").value == 2.0
    assert compose("conf/r.yaml").score("four").value == 2.0
    monkeypatch.chdir(tmp_path / "conf")
    assert compose("r.yaml").score("four").value == 2.0
    put(tmp_path / "work", 5.0, "a4_work")
    monkeypatch.chdir(tmp_path / "work")
    with pytest.raises(ConfigError, match="beside this config, and they differ"):
        compose(config)


def test_a4_an_import_that_fails_in_a_neighbour_names_its_line(tmp_path: Path) -> None:
    file = put(tmp_path, 1.0, "a4_broken")
    (tmp_path / "a4_broken.py").write_text("x = 1\nimport nothing_of_that_name\n")
    with pytest.raises(PluginError, match=r"No module named 'nothing_of_that_name' \(.*a4_broken.py, line 2\)"):
        get_reward(f"{file}:short")


def test_a4_a_file_without_its_reward_lists_what_is_in_it(tmp_path: Path) -> None:
    file = put(tmp_path, 1.0, "a4_listed")
    for use in (file, f"{file}:shrt"):
        with pytest.raises(ConfigError, match="short") as caught:
            get_reward(use)
        assert "late" in str(caught.value)
        assert not isinstance(caught.value, UnknownNameError) or "Did you mean 'short'" in str(caught.value)
