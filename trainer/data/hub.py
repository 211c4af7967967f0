"""Data sets of the Hugging Face hub by name, through the ``datasets`` library; a local folder of one works too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from veritune.plugins import DataError, MissingExtraError
from veritune.trainer.data.records import read_records

HUB = "hf:"
"""What the name of a file begins with where it is a data set's."""
FORM = re.compile(r"hf:(?P<name>[^:@]+)(@(?P<revision>[^:]+))?(:(?P<config>[^:]+))?:(?P<split>[^:]+)")


def load_records(name: str) -> list[dict[str, Any]]:
    """The rows of a file or of a data set. Raises DataError for what cannot be read, and where there is none."""
    records = read_hub(name) if name.startswith(HUB) else read_records(Path(name))
    if not records:
        raise DataError(f"{name} has no rows")
    return records


def read_hub(name: str) -> list[dict[str, Any]]:
    """The rows of ``hf:NAME[@REVISION][:CONFIG]:SPLIT``, such as ``hf:openai/gsm8k:main:test``.

    Raises DataError where there is no such data set, or no network and no copy of it here.
    """
    found = FORM.fullmatch(name)
    if found is None:
        raise DataError(f"{name!r}: write hf:NAME:SPLIT or hf:NAME:CONFIG:SPLIT, such as hf:openai/gsm8k:main:train")
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("datasets", "train", f"reading {name}") from error
    datasets.disable_progress_bars()
    try:
        rows = datasets.load_dataset(
            found["name"], found["config"], split=found["split"], revision=found["revision"]
        ).to_list()
    except Exception as error:  # whatever the network, the hub and a builder raise
        first = (str(error).splitlines() or [""])[0]
        hint = "; without a network, give a file (.jsonl or .parquet)" if _unreachable(error) else ""
        raise DataError(f"cannot read the data set {name}: {type(error).__name__}: {first[:300]}{hint}") from error
    return [dict(row) for row in rows]


def _unreachable(error: BaseException | None) -> bool:
    """Whether the hub was not reached, by the errors that led to this one."""
    while error is not None:
        if re.search("Connect|Offline|Timeout", type(error).__name__):
            return True
        error = error.__cause__ or error.__context__
    return False
