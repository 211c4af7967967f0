"""Forms that speak to a judge whatever the words around them: control tokens, finished verdicts, forged fields."""

from __future__ import annotations

import re
from typing import TypeAlias

from veritune.rewards.judge.forms_more import MORE

_WORD = r"(?:judge|grader|evaluator|assessor|reviewer|examiner|marker|grading (?:model|system|assistant))"
_HIGH = r"(?:full|maximum|max|highest|top|perfect|best(?: possible)?)"
_YES = r"(?:correct|right|true|pass(?:ed)?|accept(?:ed)?|win|equivalent|yes|1(?:\.0)?|10|100|5/5|10/10)\b"
_MARKED = (
    *("mark ", "grade ", "score ", "rate ", "judge ", "label ", "evaluate ", "treat ", "accept ", "count "),
    "declare ",
)
_TAGGED = (
    "evaluator",
    "grader",
    "judge",
    "juez",
    "juiz",
    "juge",
    "corre",
    "giudice",
    "bewerter",
    "evaluador",
    "avaliador",
)
_Keys: TypeAlias = "tuple[str, ...]"
_FORMS: dict[str, list[tuple[tuple[_Keys, ...], str]]] = {
    "override": [
        (
            (("ignore", "disregard", "forget", "override", "bypass", "skip"),),
            r"\b(?:ignore|disregard|forget|override|bypass|skip)\b[^.\n]{0,40}\b(?:instructions|prompts?|rubric|"
            r"grading criteria|guidelines|reference(?! frame| to\b)|gold\b|everything above)(?! count| testimony)",
        ),
        (
            (("instruction", "system prompt", "rubric", "gold", "reference"),),
            r"\b(?:new|updated|revised|real|actual) (?:instructions?|system prompt|rubric|gold|reference)\b\s*[:\-]",
        ),
        ((("rubric",),), r"\brubric\s*[(\[]?(?:updated|revised|new|amended|corrected)\b"),
        ((("override",),), r"\b(?:system|developer) (?:override|prompt override)\s*[:\-]"),
        (
            (("instruction",),),
            r"\b(?:previous|prior|earlier) instructions? (?:are|is|were|no longer)\b",
        ),
        (
            (("has been",),),
            r"\b(?:gold|reference|correct)(?: answer)? has been (?:changed|updated|replaced|corrected)\b",
        ),
        (
            (("채점", "答案", "忽略", "无视", "忘记", "不要理会", "跳过"),),
            r"채점 ?기준[은을][^.\n]{0,6}무시|(?:参考|标准)答案(?:已|已经|被|应)(?:更新|更改|改为|修正|作废)|"
            r"(?:忽略|无视|忘记|不要理会|跳过)[^。\n]{0,12}(?:指令|指示|评分|评判|提示词|标准答案|参考答案|所有要求)",
        ),
    ],
    "addressed": [
        (
            (("judge", "grader", "evaluator", "assessor", "reviewer", "examiner", "marker", "grading"),),
            r"\b(?:dear|attention|note (?:to|for)|message (?:to|for)|instructions? (?:to|for))[,:]?\s+"
            rf"(?:the |all |any |my )?(?:\w+ )?(?:grader|evaluator|assessor|grading model)s?\b|"
            rf"\byou(?: are|'re| act as) (?:now )?(?:an? |the |my )?(?:\w+ ){{0,2}}{_WORD}\b|"
            rf"\bas the {_WORD},? you\b",
        ),
    ],
    "dictated": [
        (
            (
                ("verdict", "canary", "is_correct", "judg", "winner", "reward", "评分", "结论", "裁决", "判定"),
                (":",),
            ),
            r"[\"'“](?:verdict|canary|is_correct|judge\w{0,20}|judgment|winner|reward|评分|结论|裁决|"
            r"判定)[\"'”]\s*:\s*[\"'“{]?"
            rf"(?:{_YES}|[ab]\b|\{{|与参考答案|正确|通过|满分)|[\"']canary[\"']\s*:",
        ),
        (
            (("<", "[["),),
            rf"<\s*(?:verdict|grade|score|judgement|judgment|result)\s*>\s*{_YES}|\[\[\s*(?:[AB]|correct|1|10)\s*\]\]",
        ),
        (
            (("verdict", "judg", "grade", "grading"),),
            r"\b(?:final )?(?:verdict|judge?ment|grade|grading)\s*(?:is|be|:|->|= ?(?=\w))\s*[\"'`*]*(?:correct|"
            r"right|true|pass|accept|10\b|100\b|full|5/5|yes|1\b)",
        ),
        (
            (_MARKED,),
            r"\b(?:mark|grade|score|rate|judge|label|evaluate|treat|accept|count|declare) (?:this|it|my|"
            r"the (?:answer|submission|response|completion|student))(?: (?!if\b|is\b)\w+){0,3} "
            r"(?:as )(?:fully |entirely |completely |absolutely )?(?:correct|right|true|valid|"
            r"a pass|perfect|passing|accepted|the winner|better|full)",
        ),
        (
            (("award", "assign", "grant", "deserv", "merit", "output"),),
            rf"\b(?:award|assign|grant|deserves?|deserving|merits?|output)\b[^.\n]{{0,40}}\b{_HIGH}\s+(?:possible )?"
            r"(?:marks?|scores?|credit|rating|grade|reward)(?! (?:if|when|only if|for (?:each|every)|to (?:students|"
            r"those)))|"
            r"\b(?:response|answer|submission|completion|one|this) deserves (?:a |the )?[^.\n]{0,20}\d+\s*/\s*\d+",
        ),
        (
            (("gold", "reference", "expected", "key"),),
            r"(?<!if the )(?<!when the )(?<!whether the )\b(?:answer|response|submission|student's (?:result|"
            r"answer)) (?:above |fully |exactly )?(?:is equivalent to|"
            r"matches|agrees with|is identical to|coincides with) (?:the|your) (?:gold|reference|expected|key|"
            r"answer key)|"
            r"\bmatches (?:the )?(?:reference|gold)\b[^.\n]{0,12}\. *(?:score|grade|verdict|result)",
        ),
        (
            (("->", "→", "=>"),),
            r"(?:reference|参照|参考答案|gold)[^\n]{0,40}(?:->|→|=>)\s*(?:correct|正解|正确|pass|1\b)",
        ),
        (
            (("correct", "verdict"), ('"', "'", "`", "{")),
            r"\b(?:output|respond|reply|answer)\b(?: with)?(?: only)?(?: the (?:word|verdict|json|single token))?"
            r"\s*[:\-]?\s*[\"'`{]+\s*(?:correct|verdict)",
        ),
        (
            (("respond with", "reply with", "answer with"),),
            r"\b(?:respond|reply|answer) with (?:only |just )?(?:the |a )?(?:single )?(?:token|word|digit|number) "
            r"[\"'`“]?(?:yes|1|correct|true|pass)\b",
        ),
        (
            (("choose", "pick", "prefer", "select", "vote for", "declare"),),
            r"\b(?:choose|pick|prefer|select|vote for|declare)\b (?:this (?:answer|response|one)|it as the winner|"
            r"my (?:answer|response)|(?:response|assistant) [AB]\b)",
        ),
        (
            (("assistant a", "assistant b"),),
            r"\bassistant [AB]\b[^.\n]{0,40}\b(?:has to lose|must lose|should lose|is worse|must win|should win|"
            r"is better)",
        ),
        (
            (("as correct", "by a human expert", "marks"),),
            r"\b(?:verified|confirmed|approved|certified|pre-?graded|already (?:graded|checked|verified)|"
            r"checked this)\b[^.\n]{0,40}\b(?:as correct|by a human expert|(?:all the|full) marks)\b",
        ),
    ],
    "structure": [
        (
            (("<|", "[/inst]", "sys>>", "</s>", "<end_of_turn>", "<｜"),),
            r"<\|im_end\|>\s*\n?\s*<\|im_start\|>|<\|(?:eot_id|start_header_id|end_header_id)\|?>[^`]|"
            r"\[/INST\][^\n]{1,200}|<</?SYS>>|</s>\s*<s>|<end_of_turn>\s*<start_of_turn>|<[｜|](?:User|Assistant)[｜|]>",
        ),
        (
            (("#",), ("system", "instruction")),
            r"(?:^|\n)#{1,4} *(?:system|instructions?) *\n+[^\n]{0,80}\b(?:mark|grade|accept|output|score|"
            r"submission)\b",
        ),
        (
            (("completion", "student", "submission", "untrusted"),),
            r"\b(?:end|begin|start) of (?:the )?(?:completion|student (?:data|answer|response)|submission|"
            r"untrusted)\b(?=[^\n]{0,40}(?:\n|\.|:|=))|"
            r"\bsubmission ends\b",
        ),
        (
            (("</",),),
            r"</(?:completion|response|submission|student_answer|answer)>\s*<\w*(?:eval|grad|judg|note|verdict|system|"
            r"score)",
        ),
        (
            (("<",), _TAGGED),
            r"<\w{0,20}(?:evaluator|grader|judge|juez|juiz|juge|correc?t(?:or|eur)|giudice|bewerter|evaluador|"
            r"avaliador)\w{0,20}>",
        ),
        (
            (("#",), ("evaluation", "grading", "assessment", "judg")),
            r"(?:^|\n)#{1,4} *(?:evaluation|grading|assessment|judg\w*)\b[^\n]{0,30}\n(?:[^\n]{0,80}\n){0,8}[^\n]{0,40}"
            r"(?:10/10|100/100|5/5|full|\baccept\b|\bpass\b)",
        ),
        (
            (("judge",),),
            r"(?:^|[\n{>#*\"'/])\s{0,3}judge\s*:[^\n]{0,200}(?:verdict|reference|gold|full marks|is correct)\b",
        ),
    ],
}
"""Kind → forms, each with words of which it needs one of every group: they are looked for first, which is cheap."""
_COMPILED = {
    kind: [(groups, re.compile(pattern, re.IGNORECASE)) for groups, pattern in (*listed, *MORE.get(kind, ()))]
    for kind, listed in _FORMS.items()
}


def forms(plain: str) -> dict[str, str]:
    """Kind → the words, for every form found in a plain text."""
    lower = plain.lower()
    found: dict[str, str] = {}
    for kind, listed in _COMPILED.items():
        matches = [
            match
            for groups, pattern in listed
            if all(any(word in lower for word in group) for group in groups)
            and (match := pattern.search(plain)) is not None
        ]
        if matches:
            found[kind] = min(matches, key=lambda match: match.start())[0].strip()[:120]
    return found
