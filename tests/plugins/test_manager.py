"""Third-party plugins load one by one: a broken one is reported by name and the rest live."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from veritune import get_reward
from veritune.plugins import PluginError, PluginManager, UnknownNameError, reset_manager, reward_names
from veritune.plugins.manager import SWITCH

GOOD = """
from veritune import hookimpl, reward

@reward
def cheerful(completion: str) -> bool:
    return "!" in completion

@hookimpl
def veritune_rewards():
    return {"{name}": cheerful}
"""


class Site:
    """A folder on the path with distributions that each have one ``veritune`` entry point."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, body: str, distribution: str | None = None) -> None:
        distribution = distribution or f"{name}-dist"
        module = f"plugin_{self.folder.name}_{distribution}".replace("-", "_")  # not one that another test imported
        (self.folder / f"{module}.py").write_text(body)
        info = self.folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[veritune]\n{name} = {module}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv(SWITCH, raising=False)
    reset_manager()
    yield Site(tmp_path)
    reset_manager()


def test_a_plugins_reward_is_found_by_name(site: Site) -> None:
    site.add("smile", GOOD.replace("{name}", "cheerful"))
    assert get_reward("cheerful")(completions=["hi!", "hi"]) == [1.0, 0.0]
    assert reward_names()["cheerful"] == "smile"
    assert reward_names()["format"] == "veritune.rewards"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
        ("from veritune import hookimpl\n@hookimpl\ndef veritune_reward():\n    return {}", "'veritune_rewards'"),
    ],
)
def test_a_broken_plugin_is_reported_by_name_and_the_rest_live(site: Site, body: str, error: str) -> None:
    site.add("bad", body)
    site.add("smile", GOOD.replace("{name}", "cheerful"))
    with pytest.warns(UserWarning, match=rf"'bad' \(bad-dist\).*{error}"):
        assert get_reward("cheerful").score("!").value == 1.0
    with pytest.raises(UnknownNameError, match=r"Plugins that did not load: plugin 'bad' \(bad-dist\)"):
        get_reward("frown")


@pytest.mark.parametrize("value", ["[1]", "None", "1 / 0"])
def test_a_hook_that_returns_no_mapping_or_raises_is_reported_once(site: Site, value: str) -> None:
    site.add("odd", f"from veritune import hookimpl\n@hookimpl\ndef veritune_rewards():\n    return {value}")
    manager = PluginManager()
    with pytest.warns(UserWarning, match="'odd'"):
        manager.collect("veritune_rewards")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "format" in manager.collect("veritune_rewards")
    assert len(manager.failures) == 1


def test_a_name_that_is_taken_stays_with_its_owner(site: Site) -> None:
    site.add("smile", GOOD.replace("{name}", "format"))
    with pytest.warns(UserWarning, match="'format' is already registered by 'veritune.rewards'"):
        assert reward_names()["format"] == "veritune.rewards"


def test_two_distributions_with_one_plugin_name_are_not_lost_in_silence(site: Site) -> None:
    site.add("smile", GOOD.replace("{name}", "cheerful"))
    site.add("smile", GOOD.replace("{name}", "happy"), distribution="other")
    with pytest.warns(UserWarning, match="'smile'"):
        assert len({"cheerful", "happy"} & reward_names().keys()) == 1


def test_the_switch_limits_the_plugins(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("bad", "1 / 0")
    site.add("smile", GOOD.replace("{name}", "cheerful"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.setenv(SWITCH, "smile")
        assert "cheerful" in reward_names()
        reset_manager()
        monkeypatch.setenv(SWITCH, "none")
        assert "cheerful" not in reward_names()
        assert "format" in reward_names()


def test_a_plugin_that_is_asked_for_must_load(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("bad", "1 / 0")
    monkeypatch.setenv(SWITCH, "bad")
    with pytest.warns(UserWarning, match="'bad'"), pytest.raises(PluginError, match=f"asked for by {SWITCH}"):
        reward_names()
    reset_manager()
    monkeypatch.setenv(SWITCH, "absent")
    with pytest.raises(PluginError, match=r"'absent', which is not installed\. Installed: \['bad'"):
        reward_names()


def test_a_value_that_does_not_import_names_its_plugin(site: Site) -> None:
    site.add("lazy", 'from veritune import hookimpl\n@hookimpl\ndef veritune_rewards():\n    return {"l": "gone_:f"}')
    with pytest.raises(PluginError, match=r"plugin 'lazy': module 'gone_'"):
        get_reward("l")
