"""The pytest plugin: fixtures ``reward``, ``assert_pays``, ``assert_holds`` and ``attack``; golden cases by a mark.

It is found by its entry point (``pytest11``) where veritune is installed, and imports nothing of it before it is used.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from veritune.sandbox.workers import WorkerPool
    from veritune.testing.cases import Case, CaseFile, Scorer
    from veritune.testing.checks import Attack, Holds, Pays

MARKS = (
    "reward(use, **params): the reward under test, by name, path (from the test's own folder), YAML file, or itself",
    "reward_cases(*files): replay golden cases (JSONL, from the test's own folder) with the reward under test",
)
FILES: pytest.StashKey[dict[Path, CaseFile]] = pytest.StashKey()
CHANGES: pytest.StashKey[list[str]] = pytest.StashKey()
MADE: pytest.StashKey[dict[str, Scorer]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("veritune", "rewards")
    group.addoption(
        "--reward-update",
        action="store_true",
        help="Write what rewards make of golden cases into their files: of new cases, and of those that have changed.",
    )


def pytest_configure(config: pytest.Config) -> None:
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    config.stash[FILES], config.stash[CHANGES], config.stash[MADE] = {}, [], {}
    if config.getoption("--reward-update") and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("--reward-update writes files: run it in one process, without -n")


# -- the reward under test


@pytest.fixture
def reward(request: pytest.FixtureRequest) -> Scorer:
    """The reward under test: what ``@pytest.mark.reward("my_rewards.py:short", limit=80)`` names, on the test, its
    class or its module (``pytestmark``). Paths are from the test's own folder, else from pytest's root. Override the
    fixture to build it yourself."""
    mark = request.node.get_closest_marker("reward")
    if mark is None or len(mark.args) != 1:
        raise pytest.UsageError(
            f'{request.node.nodeid}: say which reward: @pytest.mark.reward("my_rewards.py:short", limit=80), on the '
            "test, its class or its module (pytestmark = …); or write a fixture of your own called reward"
        )
    from veritune.testing.checks import make_reward

    made = request.config.stash[MADE]
    (use,), folders = mark.args, (request.path.parent, request.config.rootpath)
    key = f"{use!r} {request.path.parent} {sorted(mark.kwargs.items())!r}"
    if not isinstance(use, str):
        return make_reward(use, folders, mark.kwargs)
    if key not in made:  # a class is made once a session, as it is once a process in a run
        made[key] = make_reward(use, folders, mark.kwargs)
    return made[key]


@pytest.fixture
def assert_pays(reward: Scorer) -> Pays:
    """``assert_pays(completion, value=1.0, gold="42")``: the reward gives that value, or any above 0."""
    from veritune.testing.checks import Pays

    return Pays(reward)


@pytest.fixture
def assert_holds(reward: Scorer) -> Holds:
    """``assert_holds(completion, gold="42")``: the reward does not pay for this: it gives 0 or less."""
    from veritune.testing.checks import Holds

    return Holds(reward)


@pytest.fixture
def attack(request: pytest.FixtureRequest, reward: Scorer) -> Attack:
    """``attack(budget=60, gold="42")``: what ``veritune attack`` does; fails where anything does not hold."""
    from veritune.testing.checks import Attack

    return Attack(reward, request.getfixturevalue("_attack_pool"))


@pytest.fixture(scope="session")
def _attack_pool() -> Iterator[WorkerPool]:
    """The processes of all attacks of the session."""
    from veritune.rewards.attack.run import worker_pool

    with worker_pool() as pool:
        yield pool


# -- golden cases


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, obj: object) -> None:
    """A test that replays cases uses their fixtures, also where it does not name them."""
    if inspect.isfunction(obj):
        marks = getattr(obj, "pytestmark", [])  # pytest keeps a list on functions
        if any(mark.name == "reward_cases" for mark in marks) or collector.get_closest_marker("reward_cases"):
            pytest.mark.usefixtures("reward", "reward_case")(obj)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("reward_cases")
    if mark is None:
        return
    from veritune.plugins.errors import DataError
    from veritune.testing.cases import read_cases

    files = metafunc.config.stash[FILES]
    found: list[Case] = []
    if not mark.args:
        raise pytest.UsageError(f'{metafunc.definition.nodeid}: @pytest.mark.reward_cases("cases.jsonl") names a file')
    for name in mark.args:
        path = metafunc.definition.path.parent / name
        try:
            file = files.setdefault(path, read_cases(path)) if path not in files else files[path]
        except DataError as error:
            raise pytest.UsageError(f"{metafunc.definition.nodeid}: {error}") from None
        found += file.cases
    metafunc.parametrize("reward_case", found, ids=[case.name for case in found], indirect=True)


@pytest.fixture
def reward_case(request: pytest.FixtureRequest) -> Case:
    """The golden case that is replayed, in a test marked ``reward_cases``."""
    case: Case = request.param
    return case


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Replay the case before the test's own body, which may be empty."""
    if pyfuncitem.get_closest_marker("reward_cases") is None:
        return
    given: dict[str, Any] = pyfuncitem.funcargs
    case: Case = given["reward_case"]
    scorer: Scorer = given["reward"]
    scores = scorer.score_batch(case.samples)
    wrong = case.differences(scores)
    if pyfuncitem.config.getoption("--reward-update") and not wrong.keys() & {"at_most", "above"}:
        if wrong or not case.expects:
            what = ", ".join(f"{key} ({said})" for key, said in wrong.items()) or "new"
            pyfuncitem.config.stash[CHANGES].append(f"{case.place}: {what}")
            pyfuncitem.config.stash[FILES][case.file].rewrite(case, scores)
        return
    if not case.expects:
        pytest.fail(f"{case.place}: nothing is expected yet; pytest --reward-update writes what is seen", pytrace=False)
    if wrong:
        said = "\n".join(f"  {key}: {text}" for key, text in wrong.items())
        shown = "\n".join(f"  completion: {sample.text!r:.300}" for sample in case.samples)
        pytest.fail(
            f"{case.place}: reward {scorer.name!r}\n{said}\n{shown}\nIf that is right now: pytest --reward-update",
            pytrace=False,
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    for file in session.config.stash[FILES].values():
        file.save()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    changes = config.stash[CHANGES]
    if changes:
        terminalreporter.section(f"{len(changes)} reward cases written: look at each")
        for change in changes:
            terminalreporter.write_line(change)
