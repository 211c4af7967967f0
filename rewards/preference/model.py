"""A sequence-classification model in this process: loaded once, shared, run in padded batches by token budget.

Padding is on the right with the token that the model itself skips when it looks for the last one
(``config.pad_token_id``), so that a text has the same score in a batch of any composition. A checkpoint that names no
such token is padded with one that occurs in none of the batch's texts.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from veritune.plugins.errors import MissingExtraError, ParameterError, did_you_mean
from veritune.rewards.preference.encoding import Encoded, Encoder, EncodingOptions
from veritune.rewards.preference.items import Item

DType: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]
TRAINED = "veritune_reward_model"
"""The key of config.json under which a model that we trained says how: ``eos``, ``mean``, ``std``."""


@dataclass(frozen=True)
class Outcome:
    """The logits of one item, or None (with the cause's name in ``failure``); ``note`` says what happened to it."""

    logits: tuple[float, ...] | None
    note: str = ""
    failure: str | None = None


@dataclass
class Loaded:
    """A model with its tokenizer. Only one thread runs it at a time."""

    model: Any
    tokenizer: Any
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def trained(self) -> Mapping[str, Any]:
        return getattr(self.model.config, TRAINED, None) or {}

    @property
    def labels(self) -> dict[str, int]:
        names: Mapping[Any, str] = self.model.config.id2label or {}
        return {str(name): int(index) for index, name in names.items()}


_LOADED: dict[tuple[str, str, str], Loaded] = {}
_LOADING = threading.Lock()


def load_model(path: str, device: str = "auto", dtype: DType = "auto") -> Loaded:
    """The model of a folder or hub name, one copy a process and device.

    ``dtype: auto`` is float32 on a CPU and bfloat16 on a GPU. Raises ParameterError where the checkpoint cannot be
    loaded or has no trained head (a language model would get a random one), MissingExtraError without transformers.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtraError(error.name or "transformers", "train", "reward 'preference'") from error
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    kind = ("float32" if where == "cpu" else "bfloat16") if dtype == "auto" else dtype
    key = (path, where, kind)
    with _LOADING:
        if key not in _LOADED:
            try:
                tokenizer = transformers.AutoTokenizer.from_pretrained(path)
                model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
                    path, dtype=getattr(torch, kind), output_loading_info=True
                )
            except (OSError, ValueError) as error:
                raise ParameterError(f"reward 'preference': cannot load the model {path!r}: {error}") from error
            if report["missing_keys"]:
                missing = ", ".join(sorted(report["missing_keys"])[:3])
                raise ParameterError(
                    f"reward 'preference': {path!r} is no reward model: its checkpoint has no {missing}, which "
                    "would be random. Train one with `veritune train` and stage: reward_model"
                )
            _LOADED[key] = Loaded(model.to(where).eval(), tokenizer)
        return _LOADED[key]


def context_length(config: Any) -> int | None:
    """Tokens that a model of this config can read, if it says so."""
    text = config.get_text_config()
    limit = getattr(text, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:
        return None
    offset = (text.pad_token_id or 0) + 1 if text.model_type in {"roberta", "xlm-roberta", "camembert"} else 0
    return limit - offset


class LocalScorer:
    """Scores items with a loaded model. Usable from any thread."""

    def __init__(self, loaded: Loaded, options: EncodingOptions, token_budget: int = 16_384) -> None:
        self.loaded, self.token_budget = loaded, token_budget
        eos = bool(loaded.trained.get("eos", False))
        self.encoder = Encoder(loaded.tokenizer, options, context_length(loaded.model.config), eos)

    @property
    def labels(self) -> dict[str, int]:
        return self.loaded.labels

    @property
    def trained(self) -> Mapping[str, Any]:
        return self.loaded.trained

    def score(self, items: Sequence[Item]) -> list[Outcome]:
        """One outcome an item, in order."""
        with self.loaded.lock:
            encoded = [self.encoder(item) for item in items]
            outcomes = [Outcome(None, one.note, "abstain") for one in encoded]
            usable = [i for i, one in enumerate(encoded) if one.ids is not None]
            for batch in batches(usable, encoded, self.token_budget):
                rows = [encoded[i].ids or [] for i in batch]
                types = [self.encoder.types(row) for row in rows]
                for i, logits in zip(batch, forward(self.loaded.model, rows, types), strict=True):
                    outcomes[i] = _outcome(logits, encoded[i].note)
        return outcomes


def batches(indices: Sequence[int], encoded: Sequence[Encoded], budget: int) -> Iterator[list[int]]:
    """Indices in batches of similar length whose padded size stays within ``budget`` tokens (one text always fits)."""
    batch: list[int] = []
    for i in sorted(indices, key=lambda i: -len(encoded[i].ids or [])):
        longest = len(encoded[batch[0] if batch else i].ids or [])
        if batch and longest * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def padded_types(types: Sequence[Sequence[int] | None], length: int) -> dict[str, list[list[int]]]:
    """The argument ``token_type_ids`` for rows of pairs; nothing where rows have no segments."""
    if any(row is None for row in types):
        return {}
    return {"token_type_ids": [[*(row or ()), *[0] * (length - len(row or ()))] for row in types]}


def forward(
    model: Any, rows: Sequence[Sequence[int]], types: Sequence[Sequence[int] | None] = (None,)
) -> list[tuple[float, ...]]:
    """The logits of each row of token ids; ``types`` are the segments of each row's tokens."""
    import torch

    config = model.config.get_text_config()
    own = config.pad_token_id
    pad = own if own is not None else unused_token(rows, config.vocab_size)
    length = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad] * (length - len(row))] for row in rows], device=model.device)
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows], device=model.device)
    config.pad_token_id = pad
    try:
        with torch.inference_mode():
            extra = {
                name: torch.tensor(value, device=model.device) for name, value in padded_types(types, length).items()
            }
            logits = model(input_ids=ids, attention_mask=mask, **extra).logits
    finally:
        config.pad_token_id = own
    return [tuple(row) for row in logits.float().cpu().tolist()]


def unused_token(rows: Sequence[Sequence[int]], vocabulary: int) -> int:
    """A token that occurs in no row: with right padding and causal attention, which one is all the same."""
    used = {token for row in rows for token in row}
    return next(token for token in range(vocabulary - 1, -1, -1) if token not in used)


def logit_weights(choice: int | str | Mapping[str, float] | None, labels: Mapping[str, int], count: int) -> list[float]:
    """Weights of the logits: one picked by index or name, or several by name. Raises ParameterError."""
    names = ", ".join(labels) or "none"
    if choice is None:
        if count != 1:
            raise ParameterError(f"reward 'preference': the model has {count} logits ({names}); choose with logit:")
        return [1.0]
    chosen: Mapping[Any, float] = choice if isinstance(choice, Mapping) else {choice: 1.0}
    weights = [0.0] * count
    for name, weight in chosen.items():
        index = labels.get(name) if isinstance(name, str) else name
        if index is None or not 0 <= index < count:
            hint = did_you_mean(str(name), labels)
            raise ParameterError(f"reward 'preference': the model has no logit {name!r}.{hint} It has {count}: {names}")
        weights[index] += weight
    return weights


def _outcome(logits: tuple[float, ...], note: str) -> Outcome:
    if all(map(math.isfinite, logits)):
        return Outcome(logits, note)
    return Outcome(None, f"the model's logits are not finite: {logits}", "infra_error")
