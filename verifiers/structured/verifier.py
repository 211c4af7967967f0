"""The verifiers ``json_schema`` and ``yaml``: one document in the answer, valid and with the fields expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from veritune.plugins.errors import ParameterError
from veritune.plugins.faults import record
from veritune.plugins.types import Cause, Verdict
from veritune.verifiers.judged import judged
from veritune.verifiers.structured.documents import DocumentFault, read_json
from veritune.verifiers.structured.extraction import Where, Which, document
from veritune.verifiers.structured.fields import Path, compared
from veritune.verifiers.structured.schema import Checked, Problem, need_jsonschema, read_schema, validate
from veritune.verifiers.structured.yaml_documents import read_yaml

Form: TypeAlias = Literal["json", "yaml"]
_READ: dict[str, Callable[[str], Any]] = {"json": read_json, "yaml": read_yaml}
_FENCES = {"json": ("json",), "yaml": ("yaml", "yml")}


class Asked(NamedTuple):
    """One completion and what its row asks of the document."""

    completion: str
    schema: Any = None
    expected: Any = None
    prompt: str = ""


class DocumentVerifier:
    """Checks the one document of an answer against a JSON schema, and field by field against an expected document.

    A gold is a mapping with ``schema``, ``expected`` or both; any other mapping is a schema. ``score`` is the share of
    the fields that are right: with an expected document all leaves of both, else the fields of the top level that the
    schema requires or knows. A document that cannot be read, or not told from another, has none of them.
    """

    form: Form = "json"

    def __init__(
        self,
        *,
        where: Where = "any",
        which: Which = "only",
        formats: bool = True,
        deadline: float = 1.0,
        prefilled: bool | Literal["auto"] = "auto",
    ) -> None:
        if not deadline > 0:
            raise ParameterError(f"{self.form}: deadline is a time in seconds above 0, got {deadline}")
        self.where, self.which, self.formats = where, which, formats
        self.deadline, self.prefilled = deadline, prefilled

    def verify(self, completion: str, gold: Any, prompt: str = "") -> Verdict:
        """The verdict on one completion."""
        return self.verify_rows([_asked(completion, gold, prompt)])[0]

    def verify_batch(self, pairs: Sequence[tuple[str, Any]]) -> list[Verdict]:
        """One verdict a ``(completion, gold)`` pair, in order."""
        return self.verify_rows([_asked(completion, gold) for completion, gold in pairs])

    def verify_rows(self, rows: Sequence[Asked]) -> list[Verdict]:
        """One verdict a row; schemas are checked side by side in workers."""
        verdicts: dict[int, Verdict] = {}
        pending: list[tuple[int, Any, Any, Any, Verdict | None]] = []
        for index, row in enumerate(rows):
            try:
                read = self._read(row)
            except Exception as error:  # no text raises: a bug of ours is undecided
                fault = record(f"reading {self.form}", error, completion=row.completion)
                read = Verdict.undecided(Cause.INTERNAL_ERROR, fault)
            if isinstance(read, Verdict):
                verdicts[index] = read
            else:
                pending.append((index, *read))
        wanted = [(schema, value) for _, schema, _, value, _ in pending if schema is not None]
        if wanted:
            need_jsonschema("a schema")
        results = iter(validate(wanted, formats=self.formats, deadline=self.deadline) if wanted else ())
        for index, schema, expected, value, missing in pending:
            checked = next(results) if schema is not None else Checked([])
            if missing is None or checked.cause is Cause.INVALID_GOLD:
                verdicts[index] = _verdict(schema, expected, value, checked)
            else:
                verdicts[index] = missing
        return [verdicts[index] for index in range(len(rows))]

    def _read(self, row: Asked) -> Verdict | tuple[Any, Any, Any, Verdict | None]:
        """Schema, expected document, the document given, and the verdict where there is none; or the row's fault."""
        try:
            schema = None if row.schema is None else read_schema(row.schema)
            expected = _expected(row.expected, self.form)
        except DocumentFault as fault:
            return Verdict.undecided(Cause.INVALID_GOLD, str(fault))
        if schema is None and expected is None:
            return Verdict.undecided(Cause.INVALID_GOLD, "the row has no schema and no expected document")
        answer = judged(row.completion, row.prompt, self.prefilled, inside=True)
        if answer is None:
            return schema, expected, None, Verdict.wrong("the reasoning never ends, so there is no answer")
        try:
            value = document(
                answer, _READ[self.form], _FENCES[self.form], self.where, self.which, prose=self.form == "json"
            )
        except DocumentFault as fault:
            return schema, expected, None, Verdict.wrong(str(fault)[:280])
        return schema, expected, value, None


class JsonSchema(DocumentVerifier):
    """The verifier ``json_schema``."""


class Yaml(DocumentVerifier):
    """The verifier ``yaml``; in prose no document is looked for."""

    form = "yaml"


def _asked(completion: str, gold: Any, prompt: str = "") -> Asked:
    if isinstance(gold, Mapping) and {"schema", "expected"} & set(gold) and set(gold) <= {"schema", "expected"}:
        return Asked(completion, gold.get("schema"), gold.get("expected"), prompt)
    return Asked(completion, gold, None, prompt)


def _expected(given: Any, form: Form) -> Any:
    """An expected document: a mapping or list as it is, a text that is one read."""
    value = given.tolist() if hasattr(given, "tolist") else given
    if isinstance(value, str):
        return _READ[form](value) if re.match(r"\s*[\[{]", value) or form == "yaml" else value
    return value


def _verdict(schema: Any, expected: Any, value: Any, checked: Checked) -> Verdict:
    facts: dict[str, Any] = {"extracted": repr(value)[:200]}
    if checked.cause is not None:
        return Verdict.undecided(checked.cause, checked.reason[:280], **facts)
    right, total = (1, 1) if expected is None else (0, 0)
    reason = "the document is valid" if expected is None else "every field is as expected"
    if expected is not None:
        fields = compared(value, expected, lambda path: _any_number(schema, path))
        right, total = fields.right, max(fields.total, 1)
        reason = f"{right} of {total} fields are as expected; {fields.first}" if fields.first else reason
        facts["expected"] = repr(expected)[:200]
    share = right / total
    if checked.problems:
        facts["evidence"] = {"problems": [str(problem) for problem in checked.problems]}
        share = min(share, _share(schema, value, checked.problems))
        reason = str(checked.problems[0])
    if right == total and not checked.problems:
        return Verdict.right(reason, **facts)
    return Verdict.wrong(reason[:280], score=min(share, 1 - 1e-9), **facts)


def _share(schema: Any, value: Any, problems: Sequence[Problem]) -> float:
    """The share of valid fields at the top level: of those required, and of all that are known or wrong; the less."""
    if not isinstance(schema, Mapping) or not isinstance(value, Mapping):
        return 0.0
    required = [name for name in schema.get("required", ()) if isinstance(name, str)]
    known = schema.get("properties")
    known = known if isinstance(known, Mapping) else {}
    bad = {str(problem.path[0]) for problem in problems if problem.path}
    whole = sum(1 for problem in problems if not problem.path)  # a field too many, a rule between fields
    missing = [name for name in required if name not in value]
    fields = dict.fromkeys([*required, *(name for name in value if name in known), *sorted(bad)])
    good = [name for name in fields if name in value and name not in bad]
    extra = max(whole - len(missing), 0)
    of_all = len(good) / max(len(fields) + extra, 1)
    of_required = sum(name in good for name in required) / max(len(required), 1) if required else 1.0
    return min(of_all, of_required)


def _any_number(schema: Any, path: Path) -> bool:
    """Whether the schema says ``number`` at a path, so that 1 and 1.0 are one."""
    at = schema
    for step in path:
        if not isinstance(at, Mapping):
            return False
        inner = at.get("items") if isinstance(step, int) else (at.get("properties") or {}).get(step)
        at = inner if isinstance(inner, Mapping) else None
    kinds = at.get("type") if isinstance(at, Mapping) else None
    return kinds == "number" or (isinstance(kinds, list) and "number" in kinds)
