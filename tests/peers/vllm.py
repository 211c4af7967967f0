"""The two vLLM engines' laws on the real vLLM, its build for CPUs: in this process, and ``vllm serve``."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.trainer import decode_models, test_vllm, test_vllm_server
from tests.trainer.decode_models import PROMPTS, make_model
from tests.trainer.test_decode import check_logprobs, generator
from veritune.trainer.config import SamplingConfig
from veritune.trainer.rollout.decode.vllm import VLLMSampler

Remark = Callable[[str, object], None]
decode_models.MODELS["qwen3"] |= {"head_dim": 32, "attention_bias": False}  # what vLLM has of it on a CPU
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
os.environ["VLLM_LOGGING_LEVEL"] = "WARNING"
os.environ["VLLM_NO_USAGE_STATS"] = "1"


# -- in this process


@pytest.fixture(scope="module")
def engine() -> VLLMSampler:
    model, tokenizer = make_model("qwen3")
    return VLLMSampler(model, tokenizer, [tokenizer.eos_token_id], torch.float32)


@pytest.fixture
def made(engine: VLLMSampler, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The laws of tests/trainer/test_vllm.py make a sampler each: here they share one engine, with their weights."""

    def make(model: Any = None) -> VLLMSampler:
        own, _ = make_model("qwen3")
        with torch.no_grad():
            for parameter in own.parameters():
                parameter.mul_(0.7)
        engine.model = model or own
        engine.sync()
        return engine

    monkeypatch.setattr(test_vllm, "make", make)
    return []


IN_PROCESS = (
    "test_adapters_are_added_in",
    "test_groups_are_in_order_and_told_of",
    "test_equal_prompts_do_not_share_random_numbers",
    "test_log_probs_are_of_the_whole_distribution",
    "test_completions_end_as_they_should",
)


@pytest.mark.parametrize("law", IN_PROCESS)
def test_in_process(made: list[dict[str, Any]], law: str) -> None:
    getattr(test_vllm, law)(made)


def test_in_process_the_engine_has_the_policys_weights(made: list[dict[str, Any]], record_property: Remark) -> None:
    sampler = test_vllm.make()
    worst = 0.0
    for _ in range(3):
        sampler.sync()
        rollouts = sampler.generate(PROMPTS, 2, SamplingConfig(max_tokens=6, temperature=0.8), generator())
        check_logprobs(rollouts, sampler.model, 0.8)
        worst = max(worst, furthest(rollouts, sampler.model, 0.8))
        test_vllm_server.shrink(sampler.model)
    record_property("remark", f"in process: log-probs within {worst:.1e} of the policy's after each of three syncs")


@pytest.mark.parametrize("options", [{"top_p": 0.6}, {"min_p": 0.2}])
def test_in_process_truncated_sampling(made: list[dict[str, Any]], options: dict[str, Any]) -> None:
    sampler = test_vllm.make()
    check_logprobs(sampler.generate(PROMPTS, 4, SamplingConfig(max_tokens=8, **options), generator()), sampler.model)


RANK_IN_PROCESS = """
import torch, torch.distributed as dist
dist.init_process_group("gloo")
from tests.trainer import decode_models
decode_models.MODELS["qwen3"] |= {"head_dim": 32, "attention_bias": False}
from tests.trainer.decode_models import PROMPTS, make_model
from tests.trainer.test_decode import check_logprobs, generator
from tests.trainer.test_vllm_server import shrink
from veritune.trainer.config import SamplingConfig
from veritune.trainer.rollout.decode.vllm import VLLMSampler
rank = dist.get_rank()
model, tokenizer = make_model("qwen3")
sampler = VLLMSampler(model, tokenizer, [tokenizer.eos_token_id], torch.float32)
for _ in range(2):
    sampler.sync()
    check_logprobs(sampler.generate(PROMPTS[rank:], 2, SamplingConfig(max_tokens=4), generator(rank)), model)
    shrink(model)
print("drawn", rank, flush=True)
"""


def test_in_process_two_processes_have_an_engine_each() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(probe.getsockname()[1]), "WORLD_SIZE": "2"}
    ranks = [run(RANK_IN_PROCESS, {**meeting, "RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in range(2)]
    said = [process.communicate(timeout=250)[0] for process in ranks]
    assert [f"drawn {rank}" in text for rank, text in enumerate(said)] == [True, True], "\n".join(said)[-3000:]


ANOTHER_MODEL = """
import torch
from tests.trainer import decode_models
decode_models.MODELS["qwen3"] |= {"head_dim": 32, "attention_bias": True}
from tests.trainer.decode_models import make_model
from veritune.trainer.rollout.decode.vllm import VLLMSampler
model, tokenizer = make_model("qwen3")
VLLMSampler(model, tokenizer, [tokenizer.eos_token_id], torch.float32)
"""


def test_in_process_a_model_that_vllm_computes_otherwise_is_refused() -> None:
    """Its Qwen3 has no bias behind the attention's output, and leaves the policy's unread in silence."""
    said = run(ANOTHER_MODEL, {}).communicate(timeout=250)[0]
    assert "nats off the policy's on average" in said, said[-3000:]


def run(code: str, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """A process of its own that can import the tests."""
    code = f"import sys; sys.path.append({str(Path(__file__).resolve().parents[2])!r})\n{code}"
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def furthest(rollouts: Any, model: Any, temperature: float) -> float:
    from veritune.trainer.rollout.decode.rescore import rescore

    theirs = [list(rollout.logprobs) for rollout in rollouts]
    rescore(model, rollouts, temperature)
    pairs = zip(theirs, rollouts, strict=True)
    return max(abs(float(a) - float(b)) for each, one in pairs for a, b in zip(each, one.logprobs, strict=True))


# -- vllm serve


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """``vllm serve`` of the policy's architecture with other weights."""
    folder = tmp_path_factory.mktemp("served")
    model, tokenizer = make_model("qwen3")
    test_vllm_server.shrink(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (folder / "log.txt").open("w")
    command = [sys.executable, "-P", "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder)]
    command += ["--served-model-name", "policy", "--host", "127.0.0.1", "--port", str(port), "--dtype", "float32"]
    command += ["--logprobs-mode", "processed_logprobs", "--max-model-len", "256", "--enforce-eager"]
    process = subprocess.Popen(
        command, env={**os.environ, "VLLM_SERVER_DEV_MODE": "1"}, stdout=log, stderr=subprocess.STDOUT
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 240
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log.txt").read_text()[-3000:])
            try:
                urllib.request.urlopen(f"{url}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(1)
        yield SimpleNamespace(url=url)
    finally:
        process.terminate()
        process.wait(30)
        log.close()


SERVED = (
    "test_adapters_are_added_in",
    "test_equal_prompts_do_not_share_random_numbers",
    "test_completions_end_as_they_should",
    "test_groups_are_in_order_and_told_of_as_they_end",
    "test_the_seed_decides",
)


@pytest.mark.parametrize("law", SERVED)
def test_served(server: Any, law: str) -> None:
    getattr(test_vllm_server, law)(server)


@pytest.mark.parametrize("options", [{"top_k": 3}, {"min_p": 0.2}, {"top_p": 0.6}])
def test_served_truncated_sampling(server: Any, options: dict[str, Any]) -> None:
    test_vllm_server.test_log_probs_are_of_the_whole_distribution(server, options)


def test_served_the_weights_are_the_policys_before_every_draw(
    server: Any, tmp_path: Path, record_property: Remark
) -> None:
    sampler = test_vllm_server.make(server, weights=str(tmp_path))
    worst = 0.0
    for _ in range(3):
        rollouts = sampler.generate(PROMPTS, 2, SamplingConfig(max_tokens=6), generator())
        check_logprobs(rollouts, sampler.model)
        worst = max(worst, furthest(rollouts, sampler.model, 1.0))
        test_vllm_server.shrink(sampler.model)
    record_property("remark", f"`vllm serve`: log-probs within {worst:.1e} after each of three reloads")
    sampler.close()


RANK = """
import sys, torch, torch.distributed as dist
from tests.trainer import decode_models
decode_models.MODELS["qwen3"] |= {"head_dim": 32, "attention_bias": False}
from tests.trainer.decode_models import PROMPTS
from tests.trainer.test_decode import check_logprobs, generator
from tests.trainer.test_vllm_server import make, shrink
from veritune.trainer.config import SamplingConfig
from veritune.trainer.policy.distributed import World
rank, folder, url = int(sys.argv[1]), sys.argv[2], sys.argv[3]
dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
class Server: pass
server = Server(); server.url = url
sampler = make(server, weights=folder + "/weights", timeout=60)
sampler.world = World(rank=rank, size=2)
for _ in range(2):
    sampler.sync()
    check_logprobs(sampler.generate(PROMPTS[rank:], 2, SamplingConfig(max_tokens=4), generator(rank)), sampler.model)
    shrink(sampler.model)
print("drawn", rank)
"""


def test_served_two_processes_share_one_server(server: Any, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    ranks = [run(RANK, {}, str(rank), str(tmp_path), server.url) for rank in range(2)]
    said = [process.communicate(timeout=200)[0] for process in ranks]
    assert [f"drawn {rank}" in text for rank, text in enumerate(said)] == [True, True], "\n".join(said)[-3000:]
