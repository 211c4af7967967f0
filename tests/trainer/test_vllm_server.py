"""A vLLM server as the sampler: its weights are the policy's, its completions come back whole and in order."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from transformers import AutoModelForCausalLM

pytest.importorskip("httpx")

from tests.trainer.decode_models import PROMPTS, make_model
from tests.trainer.test_decode import check_logprobs, generator
from tests.trainer.vllm_stand_in import Engine, Server
from veritune.plugins import ConfigError, VerituneError
from veritune.trainer.config import RunConfig, SamplingConfig, VLLMServerConfig
from veritune.trainer.data.rollouts import Rollout
from veritune.trainer.data.tasks import get_task
from veritune.trainer.policy.distributed import World
from veritune.trainer.policy.models import Policy, load_policy
from veritune.trainer.rollout.ahead import DrawingThread
from veritune.trainer.rollout.cancelling import Cancelled
from veritune.trainer.rollout.decode import vllm_client
from veritune.trainer.rollout.decode.choose import make_sampler
from veritune.trainer.rollout.decode.vllm_server import VLLMServerSampler
from veritune.trainer.run import train
from veritune.trainer.stages.table import STAGES

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_client, "PAUSE", 0.01)


@pytest.fixture
def server() -> Iterator[Server]:
    """Started with other weights than any policy's."""
    with Server(make_engine()) as one:
        yield one


def make_engine(raw: bool = False) -> Engine:
    model, tokenizer = make_model("qwen3")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(-0.5)
    return Engine(model, tokenizer, raw)


def make(server: Server, **config: Any) -> VLLMServerSampler:
    model, tokenizer = make_model("qwen3")
    settings = VLLMServerConfig(**{"url": server.url, "timeout": 20, "retries": 2, **config})
    return VLLMServerSampler(model, tokenizer, [tokenizer.eos_token_id], settings, torch.float32)


def shrink(model: Any) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.8)


def test_weights_on_the_server_are_the_policys_before_every_draw(server: Server) -> None:
    sampler = make(server)
    for _ in range(3):
        check_logprobs(sampler.generate(PROMPTS, 2, SamplingConfig(max_tokens=6), generator()), sampler.model)
        for name, value in sampler.model.named_parameters():
            assert torch.equal(value, server.engine.model.get_parameter(name))
        shrink(sampler.model)


def test_a_run_trains_on_what_the_server_draws(make_config: Callable[..., RunConfig]) -> None:
    """From the first step to the last its log-probs are the trainer's."""
    config = make_config()
    made = load_policy(config, get_task("arithmetic", {"terms": 3}))
    with torch.no_grad():
        made.model.get_output_embeddings().weight.mul_(-1)
    with Server(Engine(made.model, made.tokenizer)) as server:
        folder = train(make_config(sampling={"engine": "vllm_server", "server": {"url": server.url}}), quiet=True)
        assert server.calls.count("/collective_rpc") == 4
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    mismatches = [row["mismatch"] for row in map(json.loads, lines) if "mismatch" in row]
    assert len(mismatches) == 3
    assert max(mismatches) < 1e-4


@pytest.fixture
def policy_server(make_config: Callable[..., RunConfig]) -> Iterator[Server]:
    """It serves a model of the policy's shape and vocabulary."""
    made = load_policy(make_config(), get_task("arithmetic", {"terms": 3}))
    with Server(Engine(made.model, made.tokenizer)) as one:
        yield one


@pytest.mark.parametrize("staleness", [1, 3])
def test_a_server_draws_ahead_with_the_weights_of_their_age(
    make_config: Callable[..., RunConfig], policy_server: Server, monkeypatch: pytest.MonkeyPatch, staleness: int
) -> None:
    """Held against the weights of that optimizer step, not by what it says; evaluations have the newest."""
    from tests.trainer.test_ahead import Watched

    monkeypatch.setitem(STAGES, "grpo", Watched)
    sampling = {"engine": "vllm_server", "server": {"url": policy_server.url}, "staleness": staleness, "max_tokens": 4}
    config = make_config(sampling=sampling, grpo={"steps": 5, "lr": 2e-2}, evaluation={"every": 3, "prompts": 2})
    folder = train(config, quiet=True)
    for version, batch in Watched.last.seen:
        age = min(staleness, version)
        assert all(r.age == age for r in batch.rollouts)
        for rollout, drawn_T in zip(batch.rollouts, Watched.last.logprobs(version - age, batch.rollouts), strict=True):
            torch.testing.assert_close(torch.tensor(rollout.logprobs), drawn_T, atol=2e-5, rtol=0)
    lines = [r for r in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()) if r["phase"] == "grpo"]
    assert [r["rollout/age_max"] for r in lines] == [min(staleness, step) for step in range(5)]
    trained = AutoModelForCausalLM.from_pretrained(folder / "model")
    for name, value in trained.named_parameters():  # the last evaluation's
        assert torch.equal(value, policy_server.engine.model.get_parameter(name))


def test_processes_ask_one_server_ahead(make_config: Callable[..., RunConfig], policy_server: Server) -> None:
    from tests.trainer.test_distributed import together

    sampling = {"engine": "vllm_server", "server": {"url": policy_server.url}, "staleness": 1, "max_tokens": 4}
    config = make_config(sampling=sampling, grpo={"steps": 3, "lr": 1e-2}, evaluation={"prompts": 2})
    assert together(config) == [0, 0]
    lines = map(json.loads, (Path(config.output) / "metrics.jsonl").read_text().splitlines())
    steps = [r for r in lines if r["phase"] == "grpo"]
    assert [r["rollout/age"] for r in steps] == [0, 1, 1]
    assert steps[0]["mismatch"] < 1e-5 < steps[2]["mismatch"]


def test_a_request_that_waits_for_its_answer_ends_when_the_client_is_closed(server: Server) -> None:
    """So that a run can end while completions are being drawn."""
    sampler, thread = make(server), DrawingThread()
    sampler.sync()
    ended: list[BaseException] = []
    server.delay = 60.0

    def work() -> None:
        try:
            sampler.client.post("/v1/completions", {})
        except VerituneError as error:
            ended.append(error)

    def draw() -> None:
        try:
            sampler.generate(PROMPTS, 1, SamplingConfig(max_tokens=2), generator())
        except (VerituneError, Cancelled) as error:
            ended.append(error)

    asked = threading.Thread(target=work)
    asked.start()
    thread.submit(draw)
    while server.calls.count("/v1/completions") < 3:
        time.sleep(0.01)
    begun = time.monotonic()
    assert thread.close(sampler.abort)
    asked.join(10)
    assert not asked.is_alive()
    assert len(ended) == 2
    assert time.monotonic() - begun < 10
    server.delay = 0.0


def test_weights_that_did_not_change_are_not_written_again(server: Server) -> None:
    sampler = make(server)
    for _ in range(3):
        sampler.generate(PROMPTS, 1, SamplingConfig(max_tokens=2), generator())
    assert server.calls.count("/collective_rpc") == 1
    with torch.no_grad():
        weight = sampler.model.get_output_embeddings().weight
        weight[0, 0] = torch.nextafter(weight[0, 0], torch.tensor(9.0))
    sampler.sync()
    assert server.calls.count("/collective_rpc") == 2


def test_the_prefix_cache_is_emptied_after_the_weights(server: Server) -> None:
    make(server).sync()
    order = [call for call in server.calls if call in ("/collective_rpc", "/reset_prefix_cache")]
    assert order == ["/collective_rpc", "/reset_prefix_cache"]


def test_a_failed_reload_stops_the_run(server: Server) -> None:
    """Nothing is drawn then, and nothing until a reload has worked."""
    sampler = make(server)
    sampler.generate(PROMPTS, 1, SamplingConfig(max_tokens=2), generator())
    asked = len(server.asked)
    shrink(sampler.model)
    server.reload_fails = True
    for _ in range(2):
        with pytest.raises(VerituneError, match=r"EngineCore[\s\S]*sampling.server.weights"):
            sampler.generate(PROMPTS, 1, SamplingConfig(max_tokens=2), generator())
    assert len(server.asked) == asked
    server.reload_fails = False
    check_logprobs(sampler.generate(PROMPTS, 1, SamplingConfig(max_tokens=2), generator()), sampler.model)


def test_a_server_that_was_away_gets_the_weights_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = make(server)
    sampler.sync()
    server.restart()
    server.trouble = [0]
    check_logprobs(sampler.generate(PROMPTS[:1], 2, SamplingConfig(max_tokens=4), generator()), sampler.model)
    assert server.calls.count("/collective_rpc") == 2


def test_with_several_processes_a_draw_after_a_step_needs_a_sync(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = make(server)
    sampler.sync()
    sampler.world = World(size=2)
    sampler.generate(PROMPTS, 1, SamplingConfig(max_tokens=2), generator())
    shrink(sampler.model)
    with pytest.raises(VerituneError, match="sync"):
        sampler.generate(PROMPTS, 1, SamplingConfig(max_tokens=2), generator())


class Follower(World):
    """Process 1 of 2, as the sampler sees it."""

    def any(self, flag: bool) -> bool:
        return flag

    def run(self, work: Callable[[], T]) -> list[T]:
        return [work()]

    def only_first(self, work: Callable[[], T]) -> T:
        return "/shared/weights-000001"  # type: ignore[return-value]


def test_process_0_alone_writes_and_reloads(server: Server, tmp_path: Path) -> None:
    leader = make(server, weights=str(tmp_path))
    leader.sync()
    calls = list(server.calls)
    follower = make(server, weights=str(tmp_path / "follower"))
    follower.world = Follower(rank=1, size=2)
    follower.sync()
    assert server.calls == [*calls, "/v1/models"]
    assert not (tmp_path / "follower").exists()
    check_logprobs(follower.generate(PROMPTS, 2, SamplingConfig(max_tokens=4), generator()), leader.model)


def test_adapters_are_added_in(server: Server) -> None:
    peft = pytest.importorskip("peft")
    sampler = make(server)
    settings = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    sampler.model = peft.get_peft_model(sampler.model, settings)
    check_logprobs(sampler.generate(PROMPTS, 2, SamplingConfig(max_tokens=6), generator()), sampler.model)


def test_the_folder_of_weights_is_one_and_new_each_time(server: Server, tmp_path: Path) -> None:
    sampler = make(server, weights=str(tmp_path / "shared"))
    seen = set()
    for _ in range(3):
        sampler.sync()
        (folder,) = (tmp_path / "shared").iterdir()
        seen.add(folder.name)
        shrink(sampler.model)
    assert len(seen) == 3


def test_an_unwritable_folder_is_an_error_of_its_own(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VerituneError, match="cannot write the policy's weights"):
        make(server, weights=str(tmp_path / "file")).sync()


def test_groups_are_in_order_and_told_of_as_they_end(server: Server) -> None:
    """Answers come in any order, choices too; log-probs stay with their tokens."""
    sampler = make(server)
    told: dict[int, Rollout] = {}
    sampling = SamplingConfig(max_tokens=12, temperature=0.8)
    rollouts = sampler.generate(PROMPTS, 4, sampling, generator(), told.__setitem__)
    assert [r.prompt_ids for r in rollouts] == [p for p in PROMPTS for _ in range(4)]
    assert [r.prompt_index for r in rollouts] == [0] * 4 + [1] * 4 + [2] * 4
    assert [told[place] for place in range(12)] == rollouts
    check_logprobs(rollouts, sampler.model, 0.8)


def test_the_seed_decides(server: Server) -> None:
    sampler = make(server)
    sampling = SamplingConfig(max_tokens=6)
    first, again, other = (sampler.generate(PROMPTS, 4, sampling, generator(seed)) for seed in (1, 1, 2))
    assert [r.token_ids for r in first] == [r.token_ids for r in again]
    assert [r.token_ids for r in first] != [r.token_ids for r in other]


def test_equal_prompts_do_not_share_random_numbers(server: Server) -> None:
    """The server seeds sample s of a prompt with seed + s: neighbouring seeds would draw the same twice."""
    rollouts = make(server).generate([PROMPTS[0]] * 3, 4, SamplingConfig(max_tokens=8), generator())
    assert len({tuple(r.token_ids) for r in rollouts}) > 8


@pytest.mark.parametrize("options", [{"top_k": 3}, {"min_p": 0.2}, {"top_p": 0.6}])
def test_log_probs_are_of_the_whole_distribution(server: Server, options: dict[str, Any]) -> None:
    sampler = make(server)
    sampler.model.train()
    told: list[int] = []
    sampling = SamplingConfig(max_tokens=8, **options)
    rollouts = sampler.generate(PROMPTS, 4, sampling, generator(), lambda place, rollout: told.append(place))
    assert sampler.model.training
    assert told == list(range(12))
    check_logprobs(rollouts, sampler.model.eval())


def test_completions_end_as_they_should(server: Server) -> None:
    sampling = SamplingConfig(max_tokens=16, stop=["c", "de"])
    rollouts = make(server).generate(PROMPTS, 24, sampling, generator())
    assert {r.finish for r in rollouts} == {"eos", "stop", "length"}
    for r in rollouts:
        assert r.text.endswith(("c", "de")) == (r.finish == "stop")
        assert (r.token_ids[-1] == 1) == (r.finish == "eos")
        assert "<eos>" not in r.text


def test_nothing_is_left_to_the_checkpoints_defaults(server: Server) -> None:
    """A generation_config with a repetition penalty would change the distribution."""
    make(server).generate(PROMPTS[:1], 1, SamplingConfig(max_tokens=2), generator())
    asked = server.asked[-1]
    assert (asked["repetition_penalty"], asked["presence_penalty"], asked["frequency_penalty"]) == (1, 0, 0)
    assert (asked["top_k"], asked["top_p"], asked["min_p"], asked["temperature"]) == (-1, 1, 0, 1)


@pytest.mark.parametrize("trouble", [[503], [500, 502], [429], [0, 503]])
def test_a_busy_server_is_asked_again(server: Server, trouble: list[int]) -> None:
    sampler = make(server)
    sampler.sync()
    server.trouble = trouble
    assert len(sampler.generate(PROMPTS[:1], 2, SamplingConfig(max_tokens=2), generator())) == 2


def test_retries_end(server: Server) -> None:
    sampler = make(server)
    sampler.sync()
    server.trouble = [503] * 9
    with pytest.raises(VerituneError, match="2 retries: status 503: overloaded"):
        sampler.generate(PROMPTS[:1], 2, SamplingConfig(max_tokens=2), generator())
    assert len(server.trouble) == 6


def test_a_request_has_a_deadline(server: Server) -> None:
    sampler = make(server, timeout=1.0)
    sampler.sync()
    server.delay = 5.0
    begun = time.monotonic()
    with pytest.raises(VerituneError, match="within 1 s"):
        sampler.generate(PROMPTS[:1], 1, SamplingConfig(max_tokens=2), generator())
    assert time.monotonic() - begun < 4


def test_without_a_server_the_error_names_the_line_to_run(policy: Policy) -> None:
    sampling = SamplingConfig(engine="vllm_server", server=VLLMServerConfig(url="http://127.0.0.1:9", retries=1))
    with pytest.raises(VerituneError, match=r"VLLM_SERVER_DEV_MODE=1 vllm serve .* --port 9 --logprobs-mode processed"):
        make_sampler(policy, sampling)


def test_without_development_mode_the_error_names_the_line_to_run() -> None:
    with (
        Server(make_engine(), development=False) as server,
        pytest.raises(ConfigError, match="VLLM_SERVER_DEV_MODE=1 vllm serve"),
    ):
        make(server).sync()


def test_raw_log_probs_are_refused() -> None:
    with (
        Server(make_engine(raw=True)) as server,
        pytest.raises(ConfigError, match=r"before the temperature[\s\S]*--logprobs-mode processed_logprobs"),
    ):
        make(server).sync()


def test_a_server_whose_weights_stay_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that it has reloaded, and has not."""
    monkeypatch.setattr(server.engine, "reload", lambda folder: None)
    with pytest.raises(ConfigError, match="nats off the policy's"):
        make(server).sync()


@pytest.mark.parametrize(
    ("names", "wanted", "message"),
    [(["policy"], "polcy", "Did you mean 'policy'"), (["a", "b"], None, "serves a, b. Set sampling.server.model")],
)
def test_the_served_model_must_be_clear(server: Server, names: list[str], wanted: str | None, message: str) -> None:
    server.names = names
    with pytest.raises(ConfigError, match=message):
        make(server, model=wanted)


def test_another_vocabulary_is_an_error(server: Server) -> None:
    sampler = make(server)
    sampler.sync()
    with pytest.raises(VerituneError, match="refused /v1/completions with status 400: Token id 999"):
        sampler.generate([[5, 999]], 1, SamplingConfig(max_tokens=2), generator())


def test_answers_without_token_ids_are_an_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = make(server)
    sampler.sync()
    request = sampler._request
    monkeypatch.setattr(sampler, "_request", lambda *a: {**request(*a), "return_token_ids": False})
    with pytest.raises(VerituneError, match="no token ids"):
        sampler.generate(PROMPTS[:1], 1, SamplingConfig(max_tokens=2), generator())


def test_the_key_of_the_server_is_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "VLLM_API_KEY", "secret")
    assert make(server).client.client.headers["Authorization"] == "Bearer secret"


def test_the_section_belongs_to_its_engine() -> None:
    with pytest.raises(ValueError, match=r"belongs to sampling.engine: vllm_server"):
        SamplingConfig(server=VLLMServerConfig())
    assert VLLMServerConfig(url="http://host:8000/v1/").url == "http://host:8000"
    with pytest.raises(ValueError, match="write http"):
        VLLMServerConfig(url="host:8000")
