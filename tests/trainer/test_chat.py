"""``veritune chat``: what a run has made, spoken to as in its training, heard as it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from tests.trainer.conftest import TINY, TOY
from veritune.cli.app import app
from veritune.plugins import ConfigError, DataError
from veritune.trainer.config import RunConfig, SamplingConfig
from veritune.trainer.data.tasks import get_task
from veritune.trainer.policy.models import Policy, load_policy, make_tokenizer
from veritune.trainer.rollout.decode.stream import Growing, Thoughts, stream
from veritune.trainer.rollout.decode.transformers import TransformersSampler
from veritune.trainer.run import train
from veritune.trainer.run.chat import Chat
from veritune.trainer.run.result import find_result

Make = Callable[..., RunConfig]
TEMPLATE = (
    "{% for m in messages %}<{{ m.role[0] }}>{{ m.content }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<a>{% endif %}"
)
LETTERS = list("abcdefghijklmnopqrstuvwxyz0123456789 +=?.:")
GREEDY = SamplingConfig(max_tokens=6, top_k=1)


def say(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(app, ["chat", *map(str, arguments)], input=text, prog_name="veritune")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished LoRA run on a model made from scratch, with a chat template, a system turn and a question template."""
    folder = tmp_path_factory.mktemp("chat")
    tokenizer = make_tokenizer([*LETTERS, "<u>", "<a>", "<s>", "<end>", "<think>", "</think>"])
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder / "tokenizer")
    rows = "".join(json.dumps({"question": f"what is {i} + 1?", "answer": str(i + 1)}) + "\n" for i in range(4))
    (folder / "rows.jsonl").write_text(rows)
    from veritune.trainer.config import parse_config

    config = parse_config(
        {
            "output": str(folder / "run"),
            "model": {"build": TINY, "tokenizer": str(folder / "tokenizer"), "lora": {"rank": 2}},
            "data": {"train": str(folder / "rows.jsonl"), "template": "{question} say it.", "system": "be brief"},
            "rewards": {"length": {"use": f"{TOY}:short"}, "accuracy": {"weight": 1.0}},
            "grpo": {"steps": 2, "prompts": 2, "samples": 2, "lr": 1e-2},
            "sampling": {"max_tokens": 6},
            "checkpoint": {"every": 1},
        }
    )
    return train(config, quiet=True)


# -- the stream --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [[], ["e"], ["1e", "zz"]])
def test_the_pieces_are_the_completion_that_training_would_draw(policy: Policy, stop: list[str]) -> None:
    sampling = SamplingConfig(max_tokens=12, stop=stop)
    sampler = TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids)
    seen = set()
    for seed in range(5):
        (drawn,) = sampler.generate([[5, 6, 7]], 1, sampling, torch.Generator().manual_seed(seed))
        pieces = list(stream(policy, [5, 6, 7], sampling, torch.Generator().manual_seed(seed)))
        assert "".join(pieces) == drawn.text
        seen.add(drawn.finish)
    assert "length" in seen or "eos" in seen
    assert not stop or "stop" in seen or stop == ["1e", "zz"]


class Bytes:
    """A tokenizer of bytes: characters come in several tokens."""

    def decode(self, ids: Sequence[int], **_: Any) -> str:
        return bytes(ids).decode("utf-8", errors="replace")


@pytest.mark.parametrize("text", ["plain", "naïve 思考 🙂🙃 é", "ends in half \U0001f642"])
def test_a_character_of_several_tokens_comes_whole(text: str) -> None:
    growing = Growing(Bytes())
    pieces = [growing.add(byte) for byte in text.encode()]
    assert "\ufffd" not in "".join(pieces)
    assert "".join([*pieces, growing.rest()]) == text


def test_bytes_that_are_no_character_are_shown_at_last() -> None:
    growing = Growing(Bytes())
    pieces = [growing.add(byte) for byte in b"a\xff\xfeb"]
    assert "".join([*pieces, growing.rest()]) == "a\ufffd\ufffdb"


@pytest.mark.parametrize("stop", [["END"], ["ENDE", "ND"], ["d E", "END"]])
def test_a_stop_string_ends_the_text_and_its_half_is_held_back(stop: list[str]) -> None:
    growing, told = Growing(Bytes(), stop), ""
    text = "word ENE word END tail"
    for byte in text.encode():
        told += growing.add(byte)
        if growing.stopped:
            break
    assert growing.stopped
    assert told == text[: min(text.find(s) + len(s) for s in stop if s in text)]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("text", "thinking"),
    [
        ("<think>a < b</think>4", "<think>a < b</think>"),
        ("so <reasoning>x</reasoning> 1 <b> <thought>y", "<reasoning>x</reasoning><thought>y"),
        ("1 < 2 and <thin", ""),
    ],
)
def test_thinking_is_told_from_the_rest_however_it_comes(text: str, thinking: str, size: int) -> None:
    thoughts, found = Thoughts(), []
    for i in range(0, len(text), size):
        found += thoughts.feed(text[i : i + size])
    found += thoughts.feed("", last=True)
    assert "".join(part for part, _ in found) == text
    assert "".join(part for part, inside in found if inside) == thinking


# -- the prompts -------------------------------------------------------------------------------------------------------


def _chat(run: Path, **settings: Any) -> Chat:
    config = find_result(run).loading("cpu")
    return Chat(config, load_policy(config, None), GREEDY, **settings)


def _heard(chat: Chat, monkeypatch: pytest.MonkeyPatch, *turns: str) -> list[str]:
    """What the model is shown at each turn; it answers ``yes``."""
    shown: list[str] = []

    def answer(policy: Policy, ids: Sequence[int], *_: Any) -> list[str]:
        shown.append(policy.tokenizer.decode(ids))
        return ["y", "es"]

    monkeypatch.setattr("veritune.trainer.run.chat.stream", answer)
    for turn in turns:
        assert "".join(chat.say(turn)).endswith("yes")
    return shown


def test_prompts_are_as_in_training_and_turns_are_remembered(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = _chat(run)
    first, second = _heard(chat, monkeypatch, "what is 3?", "and 4?")
    assert first == "<s>be brief<end><u>what is 3? say it.<end><a>"
    assert second == first + "yes<end><u>and 4?<end><a>"
    chat.reset()
    assert _heard(chat, monkeypatch, "2?") == ["<s>be brief<end><u>2? say it.<end><a>"]
    chat.system("be long")
    assert _heard(chat, monkeypatch, "2?") == ["<s>be long<end><u>2? say it.<end><a>"]
    chat.system("")
    assert _heard(chat, monkeypatch, "2?") == ["<u>2? say it.<end><a>"]
    assert _heard(_chat(run, raw=True), monkeypatch, "2?") == ["<u>2?<end><a>"]


def test_an_answer_left_off_is_forgotten(run: Path) -> None:
    chat = _chat(run)
    answer: Any = chat.say("what is 3?")
    next(answer)
    answer.close()
    assert chat.messages == []
    list(chat.say("what is 3?"))
    assert [m["role"] for m in chat.messages] == ["user", "assistant"]


def test_a_conversation_too_long_for_the_model_says_so(run: Path) -> None:
    chat = _chat(run)
    with pytest.raises(DataError, match="128 positions; /reset"):
        list(chat.say("a" * 200))
    chat.sampling = SamplingConfig(max_tokens=500, top_k=1)
    list(chat.say("a" * 90))
    assert chat.last is not None
    assert 0 < len(chat.last.completion_ids or ()) < 30  # what room there is


# -- the run -----------------------------------------------------------------------------------------------------------


def test_the_adapters_weights_are_the_ones_that_speak(run: Path, tmp_path: Path) -> None:
    from peft import PeftModel

    found = find_result(run)
    assert found.what == "the finished model"
    model = load_policy(found.loading("cpu"), None).model
    assert not isinstance(model, PeftModel)
    ids = torch.arange(3, 23).view(2, 10)
    from transformers import AutoModelForCausalLM

    wanted = AutoModelForCausalLM.from_pretrained(run / "model", dtype=torch.float32)(input_ids=ids).logits
    torch.testing.assert_close(model(input_ids=ids).logits, wanted, atol=1e-5, rtol=1e-4)
    moved = run.rename(tmp_path / "moved")
    try:
        for inside in ("checkpoints/grpo-000001", "model"):  # its base moves with it
            load_policy(find_result(moved / inside).loading("cpu"), None)
    finally:
        moved.rename(run)


def test_a_checkpoint_is_found_by_name_and_the_newest_while_it_trains(run: Path) -> None:
    model = run / "model"
    hidden = model.rename(run / "hidden")
    try:
        assert find_result(run).weights.name == "grpo-000002"
        assert find_result(run, "grpo-000001").what == "checkpoint grpo-000001"
        with pytest.raises(DataError, match=r"no 'best'.*It has: grpo-000001, grpo-000002"):
            find_result(run, "best")
    finally:
        hidden.rename(model)
    assert find_result(model).weights == model.absolute()


def test_what_is_no_run_says_what_it_is(run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    young, reward_model = tmp_path / "runs" / "young", tmp_path / "rm"
    other = "stage: reward_model\nmodel: {path: x}\ndata: {train: pairs.jsonl}\n"
    for folder, text in (
        (young, (run / "config.yaml").read_text()),
        (reward_model, other),
    ):
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(text)
    for folder, message in (
        (tmp_path / "none", "is not a folder"),
        (tmp_path / "empty", "holds no run"),
        (tmp_path / "runs", "holds runs and is none: young"),
        (young, "no model yet"),
    ):
        with pytest.raises(DataError, match=message):
            find_result(folder)
    with pytest.raises(ConfigError, match="reward model"):
        find_result(reward_model)


# -- the command -------------------------------------------------------------------------------------------------------


def test_one_question_prints_the_answer_alone_and_scores_beside_it(run: Path) -> None:
    result = say(run, "-p", "what is 3 + 1?", "--temperature", 0, "-r", "accuracy", "-r", "length", "--gold", "4")
    assert result.exit_code == 0, result.output
    assert result.stdout == say(run, "-p", "what is 3 + 1?", "--temperature", 0, "--seed", 7).stdout
    assert "accuracy: " in result.stderr
    assert "length: " in result.stderr
    assert say(run, "-p", "-", "--temperature", 0, text="what is 3 + 1?").stdout == result.stdout


def test_standard_input_is_a_script_of_turns_and_commands(run: Path) -> None:
    script = "what is 1?\n\n/system\n/gold 2\nwhat is 1?\n/reset\n/rest x\n/help\n/exit\nnever said\n"
    result = say(run, "--temperature", 0, "-r", "accuracy", text=script)
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr.count("accuracy: ") == 2
    assert "there is no /rest. Did you mean '/reset'?" in result.stderr
    long = say(run, "--max-tokens", 2, text="a" * 200 + "\nwhat?\n")  # one turn too long does not end it
    assert (long.exit_code, "positions" in long.stderr, len(long.stdout.splitlines())) == (0, True, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-r", "acuracy"], "Did you mean 'accuracy'"),
        (["-r", "tallness", "-r", "accuracy"], "The run's own: length, accuracy"),
        (["--temperature", -1], "--temperature is 0 or more, got -1"),
        (["--temperature", "nan"], "--temperature is 0 or more, got nan"),
        (["--max-tokens", 0], "--max-tokens is 1 or more, got 0"),
        (["-c", "grpo-3"], "It has: "),
        (["--device", "cuda:99"], "cuda"),
    ],
)
def test_a_mistake_is_a_sentence(run: Path, arguments: list[object], message: str) -> None:
    result = say(run, "-p", "x", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_model_without_a_template_takes_prompts_alone(make_config: Make) -> None:
    folder = train(make_config(grpo={"steps": 0}), quiet=True)
    config = find_result(folder).loading("cpu")
    chat = Chat(config, load_policy(config, get_task("arithmetic", {"terms": 3})), GREEDY)
    assert not chat.talks
    first, second = ("".join(chat.say("1+2=")) for _ in range(2))
    assert first == second
    assert chat.messages == []
    with pytest.raises(ConfigError, match="chat template"):
        chat.system("be brief")


def test_what_a_model_writes_does_not_command_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from rich.console import Console

    from veritune.cli.chat import _Screen

    screen = _Screen()
    screen.out = Console(file=io.StringIO(), force_terminal=True, highlight=False, color_system="standard")
    screen._show([("\x1b]0;owned\x07a\u009b2J", False), ("<think>hm</think>", True)])
    written = screen.out.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b]" not in written
    assert "\u009b" not in written
    assert "\x1b[2m<think>hm</think>\x1b[0m" in written


def test_bytes_that_are_no_text_are_said_and_the_conversation_goes_on(run: Path, tmp_path: Path) -> None:
    script = tmp_path / "turns.txt"
    script.write_bytes(b"hi\n\xff\xfe\nagain\n")
    command = [sys.executable, "-m", "veritune", "chat", str(run), "--max-tokens", "2"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:surrogateescape"}
    with script.open("rb") as turns:
        done = subprocess.run(command, stdin=turns, capture_output=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert "what was said is no UTF-8 text" in done.stderr.decode()
    assert len(done.stdout.splitlines()) == 2
