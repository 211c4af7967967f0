"""slime's reward hub calls our function by ``--custom-rm-path``. It is not on PyPI: ``SLIME_REPO`` names a checkout."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

REPO = os.environ.get("SLIME_REPO")
if not REPO:
    pytest.skip("slime is not on PyPI, and SLIME_REPO names no checkout", allow_module_level=True)
sys.path.append(REPO)
hub: Any = pytest.importorskip("slime.rollout.rm_hub")
types: Any = pytest.importorskip("slime.utils.types")

Remark = Callable[[str, object], None]


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "slime_rewards.py").write_text(
        "from veritune.adapters.slime import custom_rm\nrm = custom_rm(['accuracy'])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return SimpleNamespace(custom_rm_path="slime_rewards.rm", rm_type=None, group_rm=False)


def sample(label: Any) -> Any:
    said = "So it is \\boxed{4}.<|im_end|>"
    return types.Sample(prompt="2+2?", response=said, label=label, metadata={"answer": "7"})


def test_the_hub_pays_by_our_rewards(arguments: Any) -> None:
    assert asyncio.run(hub.async_rm(arguments, sample("4"))) == 1.0
    assert asyncio.run(hub.async_rm(arguments, sample("5"))) == 0.0


def test_undecided_samples_are_removed(arguments: Any, record_property: Remark) -> None:
    samples = [sample("" if n == 3 else "4") for n in range(20)]
    rewards = asyncio.run(hub.batched_async_rm(arguments, samples))
    assert rewards == [0.0 if n == 3 else 1.0 for n in range(20)]
    assert [one.remove_sample for one in samples] == [n == 3 for n in range(20)]
    assert samples[3].metadata["veritune"]["cause"] == "invalid_gold"
    record_property("remark", "1 of 20 undecided: `remove_sample` set, out of the loss; its 0 enters the group's mean")
