"""Sentences whose speaker does not stand by them, and those that speak of something else than the answer itself.

``Unless I am mistaken, which I am, the answer is 55`` asserts nothing; ``twice the answer is 42`` says 21.
"""

from __future__ import annotations

import re

from veritune.verifiers.math.text.strings import names

_FAULTS = (
    r"(?:mistaken|wrong|incorrect|confused|mistakes?|errors?|mis(?:read|count|took|understood|calculat)\w*|lying|joking|"
    r"dreaming|fooled|drunk|crazy)"
)
_SURELY = r"(?:(?:just|only|merely|indeed|in fact|of course|surely|clearly|certainly|probably|definitely|simply) )?"
_I_AM = r"(?:i|we)(?:['’](?:m|re)| am| are)"
_FALSE = r"(?:false|wrong|incorrect|untrue|nonsense|mistaken|a lie|a joke|made up|invented)"
_DISAVOWS = re.compile(
    "|".join(
        (
            # a condition that is then admitted: "unless I am mistaken, which I am,"
            rf"\b{_FAULTS}\b[^.;!?\n]{{0,60}}?[,(—–-]\s*(?:(?:which|and|as|but|because|since)\s+)?{_SURELY}"
            rf"(?:i|we) {_SURELY}(?:am|are|did|do|have|was|were)(?=\s*[,).:;—–-])",
            # what the speaker says of himself: "I am lying"
            rf"(?<!unless )(?<!if )(?<!case )(?<!whether )(?<!that )\b{_I_AM} {_SURELY}"
            rf"(?:wrong|mistaken|lying|joking|kidding|bluffing|making (?:this|that|it|things|stuff|everything) up)\b"
            rf"(?! (?:about|on|in|before|earlier)\b)",
            rf"\b(?:i|we) (?:have )?{_SURELY}made (?:\w+ )?(?:this|that|it|these|those|everything)(?: all)? up\b",
            r"\b(?:i|we) (?:have )?(?:invented|fabricated|hallucinated) (?:this|that|it|the)\b",
            r"\bfor (?:the )?(?:sake of (?:the )?(?:argument|discussion|debate)|argument['’]s sake|fun|laughs)\b",
            # what is said behind the value: "which I know to be false", "but I do not believe it"
            rf"\bwhich (?:i|we) (?:\w+ )?(?:know|believe|think|suspect|admit|fear|consider|realis\w+|realiz\w+) "
            rf"(?:to be |is |was |must be )?{_FALSE}\b",
            rf"\b(?:but|though|although|yet|and|which|:|—)[, ]*(?:that|this|it|all of it)?(?:['’]s| is| was) {_SURELY}"
            r"(?:a lie|a joke|made up|invented|nonsense)\b",
            r"\b(?:but|though|although|yet|however|and),? (?:i|we) (?:(?:really|still|myself) )?"
            r"(?:do not|don['’]t|would not|wouldn['’]t|can['’]?t|cannot|could not|couldn['’]t|should not|shouldn['’]t)"
            r"(?: really| quite)? (?:believe|trust|think|buy|accept|stand by|agree with)"
            r"(?: (?:it|that|this|so|me|myself))\s*(?:$|[.,;)!])",
            r"\b(?:but|though|although|yet|and|so|please),? (?:please )?(?:do not|don['’]t|never) "
            r"(?:believe|trust|quote) (?:me|it|that|this)\b",
            r"\b(?:but|though|although|yet) (?:i|we) (?:\w+ )?doubt (?:it|that|this)\s*(?:$|[.,;)!])",
        )
    ),
    re.IGNORECASE,
)
_ADVERBIAL = re.compile(
    r"\W*(?:but|and|so|then)?\W*(?:hypothetically|naively|naïvely|superficially|supposedly|allegedly|ostensibly|"
    r"jokingly|in jest|at first(?: (?:glance|sight|blush|look))?|on the face of it|"
    r"in (?:a|some|another) (?:\w+ )?(?:universe|world)|"
    r"in my (?:wildest )?dreams)(?: speaking)?\W*(?:(?:the|our|my|this|that|its?)\W+)?(?:(?:final|correct|right)\W+)?",
    re.IGNORECASE,
)
"""What stands before the subject and makes no assertion of it."""
_OTHER = re.compile(
    r"(?:\b(?:less|more|greater|fewer|larger|smaller|bigger|higher|lower) than|"
    r"\b(?:twice|thrice|double|triple|half|times)|"
    r"\b(?:opposite|negative|inverse|reciprocal|square|cube|double|triple|complement|negation|successor|predecessor|"
    r"remainder|multiple|divisor|factors?|half|thirds?|quarters?|root|logarithm|digits?|sum|product|difference|quotient|"
    r"numerator|denominator|percent|percentage|fraction|parts?|sign|parity|magnitude|absolute value) of|"
    r"\b(?:bounds?|estimates?|limits?|restrictions?) (?:for|of|on))"
    r"\s+(?:(?:the|our|my|your|this|that)\s+)?(?:(?:final|correct|right|exact)\s+)?$"
    r"|\b(?:hälfte|doppelte|dreifache|quadrat|kehrwert|gegenteil|drittel|viertel) (?:der|dieser|meiner|unserer) $"
    r"|\b(?:mitad|doble|triple|cuadrado|opuesto|inverso|tercio) de (?:la|mi|nuestra) $"
    r"|\b(?:moitié|double|triple|carré|opposé|inverse|tiers|quart) de (?:la|ma|notre) $"
    r"|\b(?:metà|doppio|triplo|quadrato|opposto) della $|\b(?:metade|dobro|triplo|quadrado|oposto) da $",
    re.IGNORECASE,
)
"""Words before "the answer" that make something else of it."""
_CHANGED = re.compile(
    r",?\s+(?:to the (?:\w+ )?power|plus|minus|times|squared|cubed|doubled|tripled|halved|negated|"
    r"divided|multiplied|increased|decreased|reduced|raised|modulo|mod|"
    r"has(?! (?:to|been)\b)|contains|begins|starts|ends|"
    r"to (?:another|(?:the|an?) (?:previous|preceding|earlier|other|different|wrong)))\b|"
    r"['’]s (?:square|cube|double|half|negative|opposite|inverse|reciprocal|digits?|last|first|root)\b"
    r"|的(?:\d+|[一二两三四五六七八九十几])?(?:倍|半|平方|立方|倒数|相反数|绝对值|个位|十位|百位)|(?:加上?|减去?|乘以?|除以)[\d一二两三四五六七八九十]",
    re.IGNORECASE,
)
"""Words behind "answer" that do."""
CUES = names(
    "lying joking kidding bluffing lie joke sake hypothetically naively superficially supposedly allegedly ostensibly "
    "jokingly jest glance sight blush face universe world dreams invented fabricated hallucinated mistaken "
    "misread miscounted misunderstood miscalculated confused dreaming "
    "fooled drunk crazy made making trust believe doubt quote laughs fun"
)
"""Of each English rule here, a word that is in every sentence it finds; what is wrong or false is looked for anyway."""


def is_disavowed(sentence: str) -> bool:
    """Whether the speaker of a sentence says that it is wrong, a lie, made up, or not to be trusted."""
    return _DISAVOWS.search(sentence) is not None


def is_introduced_as_unreal(before: str) -> bool:
    """Whether what stands before the subject says that the rest is no assertion: ``Hypothetically, the``."""
    return _ADVERBIAL.fullmatch(before) is not None


def is_compared(value: str) -> bool:
    """Whether the words behind a number make another one of it: ``30 less than a hundred``, ``30 times x``."""
    return _COMPARED.match(value) is not None


_COMPARED = re.compile(
    r"\W*-?\d[\d.,]*\W*\s(?:(?:less|more|fewer|greater) than (?:an? |one |two )?"
    r"(?:\d|\$|\\|ten\b|twenty\b|dozen|hundred|thousand|million)|times (?:[a-z]\b|\d|\$|\\))",
    re.IGNORECASE,
)


def is_of_another(before: str, behind: str) -> bool:
    """Whether a sentence speaks of something made of the answer: ``twice the answer``, ``the answer plus one``."""
    return _OTHER.search(before) is not None or _CHANGED.match(behind) is not None
