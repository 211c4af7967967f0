"""Judges: every answer of an endpoint has its documented outcome, and nothing is lost, doubled or paid for twice."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rewards.fake_judge import FakeJudge, answer, serving
from veritune import get_reward
from veritune.plugins import Cause, ColumnError, ParameterError, Reward, Sample, Score
from veritune.rewards.judge.limits import RateLimit, backoff, retry_after
from veritune.rewards.judge.verdicts import read_reply

pytest.importorskip("httpx")


@pytest.fixture
def fake() -> FakeJudge:
    return FakeJudge()


@pytest.fixture
def url(fake: FakeJudge) -> Iterator[str]:
    with serving(fake) as address:
        yield address


def make(url: str, **params: Any) -> Reward:
    settings = {"model": "fake", "endpoint": url, "timeout": 0.6, "deadline": 2.0, "retries": 2, "wait": 0.02}
    return get_reward("judge", **{**settings, **params})


MANY = 256
OUTCOMES = [
    ("plain", 1.0, None),
    ("slow", 1.0, None),
    ("error-once", 1.0, None),
    ("limited-once", 1.0, None),
    ("malformed", None, Cause.ABSTAIN),
    ("dictated", None, Cause.ABSTAIN),
    ("two-minds", None, Cause.ABSTAIN),
    ("unsure", None, Cause.ABSTAIN),
    ("refused", None, Cause.ABSTAIN),
    ("error", None, Cause.INFRA_ERROR),
    ("not-json", None, Cause.INFRA_ERROR),
    ("unauthorised", None, Cause.INFRA_ERROR),
    ("limited", None, Cause.TIMEOUT),
    ("hung", None, Cause.TIMEOUT),
]


@pytest.mark.parametrize(("case", "value", "cause"), OUTCOMES)
def test_every_answer_of_an_endpoint_has_its_outcome(
    url: str, case: str, value: float | None, cause: Cause | None
) -> None:
    score = make(url).score("Answer: 4", f"case: {case}", gold="4")
    assert (score.value, score.cause) == (value, cause), score.reason
    assert score.reason


def test_a_wrong_answer_is_wrong_with_the_judges_reason(url: str) -> None:
    score = make(url, wrong=-1.0).score("Answer: 5", "2 + 2", gold="4")
    assert score.value == -1.0
    assert score.reason == "by rule"
    assert score.verdict is not None
    assert score.verdict.evidence["prompt_tokens"] == 100


def test_a_client_error_is_not_asked_again(url: str, fake: FakeJudge) -> None:
    make(url).score("Answer: 4", "case: unauthorised", gold="4")
    assert sum(fake.seen.values()) == 1


def test_nobody_listening_is_an_infrastructure_error() -> None:
    score = make("http://127.0.0.1:9/v1", retries=1).score("4", "x", gold="4")
    assert (score.value, score.cause) == (None, Cause.INFRA_ERROR)


def test_a_missing_gold_is_undecided_and_not_asked(url: str, fake: FakeJudge) -> None:
    scores = make(url).score_batch([Sample("Answer: 4", "x", None, {"gold": gold}) for gold in (None, " ", "4")])
    assert [score.cause for score in scores] == [Cause.INVALID_GOLD, Cause.INVALID_GOLD, None]
    assert sum(fake.seen.values()) == 1


@pytest.mark.parametrize(("mode", "column"), [("compare", "gold"), ("pairwise", "reference")])
def test_data_without_the_column_are_an_error_that_names_it(mode: str, column: str) -> None:
    with pytest.raises(ColumnError, match=f"'{column}'"):
        make("http://127.0.0.1:9/v1", mode=mode).score("Answer: 4", "2 + 2")


def test_hundreds_of_judgements_at_64_and_a_repeat_is_free(url: str, fake: FakeJudge, tmp_path: Path) -> None:
    judge = make(url, concurrency=64, timeout=30, deadline=60, cache=str(tmp_path / "judge.sqlite"))
    samples = [Sample(f"Answer: {i}", f"case: brief {i}", None, {"gold": str(i - i % 2)}) for i in range(MANY)]
    logged: dict[str, float] = {}
    first = judge.score_batch(samples, log_metric=logged.__setitem__)
    assert [score.value for score in first] == [float(i % 2 == 0) for i in range(MANY)]
    assert set(fake.served.values()) == {1}
    assert len(fake.served) == MANY
    assert 1 < fake.most <= 64
    assert logged["judge/asked"] == MANY
    assert logged["judge/prompt_tokens"] == 100 * MANY
    again = pickle.loads(pickle.dumps(judge)).score_batch(samples, log_metric=logged.__setitem__)
    assert [score.value for score in again] == [score.value for score in first]
    assert sum(fake.seen.values()) == MANY
    assert (logged["judge/asked"], logged["judge/cached"], logged["judge/cost"]) == (0, MANY, 0)


def test_equal_judgements_in_flight_are_asked_once(url: str, fake: FakeJudge) -> None:
    scores = make(url).score_batch([Sample("Answer: 4", "case: slow", None, {"gold": "4"})] * 20)
    assert [score.value for score in scores] == [1.0] * 20
    assert sum(fake.seen.values()) == 1


def test_failures_are_not_remembered(url: str, fake: FakeJudge, tmp_path: Path) -> None:
    judge = make(url, retries=0, cache=str(tmp_path / "judge.sqlite"))
    assert judge.score("Answer: 4", "case: error-once", gold="4").cause is Cause.INFRA_ERROR
    assert judge.score("Answer: 4", "case: error-once", gold="4").value == 1.0


def test_it_works_from_threads_and_inside_a_running_loop(url: str) -> None:
    judge = make(url, timeout=10, deadline=20)
    found: list[float | None] = []

    def work(i: int) -> None:
        found.append(judge.score(f"Answer: {i}", f"thread {i}", gold=str(i)).value)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def inside() -> list[float | None]:
        direct = judge(completions=["Answer: 4"], prompts=["loop"], gold=["4"])
        awaited: list[float | None] = await judge.as_async()(completions=["Answer: 4"], prompts=["loop"], gold=["4"])
        return direct + awaited

    assert [*found, *asyncio.run(inside())] == [1.0] * 10


def test_pairwise_asks_in_both_orders(url: str, fake: FakeJudge) -> None:
    judge = make(url, mode="pairwise")
    score = judge.score_batch(
        [
            Sample(text, "write", None, {"reference": "four words of text"})
            for text in ("a much longer answer it is", "a")
        ]
    )
    assert [one.value for one in score] == [1.0, 0.0]
    assert len(fake.seen) == 4


@pytest.mark.parametrize(("policy", "value"), [("tie", 0.5), ("undecided", None)])
def test_a_judge_that_prefers_a_place_makes_no_winner(url: str, policy: str, value: float | None) -> None:
    judge = make(url, mode="pairwise", disagreement=policy)
    assert judge.score("one", "prefers the first", reference="another").value == value


def test_a_rubric_gives_a_share_of_the_scale(url: str) -> None:
    assert make(url, mode="rubric", rubric="count words").score("a b c d", "write").value == 0.4


@pytest.mark.parametrize("reply", ["11", "-1", "4.5", "true", '"4.5"', "null"])
def test_a_grade_off_the_scale_is_no_verdict(reply: str) -> None:
    assert read_reply(f'{{"canary": "c", "verdict": {reply}}}', "rubric", "c").verdict is None


def test_only_the_summary_is_judged_and_long_texts_say_so(url: str, fake: FakeJudge) -> None:
    score = make(url).score("<think>Answer: 5\n</think>Answer: 4", "x", gold="4")
    assert score.value == 1.0
    assert "Answer: 5" not in "".join(fake.seen)
    assert make(url, max_chars=20, too_long="refuse").score("z" * 30, "x", gold="4").cause is Cause.ABSTAIN
    cut = make(url, max_chars=20).score("z" * 3000 + "\nAnswer: 4", "x", gold="4")
    assert cut.value == 1.0
    assert cut.verdict is not None
    assert cut.verdict.evidence["cut"] == {"to": 20, "texts": ["completion"]}


def test_requests_a_minute_are_kept(url: str, fake: FakeJudge) -> None:
    judge = make(url, rpm=1200, timeout=10, deadline=20)
    judge.score_batch([Sample("4", f"{i}", None, {"gold": "4"}) for i in range(30)])
    assert max(fake.times) - min(fake.times) > 0.3  # 20 at once, 10 more at 20 a second


def test_a_bucket_makes_whoever_overdraws_it_wait() -> None:
    async def spend() -> float:
        limit = RateLimit(600, 1)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for _ in range(3):
            await limit.take()
        return loop.time() - begun

    assert asyncio.run(spend()) == pytest.approx(0.2, abs=0.15)


def test_waits_grow_and_headers_are_read() -> None:
    assert all(0.5 * 2**n <= backoff(n + 1, 1.0) <= 2**n for n in range(5))
    assert (retry_after("1.5"), retry_after(None), retry_after("soon")) == (1.5, None, None)
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


def test_mistakes_in_the_config_are_found_before_a_run() -> None:
    mistakes: list[dict[str, Any]] = [
        {"timeout": 10, "deadline": 5},
        {"endpoint": "localhost:8000"},
        {"mode": "compar"},
        {"retrys": 1},
    ]
    for wrong in mistakes:
        with pytest.raises(ParameterError):
            get_reward("judge", **{"model": "m", **wrong}).check_ready()


class Scripted:
    """A transformers-like model in this process whose text is the rule-based judge's."""

    def __init__(self, tokenizer: Any) -> None:
        import torch

        self.tokenizer, self.torch = tokenizer, torch
        self.device = torch.device("cpu")
        self.generation_config = type("Config", (), {"eos_token_id": tokenizer.eos_token_id})()

    def generate(self, *, input_ids: Any, attention_mask: Any, max_new_tokens: int, **settings: Any) -> Any:
        rows = []
        for ids, mask in zip(input_ids, attention_mask, strict=True):
            messages = json.loads(self.tokenizer.decode(ids[mask.bool()]))
            text = answer(messages)
            if "case: malformed" in messages[1]["content"]:
                text = "It is correct."
            if "case: error" in messages[1]["content"]:
                raise RuntimeError("out of memory")
            rows.append([*self.tokenizer(text)["input_ids"], self.tokenizer.eos_token_id][:max_new_tokens])
        width = max(map(len, rows))
        tails = [[*row, *[self.tokenizer.pad_token_id] * (width - len(row))] for row in rows]
        return self.torch.cat([input_ids, self.torch.tensor(tails)], 1)


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE({c: i for i, c in enumerate(["<pad>", "<eos>", *alphabet])}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>")
    tokenizer.chat_template = "{{ messages | tojson }}"
    loaded = (Scripted(tokenizer), tokenizer, threading.Lock())
    monkeypatch.setattr("veritune.rewards.judge.local.load_judge", lambda path, device: loaded)


def ask_local(completion: str, task: str, **params: Any) -> Score:
    return get_reward("judge", model="local", backend="local", **params).score(completion, task, gold="4")


@pytest.mark.usefixtures("local")
def test_a_model_in_this_process_has_the_same_outcomes() -> None:
    assert ask_local("Answer: 4", "x").value == 1.0
    assert ask_local("Answer: 5", "x").value == 0.0
    assert ask_local("Answer: 4", "case: malformed").cause is Cause.ABSTAIN
    assert ask_local("Answer: 4", "case: error").cause is Cause.INFRA_ERROR
    assert ask_local("Answer: 4", "x", max_tokens=5).cause is Cause.ABSTAIN
    judge = get_reward("judge", model="local", backend="local", batch=3)
    samples = [Sample(f"Answer: {i}" + " " * i, f"{'t' * i}", None, {"gold": str(i % 5)}) for i in range(10)]
    assert [score.value for score in judge.score_batch(samples)] == [1.0] * 5 + [0.0] * 5


def test_a_model_that_babbles_decides_nothing(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from transformers import AutoModelForCausalLM, Qwen2Config

    from veritune.trainer.policy.models import make_tokenizer

    tokenizer = make_tokenizer([chr(c) for c in range(32, 127)])
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    score = get_reward("judge", model=str(tmp_path), backend="local", max_tokens=8).score("4", "x", gold="4")
    assert (score.value, score.cause) == (None, Cause.ABSTAIN)
