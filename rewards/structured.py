"""The rewards ``json_schema``, ``yaml``, ``xml`` and ``regex``: structured output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from veritune.plugins.errors import ColumnError
from veritune.plugins.reward import reward
from veritune.plugins.types import Sample, Score, Verdict
from veritune.rewards.text import Prefilled

Credit: TypeAlias = Literal["all", "fraction"]
Where: TypeAlias = Literal["any", "fence", "whole"]
Which: TypeAlias = Literal["only", "last", "first"]
Seconds: TypeAlias = Annotated[float, Field(gt=0)]


@reward
def json_schema(
    samples: Sequence[Sample],
    schema: Sequence[Any] | None = None,
    expected: Sequence[Any] | None = None,
    *,
    credit: Credit = "all",
    right: float = 1.0,
    wrong: float = 0.0,
    where: Where = "any",
    which: Which = "only",
    formats: bool = True,
    deadline: Seconds = 1.0,
    prefilled: Prefilled = "auto",
) -> list[Score]:
    """``right`` where the answer holds one JSON document that is valid by the row's schema, else ``wrong``.

    Columns: ``schema`` (a JSON schema, its text, or OpenAI's ``response_format``), ``expected`` (the document itself,
    compared field by field with exact types), or both. ``credit: fraction`` pays the share of fields that are right.
    ``where`` the document may stand: anywhere, in a ``fence``, or as the ``whole`` answer; ``which`` of several counts.
    ``formats`` also checks ``format``. A validation past ``deadline`` CPU seconds is undecided.

    Source: JSON Schema 2020-12 and earlier drafts, by jsonschema (extra ``structured``).
    """
    from veritune.verifiers.structured.verifier import JsonSchema

    verifier = JsonSchema(where=where, which=which, formats=formats, deadline=deadline, prefilled=prefilled)
    return _documents("json_schema", verifier, samples, schema, expected, credit, right, wrong)


@json_schema.check
def _installed() -> None:
    """Refuse before anything is scored what no row could be scored with."""
    from veritune.verifiers.structured.schema import need_jsonschema

    need_jsonschema("reward 'json_schema'")


@reward
def yaml(
    samples: Sequence[Sample],
    schema: Sequence[Any] | None = None,
    expected: Sequence[Any] | None = None,
    *,
    credit: Credit = "all",
    right: float = 1.0,
    wrong: float = 0.0,
    where: Where = "any",
    which: Which = "only",
    formats: bool = True,
    deadline: Seconds = 1.0,
    prefilled: Prefilled = "auto",
) -> list[Score]:
    """``json_schema`` for a YAML document: a fenced one, or the whole answer.

    Scalars are YAML 1.2's (``yes`` and dates are texts); tags of a language, keys twice and bombs of aliases are wrong.
    """
    from veritune.verifiers.structured.verifier import Yaml

    verifier = Yaml(where=where, which=which, formats=formats, deadline=deadline, prefilled=prefilled)
    return _documents("yaml", verifier, samples, schema, expected, credit, right, wrong)


@reward
def xml(
    sample: Sample,
    elements: Any,
    *,
    credit: Credit = "all",
    right: float = 1.0,
    wrong: float = 0.0,
    extra: Literal["refuse", "allow"] = "refuse",
    which: Which = "only",
    prefilled: Prefilled = "auto",
) -> Score:
    """``right`` where the answer's XML has the elements, attributes and texts of the column ``elements``.

    ``elements`` is a mapping as xmltodict writes XML (null: any text), XML itself, or a list of names that stand side
    by side. ``extra: allow`` lets further ones stand. ``credit: fraction`` pays the share that is there. A DOCTYPE is
    wrong.
    """
    from veritune.verifiers.structured.xml_verifier import Xml

    verifier = Xml(extra=extra, which=which, prefilled=prefilled)
    return _score(verifier.verify(sample.text, elements, sample.prompt_text), credit, right, wrong)


@reward
def regex(
    samples: Sequence[Sample],
    pattern: Sequence[Any],
    *,
    match: Literal["full", "search"] = "full",
    right: float = 1.0,
    wrong: float = 0.0,
    deadline: Seconds = 1.0,
    prefilled: Prefilled = "auto",
) -> list[Score]:
    """``right`` where the whole answer behind the reasoning matches the row's ``pattern`` (Python's ``re``).

    ``match: search`` asks for a part of it. A search past ``deadline`` CPU seconds is undecided.
    """
    from veritune.verifiers.structured.patterns import Regex

    rows = [(s.text, one, s.prompt_text) for s, one in zip(samples, pattern, strict=True)]
    verdicts = Regex(match=match, deadline=deadline, prefilled=prefilled).verify_rows(rows)
    return [Score.of(verdict, right, wrong) for verdict in verdicts]


def _documents(
    name: str,
    verifier: Any,
    samples: Sequence[Sample],
    schema: Sequence[Any] | None,
    expected: Sequence[Any] | None,
    credit: Credit,
    right: float,
    wrong: float,
) -> list[Score]:
    from veritune.verifiers.structured.verifier import Asked

    if schema is None and expected is None:
        columns = sorted({str(column) for sample in samples for column in sample.columns})
        raise ColumnError(
            f"reward {name!r} needs a column schema or expected. Columns: {', '.join(columns) or 'none'}. Name yours "
            "with columns: {schema: COLUMN}."
        )
    nothing = [None] * len(samples)
    given = zip(samples, schema or nothing, expected or nothing, strict=True)
    rows = [Asked(s.text, one, wanted, s.prompt_text) for s, one, wanted in given]
    return [_score(verdict, credit, right, wrong) for verdict in verifier.verify_rows(rows)]


def _score(verdict: Verdict, credit: Credit, right: float, wrong: float) -> Score:
    if verdict.score is None or credit == "all":
        return Score.of(verdict, right, wrong)
    return Score(wrong + (right - wrong) * verdict.score, verdict.reason, verdict)


json_schema.for_rows("credit", "right", "wrong", "where", "which", "formats", "prefilled")
yaml.for_rows("credit", "right", "wrong", "where", "which", "formats", "prefilled")
xml.for_rows("credit", "right", "wrong", "extra", "which", "prefilled")
regex.for_rows("match", "right", "wrong", "prefilled")
