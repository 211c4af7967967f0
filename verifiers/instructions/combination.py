"""IFEval's ``combination:*``, ``startend:*`` and ``punctuation:*``."""

from __future__ import annotations

from veritune.verifiers.instructions.check import Found, instruction

_COMMAS = {",": "comma", "，": "full-width comma", "、": "enumeration comma", "،": "Arabic comma"}
_PAIRS = {'"': '"', "“": "”", "„": "“”", "«": "»"}


@instruction("combination:two_responses")
def two_responses(text: str) -> Found:
    """Two different responses with ``******`` between them."""
    parts = [part.strip() for part in text.split("******")]
    if not all(parts[1:-1]):
        return Found(False, "nothing stands between two rows of asterisks")
    said = [part for part in parts if part]
    if len(said) != 2:
        return Found(False, f"{len(said)} responses")
    return Found(said[0] != said[1], "the two are one" if said[0] == said[1] else "two responses")


@instruction("combination:repeat_prompt")
def repeat_prompt(text: str, *, prompt_to_repeat: str) -> Found:
    """The request word for word (in any case) at the beginning, and an answer behind it."""
    said, wanted = text.strip().lower(), prompt_to_repeat.strip().lower()
    if not said.startswith(wanted):
        return Found(False, "it does not begin with the request")
    answered = any(letter.isalnum() for letter in said[len(wanted) :])
    return Found(answered, "the request and an answer" if answered else "nothing follows the request")


@instruction("startend:end_checker")
def end_checker(text: str, *, end_phrase: str) -> Found:
    """The phrase (in any case) is the end; a closing quotation mark may follow."""
    end = text.strip().strip('"').lower()
    return Found(end.endswith(end_phrase.strip().lower()), f"it ends in {end[-60:]!r}")


@instruction("startend:quotation")
def quotation(text: str) -> Found:
    """The whole text, and there is one, stands in double quotation marks."""
    bare = text.strip()
    closed = len(bare) > 1 and bare[-1] in _PAIRS.get(bare[0], "")
    return Found(closed and bool(bare[1:-1].strip()), f"it begins {bare[:1]!r} and ends {bare[-1:]!r}")


@instruction("punctuation:no_comma")
def no_comma(text: str) -> Found:
    """No comma, of any script."""
    said = next((name for comma, name in _COMMAS.items() if comma in text), None)
    return Found(said is None, f"there is a {said}" if said else "no comma")
