"""What a completion copies from its prompt: an example answer that is repeated is no answer."""

from __future__ import annotations

import re

from veritune.verifiers.math.text.strings import names

_SENTENCE = re.compile(r"[^.!?。！？\n]*(?:\.(?=\d)[^.!?。！？\n]*)*(?:[.!?。！？]+|\n|\Z)")
_MARK = re.compile(r"\\(?:boxed|fbox)|answer|####|答案|respuesta|réponse|antwort|ответ|jibu", re.IGNORECASE)
_ORDINARY = names("the final answer is so therefore thus hence correct my our a an of to be solution final:")
_EXAMPLE = names("example e.g eg instance like such as form format put write place inside within 例如 比如")
_SHORTEST = 3
"""Words beside the mark that make a sentence somebody's own."""


def without_echo(text: str, prompt: str) -> str:
    """`text` without the sentences with a mark in them that stand in the prompt word for word.

    The question itself, given back, is no answer either. The sentence every answer ends in ("The answer is 8.") is
    nobody's own: it goes only where the completion as a whole is in the prompt. What introduces the copy ("You
    asked: …") does not make it an answer.
    """
    flat = _flat(prompt)
    body = _flat(text)
    if body and body.strip(" .") in flat and (_MARK.search(body) or _is_the_question(body, flat)):
        return ""
    if not _MARK.search(prompt):
        return text
    out: list[str] = []
    for found in _SENTENCE.finditer(text):
        sentence = _flat(found[0])
        if not any(_is_copied(part, flat) for part in (sentence, sentence.partition(": ")[2])):
            out.append(found[0])
    return "".join(out)


def _is_the_question(body: str, prompt: str) -> bool:
    """Whether what stands in the prompt is most of it: "Evaluate $2^3$." is equal to its answer, and is none."""
    return 2 * len(body) > len(prompt) and " " in body


def _is_copied(sentence: str, prompt: str) -> bool:
    return _MARK.search(sentence) is not None and sentence.strip(" .") in prompt and has_own_words(sentence)


def has_own_words(sentence: str) -> bool:
    """Whether a text says more than what every answer says, or calls itself an example."""
    words = [w for w in re.findall(r"[^\W\d_]+", re.sub(r"\\[a-z]+", " ", sentence.lower())) if w not in _ORDINARY]
    return len(words) >= _SHORTEST or any(w in _EXAMPLE for w in words)


def _flat(text: str) -> str:
    return " ".join(text.split())
