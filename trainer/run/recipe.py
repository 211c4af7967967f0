"""A recipe: its stages one after the other, each a run in a folder of its own, going on with what earlier ones left.

Before the first model is loaded every stage's configuration is validated, with its rows where they are there already.
A stage is done when its folder says so (``done.json``), with the configuration and the inputs that it now has; what is
not done is run, or gone on with from its last checkpoint. So the same command finishes whatever was interrupted.
"""

from __future__ import annotations

import gc
import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml

from veritune.plugins import ConfigError, RunError, VerituneError
from veritune.plugins.errors import did_you_mean
from veritune.rewards.composition import validate
from veritune.trainer.config import CommonConfig, PolicyRunConfig, apply_override
from veritune.trainer.config.recipe import (
    RecipeConfig,
    check_earlier,
    check_name,
    check_rows_references,
    merged,
    references,
    resolved,
)
from veritune.trainer.observe.console import Console
from veritune.trainer.observe.timeline import DONE, RECIPE, write_timeline
from veritune.trainer.policy.distributed import ALONE, World, start_world
from veritune.trainer.run.data_files import changed_files, data_files
from veritune.trainer.run.ending import Ended
from veritune.trainer.run.rescue import lost_as_sentence
from veritune.trainer.run.run import run_in
from veritune.trainer.stages.interface import Stage
from veritune.trainer.stages.reading import read_stage
from veritune.trainer.stages.table import DEFAULT, get_stage, parse_run

UNSEEN = ("note", "threads", "log")
"""Keys that change nothing of what a stage comes to."""
ROWS = ("train", "eval", "rows", "mix")
"""Keys under which ``{from: NAME}`` stands for rows; everywhere else it stands for a model."""


@dataclass
class Step:
    """A stage of a recipe, as it would be run."""

    name: str
    kind: type[Stage]
    config: CommonConfig
    folder: Path
    values: dict[str, Any] = field(default_factory=dict)
    """Its own configuration over the recipe's, as written."""
    uses: list[str] = field(default_factory=list)
    """The earlier stages it goes on with."""

    def fingerprint(self, done: Mapping[str, str]) -> str:
        """Of what is written in the recipe of it, and of what it goes on with: defaults that a later version adds, and
        another place of the folder, make no other stage of it."""
        values = {key: value for key, value in self.values.items() if key not in UNSEEN}
        text = json.dumps([values, [done.get(name) for name in self.uses]], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def train_recipe(
    values: Mapping[str, Any],
    where: str = "",
    begin: str | None = None,
    only: str | None = None,
    dry_run: bool = False,
    quiet: bool = False,
) -> Path:
    """Run what is not done yet; returns the recipe's folder.

    ``begin``: run that stage and those behind it anew. ``only``: that stage alone, anew where it is done. ``dry_run``:
    check everything and say what would be run. Raises ConfigError before anything has run.
    """
    values = dict(values)
    overrides = values.pop("overrides", [])
    recipe = validate(RecipeConfig, values, where)
    steps = plan(recipe, overrides, where)
    console = Console(quiet)
    wanted = choose(recipe, steps, begin, only)
    check_processes(steps)
    if dry_run:
        check(steps, wanted, ALONE)
        for step in steps:
            state = "run" if step.name in wanted else "done" if is_done(step) else "left out"
            console.say(f"{step.name:16} {step.kind.name:14} {state:8} {step.folder}")
        return Path(recipe.output)
    processes = steps[0].config.distributed
    world = start_world(steps[0].config.device, processes.strategy, processes.gather, processes.pipeline)
    with lost_as_sentence(world):
        check(steps, wanted, world)
        Runner(recipe, steps, Console(quiet or not world.first), world, quiet).run(wanted)
    return Path(recipe.output)


# -- before anything runs ----------------------------------------------------------------------------------------------


def plan(recipe: RecipeConfig, overrides: Sequence[str] = (), where: str = "") -> list[Step]:
    """Every stage's configuration, validated, with what it refers to in place. Raises ConfigError."""
    folder = Path(recipe.output).absolute()
    left: dict[str, str] = {}
    products: dict[str, type[Stage]] = {}
    steps: list[Step] = []
    for stage in recipe.stages:
        name = stage["name"]
        at = f"{where}: {name}" if where else name
        kind = get_stage(stage.get("stage", DEFAULT), at)
        own = merged(recipe.common, stage, kind.config_type)
        for override in overrides:
            if override.partition("=")[0].split(".")[0].strip() in kind.config_type.model_fields:
                apply_override(own, override)
        uses = references(own)
        check_rows_references(own, at)
        for place, used in uses:
            check_earlier(used, recipe.names, list(products), f"{at}.{place}.from")
        for place, used in references(own, files=False):
            _check_product(products[used], place, used, at)
        filled = resolved(own, left)
        path = folder / name
        config = _parsed({**filled, "output": str(path)}, recipe, kind, at)
        steps.append(Step(name, kind, config, path, own, sorted({used for _, used in uses})))
        products[name] = kind
        left |= {name: str(path / kind.product_path), f"{name}/": str(path)}
    _check_common(recipe, steps, where)
    unknown = [o for o in overrides if not any(_takes(step, o) for step in steps)]
    if unknown:
        raise ConfigError(f"{unknown[0]}: neither a stage ({', '.join(recipe.names)}) nor a key of one")
    return steps


def _parsed(values: Mapping[str, Any], recipe: RecipeConfig, kind: type[Stage], at: str) -> CommonConfig:
    try:
        return parse_run(values, at)
    except ConfigError as error:
        kept = [key for key in ("data", "model") if key in recipe.common and key not in values]
        if kept and not issubclass(kind.config_type, PolicyRunConfig):
            named = " and ".join(f"common.{key}" for key in kept)
            error.args = (
                f"{error}\n  {named} {'is' if len(kept) == 1 else 'are'} of stages with prompts and a policy; "
                f"{kind.name} says its own",
            )
        raise


def _check_common(recipe: RecipeConfig, steps: Sequence[Step], where: str) -> None:
    """Raise ConfigError for a key of ``common`` that no stage has."""
    known = dict.fromkeys(key for step in steps for key in step.kind.config_type.model_fields)
    for key in recipe.common:
        if key not in known:
            at = f"{where}: common" if where else "common"
            raise ConfigError(f"{at}: no stage has {key!r}.{did_you_mean(key, known)}")


def _takes(step: Step, override: str) -> bool:
    return override.partition("=")[0].split(".")[0].strip() in step.kind.config_type.model_fields


def _check_product(kind: type[Stage], place: str, used: str, where: str) -> None:
    """Rows where rows are read, a model to draw from elsewhere; a reward may be either kind of model."""
    key = next(part for part in reversed(re.split(r"\.|\[\d+\]", place)) if part not in ("", "path"))
    expected = ["rows"] if key in ROWS else ["a model"]
    if place.startswith("rewards."):
        expected = ["a reward model", *expected]
    if kind.product not in expected:
        raise ConfigError(f"{where}.{place}: {used} ({kind.name}) leaves {kind.product}; read here: {expected[0]}")


def choose(recipe: RecipeConfig, steps: Sequence[Step], begin: str | None, only: str | None) -> list[str]:
    """The names of the stages to run: those asked for, else all that are not done. Raises ConfigError."""
    names = recipe.names
    if begin is not None and only is not None:
        raise ConfigError("give either --from or --only")
    if only is not None:
        check_name(only, names, "--only")
        step = steps[names.index(only)]
        missing = [used for used in step.uses if not is_done(steps[names.index(used)])]
        if missing:
            raise ConfigError(f"--only {only}: it goes on with {missing[0]}, which is not done")
        check_done(steps, [only], [each for each in steps if each.name in step.uses])
        return [only]
    if begin is not None:
        check_name(begin, names, "--from")
        before = steps[: names.index(begin)]
        anew = [*(step.name for step in before if not is_done(step)), *names[names.index(begin) :]]
        check_done(steps, anew, before)
        return anew
    done = {step.name: state for step in steps if (state := read_done(step)) is not None}
    ids = {name: str(state["id"]) for name, state in done.items()}
    wanted: list[str] = []
    for step in steps:
        if step.name not in done:
            wanted.append(step.name)
        elif done[step.name]["fingerprint"] != step.fingerprint(ids) and not set(step.uses) & set(wanted):
            raise ConfigError(
                f"{step.name} is done with another configuration, or with an earlier stage's former result; run it "
                f"anew with --from {step.name}, or choose another folder with output=FOLDER"
            )
        elif set(step.uses) & set(wanted):
            wanted.append(step.name)  # what it stands on is made anew
    check_done(steps, wanted, steps)
    return wanted


def check(steps: Sequence[Step], wanted: Sequence[str], world: World) -> None:
    """Rows, rewards and everything else that needs no model, of every stage that will run; rows that an earlier stage
    will leave are checked when they are there. What there is to say without being wrong is said when the stage runs."""
    for step in steps:
        later = [used for used in step.uses if used in wanted]
        if step.name not in wanted or (later and not _reads_early(step, later)):
            continue
        try:
            read_stage(step.kind, step.config, world, lambda text: None)
        except VerituneError as error:
            error.args = (f"{step.name}: {error}",)
            raise


def check_processes(steps: Sequence[Step]) -> None:
    """Raise ConfigError for a stage that would be run by other processes than the first: a recipe has them once."""
    for step in steps[1:]:
        first, own = (one.config.distributed.model_dump() for one in (steps[0], step))
        other = [f"distributed.{key}" for key in own if own[key] != first[key]]
        if not other:
            continue
        words = f"{step.name}: {' and '.join(other)} {'is' if len(other) == 1 else 'are'} not as in {steps[0].name}"
        do = "say it in common"
        if "distributed.pipeline" in other and any(one.kind.name != "sft" for one in steps):
            do = "run the pipeline as a config of its own, and give the next its model/ as model.path"
        raise ConfigError(f"{words}; the stages of a recipe share its processes: {do}")


def _reads_early(step: Step, later: Sequence[str]) -> bool:
    """Whether all that is not there yet is the model that is trained on, which is looked at last."""
    model = getattr(step.config.model, "path", None)
    values = step.config.model_dump(mode="json")
    values["model"] = {}
    folders = [str(step.folder.parent / used) for used in later]
    return model is not None and not any(folder in json.dumps(values) for folder in folders)


# -- running -----------------------------------------------------------------------------------------------------------


def read_done(step: Step) -> dict[str, Any] | None:
    """What ``done.json`` says; None where the stage is not done, has left no row, or the file is damaged."""
    path = step.folder / DONE
    if not path.is_file() or left_nothing(step):
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) and {"id", "fingerprint"} <= found.keys() else None


def left_nothing(step: Step) -> bool:
    """Whether the stage has left a file without a row."""
    product = step.folder / step.kind.product_path
    return product.is_file() and not product.stat().st_size


def check_done(steps: Sequence[Step], wanted: Sequence[str], looked_at: Sequence[Step]) -> None:
    """Raise ConfigError for a ``done.json`` of those ``looked_at`` that cannot be read, and where what one of them left
    is gone and needed: to run a stage anew, and all that stands on it, is for the user to say."""
    for step in looked_at:
        if (step.folder / DONE).is_file() and not left_nothing(step) and read_done(step) is None:
            raise ConfigError(
                f"{step.folder / DONE} is damaged, so that nobody knows what {step.name} was run with; run it anew "
                f"with --from {step.name}, or delete that file to have it looked at as a stage that was interrupted"
            )
        product = step.folder / step.kind.product_path
        users = [other.name for other in steps if step.name in other.uses and other.name in wanted]
        if step.name not in wanted and users and read_done(step) is not None and not product.exists():
            raise ConfigError(
                f"{step.name} is done, but what it left is gone, and {users[0]} needs it: put {product} back, or run "
                f"it and what stands on it anew with --from {step.name}"
            )


def is_done(step: Step) -> bool:
    return read_done(step) is not None


@dataclass
class Runner:
    """Runs the stages of a recipe, and writes its report after each."""

    recipe: RecipeConfig
    steps: list[Step]
    console: Console
    world: World
    quiet: bool

    def run(self, wanted: Sequence[str]) -> None:
        folder = Path(self.recipe.output)
        self.world.only_first(lambda: self._begin(folder))
        for number, step in enumerate(self.steps, 1):
            if step.name not in wanted:
                self.console.say(f"[{number}/{len(self.steps)}] {step.name}: done before")
                self.world.only_first(lambda step=step: self._compare_files(step))  # type: ignore[misc]
                continue
            self.console.say(f"[{number}/{len(self.steps)}] {step.name} ({step.kind.name})")
            resume = self.world.only_first(lambda step=step: self._resume(step))  # type: ignore[misc]
            config = step.config.model_copy(update={"resume": resume})
            try:
                run_in(self.world, config, self.quiet)
            except BaseException as error:
                if isinstance(error, Ended):
                    self.console.warn(f"{step.name} is interrupted, its state saved: the same command goes on with it")
                elif isinstance(error, Exception):
                    self.console.warn(f"{step.name} has failed: once that is mended, the same command goes on with it")
                if self.world.first:  # alone: another process may be gone
                    with suppress(Exception):  # the first error is the one to tell
                        self._report()
                raise
            self.world.only_first(self._report)
            if self.world.only_first(lambda step=step: left_nothing(step)):  # type: ignore[misc]
                raise RunError(
                    f"{step.name} has kept nothing, and is not done: the reasons and how often each was met are above "
                    f"and in {step.folder / 'summary.json'}. Ask for less (such as {step.kind.name}.keep), then the "
                    "same command draws anew"
                )
            self.world.only_first(lambda step=step: self._mark(step))  # type: ignore[misc]
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        records = self.world.only_first(self._report)
        if self.world.first:
            self.console.timeline(records, folder / "report.html", self.recipe.note)

    def _compare_files(self, step: Step) -> None:
        """Say where a done stage's rows are no longer those that it was run with."""
        state = read_done(step)
        for change in changed_files((state or {}).get("files"), data_files(step.config)):
            self.console.warn(f"{step.name} is done, but {change} since then; --from {step.name} runs it anew")

    def _begin(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(self.recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        (folder / RECIPE).write_text(text, encoding="utf-8")

    def _resume(self, step: Step) -> bool:
        """Whether the stage's run was interrupted. One that is done, and run anew, is moved out of the way."""
        if (step.folder / DONE).is_file() or left_nothing(step):
            number = 1
            while (aside := step.folder.with_name(f"{step.name}.before-{number}")).exists():
                number += 1
            step.folder.rename(aside)
            self.console.warn(f"{step.name}: the former run is in {aside}")
            return False
        return (step.folder / "config.yaml").is_file()

    def _mark(self, step: Step) -> None:
        ids = {s.name: str(state["id"]) for s in self.steps if (state := read_done(s)) is not None}
        finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        fingerprint = step.fingerprint(ids)
        identity = hashlib.sha256(f"{fingerprint}{time.time_ns()}".encode()).hexdigest()[:16]
        record = {"id": identity, "fingerprint": fingerprint, "finished": finished, "files": data_files(step.config)}
        partial = step.folder / f".partial-{DONE}"
        partial.write_text(json.dumps(record) + "\n", encoding="utf-8")
        partial.replace(step.folder / DONE)

    def _report(self) -> list[dict[str, Any]]:
        return write_timeline(Path(self.recipe.output).absolute())
