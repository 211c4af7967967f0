"""``veritune chat``: talk to the result of a run."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from veritune.plugins import Reward
    from veritune.trainer.config import PolicyRunConfig
    from veritune.trainer.run.chat import Chat

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a model may write and a terminal would obey."""
COMMAND = re.compile(r"/[A-Za-z]+")
"""A line that begins with such a word is a command and no turn; ``/etc/hosts`` is none."""
HELP = """/reset        forget the conversation
/system TEXT  another system turn (none: without TEXT), and a new conversation
/gold TEXT    the right answer, for rewards that compare
/exit         leave (or Ctrl-D); Ctrl-C ends an answer"""


def chat(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.", show_default=False)],
    checkpoint: Annotated[
        str, typer.Option("--checkpoint", "-c", help="`newest`, `best`, or a checkpoint's name.")
    ] = "newest",
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", "-p", help="Say this and leave; `-`: what standard input holds."),
    ] = None,
    reward: Annotated[
        list[str] | None,
        typer.Option("--reward", "-r", help="Score answers: an alias of the run, or as `veritune score -r` takes it."),
    ] = None,
    gold: Annotated[str | None, typer.Option("--gold", help="The right answer, for rewards that compare.")] = None,
    system: Annotated[str | None, typer.Option("--system", help="A system turn in place of the run's own.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Without the template and system turn of the training.")] = False,
    temperature: Annotated[float | None, typer.Option(help="By default the run's for evaluation; 0: greedy.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="By default the run's for evaluation.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draw the same answers again.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """Talk to the model that a run has made, or to its newest checkpoint while it still trains.

    Prompts get the template and system turn of the training data, answers come as they are written, thinking dimmed.
    Standard input that is no terminal is a script: a turn a line. Example: `veritune chat runs/mine -p "3 + 4"`
    """
    from veritune.plugins.errors import MissingExtraError

    try:
        from veritune.trainer.run.result import find_result
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("veritune"):
            raise
        raise MissingExtraError(error.name, "train", "chat") from None
    result = find_result(run, checkpoint)
    rewards = [_reward(name, result.config) for name in reward or []]
    talk = _load(result.loading(device), temperature, max_tokens, seed, raw, gold)
    if system is not None:
        talk.system(system)
    screen = _Screen()
    if prompt is not None:
        screen.answer(talk, sys.stdin.read() if prompt == "-" else prompt, rewards)
    elif sys.stdin.isatty():
        screen.note(f"{run}: {result.what}. /help says what else there is.")
        for note in _notes(talk):
            screen.note(note)
        _converse(talk, screen, rewards, iter(_asked, None))
    else:
        _converse(talk, screen, rewards, (line.rstrip("\n") for line in sys.stdin))


def _load(
    config: PolicyRunConfig,
    temperature: float | None,
    max_tokens: int | None,
    seed: int | None,
    raw: bool,
    gold: str | None,
) -> Chat:
    from veritune.plugins import ConfigError
    from veritune.trainer.policy.models import load_policy
    from veritune.trainer.rollout.evaluation import evaluation_sampling
    from veritune.trainer.run.chat import Chat

    if temperature is not None and not 0 <= temperature < math.inf:
        raise ConfigError(f"--temperature is 0 or more, got {temperature:g}")
    if max_tokens is not None and max_tokens < 1:
        raise ConfigError(f"--max-tokens is 1 or more, got {max_tokens}")
    own = {"temperature": temperature, "max_tokens": max_tokens}
    evaluation = config.evaluation.model_copy(update={k: v for k, v in own.items() if v is not None})
    sampling = evaluation_sampling(config.model_copy(update={"evaluation": evaluation}))
    return Chat(config, load_policy(config, None), sampling, seed, raw, gold)


def _reward(name: str, config: PolicyRunConfig) -> Reward:
    """The run's own of that alias, with its parameters; else by name."""
    from veritune.config import rewards_from_options
    from veritune.plugins.errors import UnknownNameError, did_you_mean
    from veritune.rewards.composition import compose
    from veritune.trainer.config import rewards_section

    section = rewards_section(config)
    own = {c.alias: c.reward for c in compose(section, where="rewards").components} if section else {}
    if name in own:
        return own[name]
    try:
        return rewards_from_options([name]).components[0].reward
    except UnknownNameError as error:
        if own:
            error.args = (f"{error}\n  The run's own:{did_you_mean(name, own)} {', '.join(own)}",)
        raise


def _notes(talk: Chat) -> list[str]:
    notes = []
    if not talk.talks:
        notes.append("the tokenizer has no chat template: every prompt stands alone")
    if talk.config.rollout is not None:
        notes.append("the run's environment (rollout) does not answer here: you do")
    if talk.fields and not talk.fills:
        names = ", ".join(talk.fields)
        notes.append(f"data.template has several columns ({names}): what you say is the whole prompt")
    return notes


def _asked() -> str | None:
    try:
        return input("› ")
    except EOFError:
        return None


def _converse(talk: Chat, screen: _Screen, rewards: list[Reward], lines: Iterable[str]) -> None:
    from veritune.plugins.errors import VerituneError, did_you_mean

    for line in lines:
        command, _, rest = line.strip().partition(" ")
        if not line.strip():
            continue
        if command in ("/exit", "/quit"):
            return
        if command == "/help":
            screen.note(HELP)
        elif command == "/reset":
            talk.reset()
        elif command == "/gold":
            talk.gold = rest.strip() or None
        elif COMMAND.fullmatch(command) and command != "/system":
            known = [each.split()[0] for each in HELP.splitlines()]
            screen.note(f"there is no {command}.{did_you_mean(command, known)} /help says what there is")
        else:
            try:
                if command == "/system":
                    talk.system(rest.strip())
                else:
                    screen.answer(talk, line, rewards)
            except VerituneError as error:  # too long, no template: the conversation goes on
                screen.note(str(error))


class _Screen:
    """Answers on standard output, dimmed where they think; notes on standard error."""

    def __init__(self) -> None:
        from rich.console import Console

        self.out = Console(highlight=False, soft_wrap=True)
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        self.errors.print(text, style="dim", markup=False)

    def answer(self, talk: Chat, text: str, rewards: list[Reward]) -> None:
        from veritune.trainer.rollout.decode.stream import Thoughts

        thoughts = Thoughts()
        try:
            for piece in talk.say(text):
                self._show(thoughts.feed(piece))
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                raise
            self._show(thoughts.feed("", last=True))
            self.out.print()
            return
        self._show(thoughts.feed("", last=True))
        self.out.print()
        for reward in rewards:
            found = talk.score(reward)
            value = "undecided" if found.value is None else f"{found.value:.3g}"
            self.errors.print(f"{reward.name}: {value}  {found.reason or ''}".rstrip(), style="dim", markup=False)

    def _show(self, pieces: list[tuple[str, bool]]) -> None:
        for text, thinking in pieces:
            if self.out.is_terminal:
                text = CONTROL.sub("\ufffd", text)
            self._write(text, thinking)

    def _write(self, text: str, thinking: bool) -> None:
        if not self.out.is_terminal:
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        from rich.text import Text

        piece: Any = Text(text, style="dim" if thinking else "")
        self.out.print(piece, end="")
