"""The examples in docs/composition.md are valid compositions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from veritune.rewards.composition import compose

PAGE = Path(__file__).resolve().parents[2] / "docs" / "composition.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_page_compose(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_rewards.py").write_text("def mine(completion):\n    return 1.0\n")
    monkeypatch.chdir(tmp_path)
    rewards = compose(yaml.safe_load(example))
    assert compose(rewards.spec()).spec() == rewards.spec()
