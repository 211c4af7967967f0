"""What a run says on the terminal."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Literal, cast

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from veritune.trainer.config import CommonConfig
from veritune.trainer.observe.metrics import split_sets
from veritune.trainer.observe.note import note_of
from veritune.trainer.observe.timeline import cell, columns, label
from veritune.trainer.observe.waiting import in_a_line
from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.models import Policy

Show = Callable[[int, Mapping[str, float]], None]


class Steady(io.TextIOBase):
    """Standard output or error for a run that outlives who reads it.

    Where a pipe's reader has left, a terminal is gone or the stream was closed, what is written goes nowhere from then
    on, and so does what others print (the stream's file descriptor leads to the null device): the run goes on.
    """

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        self.name = name

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io's own attribute cannot be set
        return getattr(self._stream(), "encoding", None) or "utf-8"

    def _stream(self) -> Any:
        return getattr(sys, self.name)

    def write(self, text: str) -> int:
        try:
            self._stream().write(text)
            self._stream().flush()
        except (OSError, ValueError, AttributeError):
            self._silence()
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError, AttributeError):
            self._stream().flush()

    def isatty(self) -> bool:
        with suppress(OSError, ValueError, AttributeError):
            return bool(self._stream().isatty())
        return False

    def fileno(self) -> int:
        try:
            return int(self._stream().fileno())
        except (OSError, ValueError, AttributeError) as error:
            raise io.UnsupportedOperation("fileno") from error

    def _silence(self) -> None:
        with suppress(OSError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1 if self.name == "stdout" else 2)
            os.close(null)
        stream = self._stream()
        if stream is None or stream.closed:
            setattr(sys, self.name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the rest of the process


class Console:
    """Progress and results with rich; ``quiet`` says nothing but warnings."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.out = RichConsole(file=cast(IO[str], Steady("stdout")), quiet=quiet, highlight=False, soft_wrap=True)
        self.errors = RichConsole(file=cast(IO[str], Steady("stderr")), highlight=False, soft_wrap=True)
        self._begun = time.perf_counter()
        self._note: str | None = None
        self._note_from: Mapping[str, float] = {}

    def begin(
        self,
        config: CommonConfig,
        folder: Path,
        policy: Policy,
        rewards: Sequence[str],
        what: str,
        world: World = ALONE,
    ) -> None:
        """``what``: the stage, in a word or two; ``rewards``: their names."""
        self._note, self._note_from = config.note, config.note_from
        processes = f" in {world.size} processes ({world.kind})" if world.size > 1 else ""
        source = config.model.path or f"new {config.model.build['model_type'] if config.model.build else ''}"
        self.out.print(
            f"[bold]veritune[/] · {source}, {policy.parameters:,} parameters on {policy.device}{processes} · "
            f"{'rewards ' + ', '.join(rewards) + ' · ' if rewards else ''}{what} · {folder}"
        )

    @contextmanager
    def stage(self, name: str, done: int, total: int) -> Iterator[Show]:
        """A progress bar; call the function it gives after every step. Without a terminal, a line now and then."""
        live = self.out.is_terminal and not self.quiet
        columns = (
            TextColumn(f"{name:8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[info]}"),
        )
        every = max(1, total // 10)
        with Progress(*columns, console=self.out, disable=not live) as bar:
            task = bar.add_task(name, total=total, completed=done, info="")

            def show(step: int, metrics: Mapping[str, float]) -> None:
                bar.update(task, completed=step, info=_info(metrics))
                if not live and (step % every == 0 or step == total):
                    self.out.print(f"{name:8} {step:5}/{total}  {_info(metrics)}")

            yield show

    def evaluation(self, step: int, metrics: Mapping[str, float]) -> None:
        """A line; of several held-out sets one each."""
        sets = split_sets(metrics)
        for name, own in (sets or {"": dict(metrics)}).items():
            self._evaluation(f"held-out {name}".rstrip(), step, own)

    def _evaluation(self, what: str, step: int, metrics: Mapping[str, float]) -> None:
        names = ["accuracy", *(k for k in metrics if k.startswith("pass@")), "reward", "thinks", "loss"]
        names += ["pairs/accuracy", "pairs/shift/chosen"]
        shown = {k: metrics[k] for k in names if k in metrics and (k != "thinks" or metrics[k])}
        shown |= {k: metrics[k] for k in ("undecided",) if metrics.get(k)}  # they are in no mean
        values = "  ".join(f"{k} {v:.3f}" for k, v in shown.items())
        self.out.print(f"{what}, step {step}: {values}")

    def say(self, text: str) -> None:
        self.out.print(escape(text))

    def timeline(self, records: Sequence[Mapping[str, Any]], report: Path, note: str | None) -> None:
        """A recipe's stages, a row each."""
        names = columns(records)
        table = Table(title="held-out, before → after each stage", title_justify="left")
        for name in ("stage", "", "steps", "seconds", *map(label, names)):
            table.add_column(name, no_wrap=name in ("stage", ""))
        for record in records:
            cells = [str(record["steps"]), f"{record['seconds']:.0f}", *(cell(record, name) for name in names)]
            table.add_row(record["name"], record["stage"], *cells)
        self.out.print(table)
        if note:
            self.out.print(f"\n[italic]{escape(note.strip())}[/]")
        self.out.print(f"\nreport: {report}")

    def warn(self, text: str) -> None:
        self.errors.print(f"[yellow]note:[/] {escape(text)}")

    def finish(
        self,
        evaluations: Sequence[Mapping[str, Any]],
        records: Sequence[Mapping[str, Any]],
        report: Path,
        said: str | None = None,
    ) -> None:
        """Held-out results before and after, three completions, what the stage has to say, the report's path."""
        if evaluations:
            self.out.print(_results(evaluations[0], evaluations[-1]))
        for record in records[:3]:
            gold = f"  (gold {record['gold']})" if record.get("gold") is not None else ""
            reward = "undecided" if record["reward"] is None else f"{record['reward']:.2f}"
            text = f"{str(record['prompt'])[-200:]}{str(record['completion'])[:600]}"
            self.out.print(f"  {escape(text)}[dim]{escape(gold)}  reward {reward}[/]")
        if said:
            self.out.print(escape(said))
        note = note_of(self._note, self._note_from, evaluations[-1] if evaluations else None)
        if note:
            self.out.print(f"\n[italic]{escape(note)}[/]")
        seconds = time.perf_counter() - self._begun
        self.out.print(f"\nreport: {report}   ({seconds:.0f} s)")


def _results(before: Mapping[str, Any], after: Mapping[str, Any]) -> Table:
    """Accuracy, thinking, every component, length."""
    table = Table(title="held-out, sampled", title_justify="left")
    for column, justify in (("", "left"), ("before", "right"), ("after", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    hidden = {"step", "seconds", "phase", "of"}
    seen = [n for n in ("accuracy", *(n for n in after if n.startswith("pass@"))) if n in after]
    seen += [n for n in ("thinks", "undecided") if before.get(n) or after.get(n)]
    seen += [f"eval/{name}/accuracy" for name, own in split_sets(after).items() if "accuracy" in own]
    for name in [*seen, *(n for n in after if n.startswith("reward/"))]:
        if name in hidden:
            continue
        table.add_row(_label(name), _number(before.get(name)), _number(after.get(name)))
    for name in (n for n in ("reward", "loss", "length") if n in after):
        table.add_row(_label(name), _number(before.get(name)), _number(after.get(name)))
    return table


def _label(name: str) -> str:
    names = {
        "undecided": "share undecided",
        "thinks": "share that thinks",
        "length": "tokens a completion",
        "reward": "mean reward",
    }
    if name.startswith("eval/"):
        return f"accuracy: {name.split('/')[1]}"
    return names.get(name, name.replace("reward/", "reward: "))


def _number(value: Any) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"


def _info(metrics: Mapping[str, float]) -> str:
    shown = [k for k in ("loss", "reward") if k in metrics and not (k == "loss" and "reward" in metrics)]
    shown += [k for k in metrics if k.startswith("reward/")][:4]
    shown += [k for k in ("margin", "shift/chosen", "divergence", "length") if k in metrics]
    return "  ".join(f"{k.replace('reward/', '')} {metrics[k]:.3g}" for k in shown) + in_a_line(metrics)
