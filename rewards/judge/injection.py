"""Does a text address its judge? Patterns that flag it; the flag is evidence, the fence is the defence."""

from __future__ import annotations

import re
import unicodedata

_WORD = r"(?:judge|grader|evaluator|assessor|reviewer|examiner|marker|grading (?:model|system|assistant))"
_HIGH = r"(?:full|maximum|max|highest|top|perfect|best(?: possible)?|ten|\d+)"
_PATTERNS = {
    "override": (
        r"\b(?:ignore|disregard|forget|override|bypass|skip)\b[^.\n]{0,40}\b(?:instructions?|prompts?|rules|rubric|"
        r"criteria|guidelines|reference|gold|directions|the above|everything above|all (?:of )?(?:that|this))\b|"
        r"\b(?:new|updated|revised|real|actual) (?:instructions?|task|rules|system prompt|rubric|gold)\b\s*[:\-]|"
        r"\b(?:system|developer|admin(?:istrator)?) (?:override|message|note|prompt|instruction)|"
        r"\b(?:previous|prior|earlier) instructions? (?:are|is|were|no longer)\b"
    ),
    "addressed": (
        rf"\b(?:dear|hey|hello|hi|attention|note (?:to|for)|message (?:to|for)|instructions? (?:to|for))[,:]?\s+"
        rf"(?:the |all |any |my )?(?:\w+ )?{_WORD}s?\b|"
        rf"\byou(?: are|'re| act as)(?: now)? (?:an? |the |my )?(?:\w+ ){{0,2}}{_WORD}\b|"
        rf"\b(?:as|to) (?:an? |the )(?:\w+ )?{_WORD}\b[^.\n]{{0,20}}\b(?:you|must|should|please)\b|"
        rf"(?:^|\n)\W*{_WORD}s?\s*[:,]"
    ),
    "dictated": (
        r"[\"'](?:verdict|grade|score|canary|correct|winner|is_correct)[\"']\s*:|"
        r"<\s*/?\s*(?:verdict|grade|score|judgement|judgment)\s*>|"
        r"\[\[\s*(?:[AB]|correct|\d+)\s*\]\]|"
        r"\b(?:final )?(?:verdict|judge?ment|grade|grading|score|rating)\s*(?:is|=|:|->)\s*[\"'`*]*(?:correct|"
        r"right|true|pass|accept|win|10|100|full|A\b|5/5|yes)|"
        r"\b(?:mark|grade|score|rate|judge|label|evaluate|consider|treat|accept|count|declare) (?:this|it|my|that|"
        r"the (?:answer|submission|response|solution|completion|student))(?: \w+){0,3} "
        r"(?:as )?(?:fully |entirely |completely |absolutely )?(?:correct|right|true|valid|"
        r"a pass|perfect|passing|accepted|the winner|better|full)|"
        rf"\b(?:give|award|assign|grant|deserves?|deserving|merits?|return|output)\b[^.\n]{{0,40}}\b{_HIGH}\s*"
        r"(?:marks?|scores?|points?|credit|rating|grade|stars|out of|/\s*\d+)|"
        r"\b(?:output|respond|reply|answer|return|print|write|say)\b(?: with)?(?: only)?(?: the (?:word|verdict|json))?"
        r"\s*[:\-]?\s*[\"'`{]+\s*(?:correct|verdict|yes|true|a\b|10|pass)|"
        r"\b(?:choose|pick|prefer|select|vote for)\b[^.\n]{0,20}\b(?:this (?:answer|response|one)|"
        r"my (?:answer|response)|(?:answer|response|assistant) [AB]\b)|"
        r"\b(?:verified|confirmed|approved|certified|pre-?graded|already (?:graded|checked|verified))\b[^.\n]{0,40}"
        r"\b(?:by|as)\b[^.\n]{0,30}\b(?:correct|grader|judge|human|teacher|staff|expert|openai|anthropic|administrator)\b"
    ),
    "structure": (
        r"<\|(?:im_start|im_end|system|user|assistant|eot_id|start_header_id|end_header_id|endoftext)\|?>|"
        r"<[｜|](?:User|Assistant|begin|end)|\[/?INST\]|<<\/?SYS>>|<(?:start|end)_of_turn>|</?s>|"
        r"(?:^|\n)\W*(?:system|assistant|developer)\s*:|"
        r"(?:^|\n)#{1,4} *(?:system|instructions?|gold|reference answer|rubric|verdict|task)\b|"
        r"\b(?:end|begin|start) of (?:the )?(?:completion|response|answer|data|quote|student|submission|untrusted)\b|"
        r"<{3,}|>{3,}.{0,30}(?:end|data|fence)|-{3,} ?(?:end|begin)\b|</?(?:completion|submission|student_answer|data)>"
    ),
    "chinese": (
        r"(?:忽略|无视|忘记|不要理会|跳过)[^。\n]{0,16}(?:指令|指示|要求|规则|提示|标准|内容|说明|答案)|"
        r"(?:判为|判定为|评为|评定为|打|给予?|给出|记为|算作|视为|标为|标记为)[^。\n]{0,8}(?:满分|最高分|正确|通过|\d+分)|"
        r"(?:裁判|评委|评分员|阅卷|评审|判题|评判)[^。\n]{0,8}(?:请|注意|你|您|老师|者)|"
        r"(?:请|你)[^。\n]{0,8}(?:输出|回答|返回)[^。\n]{0,10}(?:正确|满分|verdict|correct)"
    ),
}
_COMPILED = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _PATTERNS.items()}
_LOOKALIKES = str.maketrans("АВЕКМНОРСТХаеорсухіѕԁ", "ABEKMHOPCTXaeopcyxisd")
_LIMIT = 100_000


def injections(text: str) -> dict[str, str]:
    """Kind → the words that look like an address to the judge; empty where nothing does.

    Read after compatibility normalisation (NFKC), without invisible characters, with Cyrillic look-alikes as Latin.
    The first and last 50,000 characters are read. Kinds: ``override``, ``addressed``, ``dictated``, ``structure``,
    ``chinese``.
    """
    if len(text) > _LIMIT:
        text = text[: _LIMIT // 2] + "\n" + text[-_LIMIT // 2 :]
    plain = plain_text(text)
    found = {name: pattern.search(plain) for name, pattern in _COMPILED.items()}
    return {name: match[0].strip()[:120] for name, match in found.items() if match is not None}


def plain_text(text: str) -> str:
    """The text as a reader sees it: NFKC, without format characters, look-alike letters as Latin."""
    normal = unicodedata.normalize("NFKC", text)
    return "".join(c for c in normal if unicodedata.category(c) != "Cf").translate(_LOOKALIKES)
