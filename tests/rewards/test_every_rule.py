"""What holds for every rule-based reward, in every mode: reasons, replay, chats, and no heavy import."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest

from veritune.plugins import Sample, get_reward
from veritune.rewards import REWARDS
from veritune.rewards.composition import compose
from veritune.sandbox.workers import Outcome, Status

MODULES = {
    "accuracy", "answers", "code_format", "cosine", "format", "length", "overlong", "reasoning_steps", "repetition",
    "tags",
}  # fmt: skip
RULES = sorted(name for name, path in REWARDS.items() if path.partition(":")[0].rpartition(".")[2] in MODULES)
REQUIRED: dict[str, dict[str, Any]] = {
    "cosine": {"max_len": 100},
    "soft_overlong_punishment": {"max_completion_len": 100, "soft_punish_cache": 20},
}
GOOD = "<think>\n1. First, add\n</think>\n<answer>\n\\boxed{4}\n</answer>"
MODES = [(name, compat) for name in RULES for compat in (None, *sorted(get_reward(name).variants))]


def configured(name: str, compat: str | None) -> Any:
    return get_reward(name, compat=compat, **REQUIRED.get(name, {}))


@pytest.mark.parametrize(("name", "compat"), MODES)
def test_every_score_has_its_reason(name: str, compat: str | None) -> None:
    samples = [
        Sample(text, "prompt", (1, 2, 3), {"gold": gold}) for text, gold in ((GOOD, "4"), ("", "4"), ("no", None))
    ]
    for score in configured(name, compat).score_batch(samples):
        assert score.reason
        assert "\n" not in score.reason
        assert len(score.reason) < 300


@pytest.mark.parametrize(("name", "compat"), MODES)
def test_every_reward_survives_pickling_with_its_mode(name: str, compat: str | None) -> None:
    reward = configured(name, compat)
    again = pickle.loads(pickle.dumps(reward))
    assert (again.name, again.compat_mode, again.resolved) == (name, compat, reward.resolved)
    assert again.function is reward.function


@pytest.mark.parametrize("name", ["format", "tag_count", "reasoning_steps", "code_format", "repetition_penalty"])
def test_of_a_chat_the_last_assistant_turn_counts_and_the_peers_read_the_first_message(name: str) -> None:
    code = GOOD.replace("\\boxed{4}", "```python\nx x x x\n```")
    chat = [
        {"role": "assistant", "content": "let me look it up"},
        {"role": "tool", "content": "4"},
        {"role": "assistant", "content": code},
    ]
    ours, peers = get_reward(name), get_reward(name, compat="open-r1")
    assert ours([chat]) == ours([code])
    assert peers([chat]) == peers(["let me look it up"]) != peers([code])


def test_the_r1_zero_preset_composes_to_four() -> None:
    score = compose("r1-zero").score_batch([Sample(GOOD.replace("\\boxed{4}", "4"), columns={"gold": "4"})])[0]
    assert score.value == 4.0


def test_nothing_heavy_is_imported_with_the_rewards() -> None:
    modules = sorted(f"veritune.rewards.{module}" for module in MODULES)
    code = (
        f"import sys, importlib; [importlib.import_module(m) for m in {modules!r}]; "
        "print(sorted({'torch', 'sympy', 'math_verify', 'jieba', 'langdetect', 'numpy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("status", "value"), [(Status.CPU, 0.0), (Status.MEMORY, 0.0), (Status.WALL, None), (Status.QUEUE, None),
                          (Status.CRASHED, None), (Status.ERROR, None)],
)  # fmt: skip
def test_only_an_answer_that_spends_its_budget_is_wrong(
    status: Status, value: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the peers' modes: a starved or broken worker of ours leaves the sample undecided."""

    class Pool:
        def run(self, tasks: list[Any], **limits: Any) -> list[Outcome]:
            return [Outcome(status, detail="detail") for _ in tasks]

    monkeypatch.setattr("veritune.rewards.peer_math._pool", Pool())
    for name, compat in (("accuracy", "trl"), ("accuracy", "open-r1"), ("reasoning_accuracy", "trl")):
        assert get_reward(name, compat=compat)(["</think>4"], solution=["4"]) == [value]
    assert (get_reward("cosine", compat="open-r1")(["4"], solution=["4"]) == [None]) is (value is None)
    assert (get_reward("length", compat="open-r1")(["4", "44"], solution=["4", "4"])[0] is None) is (value is None)
