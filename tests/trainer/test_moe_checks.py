"""Numbers of experts that do not go together are refused by their key; a damaged file of weights is a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainer.moe_models import BUILDS
from tests.trainer.stage_runs import stage_config
from veritune.plugins import ConfigError
from veritune.trainer.data.tasks import get_task
from veritune.trainer.policy.models import load_policy


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("num_experts_per_tok", {"num_experts_per_tok": 100}),
        ("num_experts_per_tok", {"num_experts_per_tok": 0}),
        ("n_group", {"n_group": 0}),
        ("n_group", {"n_group": 3}),
        ("n_group", {"n_group": 8, "topk_group": 4}),
        ("topk_group", {"n_group": 2, "topk_group": 3}),
        ("num_experts_per_tok", {"n_group": 4, "topk_group": 1, "num_experts_per_tok": 3}),
    ],
)
def test_experts_that_cannot_be_are_refused_by_their_key(key: str, changes: Any, tmp_path: Path) -> None:
    build = {**BUILDS["deepseek_v3"], "n_routed_experts": 8, **changes}
    config = stage_config(tmp_path, "sft", model={"build": build})
    with pytest.raises(ConfigError, match=rf"model\.build\.{key}"):
        load_policy(config, get_task("arithmetic", {"terms": 3}))


@pytest.mark.parametrize("damaged", ["model.safetensors", "mtp/model.safetensors"])
def test_a_damaged_file_of_weights_is_named(damaged: str, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    config = stage_config(tmp_path, "sft", model={"mtp": {"depth": 1}})
    load_policy(config, get_task("arithmetic", {"terms": 3})).save(folder)
    file = folder / damaged
    file.write_bytes(file.read_bytes()[:-100])
    config = stage_config(tmp_path, "sft", model={"build": None, "path": str(folder), "mtp": {"depth": 1}})
    with pytest.raises(ConfigError, match=str(folder)):
        load_policy(config, None)
