"""Preference pairs as a policy sees them: made of scored completions, rendered, tokenized."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from veritune.plugins import ColumnError, DataError, Sample, Text
from veritune.plugins.errors import did_you_mean
from veritune.plugins.types import completion_text, prompt_text
from veritune.rewards.preference.items import View, make_item
from veritune.trainer.config.pairs import PreferencesConfig
from veritune.trainer.data.answers import encode_prompts, one_answer
from veritune.trainer.data.messages import prompt_fault, tidy
from veritune.trainer.data.pairs import Pair, load_pairs, split_pairs
from veritune.trainer.data.prompts import PromptEncoder, without_beginning
from veritune.trainer.data.records import read_records
from veritune.trainer.data.rollouts import Rollout

SUFFIXES = (".parquet", ".jsonl", ".json")
HELD_OUT = "evaluation-"
"""How a run names its completions of held-out prompts."""


@dataclass(frozen=True)
class TokenPair:
    """The better and the worse answer to one prompt, as token ids with the end-of-sequence token."""

    chosen: Rollout
    rejected: Rollout

    @property
    def tokens(self) -> int:
        """Of the prompt with the longer answer."""
        return len(self.chosen.prompt_ids) + max(len(self.chosen.token_ids), len(self.rejected.token_ids))


def load_preferences(config: PreferencesConfig, train: str | None) -> tuple[list[Pair], list[Pair]]:
    """Training and held-out pairs. ``train``: the file where the section names none. Raises DataError, ColumnError."""
    if config.completions is None:
        return load_pairs(config.model_copy(update={"train": config.train or train}))
    named = [config.completions] if isinstance(config.completions, str) else config.completions
    pairs = pairs_of_completions(named, config.per_prompt, config.min_gap, config.by)[: config.limit]
    where = ", ".join(named)
    if not pairs:
        raise DataError(
            f"{where}: no prompt has two completions whose rewards (column {config.by!r}) differ by more than "
            f"{config.min_gap:g}; there is nothing to prefer"
        )
    if config.eval is not None:
        return pairs, load_pairs(config.model_copy(update={"train": config.eval, "eval": None, "held_out": 0.0}))[0]
    return split_pairs(pairs, config.held_out, where)


def viewed_pairs(pairs: Sequence[Pair], view: View) -> list[Pair]:
    """The same with what a view shows of each answer; without those that are alike in it, or have no such part."""
    found = []
    for pair in pairs:
        chosen, rejected = (make_item(Sample(text, pair.prompt), view) for text in (pair.chosen, pair.rejected))
        if chosen is not None and rejected is not None:
            found.append(replace(pair, chosen=chosen.completion, rejected=rejected.completion))
    return [pair for pair in found if pair.chosen != pair.rejected]


def pairs_of_completions(paths: Sequence[str], per_prompt: int, min_gap: float, by: str = "reward") -> list[Pair]:
    """Best against worst of every prompt's completions, by the column ``by``; undecided ones are in no pair.

    The first of equal rewards counts as the better one; a text that was drawn twice is one completion.
    """
    groups: dict[str, dict[str, tuple[float, Mapping[str, Any]]]] = defaultdict(dict)
    for path in [file for named in paths for file in _files(named)]:
        for number, record in enumerate(read_records(path), 1):
            reward = _reward(record, by, f"{path}, row {number}")
            if reward is not None:
                group = groups[json.dumps(record["prompt"], ensure_ascii=False)]
                group.setdefault(completion_text(record["completion"]), (reward, record))
    found = []
    for group in groups.values():
        ranked = sorted(group.values(), key=lambda entry: -entry[0])
        for rank in range(min(per_prompt, len(ranked) // 2)):
            (high, best), (low, worst) = ranked[rank], ranked[-1 - rank]
            if not high - low > min_gap:
                break
            found.append(
                Pair(best["prompt"], best["completion"], worst["completion"], high - low, _ended(best), _ended(worst))
            )
    return found


def encode_preferences(
    pairs: Sequence[Pair], encode: PromptEncoder, end: int, known: Mapping[str, Text] | None = None, what: str = "pairs"
) -> list[TokenPair]:
    """Every pair as the policy sees it. ``end``: the token that ends an answer. ``known``: prompts by their text, where
    files keep only the text of messages.

    What the prompt has begun of an answer (``data.prefill``, a reasoning tag that the template opens) is taken off it.
    Raises DataError, naming the pair, for what cannot be rendered.
    """
    prompts = [_prompt(pair, known or {}, f"{what}, pair {n}") for n, pair in enumerate(pairs, 1)]
    tokenizer, found = encode.tokenizer, []
    for begin in range(0, len(pairs), 512):
        part = range(begin, min(begin + 512, len(pairs)))
        prompt_ids = encode_prompts([prompts[i] for i in part], encode, what, "pair", begin + 1)
        begun = [encode.begun(prompts[i]) for i in part]
        sides = []
        for side in ("chosen", "rejected"):
            texts = [
                without_beginning(_answer(getattr(pairs[i], side), f"{what}, pair {i + 1}"), b)
                for i, b in zip(part, begun, strict=True)
            ]
            ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
            ends = [[end] if getattr(pairs[i], f"{side}_ends") else [] for i in part]
            sides.append([[*a, *e] if a[-1:] != e else list(a) for a, e in zip(ids, ends, strict=True)])
        for number, prompt, chosen, rejected in zip(part, prompt_ids, *sides, strict=True):
            if not chosen or not rejected or not prompt:
                raise DataError(f"{what}, pair {number + 1}: the prompt or an answer has no tokens")
            both = [Rollout(number, prompt, ids, [], "eos") for ids in (chosen, rejected)]
            found.append(TokenPair(both[0], both[1]))
    return found


def _prompt(pair: Pair, known: Mapping[str, Text], where: str) -> Text:
    if pair.prompt is None:
        raise DataError(f"{where}: there is no prompt, and answers are compared to one prompt; name its column")
    if pair.prompt == []:
        raise DataError(
            f"{where}: its two conversations begin with different messages: they are answers to two prompts"
        )
    prompt = tidy(pair.prompt)
    fault = prompt_fault(prompt)
    if fault is not None:
        raise DataError(f"{where}: the prompt: {fault}")
    return known.get(prompt, prompt) if isinstance(prompt, str) else prompt


def _answer(answer: Text, where: str) -> str:
    found = one_answer(answer)
    if found is None:
        raise DataError(f"{where}: an answer is a text or one message of the assistant's, got {answer!r:.120}")
    return found


def _files(named: str) -> list[Path]:
    path = Path(named)
    if not path.is_dir():
        return [path]
    files = [
        file for file in sorted(path.iterdir()) if file.suffix in SUFFIXES and not file.name.startswith((HELD_OUT, "."))
    ]
    if not files:
        raise DataError(f"{named}: no file of completions in it ({', '.join(SUFFIXES)})")
    return files


def _reward(record: Mapping[str, Any], by: str, where: str) -> float | None:
    for column in ("prompt", "completion", by):
        if column not in record:
            raise ColumnError(
                f"{where}: no column {column!r}.{did_you_mean(column, record)} Columns: {', '.join(sorted(record))}."
            )
    reward = record[by]
    if reward is None or (isinstance(reward, float) and math.isnan(reward)):
        return None
    if isinstance(reward, bool | int | float) and math.isfinite(reward):
        return float(reward)
    raise DataError(f"{where}: the reward is a number or empty (undecided), got {reward!r:.40}")


def _ended(record: Mapping[str, Any]) -> bool:
    """Completions that a run has cut off say so in their column ``finish``."""
    return record.get("finish") != "length"


def prompts_by_text(prompts: Sequence[Text]) -> dict[str, Text]:
    """Conversations by the text that a file of completions keeps of them."""
    return {prompt_text(p): p for p in prompts if not isinstance(p, str)}
