"""A transformers language model in this process as judge."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from veritune.plugins.errors import MissingExtraError, ParameterError
from veritune.plugins.types import Cause
from veritune.rewards.judge.backend import Reply
from veritune.rewards.judge.prompts import Question

_LOADED: dict[tuple[str, str], tuple[Any, Any, threading.Lock]] = {}
_LOADING = threading.Lock()


def load_judge(path: str, device: str) -> tuple[Any, Any, threading.Lock]:
    """Model, tokenizer and the lock of whoever runs it; one copy a process and device."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtraError(error.name or "transformers", "train", "reward 'judge' with backend: local") from error
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    with _LOADING:
        if (path, where) not in _LOADED:
            try:
                tokenizer = transformers.AutoTokenizer.from_pretrained(path)
                kind = torch.float32 if where == "cpu" else torch.bfloat16
                model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=kind)
            except (OSError, ValueError) as error:
                raise ParameterError(f"reward 'judge': cannot load the model {path!r}: {error}") from error
            _LOADED[path, where] = (model.to(where).eval(), tokenizer, threading.Lock())
        return _LOADED[path, where]


class LocalBackend:
    """Greedy answers of a local model, in batches padded on the left.

    ``deadline`` bounds the generation of a batch (transformers' ``max_time``): answers it cuts are undecided. A chat
    template is used where the tokenizer has one. An exception in the model makes its batch undecided.
    """

    def __init__(self, model: str, device: str, max_tokens: int, batch: int, deadline: float) -> None:
        self.model, self.tokenizer, self.lock = load_judge(model, device)
        self.max_tokens, self.batch, self.deadline = max_tokens, batch, deadline

    def ask(self, questions: Sequence[Question], meanwhile: Iterator[None] | None = None) -> list[Reply]:
        """One reply a question, in order. Equal questions are answered once."""
        for _ in meanwhile or ():
            pass
        distinct = list(dict.fromkeys(questions))
        known: dict[Question, Reply] = {}
        with self.lock:
            for begin in range(0, len(distinct), self.batch):
                part = distinct[begin : begin + self.batch]
                known.update(zip(part, self._generate(part), strict=True))
        return [known[question] for question in questions]

    def _generate(self, questions: Sequence[Question]) -> list[Reply]:
        import torch

        begun = time.monotonic()
        pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.tokenizer.eos_token_id
        try:
            rows = [self._encode(question) for question in questions]
            width = max(map(len, rows))
            device = self.model.device
            ids = torch.tensor([[*[pad or 0] * (width - len(row)), *row] for row in rows], device=device)
            mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
            settings = {"max_new_tokens": self.max_tokens, "max_time": self.deadline, "do_sample": False}
            with torch.inference_mode():
                out = self.model.generate(input_ids=ids, attention_mask=mask, pad_token_id=pad or 0, **settings)
        except Exception as error:
            problem = f"the local judge failed: {type(error).__name__}: {error}"
            return [Reply(None, Cause.INFRA_ERROR, problem, attempts=1)] * len(questions)
        seconds = time.monotonic() - begun
        return [self._read(row, tokens[width:].tolist(), seconds) for row, tokens in zip(rows, out, strict=True)]

    def _read(self, prompt: Sequence[int], tokens: list[int], seconds: float) -> Reply:
        ends = {self.tokenizer.eos_token_id, *_as_list(self.model.generation_config.eos_token_id)} - {None}
        end = next((i for i, token in enumerate(tokens) if token in ends), None)
        spent: dict[str, Any] = {"prompt_tokens": len(prompt), "attempts": 1, "seconds": seconds}
        spent["completion_tokens"] = len(tokens) if end is None else end + 1
        if end is None and seconds >= self.deadline:
            return Reply(None, Cause.TIMEOUT, f"no verdict within {self.deadline:g} s", **spent)
        if end is None and len(tokens) >= self.max_tokens:
            problem = "the judge's answer was cut at max_tokens"
            return Reply(None, Cause.ABSTAIN, problem, **spent)
        text = self.tokenizer.decode(tokens[:end], skip_special_tokens=True)
        return Reply(text, **spent)

    def _encode(self, question: Question) -> list[int]:
        if getattr(self.tokenizer, "chat_template", None):
            text = self.tokenizer.apply_chat_template(question.chat(), tokenize=False, add_generation_prompt=True)
        else:
            text = "\n\n".join(content for _, content in question.messages) + "\n\n"
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
