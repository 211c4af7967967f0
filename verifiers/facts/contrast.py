"""What speaks against a named answer: another in its place, a doubt, a correction, how other languages say "not"."""

from __future__ import annotations

import re

MARK = "Qqgoldqq"
"""Stands for the gold in a text that is looked at for what is said of it."""
DENIALS = re.compile(
    r"(?<!\w)(?:niet|geen|nooit|nie|nigdy|değil\w*|không|chẳng|inte|ikke|ikkje|aldrig|ekki|bukan\w*|tidak|není|nejsou|"
    r"neb(?:yl|ude)\w*|nikoliv?|nije|nisu|nem|nincs|ei|eivät|nu\s+(?:este|e|era|a|sunt|mai|au|se)|nuk|nėra|nav|deyil|"
    r"no\s+(?:és|era)|out\s+of\s+the\s+question|rul(?:e|es|ed|ing)\s+(?:it\s+)?out|"
    r"be\s+(?:excluded|eliminated|rejected|dismissed|discarded)|nikdy|nikada|niciodată|sohasem|aldri|chưa|"
    r"koskaan|никогда|"
    r"any(?:where|body|one)\s+but|mhux|nid\s+yw|nid|ez\s+da|ní|hindi\s+(?:ito|si|ang|sa)|siyo|sio|ні|ніколи|биш|емес|"
    r"δεν|όχι|μη|ποτέ|לא|אינ[הום]?|אין|נאך|نیست\w*|نبود\w*|نمی\w*|نہیں)(?!\w)"
    r"|ไม่|নয়|না(?!\w)|இல்லை|அல்ல|కాదు|അല്ല|ಅಲ್ಲ|नाही|होइन|નથી|ਨਹੀਂ|නොවේ|မဟုတ်|មិន|ບໍ່|არ(?!\w)|չէ(?!\w)|አይደለም",
    re.IGNORECASE,
)
"""How languages say "not" beside those that claims are read in."""
_READ = re.compile(
    r"[\u0041-\u024f\u1e00-\u1eff\u0370-\u03ff\u1f00-\u1fff\u0400-\u052f\u0590-\u06ff\u0750-\u077f\u0900-\u09ff\u0a00-"
    r"\u0aff\u0b80-\u0bff\u0c00-\u0d7f\u0d80-\u0eff\u1000-\u109f\u10a0-\u10ff\u0530-\u058f\u1200-\u137f\u1780-\u17ff"
    r"\u1100-\u11ff\u3000-\u9fff\uac00-\ud7ff\uf900-\uffff]"
)
"""Scripts in which some way of saying "not" is known."""
_DOUBT = re.compile(
    r"(?<![\w.])(?!100|99)\d+(?:\.\d+)?\s*(?:%|percent|per cent)\s+(?:\w+\s+)?(?:chance|sure|certain|confident|likely|"
    r"likelihood|probab\w+|odds)|(?<!\w)(?:chances?|probability|likelihood|odds)\s+(?:that|of|it|is|are|0?\.\d+)(?!\w)|"
    r"(?<!\w)(?:first|initial|original|earlier|previous|wild)\s+(?:answer|guess|thought|impression|instinct)(?!\w)|"
    r"(?<!\w)(?:used to be|would(?: have)? expect(?:ed)?|would (?:think|guess)|"
    r"['’]d (?:expect|think|guess))(?!\w)|"
    r"(?<!\w)(?:was|were|am|been|being)\s+told(?=\s+(?:that|it|qqgoldqq))|(?<!\w)(?:i|we)(?:['’]ve|"
    r" have)?\s+(?:heard|read somewhere)(?!\w)|"
    r"(?<!\w)(?:rumou?r\w*|legend has|misconceptions?|myths?|people\s+(?:say|answer|guess|think)|supposedly|"
    r"allegedly|reportedly|purportedly)(?!\w)",
    re.IGNORECASE,
)
_HALVES = re.compile(r";|(?<!\w)(?:but|yet|however|now)(?!\w)|,\s*(?=today\b|then\b|since\b)", re.IGNORECASE)
_NAME = r"(?:the\s+|a\s+)?(?-i:[A-Z])\w+(?!\w)"
_TURN = (
    r"(?:but|yet|however|though|now|actually|instead|today|nowadays|really|in\s+(?:fact|reality|truth)|"
    r"since(?:\s+then)?|then|rather)"
)
_IS = r"(?:it['’]s|it\s+is|it\s+was|is|was|that['’]s|that\s+is|they['’]re|the\s+answer\s+is)"
_RIVAL = re.compile(
    rf"(?<!\w){_TURN},?\s+(?:{_TURN},?\s+)?(?:{_IS}\s+)?(?:{_TURN}\s+)?{_NAME}"
    r"(?!\s+(?:is|was|has|had|are|were|lies)\s+(?!(?:the|correct|right|it|now)\b))"
    rf"|[;.]\s*{_NAME}\s+(?:won|wins|prevailed|did|got it)(?!\w)",
    re.IGNORECASE,
)
"""Behind a gold: another name in its place."""
_LABEL = re.compile(
    r"(?<!\w)(?:option|choice|candidate|possibility|alternative|guess|answer)\s*#?(?:\d+|(?-i:[A-Z]))\s*[:.)=\-–]", re.I
)
_CROSS, _TICK = "❌✗✘✖❎🚫", "✅✓✔☑"
_SIGNS = re.compile(f"[{_CROSS}{_TICK}]")
_ONLY = re.compile(
    r"(?<!\w)(?:(?:can(?:not|['’]?t)|could(?:n['’]t| not)|is(?:n['’]t| not)|was(?:n['’]t| not))\s+(?:\w+\s+){0,2}?"
    r"(?:any(?:thing|one|body|where)?|other)\b\s*(?:else|other)?\s*(?:\w+\s+)?(?:but|except|than)|none\s+other\s+than|"
    r"no(?:thing|body|where|\s+one)\s*(?:else|other)?\s+(?:but|other\s+than|except|than)|no\s+other(?:\s+\w+)?\s+than)"
    rf"(?=\s+(?:the\s+)?{MARK})",
    re.IGNORECASE,
)
"""Two denials that say: this and no other."""
_LOOKING = re.compile(
    r"(?<!\w)if\s+(?:you|we|one)\s+(?:look|check|consult|examine|see|consider|read|search|study|go|think)\b[^.;]{0,120}?"
    r"(?:you|we|one)(?:['’]ll|\s+will|\s+can)?\s+(?:see|find|notice|learn|discover|reali[sz]e|know)\s*(?:that)?",
    re.IGNORECASE,
)
"""Not a supposition: where to look."""
_UNTIL = re.compile(r"(?<!\w)not\s+until\s[^,;.]{1,60}?\s(?=that(?!\w))", re.IGNORECASE)
_OTHER_BEHIND = re.compile(
    rf"({MARK}[^,;.!?\n]{{0,60}}?)"
    r"(?:\s*,?\s+(?:rather than|instead of|as opposed to|in contrast to|unlike)|\s*,\s+(?:and )?not|"
    rf"(?<={MARK} )not)\s+{_NAME}[^,;.!?\n]*",
    re.IGNORECASE,
)
OPPOSED = re.compile(
    r"(?<!\w)(?:as\s+opposed\s+to|in\s+contrast\s+(?:to|with)|in\s+place\s+of|formerly|previously|"
    r"once\s+called|replaced|"
    r"replaces|second\s+to|away\s+from)(?!\w)",
    re.IGNORECASE,
)
"""Before a gold: it is what the answer is not, or no more."""
WRONG = re.compile(
    r"(?<!\w)(?:fout|fel|yanlış|źle|błędn\w+|errado|sbagliato|forkert|feil|väärin|rossz|greșit|λάθος)(?!\w)", re.I
)
_CORRECTS = re.compile(
    r"(?:^|[.!?\n])\W{0,12}(?:actually|wait|correction|however|but|no|sorry|oops|hmm+|scratch that|on second thoughts?|"
    r"in fact|edit|rather|i mean)(?!\w)[^.!?\n]*",
    re.IGNORECASE,
)
_WRONG = re.compile(
    rf"(?<!\w)(?:wrong|incorrect|mistaken|mistake|false|not right|{_IS}\s+{_NAME}|should be)(?!\w)", re.IGNORECASE
)


def plain(marked: str) -> str:
    """The text with double denials, contrasts behind the gold and ways of looking taken out: they assert it."""
    for expression in (_ONLY, _LOOKING, _UNTIL):
        marked = expression.sub(" ", marked)
    return _OTHER_BEHIND.sub(r"\1", marked)


def doubted(sentence: str) -> bool:
    """Whether a sentence gives a chance, a first guess, what once was, or what somebody was told.

    Of ``It used to be Lyon; now it is Paris`` that half counts which has the gold.
    """
    parts = _HALVES.split(sentence)
    return any(_DOUBT.search(part) for part in parts if MARK in part or MARK not in sentence)


def is_one_option(marked: str) -> bool:
    """Whether the gold stands behind one of several labels: ``Option 1: Paris. Option 2: London``."""
    labels = [m.end() for m in _LABEL.finditer(marked)]
    return len(labels) > 1 and any(marked[end:].lstrip(" *_").startswith(MARK) for end in labels)


def crossed_out(sentence: str) -> bool | None:
    """Whether the sign that belongs to the gold is a cross; None where no sign does."""
    signs = list(_SIGNS.finditer(sentence))
    at = sentence.find(MARK)
    if not signs or at < 0:
        return None
    leading = not sentence[: signs[0].start()].strip(" -*•\t")
    near = [m for m in signs if m.start() < at][-1:] if leading else [m for m in signs if m.start() > at][:1]
    return near[0][0] in _CROSS if near else None


def has_cross(text: str) -> bool:
    """Whether a text has a sign that crosses something out."""
    return any(sign in text for sign in _CROSS)


def has_rival(marked: str) -> bool:
    """Whether another name is put in the gold's place behind it: ``… used to be Paris; now it is Lyon``."""
    last = marked.rfind(MARK)
    return any(MARK.lower() not in m[0].lower() for m in _RIVAL.finditer(marked, last + len(MARK)))


def corrected(behind: str) -> bool:
    """Whether what stands behind a marked answer corrects it: ``Actually, London.``, ``However, that is wrong``."""
    for found in _CORRECTS.finditer(behind[:600]):
        said = found[0].strip(" .!?\n")
        if _WRONG.search(said) or (len(said.split()) <= 4 and re.search(rf"\W\s*{_NAME}$", said, re.I)):
            return True
    return False


def is_unread(sentence: str) -> bool:
    """Whether a sentence has letters of a script whose denials nobody wrote down."""
    return any(letter.isalpha() and _READ.match(letter) is None for letter in sentence)
