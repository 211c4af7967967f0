"""`deadline:` and `isolate:`: a user's reward that hangs or crashes costs its sample, never the run."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from veritune import Sample, compose
from veritune.config import rewards_from_options
from veritune.plugins import Cause, ConfigError, RewardError, Score
from veritune.rewards.composition import RewardSet

FILE = Path(__file__).with_name("bounded_rewards.py")


def bounded(name: str, **settings: Any) -> RewardSet:
    return compose({"rewards": {"mine": {"use": f"{FILE}:{name}", "deadline": 0.5, **settings}}})


@pytest.fixture(scope="module")
def each(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RewardSet]:
    """One pool for all, of a reward configured in another folder."""
    here, folder = Path.cwd(), tmp_path_factory.mktemp("elsewhere")
    (folder / "words.txt").write_text("words")
    rewards = bounded("Each")
    os.chdir(folder)
    try:
        rewards.score("4")
    finally:
        os.chdir(here)
    yield rewards
    component = rewards.component("mine")
    assert component._bounded is not None
    component._bounded.close()


def scored(rewards: RewardSet, *completions: str, **columns: Any) -> list[Score]:
    return rewards.score_batch([Sample(c, "p", None, columns) for c in completions])


def test_what_hangs_or_crashes_costs_its_own_sample(each: RewardSet) -> None:
    found = scored(each, "4", "loop", "exit", "5", "segfault", "4", gold="4")
    causes = [score.cause for score in found]
    assert causes == [None, Cause.TIMEOUT, Cause.INFRA_ERROR, None, Cause.INFRA_ERROR, None]
    assert [score.value for score in found if score.cause is None] == [1.0, 0.0, 1.0]
    assert "deadline of 0.5 s" in found[1].reason
    assert "status 3" in found[2].reason
    assert "SIGSEGV" in found[4].reason
    assert f"in {os.getpid()}" not in found[0].parts["mine"].reason


def test_what_waits_is_ended_by_the_clock(each: RewardSet) -> None:
    (found,) = scored(each, "sleep")
    assert found.cause is Cause.TIMEOUT


def test_a_class_is_made_once_and_works_in_the_folder_of_the_run(each: RewardSet) -> None:
    assert [score.value for score in scored(each, "made", "read")] == [1.0, 1.0]
    with pytest.raises(RewardError, match="ValueError: cannot be made"):
        scored(bounded("Unmade"), "x")


def test_an_exception_is_raised_as_if_it_ran_here_with_the_very_sample_and_line(each: RewardSet) -> None:
    samples = [Sample(c, "p", None, {"gold": "g"}) for c in ("4", "raise")]
    with pytest.raises(RewardError, match="KeyError: 'g'") as caught:
        each.score_batch(samples)
    assert caught.value.sample is samples[1]
    assert "bounded_rewards.py, line" in caught.value.place


def test_rows_without_a_column_that_others_have_are_read_as_in_one_process(each: RewardSet) -> None:
    samples = [Sample("4", "p", None, {"gold": "4"}), Sample("4", "p"), Sample("raise", "p")]
    assert [score.value for score in each.score_batch(samples[:2])] == [1.0, 0.0]
    with pytest.raises(RewardError, match="KeyError: None") as caught:
        each.score_batch(samples)
    assert caught.value.sample is samples[2]
    assert each.score_batch([]) == []


def test_of_a_batch_only_the_group_that_hangs_is_undecided() -> None:
    rewards, logged = bounded("crowd"), []
    samples = [Sample(c, p) for c, p in (("a", "p"), ("b", "p"), ("loop", "q"), ("c", "q"), ("d", "r"))]
    found = rewards.score_batch(samples, log_metric=lambda *given: logged.append(given))
    assert [score.value for score in found] == [0.5, 0.5, None, None, 1.0]
    assert sorted(logged) == [("crowd/size", 1), ("crowd/size", 2)]


def test_coroutines_run_side_by_side_and_one_that_hangs_is_found() -> None:
    rewards = bounded("together")
    assert [score.value for score in scored(rewards, *"abcdef")] == [1.0] * 6
    assert [score.value for score in scored(rewards, "a", "loop", "b")] == [1.0, None, 1.0]


def test_a_set_with_bounds_pickles_and_shows_them() -> None:
    rewards = bounded("Each", isolate=True)
    again = pickle.loads(pickle.dumps(rewards))
    assert again.spec() == rewards.spec()
    assert again.spec()["rewards"]["mine"]["deadline"] == 0.5


def test_bounds_that_cannot_be_are_refused_before_the_run(tmp_path: Path) -> None:
    def local(completion: str) -> float:
        return 1.0

    with pytest.raises(ConfigError, match="Save it to a file"):
        compose({"rewards": {"mine": {"use": local, "isolate": True}}})
    for wrong in (0, -1, "soon", True):
        with pytest.raises(ConfigError, match=r"rewards.mine.deadline"):
            bounded("Each", deadline=wrong)


def test_the_command_line_bounds_a_reward_that_has_no_deadline_of_its_own() -> None:
    rewards = rewards_from_options([f"{FILE}:Each:deadline=2", "code:deadline=3", "format:isolate=true"])
    mine, code, form = (component.config for component in rewards.components)
    assert (mine.deadline, code.deadline, form.isolate) == (2, None, True)
    assert rewards.component("code").reward.params == {"deadline": 3}
