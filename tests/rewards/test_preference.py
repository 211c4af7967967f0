"""Preference models: the same number in ours, in TRL and by hand, for padded batches of any composition."""

from __future__ import annotations

import json
import math
import pickle
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from veritune import get_reward
from veritune.plugins import Cause, ParameterError, Sample
from veritune.rewards.preference.items import view_text
from veritune.rewards.preference.statistics import Running, calibrate, sigmoid, squash

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

TEMPLATE = "{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}"


def save(folder: Path, *, labels: int = 1, pad: str = "own", head: bool = True, kind: str = "qwen3") -> str:
    from veritune.trainer.policy.models import make_tokenizer

    torch.manual_seed(3)
    tokenizer = make_tokenizer([chr(c) for c in range(32, 127)] + ["\n"])
    tokenizer.chat_template = TEMPLATE
    if pad == "eos":
        tokenizer.pad_token = tokenizer.eos_token
    config = transformers.models.auto.configuration_auto.CONFIG_MAPPING[kind](
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, head_dim=16, max_position_embeddings=256, num_labels=labels, bos_token_id=None,
        pad_token_id=None if pad == "none" else tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
        id2label={i: name for i, name in enumerate(["helpful", "harmless", "honest"][:labels])},
    )  # fmt: skip
    auto = transformers.AutoModelForSequenceClassification if head else transformers.AutoModelForCausalLM
    model = auto.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)  # so that scores differ by more than rounding
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp("reward_model"))


def samples(count: int = 12) -> list[Sample]:
    made = random.Random(0)
    texts = ["".join(made.choices("abc de\n", k=made.randint(1, 120))) for _ in range(count)]
    return [Sample(text, f"Question {i}: ") for i, text in enumerate(texts)]


def by_hand(path: str, texts: list[str]) -> list[float]:
    """Plain transformers, one text at a time, no padding."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(path, dtype=torch.float32).eval()
    with torch.inference_mode():
        ids = [tokenizer(text, add_special_tokens=False, return_tensors="pt") for text in texts]
        return [float(model(**one).logits[0, 0]) for one in ids]


def values(scores: Any) -> list[float]:
    return [score.value for score in scores]


@pytest.mark.parametrize("pad", ["own", "eos", "none"])
def test_a_text_has_one_score_in_every_batch(tmp_path: Path, pad: str) -> None:
    path = save(tmp_path, pad=pad)
    rows = samples(8)
    expected = by_hand(path, [f"{row.prompt}{row.text}" for row in rows])
    for budget in (1, 150, 400, 100_000):
        reward = get_reward("preference", model=path, token_budget=budget, device="cpu")
        assert values(reward.score_batch(rows)) == pytest.approx(expected, abs=1e-5)
        some = random.Random(budget).sample(range(len(rows)), 5)
        assert values(reward.score_batch([rows[i] for i in some])) == pytest.approx(
            [expected[i] for i in some], abs=1e-5
        )


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_trl_reads_the_same_numbers(checkpoint: str, tmp_path: Path, chat: bool) -> None:
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    policy = tmp_path / "policy"
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    config = transformers.AutoConfig.from_pretrained(checkpoint)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(policy)
    tokenizer.save_pretrained(policy)
    rows = samples(6)
    prompts: list[Any] = [row.prompt for row in rows]
    completions: list[Any] = [row.text for row in rows]
    if chat:
        prompts = [[{"role": "user", "content": p}] for p in prompts]
        completions = [[{"role": "assistant", "content": c}] for c in completions]
    settings = trl.GRPOConfig(
        output_dir=str(tmp_path / "out"), per_device_train_batch_size=2, num_generations=2, report_to=[], use_cpu=True,
        bf16=False, max_completion_length=4,
    )  # fmt: skip
    trainer = trl.GRPOTrainer(
        model=str(policy), reward_funcs=checkpoint, args=settings,
        train_dataset=datasets.Dataset.from_list([{"prompt": p} for p in prompts]),
    )  # fmt: skip
    trainer.reward_funcs[0].float()
    theirs = trainer._calculate_rewards([{"prompt": p} for p in prompts], prompts, completions, [[0]] * 6)
    ours = get_reward("preference", model=checkpoint, device="cpu")(completions=completions, prompts=prompts)
    assert ours == pytest.approx(theirs[:, 0].tolist(), abs=1e-5)


def test_views_pick_what_is_judged() -> None:
    whole = Sample("<think>why</think>so")
    assert [view_text(whole, view) for view in ("full", "summary", "reasoning")] == [whole.text, "so", "why"]
    assert view_text(Sample("<think>never ends"), "summary") == ""
    assert view_text(Sample("plain"), "summary") == "plain"
    assert view_text(Sample("plain"), "reasoning") is None
    assert view_text(Sample("why</think>so", "Q <think>\n"), "reasoning") == "why"


def test_a_view_is_scored_as_that_text_alone(checkpoint: str) -> None:
    score = get_reward("preference", model=checkpoint, view="summary").score("<think>why</think>so", "Q ")
    assert score.value == pytest.approx(by_hand(checkpoint, ["Q so"])[0], abs=1e-5)
    none = get_reward("preference", model=checkpoint, view="reasoning").score("so", "Q ")
    assert (none.value, none.cause) == (None, Cause.NOT_APPLICABLE)


def test_long_texts_are_cut_in_the_middle_or_refused_and_say_so(checkpoint: str) -> None:
    cut = get_reward("preference", model=checkpoint, max_length=10).score("a" * 50 + "bcdef", "abcdefgh")
    assert cut.value == pytest.approx(by_hand(checkpoint, ["abcdebcdef"])[0], abs=1e-5)
    assert "cut in the middle from 63 to 10 tokens" in cut.reason
    refused = get_reward("preference", model=checkpoint, too_long="refuse").score("a" * 300, "Q")
    assert (refused.value, refused.cause) == (None, Cause.ABSTAIN)
    assert "max_length=256" in refused.reason


def test_end_of_text_is_appended_on_request(checkpoint: str) -> None:
    score = get_reward("preference", model=checkpoint, eos="append").score("b", "a")
    assert score.value == pytest.approx(by_hand(checkpoint, ["ab<eos>"])[0], abs=1e-5)


def test_several_logits_are_chosen_by_name_index_or_weight(tmp_path: Path) -> None:
    path = save(tmp_path, labels=3)

    def get(logit: Any) -> Any:
        return get_reward("preference", model=path, logit=logit).score("b", "a").value

    assert get(1) == get("harmless")
    assert get({"helpful": 0.5, "honest": 2}) == pytest.approx(0.5 * get(0) + 2 * get(2))
    with pytest.raises(ParameterError, match="3 logits"):
        get(None)
    with pytest.raises(ParameterError, match="helpful"):
        get("helpfull")


def test_a_win_rate_compares_with_the_reference(checkpoint: str) -> None:
    ours, theirs = by_hand(checkpoint, ["Q yes", "Q no"])
    reward = get_reward("preference", model=checkpoint, win_rate=True)
    assert reward.score("yes", "Q ", reference="no").value == pytest.approx(sigmoid(ours - theirs), abs=1e-5)
    assert reward.score("yes", "Q ", reference=None).cause is Cause.INVALID_GOLD
    both = get_reward("preference", model=checkpoint, win_rate=True, pair_format="{prompt}{first}|{second}")
    first, second = by_hand(checkpoint, ["Q {second}|no", "Q no|{second}"])
    expected = (sigmoid(first) + 1 - sigmoid(second)) / 2
    assert both.score("{second}", "Q ", reference="no").value == pytest.approx(expected, abs=1e-5)


def test_scores_are_normalised_clipped_and_squashed_in_that_order(checkpoint: str) -> None:
    rows = samples(8)
    raw = values(get_reward("preference", model=checkpoint).score_batch(rows))
    found = calibrate(raw)
    z = [(x - found["mean"]) / found["std"] for x in raw]
    running = get_reward("preference", model=checkpoint, normalise="running")
    assert values(running.score_batch(rows)) == pytest.approx(z, abs=1e-4)
    bent = get_reward(
        "preference",
        model=checkpoint,
        normalise="calibrated",
        clip=(-1, 1),
        squash="tanh",
        mean=found["mean"],
        std=found["std"],
    )
    assert values(bent.score_batch(rows)) == pytest.approx([math.tanh(min(max(x, -1), 1)) for x in z], abs=1e-4)
    with pytest.raises(ParameterError, match="mean and std"):
        get_reward("preference", model=checkpoint, normalise="calibrated").score("b", "a")


def test_statistics_do_not_depend_on_the_batches() -> None:
    numbers = [random.Random(5).gauss(3, 2) for _ in range(100)]
    once, twice = Running(), Running()
    twice.update(numbers[:37])
    assert twice.update(numbers[37:]) == pytest.approx(once.update(numbers))
    assert (sigmoid(-1000), sigmoid(1000), squash(0.3, "none")) == (0.0, 1.0, 0.3)


def test_a_language_model_without_a_trained_head_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, head=False)
    with pytest.raises(ParameterError, match="no reward model"):
        get_reward("preference", model=path).score("b", "a")


def test_logits_that_are_not_finite_are_undecided(tmp_path: Path) -> None:
    path = save(tmp_path)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(path)
    with torch.no_grad():
        model.score.weight.fill_(float("nan"))
    model.save_pretrained(path)
    assert get_reward("preference", model=path).score("b", "a").cause is Cause.INFRA_ERROR


def test_it_pickles_and_works_from_threads(checkpoint: str) -> None:
    rows = samples(8)
    reward = get_reward("preference", model=checkpoint)
    expected = values(reward.score_batch(rows))
    assert values(pickle.loads(pickle.dumps(reward)).score_batch(rows)) == expected
    found: dict[int, list[float]] = {}
    threads = [
        threading.Thread(target=lambda i=i: found.__setitem__(i, values(reward.score_batch(rows)))) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(4)] == [expected] * 4


def test_a_scoring_server_gives_the_same_numbers(checkpoint: str) -> None:
    pytest.importorskip("httpx")
    from veritune.rewards.preference.model import load_model
    from veritune.rewards.preference.server import make_server

    server = make_server(load_model(checkpoint, "cpu"), port=0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        remote = get_reward("preference", endpoint=f"http://127.0.0.1:{server.server_address[1]}/", max_length=30)
        local = get_reward("preference", model=checkpoint, max_length=30, device="cpu")
        chat = Sample([{"role": "assistant", "content": "b"}], [{"role": "user", "content": "a"}])
        assert remote.score_batch([*samples(), chat]) == local.score_batch([*samples(), chat])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_server_that_is_down_leaves_samples_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("httpx")
    monkeypatch.setattr("veritune.rewards.preference.remote.WAIT", 0.01)
    score = get_reward("preference", endpoint="http://127.0.0.1:9/").score("b", "a")
    assert (score.value, score.cause) == (None, Cause.INFRA_ERROR)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"model": "m", "endpoint": "http://x"}, {"model": "m", "clip": (1, 0)}, {"model": "m", "pair_format": "x"}],
)
def test_mistakes_in_the_config_are_found_before_a_run(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        get_reward("preference", **wrong).check_ready()


def test_the_all_scenario_preset_routes_by_kind(checkpoint: str) -> None:
    from veritune import compose

    model = {"params": {"model": checkpoint, "device": "cpu"}}
    rewards = compose({"preset": "r1-all", "rewards": {"helpful": model, "harmless": model}})
    prompt = "How many apples are left in the basket after lunch? "
    text = "<think>There were nine apples and five were eaten at lunch.</think>\\boxed{4}"
    rows = [Sample(text, prompt, None, {"kind": kind, "gold": "4"}) for kind in ("reasoning", "general")]
    reasoning, general = rewards.score_batch(rows)
    counted = [
        {alias for alias, part in score.parts.items() if part.value is not None} for score in (reasoning, general)
    ]
    assert counted == [{"accuracy", "format", "language"}, {"helpful", "harmless", "language"}]
    assert general.parts["helpful"].value != general.parts["harmless"].value
    assert json.dumps(rewards.spec())
