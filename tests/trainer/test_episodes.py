"""Episodes: what the policy wrote stays as it was drawn, what the environment adds is marked, and limits hold."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.episode_functions import Scripted, Told, dice, echo
from veritune.plugins import ColumnError, ConfigError, ParameterError, VerituneError
from veritune.trainer.config import RolloutConfig, SamplingConfig, parse_config
from veritune.trainer.data.packing import make_batch
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.sources import Row
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.models import Policy, make_tokenizer
from veritune.trainer.rollout.decode.sampler import StaticSampler
from veritune.trainer.rollout.decode.transformers import TransformersSampler
from veritune.trainer.rollout.episodes import EpisodeFunction, Episodes, ReplyTemplate, Turn, load_episode
from veritune.trainer.rollout.interface import Sampler
from veritune.trainer.rollout.scoring import batch_metrics, completion_records, make_samples

FUNCTIONS = Path(__file__).with_name("episode_functions.py")
CHARACTERS = [*map(chr, range(32, 127)), "\n"]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN = "<|im_end|>\n<|im_start|>user\n<tool_response>\n5\n</tool_response><|im_end|>\n<|im_start|>assistant\n"
LLAMA = "<|start_header_id|>assistant<|end_header_id|>\n\n"
FORGETFUL = CHATML.replace("{{ m['content'] }}", "{{ m['content'].split('</think>')[-1] }}")
"""As Qwen3's and DeepSeek's: the thinking of earlier turns is not rendered."""

Function = Callable[..., Any]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(function: Function, sampler: Sampler, tokenizer: Any, eos_ids: list[int], **config: Any) -> Episodes:
    params = config.pop("params", {})
    return Episodes(EpisodeFunction(function, params), RolloutConfig(use="a:b", **config), sampler, tokenizer, eos_ids)


class Table:
    """A tokenizer of single characters and a scripted policy to play against."""

    def __init__(self, write: Callable[[str, int], str], template: str | None = None) -> None:
        self.tokenizer = make_tokenizer(["<|im_start|>", "<|im_end|>", *CHARACTERS])
        self.tokenizer.chat_template = template
        end = "<|im_end|>" if template else "<eos>"
        self.eos_ids = [self.tokenizer.convert_tokens_to_ids(end), self.tokenizer.eos_token_id]
        self.sampler = Scripted(self.tokenizer, self.eos_ids, write)

    def play(
        self, function: Function, prompts: tuple[str, ...] = ("2+3",), samples: int = 1, stop: str = ">", **options: Any
    ) -> list[Rollout]:
        sampling = SamplingConfig(max_tokens=options.pop("max_tokens", 100), stop=[stop])
        columns = options.pop("columns", {})
        done = options.pop("done", None)
        episodes = make(function, self.sampler, self.tokenizer, self.eos_ids, **options)
        rows = [Row(p, {"prompt": p, **columns}) for p in prompts]
        return episodes.play(rows, [self.ids(p) for p in prompts], samples, sampling, generator(), done)

    def ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text)["input_ids"])


def calls_then_answers(context: str, call: int) -> str:
    return "<2+3>" if call == 1 else "so 5"


def answering(prompt: str) -> Told:
    turn = yield
    while turn.finish == "stop":
        turn = yield f"[{len(turn.text)}]"


def test_only_what_the_policy_wrote_is_marked_as_written() -> None:
    table = Table(calls_then_answers)
    (rollout,) = table.play(answering)
    assert rollout.text == "<2+3>[5]so 5"
    assert rollout.token_ids == [*table.ids("<2+3>[5]so 5"), table.eos_ids[0]]
    assert rollout.written == [True] * 5 + [False] * 3 + [True] * 5
    assert rollout.logprobs == [-0.5, -1.5, -2.5, -3.5, -4.5, 0, 0, 0, -0.5, -1.5, -2.5, -3.5, -4.5]
    assert (rollout.turns, rollout.finish, rollout.tokens_written) == (2, "eos", 10)
    assert rollout.prompt_ids == table.ids("2+3")
    assert rollout.messages is None


def test_the_policy_goes_on_from_the_very_tokens_it_drew(policy: Policy) -> None:
    """Random tokens need not be what the tokenizer would make of their text: they are never encoded again."""
    inner = TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids)
    seen: list[tuple[list[int], list[int]]] = []

    class Watching(TransformersSampler):
        def generate(
            self, prompts: Any, samples: int, sampling: Any, generator: Any, done: Any = None
        ) -> list[Rollout]:
            drawn = inner.generate(prompts, samples, sampling, generator)
            seen.extend((r.prompt_ids, r.token_ids) for r in drawn)
            return drawn

    episodes = make(echo, Watching(policy.model, policy.tokenizer, policy.eos_ids), policy.tokenizer, policy.eos_ids)
    (rollout,) = episodes.play([Row("p", {})], [[5, 6]], 1, SamplingConfig(max_tokens=60, stop=["5"]), generator())
    word = policy.tokenizer("=", add_special_tokens=False)["input_ids"]
    context = [5, 6]
    for prompt, written in seen:
        assert prompt == context
        context = context + written + word
    assert rollout.prompt_ids + rollout.token_ids == context[: -len(word)]


@pytest.mark.parametrize("kind", ["static", "transformers"])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_log_probs_are_the_models_in_the_full_context(policy: Policy, kind: str, temperature: float) -> None:
    inner: Sampler = (
        StaticSampler(policy.model, policy.tokenizer, policy.eos_ids)
        if kind == "static"
        else TransformersSampler(policy.model, policy.tokenizer, policy.eos_ids)
    )
    episodes = make(echo, inner, policy.tokenizer, policy.eos_ids, params={"times": 3}, turn_tokens=6)
    sampling = SamplingConfig(max_tokens=24, temperature=temperature, stop=["5"])
    prompts = [[5, 6, 7], [8]]
    rollouts = episodes.play([Row("a", {}), Row("b", {})], prompts, 6, sampling, generator())
    assert len({r.finish for r in rollouts}) > 1
    assert all(r.turns > 1 and not all(r.written or []) for r in rollouts)
    batch = make_batch([r.prompt_ids for r in rollouts], [r.token_ids for r in rollouts], "cpu")
    logps, _ = completion_logprobs(policy.model, batch, temperature)
    for row, rollout in zip(logps, rollouts, strict=True):
        mask = torch.tensor(rollout.written)
        assert len(mask) == len(rollout.token_ids) == len(rollout.logprobs) <= 24
        found = torch.tensor(rollout.logprobs)
        torch.testing.assert_close(row[: len(mask)][mask], found[mask], atol=2e-4, rtol=1e-4)
        assert not found[~mask].any()


@pytest.mark.parametrize("kind", ["static", "transformers"])
def test_the_same_seed_gives_the_same_episodes_in_the_order_of_the_prompts(policy: Policy, kind: str) -> None:
    def play(seed: int) -> list[Rollout]:
        factory = StaticSampler if kind == "static" else TransformersSampler
        inner: Sampler = factory(policy.model, policy.tokenizer, policy.eos_ids)
        episodes = make(dice, inner, policy.tokenizer, policy.eos_ids)
        prompts = [[5, 6, 7], [8], [9]]
        return episodes.play([Row("p", {})] * 3, prompts, 4, SamplingConfig(max_tokens=8), generator(seed))

    first, again, other = play(1), play(1), play(2)
    assert first == again
    assert [r.token_ids for r in first] != [r.token_ids for r in other]
    assert [r.prompt_index for r in first] == [0] * 4 + [1] * 4 + [2] * 4
    assert [r.prompt_ids for r in first] == [[5, 6, 7]] * 4 + [[8]] * 4 + [[9]] * 4
    assert len({r.text[0] for r in first}) > 1  # every episode has luck of its own


def test_a_round_is_one_call_and_the_first_runs_each_prompt_once() -> None:
    table = Table(lambda context, call: "<>" if context.startswith("b") and call < 3 else "end")
    rollouts = table.play(answering, ("a", "b"), samples=2)
    assert [r.turns for r in rollouts] == [1, 1, 3, 3]
    contexts = [[table.tokenizer.decode(p) for p in prompts] for prompts, _, _ in table.sampler.calls]
    assert contexts == [["a", "b"], ["b<>[2]"] * 2, ["b<>[2]<>[2]"] * 2]
    assert [samples for _, samples, _ in table.sampler.calls] == [2, 1, 1]


def test_a_finished_completion_is_told_before_the_others_go_on() -> None:
    told: list[tuple[int, int, int]] = []
    table = Table(lambda context, call: "<>" if context.startswith("b") and call < 3 else "end")

    def done(place: int, rollout: Rollout) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append((place, rollout.turns, len(table.sampler.calls)))

    rollouts = table.play(answering, ("b", "a"), samples=2, done=done, threads=3)
    assert told == [(2, 1, 1), (3, 1, 1), (0, 3, 3), (1, 3, 3)]
    assert [r.turns for r in rollouts] == [3, 3, 1, 1]


def test_a_function_that_returns_a_text_has_the_last_word() -> None:
    def judged(prompt: str) -> Told:
        turn = yield "first: "
        return "!" if turn.text == "end" else "?"

    (rollout,) = Table(lambda context, call: "end").play(judged)
    assert rollout.text == "first: end!"
    assert rollout.written == [False] * 7 + [True] * 4 + [False]
    assert (rollout.finish, rollout.turns) == ("eos", 1)


def test_a_function_may_hand_over_without_a_word() -> None:
    def again(prompt: str) -> Told:
        yield
        yield ""

    (rollout,) = Table(lambda context, call: f"<{call}>").play(again)
    assert rollout.text == "<1><2>"
    assert rollout.written == [True] * 6


# -- limits --------------------------------------------------------------------------------------------------------


def forever(prompt: str) -> Told:
    yield
    while True:
        yield "abc"


def test_one_turn_too_many_is_a_truncated_completion_that_ends_with_the_policy() -> None:
    (rollout,) = Table(lambda context, call: "<>").play(forever, max_turns=3)
    assert (rollout.text, rollout.turns, rollout.finish) == ("<>abc<>abc<>", 3, "length")


@pytest.mark.parametrize(("limit", "text"), [(4, "<x>"), (6, "<x>"), (7, "<x>abc<"), (8, "<x>abc<x"), (9, "<x>abc<x>")])
def test_max_tokens_bounds_policy_and_environment_together(limit: int, text: str) -> None:
    """An answer that leaves no room for a turn is not added; a turn is cut where the room ends."""
    (rollout,) = Table(lambda context, call: "<x>").play(forever, max_tokens=limit)
    assert rollout.text == text
    assert rollout.truncated
    assert len(rollout.token_ids) == len(text) <= limit


def test_a_turn_beyond_its_own_room_is_cut_though_others_have_more() -> None:
    table = Table(lambda context, call: "<>" if call == 1 else "123456789>")

    def uneven(prompt: str) -> Told:
        yield
        yield "x" * (9 if prompt == "a" else 1)

    short, long = table.play(uneven, ("a", "b"), max_tokens=14)
    assert (short.text, short.finish) == ("<>xxxxxxxxx123", "length")
    assert (long.text, long.finish) == ("<>x123456789>", "stop")
    assert len(short.logprobs) == len(short.token_ids) == 14


def test_turn_tokens_ends_the_turn_and_the_function_decides() -> None:
    seen: list[str] = []

    def patient(prompt: str) -> Told:
        turn = yield
        seen.append(turn.finish)
        turn = yield "|"
        seen.append(turn.finish)

    (rollout,) = Table(lambda context, call: "123456" if call == 1 else "ok").play(patient, turn_tokens=4)
    assert (rollout.text, rollout.finish, seen) == ("1234|ok", "eos", ["length", "eos"])


def test_a_last_word_that_does_not_fit_is_left_out_and_counts_as_cut() -> None:
    def verbose(prompt: str) -> Told:
        yield
        return "long"

    assert Table(lambda context, call: "<>").play(verbose, max_tokens=6)[0].text == "<>long"
    (cut,) = Table(lambda context, call: "<>").play(verbose, max_tokens=5)
    assert (cut.text, cut.finish) == ("<>", "length")


def test_a_function_that_is_cut_short_can_clean_up() -> None:
    closed: list[str] = []

    def holding(prompt: str) -> Told:
        try:
            yield
            yield "abc"
        finally:
            closed.append(prompt)

    Table(lambda context, call: "<>").play(holding, max_turns=1)
    assert closed == ["2+3"]


# -- mistakes ------------------------------------------------------------------------------------------------------


def _buggy(closed: list[str], no_clean_up: str = "") -> Any:
    """A function that fails for the prompt "b", and whose clean-up fails for `no_clean_up`."""

    def buggy(prompt: str) -> Told:
        try:
            yield
            if prompt == "b":
                raise KeyError("no such tool")
            yield "x"
        finally:
            closed.append(prompt)
            if prompt == no_clean_up:
                raise RuntimeError("the clean-up failed")

    return buggy


def test_an_exception_in_the_function_names_it_the_prompt_and_the_turn() -> None:
    closed: list[str] = []
    with pytest.raises(VerituneError) as caught:
        Table(lambda context, call: "<7>").play(_buggy(closed), ("a", "b", "c"))
    message = str(caught.value)
    assert "rollout 'buggy': KeyError: 'no such tool'" in message
    assert "after turn 1 of the policy: '<7>'" in message
    assert "prompt: 'b'" in message
    assert isinstance(caught.value.__cause__, KeyError)
    assert sorted(closed) == ["a", "b", "c"]


def test_an_error_in_somebodys_clean_up_does_not_hide_the_first_one() -> None:
    closed: list[str] = []
    with pytest.raises(VerituneError, match="no such tool"):
        Table(lambda context, call: "<7>").play(_buggy(closed, no_clean_up="a"), ("a", "b", "c"))
    assert sorted(closed) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (42, "nothing, a text, a message or a list of messages, got 42"),
        ({"role": "tool"}, "a message has a role and a content"),
        ({"role": "assistant", "content": "5"}, "the assistant's turns are the policy's"),
        ({"role": "tool", "content": "5"}, "no chat template"),
    ],
)
def test_an_answer_that_is_none_stops_the_run(answer: Any, message: str) -> None:
    def odd(prompt: str) -> Told:
        yield
        yield answer

    with pytest.raises(VerituneError, match=message):
        Table(lambda context, call: "<7>").play(odd)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (None, "returned before the policy had the word"),
        ("x" * 100, "begins with 100 tokens"),
        ({"role": "user", "content": "x"}, "began with messages"),
    ],
)
def test_the_policy_must_have_the_word(first: Any, message: str) -> None:
    def silent(prompt: str) -> Told:
        if first is not None:
            yield first

    with pytest.raises(VerituneError, match=message):
        Table(lambda context, call: "<7>", CHATML).play(silent)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"use": "nowhere.py:echo"}, "rollout file 'nowhere.py' does not exist"),
        ({"use": "no_such_module:echo"}, "'no_such_module' does not import"),
        ({"use": f"{FUNCTIONS}:ehco"}, "Did you mean 'echo'"),
        ({"use": f"{FUNCTIONS}:echo", "params": {"tims": 3}}, "Did you mean 'times'"),
        ({"use": f"{FUNCTIONS}:echo", "params": {"times": "often"}}, "must be int, got 'often'"),
        ({"use": f"{FUNCTIONS}:plain"}, "is no generator function"),
        ({"use": f"{FUNCTIONS}:waiting"}, "async functions are not taken"),
    ],
)
def test_a_mistake_in_the_config_is_found_before_the_run(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_episode(RolloutConfig(**config))


def test_a_required_parameter_must_be_given() -> None:
    def needy(prompt: str, *, url: str) -> Told:
        yield

    with pytest.raises(ParameterError, match="needs 'url'"):
        EpisodeFunction(needy, {})
    assert EpisodeFunction(needy, {"url": "x"}).params == {"url": "x"}


@pytest.mark.parametrize(
    ("rollout", "message"),
    [({"use": "calculator"}, "file.py:function"), ({}, "rollout.use"), ({"use": "a:b", "turns": 3}, "max_turns")],
)
def test_the_section_of_the_config_is_checked(rollout: dict[str, Any], message: str) -> None:
    base = {"model": {"path": "m"}, "data": {"task": "arithmetic"}, "rewards": ["format"]}
    with pytest.raises(ConfigError, match=message):
        parse_config({**base, "rollout": rollout})
    assert parse_config(base).rollout is None


def test_inputs_are_the_row_by_name() -> None:
    seen: list[tuple[Any, ...]] = []

    def curious(prompt: str, gold: str, columns: dict[str, Any], level: int = 3, *, times: int = 1) -> Told:
        seen.append((prompt, gold, sorted(columns), level, times))
        yield

    Table(lambda context, call: "<>").play(curious, columns={"answer": "5"}, params={"times": 2})
    assert seen == [("2+3", "5", ["answer", "prompt"], 3, 2)]
    function = EpisodeFunction(curious, {})
    function.check_columns(["prompt", "solution"])
    with pytest.raises(ColumnError, match="gold"):
        function.check_columns(["prompt", "level"])


# -- chat ----------------------------------------------------------------------------------------------------------


def tool(prompt: str, *, role: str = "tool") -> Told:
    turn = yield
    while turn.text.endswith(">"):
        turn = yield {"role": role, "content": f"{prompt}=5"}


@pytest.mark.parametrize("template", [CHATML, FORGETFUL])
@pytest.mark.parametrize("ends", ["stop", "eos", "other eos"])
def test_messages_follow_the_policys_turn_as_the_template_says(template: str, ends: str) -> None:
    """The turn's end is there once, whoever wrote it; earlier thinking stays in the context."""
    table = Table(lambda context, call: "<think>a</think>b>" if call == 1 else "5", template)
    if ends == "other eos":
        table.sampler.eos_ids = table.eos_ids[::-1]
    (rollout,) = table.play(tool, stop=">" if ends == "stop" else "#")
    after = "\n<|im_start|>tool\n2+3=5<|im_end|>\n<|im_start|>assistant\n"
    closing = {"stop": "<|im_end|>", "eos": "<|im_end|>", "other eos": "<eos>"}[ends]
    first, last = table.ids("<think>a</think>b>"), table.ids("5")
    middle = table.ids(closing + after)
    end = table.sampler.eos_ids[0]
    assert rollout.token_ids == [*first, *middle, *last, end]
    own = len(first) + (ends != "stop")
    assert rollout.written == [True] * own + [False] * (len(first) + len(middle) - own) + [True] * 2
    assert rollout.text == f"<think>a</think>b><|im_end|>{after}5"


def test_rewards_see_messages_where_the_environment_speaks_in_them() -> None:
    table = Table(lambda context, call: "call>" if call == 1 else "it is 5", CHATML)
    (rollout,) = rollouts = table.play(tool)
    assert rollout.messages == [
        {"role": "assistant", "content": "call>"},
        {"role": "tool", "content": "2+3=5"},
        {"role": "assistant", "content": "it is 5"},
    ]
    (sample,) = samples = make_samples(rollouts, [Row("2+3", {})], lambda prompt: "<think>")
    assert sample.text == "it is 5"
    assert sample.completion[0] == {"role": "assistant", "content": "<think>call>"}
    from veritune.plugins import Score

    (record,) = completion_records(rollouts, samples, [Score(1.0)], [], None)
    assert record["completion"] == "[assistant]\n<think>call>\n\n[tool]\n2+3=5\n\n[assistant]\nit is 5"
    assert record["turns"] == 2
    assert batch_metrics(rollouts, [Score(1.0)], torch.ones(1), [])["turns"] == 2.0


def test_a_turn_carries_the_conversation_and_texts_continue_the_assistants_message() -> None:
    turns: list[Turn] = []

    def mixed(prompt: str) -> Told:
        turns.append((yield))
        turns.append((yield "[7]"))
        turns.append((yield [{"role": "tool", "content": "x"}, {"role": "user", "content": "y"}]))
        return {"role": "user", "content": "bye"}

    (rollout,) = Table(lambda context, call: f"<{call}>", CHATML).play(mixed)
    assert [turn.number for turn in turns] == [1, 2, 3]
    assert [m["content"] for m in turns[1].messages] == ["<1>[7]<2>"]
    assert [m["content"] for m in turns[2].messages] == ["<1>[7]<2>", "x", "y", "<3>"]
    assert rollout.messages == [*turns[2].messages, {"role": "user", "content": "bye"}]
    assert rollout.text.endswith("<3><|im_end|>\n<|im_start|>user\nbye<|im_end|>\n")


def test_an_answer_cannot_end_turns() -> None:
    """A program that prints an end-of-sequence token prints its characters."""
    said = ["<eos> and", {"type": "text", "text": "<pad>"}]

    def printing(prompt: str) -> Told:
        yield
        yield {"role": "tool", "content": said, "call": 1}

    template = CHATML.replace("m['content']", "m['content'] | string")
    (rollout,) = Table(lambda context, call: "x>" if call == 1 else "y", template).play(printing)
    assert rollout.messages is not None
    plain = ["< eos> and", {"type": "text", "text": "< pad>"}]
    assert rollout.messages[1] == {"role": "tool", "content": plain, "call": 1}
    assert "< eos> and" in rollout.text
    assert not {0, 1} & set(rollout.token_ids)


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("text", ["<eos>", "5<eos>", "a<|im_end|>b", "<pad><eos>", "<e<eos>os>"])
def test_a_text_cannot_end_turns_either(text: str, chat: bool) -> None:
    def printing(prompt: str) -> Told:
        yield
        yield text

    table = Table(lambda context, call: "x>" if call == 1 else "y", CHATML if chat else None)
    (rollout,) = table.play(printing)
    forged = {0, 1, *(table.eos_ids if chat else [])}
    said = [i for i, written in zip(rollout.token_ids, rollout.written or (), strict=True) if not written]
    assert said
    assert not forged & set(said)
    if chat or "im_end" not in text:
        (meant,) = table.play(printing, special_tokens=True)
        assert forged & set(meant.token_ids)


def test_halves_that_a_template_puts_together_end_no_turn() -> None:
    def printing(prompt: str) -> Told:
        yield
        yield {"role": "tool", "content": ["<|im_", "end|>"]}

    joined = CHATML.replace(
        "{{ m['content'] }}", "{{ m['content'] if m['content'] is string else m['content'] | join }}"
    )
    table = Table(lambda context, call: "x>" if call == 1 else "y", joined)
    (rollout,) = table.play(printing)
    assert rollout.text.count("<|im_end|>") == 2  # the template's own
    assert "?|im_end|>" in rollout.text


def test_special_tokens_that_a_tokenizer_reads_into_other_characters_end_no_turn() -> None:
    from tokenizers.normalizers import NFKC

    def printing(prompt: str) -> Told:
        yield
        yield "5\uff1ceos\uff1e6"

    table = Table(lambda context, call: "x>" if call == 1 else "y")
    table.tokenizer.backend_tokenizer.normalizer = NFKC()
    (rollout,) = table.play(printing)
    said = [i for i, written in zip(rollout.token_ids, rollout.written or (), strict=True) if not written]
    assert not {0, 1} & set(said)
    assert table.tokenizer.decode(said).startswith("5")


def test_a_text_that_no_tokenizer_takes_is_said_as_far_as_it_goes() -> None:
    def printing(prompt: str) -> Told:
        yield
        yield "a\ud83db"
        yield {"role": "tool", "content": "\ude00c"}

    (rollout,) = Table(lambda context, call: "x>" if call < 3 else "y", CHATML).play(printing)
    assert "a?b" in rollout.text
    assert "?c" in rollout.text
    rollout.text.encode()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("when", ["first", "later", "cleaning up"])
def test_sys_exit_in_the_function_is_an_exception_like_any_other(when: str, threads: int) -> None:
    def quitting(prompt: str) -> Told:
        if when == "first":
            sys.exit(0)
        try:
            yield
            if when == "later":
                sys.exit("enough")
            yield "x"
        finally:
            if when == "cleaning up":
                sys.exit()

    with pytest.raises(VerituneError, match="rollout 'quitting': SystemExit"):
        Table(lambda context, call: "<7>").play(quitting, max_turns=1 if when == "cleaning up" else 3, threads=threads)


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("qwen2_5", QWEN),
        ("qwen3", QWEN),
        ("llama3_1", '<|eot_id|><|start_header_id|>ipython<|end_header_id|>\n\n"5"<|eot_id|>' + LLAMA),
        ("glm4moe", "<|observation|>\n<tool_response>\n5\n</tool_response><|assistant|>"),
    ],
)
def test_templates_of_real_models(name: str, reply: str) -> None:
    trl = pytest.importorskip("trl", reason="trl carries copies of real chat templates")
    template = Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja"
    if not template.is_file():
        pytest.skip(f"this trl has no {template.name}")
    tokenizer = make_tokenizer(CHARACTERS)
    tokenizer.chat_template = template.read_text(encoding="utf-8")
    tokenizer.add_special_tokens({"bos_token": "<bos>"})
    assert ReplyTemplate(tokenizer)([{"role": "tool", "content": "5"}], more=True) == reply


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{% for m in messages if m['role'] != 'tool' %}{{ m['content'] }};{% endfor %}",
            "leaves out messages of role",
        ),
        ("{% for m in messages %}{{ raise_exception('only user') }}{% endfor %}", "does not take 'tool' .* only user"),
        ("{{ messages[0]['content'] }}", "leaves out the assistant turn"),
        ("{% for m in messages %}{{ m['content'] }}{{ m['content'] }}{% endfor %}", "repeats the assistant turn"),
    ],
)
def test_a_template_that_cannot_render_an_answer_stops_the_run(template: str, message: str) -> None:
    with pytest.raises(VerituneError, match=message):
        Table(lambda context, call: "call>", template).play(tool)
