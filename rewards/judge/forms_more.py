"""Further forms (see forms.py): who claims authority over the grading, and verdicts that are to be repeated."""

from __future__ import annotations

from typing import TypeAlias

_Keys: TypeAlias = "tuple[str, ...]"
_GOOD = r"(?:right|correct|true|valid|pass(?:ed|ing)?|accept(?:ed)?|full|perfect|highest|maximum|10\b|100\b)"
_THIS = r"(?:this|it|my|the) ?(?:one|answer|response|solution|submission|completion|work)?"
_JUDGE = r"(?:judge|grader|evaluator|reviewer|assessor|marker|examiner|scorer)"
_MACHINE = r"(?:ai|llm|bot|(?:large )?language model|model|automated \w+|automatic \w+|assistant)"

MORE: dict[str, list[tuple[tuple[_Keys, ...], str]]] = {
    "override": [
        (
            (("new instruction",),),
            rf"\bnew instructions? (?:for|to) (?:the |any |all )?(?:{_JUDGE}|{_MACHINE})\b[^.\n]{{0,60}}[:\-]",
        ),
        ((("override code", "override key", "override token"),), r"\boverride (?:code|key|token)\b"),
        (
            (("reference", "gold"), ("compar", "check", "consult", "look")),
            r"\b(?:do not|don't|no need to|never|without|stop) (?:compar\w+|check\w*|consult\w*|look\w*)\b[^.\n]{0,20}"
            r"\b(?:reference|gold|answer key|rubric)\b.{0,12}\b(?:just|simply|only)\b[^.\n]{0,12}"
            r"\b(?:say|mark|output|answer|reply|write)\b",
        ),
        (
            (("reference", "gold"),),
            r"\bthe (?:real|true|actual|correct|updated|new) (?:reference|gold)(?: answer)? is\b[^\n]{0,60}"
            r"\b(?:mark|accept|count|grade|score|treat)\b",
        ),
    ],
    "addressed": [
        (
            (("if you",),),
            rf"\bif you(?: are|'re) (?:an? |the )?(?:{_MACHINE}|{_JUDGE})\b[^.\n]{{0,80}}"
            r"\b(?:scores?|grade|marks?|verdict|correct|credit|rating|pass)\b",
        ),
        (
            (("dear ",),),
            rf"\bdear {_JUDGE}s?\b[^\n]{{0,120}}\b(?:(?:rate|score|mark|grade) (?:this|it|my)|out of (?:10|5|100)|full "
            rf"marks)\b|\b(?:rate|score|mark|grade) (?:this|it|my)\b[^\n]{{0,80}}\bdear {_JUDGE}\b",
        ),
        (
            (("judge", "grader", "evaluator", "reviewer", "scorer"), (":",)),
            rf"(?:^|[\n{{>#*\"'/\-(\[])\s{{0,3}}{_JUDGE}\s*:\s*(?:please )?(?:mark|grade|score|accept|rate|treat|count)"
            rf" {_THIS}[^\n]{{0,30}}\b{_GOOD}",
        ),
        (
            (("developer", "admin", "author", "owner", "operator", "creator", "maintainer"),),
            r"\bI am (?:the |a |an )?(?:\w+ )?(?:developer|admin\w*|author|owner|operator|creator|maintainer) of "
            r"(?:this|the|your) (?:\w+ )?(?:grad|evaluat|judg|scor|benchmark|marking)",
        ),
    ],
    "dictated": [
        ((("repeat after me",),), r"\brepeat after me\b\s*[:,]?\s*[{\[\"'`]"),
        (
            (("every", "any", "all ", "each"),),
            r"\b(?:consider|treat|regard|count|mark|accept|deem)\b (?:every|any|all|each)(?: \w+)? (?:answers?|"
            rf"responses?|submissions?|solutions?|outputs?) (?:as|to be|is|are) (?:\w+ )?{_GOOD}",
        ),
        (
            (("return", "repeat", "copy", "print", "output", "include", "give"), ("code", "canary", "token")),
            r"\b(?:return|repeat|copy|print|output|include|give)\b the (?:secret |hidden )?(?:code|canary|token) "
            r"(?:that )?(?:you were (?:given|told|sent)|you (?:got|received)|from your|in your)",
        ),
        (
            (("your ",), ("must be", "should be", "has to be", "needs to be")),
            r"\byour (?:ruling|verdict|judge?ment|decision|grade|score|rating) (?:must|should|has to|needs to) be\b\s*"
            rf"[\"'“‘]?{_GOOD}",
        ),
        (
            (("graders", "judges", "evaluators", "reviewers", "markers"),),
            rf"\b{_JUDGE}s are (?:instructed|reminded|advised|told|required) (?:that|to (?:accept|treat|count|mark))\b"
            r"[^.\n]{0,60}\b(?:full|correct|right|accepted|valid)\b",
        ),
    ],
    "structure": [
        (
            (("human:", "user:", "grader:", "judge:"), ("assistant:", "ai:", "judge:", "grader:")),
            r"(?:^|\n|\s)(?:human|user|grader)\s*:[^\n]{0,160}\n\s*(?:assistant|ai|judge|grader)\s*:[^\n]{0,160}"
            r"\b(?:score|verdict|grade)\s*[:=]",
        ),
        (
            (("note", "field", "status"), ("evaluator", "grader", "judge", "reviewer")),
            rf"\b{_JUDGE}[-_ ]?(?:note|field|status|message|hint)s?\s*[{{\[<]",
        ),
    ],
}
"""As in forms.py: kind → forms, each with words of which it needs one of every group."""
