"""What would help where a reward gives no number."""

from __future__ import annotations

import re

_BY_REASON = (
    (re.compile(r"worked solution|nothing after ####"),
     "name the column that holds the answer alone (columns: {gold: …}), or say params: {gold_format: solution}"),
    (re.compile(r"gold.*(missing|blank|empty|None)|missing.*gold"), "fill the answer in, or leave the row out"),
    (re.compile(r"assert|test"), "repair the tests, or leave the row out; veritune audit tests says more"),
    (re.compile(r"cannot be (read|parsed)|not read"), "write the answer as text or LaTeX alone, or leave the row out"),
)  # fmt: skip
_BY_CAUSE = {
    "invalid_gold": "write the answer as text or LaTeX alone, or leave the row out",
    "timeout": "a longer deadline (params: {deadline: …}), or fewer workers on a busy machine",
    "infra_error": "`veritune doctor` says what the sandbox or service lacks",
    "internal_error": "a fault of ours: please report the input; leave the row out until then",
    "abstain": "a second reward that decides (combine: first_decided, with a judge behind it)",
    "not_applicable": "look at `where:` and at what the reward returns; a reward that forgets `return` gives nothing",
    "failed": "repair the reward, or give it a bound",
}  # fmt: skip


def cure(cause: str, reason: str) -> str:
    """What to change, from the cause and the reward's reason."""
    if cause == "invalid_gold":
        for pattern, advice in _BY_REASON:
            if pattern.search(reason):
                return advice
    return _BY_CAUSE.get(cause, "")
