"""Instruction following: ours beside the public checker of IFEval, type by type, and its speed on one core.

    python -m venv V && V/bin/pip install langdetect nltk immutabledict packaging pluggy pydantic PyYAML
    V/bin/pip install --no-deps lm-eval llama-index-core        # the checker; the sentence model it needs
    PYTHONPATH=src V/bin/python benchmarks/ifeval_agreement.py IFEVAL.jsonl TEXTS.jsonl … [--speed] [--show N]

IFEVAL.jsonl has rows as Google's file (``instruction_id_list``, ``kwargs``, ``prompt``) with a real ``gpt4_response``;
the other files have real texts. Every type is asked, strictly, of its own rows' responses, of as many others, and of
responses that are made to follow it or nearly. A difference is explained where the checker comes to our answer as soon
as what misleads it is taken out of the text (``REPAIRS``); each such kind is counted, and listed in
docs/instructions.md.
"""

from __future__ import annotations

import argparse
import collections
import importlib.metadata
import importlib.util
import json
import platform
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from veritune.verifiers.instructions import InstructionVerifier
from veritune.verifiers.instructions.texts import sentences

Row = Mapping[str, Any]
Repair = Callable[[str, dict[str, Any]], tuple[str, dict[str, Any]]]
ASKED = 300
FEW = 20
"""Letters below which langdetect's guess says nothing."""
_TEXTS = ("gpt4_response", "response", "text", "chosen", "rejected", "completion", "output", "problem")
_LANGUAGES: dict[str, list[str]] = collections.defaultdict(list)
"""Real texts by the language that their file says they are in."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", type=Path)
    parser.add_argument("texts", nargs="*", type=Path)
    parser.add_argument("--show", type=int, default=3, help="unexplained differences to print, for each type")
    parser.add_argument("--speed", action="store_true", help="also score 100,000 responses on one core")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.rows.read_text(encoding="utf-8").splitlines()]
    texts = [text for path in (arguments.rows, *arguments.texts) for text in _real(path)]
    print(_machine())
    print(f"{len(rows)} rows, {len(texts)} real texts")
    _agreement(rows, texts, arguments.show)
    if arguments.speed:
        _speed(rows, texts)


def _real(path: Path) -> Iterator[str]:
    """The answers in a file, without their reasoning."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for key in _TEXTS:
            said = row[key].rpartition("</think>")[2].strip() if isinstance(row.get(key), str) else ""
            if said and "<think>" not in said:
                yield said
                _LANGUAGES[row.get("lang", "")].append(said)


def _machine() -> str:
    packages = ("lm-eval", "nltk", "langdetect")
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    return f"{platform.platform()}, Python {platform.python_version()}; {found}"


# --- the public checker -----------------------------------------------------------------------------------------------


class Checker:
    """lm-eval's copy of IFEval's checker, asked of one instruction. Its own random draws are the same every time."""

    def __init__(self) -> None:
        import langdetect
        import nltk

        spec = importlib.util.find_spec("llama_index.core")
        for place in (spec.submodule_search_locations or []) if spec else []:
            nltk.data.path.insert(0, str(Path(place) / "_static" / "nltk_cache"))
        self.registry = _bare_import("lm_eval.tasks.ifeval.instructions_registry").INSTRUCTION_DICT
        self.seeds = langdetect.DetectorFactory

    def follows(self, name: str, kwargs: Mapping[str, Any], text: str, seed: int = 0) -> bool | str:
        """Its verdict as its own evaluation gives it, or the name of the exception that ends that evaluation."""
        random.seed(seed)
        self.seeds.seed = seed
        try:
            check = self.registry[name](name)
            check.build_description(**{key: value for key, value in kwargs.items() if value})
            return bool(text.strip() and check.check_following(text))
        except (Exception, RecursionError) as error:
            return type(error).__name__


def _bare_import(name: str) -> Any:
    """A module of lm-eval without the rest of that package, which wants torch."""
    import types

    package, folder = "lm_eval", None
    for entry in sys.path:
        if (Path(entry) / package / "tasks" / "ifeval").is_dir():
            folder = Path(entry) / package
    if folder is None:
        sys.exit("lm-eval is not installed: pip install --no-deps lm-eval")
    for part, place in (("lm_eval", folder), ("lm_eval.tasks", folder / "tasks"),
                        ("lm_eval.tasks.ifeval", folder / "tasks" / "ifeval")):  # fmt: skip
        module = types.ModuleType(part)
        module.__path__ = [str(place)]
        sys.modules[part] = module
    return importlib.import_module(name)


# --- questions --------------------------------------------------------------------------------------------------------


def _pairs(name: str, rows: Sequence[Row], texts: Sequence[str], draw: random.Random) -> Iterator[tuple[dict, str]]:
    """Arguments and responses: its own rows', others', and such as are made for it."""
    own = [
        ({k: v for k, v in kwargs.items() if v is not None}, row["gpt4_response"])
        for row in rows
        for asked, kwargs in zip(row["instruction_id_list"], row["kwargs"], strict=True)
        if asked == name
    ]
    yield from own
    for _ in range(ASKED):
        yield draw.choice(own)[0], draw.choice(texts)
    for _ in range(ASKED):
        kwargs = draw.choice(own)[0]
        yield kwargs, made(name, kwargs, draw.choice(texts), draw)


def made(name: str, kwargs: Mapping[str, Any], text: str, draw: random.Random) -> str:
    """A real text made to follow an instruction, or nearly."""
    off = draw.choice((-1, 0, 0, 1))
    parts = [part for part in text.split("\n\n") if part.strip()] or [text]
    kind = name.partition(":")[2]
    if kind == "number_words":
        return " ".join((text.split() * 60)[: max(kwargs["num_words"] * 9 // 10 + draw.randrange(60) - 30, 1)])
    if kind == "number_sentences":
        return " ".join((list(sentences(text)) * 30)[: max(kwargs["num_sentences"] + off, 1)])
    if kind == "number_paragraphs":
        return "\n\n***\n\n".join((parts * 9)[: max(kwargs["num_paragraphs"] + off, 1)])
    if kind == "nth_paragraph_first_word":
        chosen = (parts * 9)[: max(kwargs["num_paragraphs"] + draw.choice((0, 0, 0, off)), 1)]
        at = min(kwargs["nth_paragraph"], len(chosen)) - 1
        chosen[at] = (
            f"{draw.choice(['', '', chr(34)])}{kwargs['first_word'].title()}{draw.choice([' ', ', '])}{chosen[at]}"
        )
        return "\n\n".join(chosen)
    if kind in ("existence", "frequency"):
        words = kwargs.get("keywords") or [kwargs["keyword"]] * max(kwargs["frequency"] + off, 0)
        return " ".join([text, *(draw.choice((word, word.upper(), f"{word}s")) for word in words[: len(words) + off])])
    if kind == "forbidden_words":
        return f"{text} {draw.choice(kwargs['forbidden_words'])}{draw.choice(['', 's', '.', ','])}"
    if kind == "letter_frequency":
        return text[: draw.randrange(10, len(text) + 10)]
    if kind == "number_placeholders":
        return text + " [name]" * max(kwargs["num_placeholders"] + off, 0)
    if kind == "postscript":
        return f"{text}\n\n{draw.choice((kwargs['postscript_marker'], 'P.S.', 'p. s.', 'PS:', 'P.P.S.'))} {parts[-1]}"
    if kind == "number_bullet_lists":
        return f"{parts[0]}\n" + "\n".join(
            draw.choice(("* a", "- b", "* **c**: d")) for _ in range(kwargs["num_bullets"] + off)
        )
    if kind == "constrained_response":
        return draw.choice(("My answer is yes.", "My answer is no. " + parts[0], "**My answer is maybe.**", "Yes."))
    if kind == "number_highlighted_sections":
        return text + " *one* **two three**" * max((kwargs["num_highlights"] + off) // 2, 0)
    if kind == "multiple_sections":
        marks = range(1, max(kwargs["num_sections"] + off, 0) + 1)
        return "\n".join(f"{kwargs['section_spliter']} {n}\n{parts[n % len(parts)]}" for n in marks)
    if kind == "json_format":
        inner = json.dumps({"answer": parts[0], "n": off}, indent=2)
        return draw.choice((inner, f"```json\n{inner}\n```", f"```\n{inner}\n```", f"Here it is: {inner}", inner[:-1]))
    if kind == "title":
        return draw.choice(
            (f"<<{parts[0][:40]}>>\n{text}", f"<<{parts[0].splitlines()[0]}>>", f"<< >>\n{text}", f"<{text}>")
        )
    if kind == "two_responses":
        return draw.choice(("******", "\n******\n", "***", "\n\n******\n\n")).join((parts * 3)[: 2 + abs(off)])
    if kind == "repeat_prompt":
        return draw.choice(("", "", "Sure: ")) + kwargs["prompt_to_repeat"] + f"\n\n{text}"
    if kind == "end_checker":
        return f"{text} {kwargs['end_phrase']}" + draw.choice(("", "", '"', ".", "\n"))
    if kind == "capital_word_frequency":
        words = text.split()
        for _ in range(draw.randrange(2 * kwargs["capital_frequency"] + 2)):
            at = draw.randrange(len(words))
            words[at] = words[at].upper()
        return " ".join(words)
    if kind == "english_capital":
        return text.upper()
    if kind == "english_lowercase":
        return text.lower()
    if kind == "response_language":
        known = _LANGUAGES.get(kwargs["language"]) or [text]
        return draw.choice((draw.choice(known), draw.choice(known), f"{draw.choice(known)}\n\n{parts[0]}"))
    if kind == "quotation":
        return draw.choice((f'"{text}"', f'"{text}', f' "{text}"\n', f"'{text}'"))
    if kind == "no_comma":
        return text.replace(",", draw.choice(("", ";", ",")))
    return text


# --- differences ------------------------------------------------------------------------------------------------------

_SHORT = r"\b(e\.g|i\.e|etc|cf|approx|no|vol|fig|pp|al)\.(?=\W)"
_RULE = re.compile(r"(?m)^[^\S\n]*(?:[-*][^\S\n]*){2,}$|^[^\S\n]*--.*$")
_NUMERAL = re.compile(r"(^|\n)([ \t>*_#]*)(?:\d{1,4}|[A-Za-z]|[ivxIVX]{1,5})[.)](?=[\"'”’»)\]}*_`]*\s)")


def _text(pattern: str, new: str, flags: int = 0) -> Repair:
    return lambda text, kwargs: (re.sub(pattern, new, text, flags=flags), kwargs)


def _once(text: str, kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Every ``SECTION 1`` but the first said in other words."""
    seen: set[str] = set()

    def first(found: re.Match[str]) -> str:
        again = found[1] in seen
        seen.add(found[1])
        return "that part" if again else found[0]

    return re.sub(re.escape(kwargs["section_spliter"].strip()) + r"\s?(\d+)", first, text), kwargs


REPAIRS: dict[str, list[tuple[str, Repair]]] = {
    "length_constraints:number_sentences": [
        ("a list's numeral is a sentence to it", lambda t, k: (_NUMERAL.sub(r"\1\2", t), k)),
        ("it knows no sentence of other scripts", _text(r"([。！？｡।॥؟۔])", r". ")),
        ("e.g., i.e., etc., No. 5 end a sentence to it", _text(_SHORT, r"\1", re.I)),
        ("a full stop in italics or bold ends none to it", _text(r"([.?!])[_*`]+(?=\s)", r"\1")),
        ("an ellipsis ends none to it", _text(r"(?:\.{2,}|…)(?=[\"'”’*_)]*\s)", ".")),
    ],
    "detectable_format:number_highlighted_sections": [
        ("a bold piece counts twice beside a bullet's star", lambda t, k: (
            re.sub(r"\*{2,3}([^\n*]+)\*{2,3}", r"*\1*", re.sub(r"(?m)^[^\S\n]*\*\s+", "- ", t)), k)),
    ],
    "detectable_format:number_bullet_lists": [
        ("a rule, or a line in *…*, is a bullet to it", lambda t, k: (
            re.sub(r"(?m)^[^\S\n]*\*(?=[^\s*][^*\n]*\*(?!\*))", "_", _RULE.sub("", t)), k)),
    ],
    "detectable_format:multiple_sections": [("a section named again counts again", _once)],
    "length_constraints:nth_paragraph_first_word": [
        ("a word with a colon is another word to it", _text(r"(?m)^(\W*\w+)[:;]", r"\1")),
        ("blank lines are paragraphs in its count of the nth", _text(r"\n\s*\n", "\n\n")),
    ],
    "startend:quotation": [("it knows no typographic quotation marks", _text("[“”]", '"'))],
    "punctuation:no_comma": [("commas of other scripts are none to it", _text("[，、،]", ","))],
    "detectable_content:number_placeholders": [("empty brackets are a placeholder to it", _text(r"\[\s*\]", ""))],
}  # fmt: skip
LANGUAGE = ("change_case:english_capital", "change_case:english_lowercase", "language:response_language")


PROBES: list[tuple[str, dict[str, Any], str, bool]] = [
    # what docs/instructions.md says of the checker, one by one: id, arguments, answer, the right verdict
    ("language:response_language", {"language": "de"}, "12 + 30 = 42", False),
    ("change_case:english_capital", {}, "EL TIEMPO ES MUY AGRADABLE HOY Y VAMOS A PASEAR.", False),
    ("length_constraints:number_sentences", {"num_sentences": 4, "relation": "at least"}, "1. One.\n2. Two.", False),
    ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "at least"}, "See e.g. Ann. Go.", False),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}, "今天很好。我们走吧。", True),
    ("punctuation:no_comma", {}, "今天很好，我们走吧。", False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "* **a**: b", False),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}, "a\n---\n* b", True),
    ("detectable_format:multiple_sections", {"section_spliter": "Part", "num_sections": 2}, "Part 1 Part 1", False),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[][]", False),
    ("startend:quotation", {}, '""', False),
    ("startend:quotation", {}, "“quoted”", True),
    ("detectable_format:constrained_response", {}, "My answer is yes. My answer is no.", False),
    ("length_constraints:nth_paragraph_first_word",
     {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "summary"}, "a\n\nSummary: b", True),
    ("length_constraints:nth_paragraph_first_word",
     {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "b"}, "a\n\n\n\nb c", True),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say hi."}, "Say hi.", False),
    ("keywords:existence", {"keywords": ["a.m."]}, "at 9 axmx", False),
    ("keywords:existence", {"keywords": ["f(x)"]}, "so f(x) = 2", True),
    ("keywords:forbidden_words", {"forbidden_words": ["中文"]}, "我说中文吗", False),
    ("keywords:letter_frequency", {"letter": "!", "let_frequency": 3, "let_relation": "at least"}, "a! b! c!", True),
    ("detectable_format:json_format", {}, "[NaN]", False),
]  # fmt: skip


def _probes(checker: Checker, ours: InstructionVerifier) -> None:
    print("\nits faults one by one: right, ours, its verdict (as it draws: of eight draws)")
    for name, kwargs, text, right in PROBES:
        said = ours.verify_columns(text, [name], [kwargs]).correct
        draws = {str(checker.follows(name, kwargs, text, seed)) for seed in range(8)}
        print(f"{right!s:6} {said!s:6} {'/'.join(sorted(draws)):12} {name} {kwargs or ''} {text!r}")


def _explained(checker: Checker, name: str, kwargs: dict[str, Any], text: str, ours: bool) -> str | None:
    theirs = checker.follows(name, kwargs, text)
    if isinstance(theirs, str):
        return f"it raises {theirs}"
    if name in LANGUAGE:
        if len({checker.follows(name, kwargs, text, seed) for seed in range(8)}) > 1:
            return "its guess of the language changes from one draw to the next"
        if name == "change_case:english_capital" and checker.follows(LANGUAGE[1], kwargs, text.lower()) == ours:
            return "it mishears capitals, and not the same words in small letters"
        if not ours and not all(checker.follows(name, kwargs, part) for part in text.split("\n\n") if part.strip()):
            return "of a mixed text it hears one language"
        if sum(map(str.isalpha, text)) < FEW:
            return "it guesses the language of fewer than 20 letters (of none: any)"
    so_far = (text, kwargs)
    for kind, repair in REPAIRS.get(name, []):
        if checker.follows(name, *reversed(repair(text, kwargs))) == ours:
            return kind
        so_far = repair(*so_far)
        if checker.follows(name, *reversed(so_far)) == ours:
            return "several of these at once"
    return None


def _agreement(rows: Sequence[Row], texts: Sequence[str], show: int) -> None:
    checker, ours = Checker(), InstructionVerifier()
    draw = random.Random(19)
    names = sorted({name for row in rows for name in row["instruction_id_list"]})
    kinds: dict[tuple[str, str], int] = collections.Counter()
    total, same_total, open_total = 0, 0, 0
    shown: list[str] = []
    print(f"\n{'type':46} {'asked':>6} {'followed':>9} {'same':>6} {'its fault':>10} {'open':>5}  the rest agrees")
    for name in names:
        asked = same = theirs_fault = followed = 0
        unexplained = []
        for kwargs, text in _pairs(name, rows, texts, draw):
            verdict = ours.verify_columns(text, [name], [kwargs])
            said = verdict.correct
            public = checker.follows(name, kwargs, text)
            asked += 1
            followed += said is True
            if said == public:
                same += 1
                continue
            kind = None if said is None else _explained(checker, name, kwargs, text, said)
            if kind is not None:
                theirs_fault += 1
                kinds[name, kind] += 1
            else:
                unexplained.append((kwargs, text, said, verdict.reason))
        compared = asked - theirs_fault
        print(
            f"{name:46} {asked:6} {followed:9} {same:6} {theirs_fault:10} {len(unexplained):5}  {same / compared:.2%}"
        )
        shown += [
            f"{name} {k} ours {s}: {reason}\n    {text[:300]!r} … {text[-200:]!r}"
            for k, text, s, reason in unexplained[:show]
        ]
        total, same_total, open_total = total + asked, same_total + same, open_total + len(unexplained)
    outside = same_total / (same_total + open_total)
    print(f"{'all':46} {total:6} {'':9} {same_total:6} {sum(kinds.values()):10} {open_total:5}  {outside:.2%}")
    print("\ndifferences that are its faults")
    for (name, kind), count in sorted(kinds.items()):
        print(f"{count:5}  {name}: {kind}")
    _probes(checker, ours)
    print("\nother differences", *shown, sep="\n")


def _speed(rows: Sequence[Row], texts: Sequence[str]) -> None:
    draw = random.Random(7)
    jobs = [(draw.choice(texts), row["instruction_id_list"], row["kwargs"]) for row in draw.choices(rows, k=100_000)]
    for mode in ("strict", "loose"):
        verifier = InstructionVerifier(mode=mode)
        verifier.verify_columns(*jobs[0])
        start = time.process_time()
        for job in jobs:
            verifier.verify_columns(*job)
        print(f"100,000 responses, {mode}: {time.process_time() - start:.1f} s of CPU on one core")


if __name__ == "__main__":
    main()
