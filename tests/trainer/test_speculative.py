"""Speculative decoding changes how often the model is run, and nothing of what is drawn: the same tokens under greedy,
the same distribution under sampling, the model's own log-probs, the same ends."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainer.decode_models import PROMPTS
from tests.trainer.decode_models import make_model as make_decoded
from tests.trainer.mtp_models import make_model
from tests.trainer.stage_runs import stage_config
from tests.trainer.test_decode import check_logprobs, generator
from veritune.plugins import ConfigError
from veritune.trainer.config import MTPConfig, SamplingConfig
from veritune.trainer.data.packing import make_batch
from veritune.trainer.observe.metrics import read_metrics
from veritune.trainer.policy.logprobs import completion_logprobs
from veritune.trainer.policy.mtp import attach_mtp
from veritune.trainer.rollout.decode.sampler import StaticSampler
from veritune.trainer.rollout.decode.speculative_rows import SpeculativeRows
from veritune.trainer.rollout.decode.tokens import truncate
from veritune.trainer.rollout.decode.verifying import draw_verified
from veritune.trainer.run import train


def samplers(name: str, **options: Any) -> tuple[StaticSampler, StaticSampler]:
    """Without and with drafts, of one model with a random module."""
    model, tokenizer = make_decoded(name)
    attach_mtp(model, MTPConfig(depth=1))
    ends = [tokenizer.eos_token_id]
    plain = StaticSampler(model, tokenizer, ends, **options)
    return plain, StaticSampler(model, tokenizer, ends, speculative=True, **options)


@pytest.fixture(scope="module")
def pair() -> tuple[StaticSampler, StaticSampler]:
    return samplers("qwen3")


@pytest.mark.parametrize("name", ["qwen2-yarn", "llama3"])
def test_greedy_gives_the_same_tokens(name: str) -> None:
    """Of prompts of different lengths, one a single token; with rows that end, are refilled and closed up."""
    plain, drafting = samplers(name)
    for batch, tokens in ((64, 24), (2, 7)):
        sampling = SamplingConfig(max_tokens=tokens, top_k=1, batch=batch)
        wanted = plain.generate(PROMPTS, 2, sampling, generator())
        found = drafting.generate(PROMPTS, 2, sampling, generator())
        for ours, theirs in zip(found, wanted, strict=True):
            assert (ours.token_ids, ours.finish) == (theirs.token_ids, theirs.finish)
            torch.testing.assert_close(ours.logprobs, theirs.logprobs, atol=1e-4, rtol=1e-4)
            assert ours.forwards is not None
            assert len(ours.token_ids) <= ours.forwards + ours.accepted <= len(ours.token_ids) + 1


def exact(
    model: Any, prompt: list[int], sampling: SamplingConfig, length: int, end: int
) -> dict[tuple[int, ...], float]:
    """The probability of every completion of at most ``length`` tokens, from whole forward passes."""
    open_: dict[tuple[int, ...], float] = {(): 1.0}
    closed: dict[tuple[int, ...], float] = {}
    for _ in range(length):
        begun = list(open_)
        ids = torch.tensor([[*prompt, *each] for each in begun])
        with torch.no_grad():
            logits = model(input_ids=ids).logits[:, -1]
        chances = truncate(torch.log_softmax(logits / sampling.temperature, -1), sampling).double().softmax(-1)
        longer = {
            (*b, t): open_[b] * p for b, row in zip(begun, chances.tolist(), strict=True) for t, p in enumerate(row)
        }
        closed |= {k: p for k, p in longer.items() if k[-1] == end}
        open_ = {k: p for k, p in longer.items() if k[-1] != end and p > 0}
    return closed | open_


@pytest.mark.parametrize(
    ("draws", "truncation"), [(20_000, {}), (8_000, {"temperature": 1.3, "top_p": 0.8, "top_k": 5, "min_p": 0.05})]
)
def test_20000_draws_have_the_models_distribution(draws: int, truncation: dict[str, Any]) -> None:
    """χ² over whole completions of up to three tokens, against the product of the model's probabilities."""
    model = make_model("qwen3", MTPConfig(), torch.float32, vocab_size=7).eval()
    for parameter in model.parameters():
        parameter.data *= 1.5
    prompt = [3, 4, 2]
    sampling = SamplingConfig(max_tokens=3, batch=5_000, **truncation)
    sampler = StaticSampler(model, Letters(), [1], speculative=True)
    rollouts = sampler.generate([prompt], draws, sampling, generator(1))
    wanted = exact(model, prompt, sampling, 3, 1)
    counts = Counter(tuple(r.token_ids) for r in rollouts)
    assert counts.keys() <= {k for k, p in wanted.items() if p > 0}
    common = [k for k, p in wanted.items() if p * draws >= 5]
    rest = 1 - sum(wanted[k] for k in common)
    cells = [(counts[k], wanted[k] * draws) for k in common]
    if rest * draws >= 5:
        cells.append((draws - sum(n for n, _ in cells), rest * draws))
    statistic = sum((seen - expected) ** 2 / expected for seen, expected in cells)
    free = len(cells) - 1
    assert free >= 8
    assert statistic < free + 3.5 * math.sqrt(2 * free) + 8, (statistic, free)  # about 1 in 10,000
    accepted, drafted = (sum(getattr(r, name) for r in rollouts) for name in ("accepted", "drafted"))
    assert 0.1 < accepted / drafted < 0.95
    check_logprobs(rollouts[:50], model, sampling.temperature)


class Letters:
    """As much of a tokenizer as the sampler asks for."""

    def decode(self, ids: Any, **options: Any) -> str:
        return "".join(chr(97 + i) for i in ids)


def rows_of(draft_BV: Tensor, draft_B: Tensor, accept: float, uniform: float) -> SpeculativeRows:
    count = len(draft_B)
    integers = [torch.zeros(count, dtype=torch.long) for _ in range(8)]
    table = torch.full((count, 4), uniform, dtype=torch.float64)
    floats, alive = torch.zeros(count, 4), torch.ones(count, dtype=torch.bool)
    plain = (*integers[:4], alive, torch.zeros(count, 4, dtype=torch.long), floats, table)
    return SpeculativeRows(*[*plain, table * 0 + accept, table, draft_B, draft_BV, *integers[4:7]])


def test_a_draft_from_the_models_own_distribution_is_always_accepted() -> None:
    logits_NV = torch.randn(64, 11, generator=generator())
    draft_B = torch.arange(32) % 11
    rows = rows_of(logits_NV[:32] / 0.7, draft_B, 0.99999, 0.5)
    assert bool(draw_verified(logits_NV, rows, SamplingConfig(temperature=0.7))[1].all())


def test_without_a_draft_or_where_it_is_impossible_the_token_is_drawn_from_what_is_left() -> None:
    """max(0, p − q): never the draft where q holds more of it than p, and all of p where there is no draft."""
    p = torch.tensor([[0.5, 0.3, 0.2, 0.0]] * 2).log()
    q = torch.tensor([[0.1, 0.2, 0.2, 0.5]]).log()
    seen: set[tuple[int, int]] = set()
    for draft, step in itertools.product((-1, 2, 3), range(50)):
        rows = rows_of(q, torch.tensor([draft]), 0.999, (step + 0.5) / 50)
        token_B, accepted_B, _, _ = draw_verified(p, rows, SamplingConfig())
        assert not bool(accepted_B) or draft == 2  # p = q there
        if not bool(accepted_B):
            seen.add((draft, int(token_B)))
    assert seen == {(-1, 0), (-1, 1), (-1, 2), (3, 0), (3, 1)}


def test_log_probs_are_the_models_and_a_completions_random_numbers_its_own(pair: Any) -> None:
    sampling = SamplingConfig(max_tokens=20, temperature=0.8, top_p=0.9)
    found = [
        pair[1].generate(PROMPTS, 6, sampling.model_copy(update={"batch": batch}), generator(3)) for batch in (512, 18)
    ]
    check_logprobs(found[0], pair[1].model, 0.8)
    assert [r.token_ids for r in found[0]] == [r.token_ids for r in found[1]]
    assert len({len(r.token_ids) for r in found[0]}) > 3


def test_ends_are_where_they_would_be(pair: Any) -> None:
    """At the limit whether it is odd or even, at EOS in either place of a step, at a stop string."""
    eos = pair[1].eos_ids[0]
    for limit in (1, 2, 3, 8):
        rollouts = pair[1].generate(PROMPTS, 16, SamplingConfig(max_tokens=limit), generator(limit))
        for rollout in rollouts:
            assert rollout.finish == ("eos" if rollout.token_ids[-1] == eos else "length")
            assert len(rollout.token_ids) == limit or rollout.finish == "eos"
            assert eos not in rollout.token_ids[:-1]
            assert len(rollout.logprobs) == len(rollout.token_ids)
    greedy = SamplingConfig(max_tokens=24, top_k=1)
    whole = pair[0].generate(PROMPTS, 1, greedy, generator())
    stop = pair[0].tokenizer.decode(whole[0].token_ids[2:4])
    stopping = greedy.model_copy(update={"stop": [stop]})
    wanted, found = (s.generate(PROMPTS, 1, stopping, generator()) for s in pair)
    assert wanted[0].finish == "stop"
    assert [(r.token_ids, r.text, r.finish) for r in found] == [(r.token_ids, r.text, r.finish) for r in wanted]


def test_a_trained_module_is_accepted_and_the_run_says_how_often(tmp_path: Path) -> None:
    """In a run: the module learns beside the policy, drafts for it, and the metrics have its acceptance."""
    config = stage_config(
        tmp_path / "run",
        "grpo",
        model={"mtp": {"depth": 1, "weight": 1.0}},
        warmup={"steps": 25, "batch": 16, "lr": 5e-3},
        grpo={"steps": 1, "prompts": 2, "samples": 4, "lr": 1e-5},
        sampling={"max_tokens": 12, "speculative": True},
    )
    lines = read_metrics(train(config, quiet=True) / "metrics.jsonl")
    (step,) = [r for r in lines if r["phase"] == "grpo"]
    assert step["draft_acceptance"] > 0.3
    assert 1.0 <= step["tokens_per_forward"] <= 2.0
    assert step["mismatch"] < 1e-4


def test_without_a_module_a_sentence_says_so(tmp_path: Path) -> None:
    for changes, words in (
        ({"sampling": {"speculative": True}}, "set model.mtp"),
        ({"model": {"mtp": {}}, "sampling": {"speculative": True, "engine": "transformers"}}, "of engine: static"),
    ):
        with pytest.raises(ConfigError, match=words):
            stage_config(tmp_path, "grpo", **changes)
    model, tokenizer = make_decoded("qwen3")
    with pytest.raises(ConfigError, match=r"set model\.mtp"):
        StaticSampler(model, tokenizer, [1], speculative=True)
    batch = make_batch([[3]], [[4]], "cpu")
    assert completion_logprobs(model, batch)[0].shape == (1, 1)
