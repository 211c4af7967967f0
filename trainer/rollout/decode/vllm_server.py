"""Sampling with a vLLM server, whose weights are replaced by the policy's before every draw.

Process 0 writes the weights to a folder that the server can read, and has them reloaded (``/collective_rpc`` with
``reload_weights``, which a server has with ``VLLM_SERVER_DEV_MODE=1``); then the prefix cache is emptied. Each process
asks for its own prompts.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch

from veritune.plugins import ConfigError, VerituneError
from veritune.trainer.config import SamplingConfig, VLLMServerConfig
from veritune.trainer.data.rollouts import Finish, Rollout
from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.sharding import bare, is_sharded
from veritune.trainer.rollout.cancelling import LOOK_SECONDS, check_cancelled
from veritune.trainer.rollout.decode.export import fingerprint, gathered_weights, save_weights
from veritune.trainer.rollout.decode.probe import PROBE, PROBE_SAMPLES, TOLERANCE, flat, gap, probe_prompt
from veritune.trainer.rollout.decode.rescore import rescore, truncated
from veritune.trainer.rollout.decode.tokens import decode
from veritune.trainer.rollout.decode.vllm_client import NotThere, VLLMClient
from veritune.trainer.rollout.interface import Done

REQUESTS = 64
"""Most prompts asked for at once; the server schedules what it has been asked."""


class VLLMServerSampler:
    """Completions by ``vllm serve``.

    Log-probs are the server's, which must run with ``--logprobs-mode processed_logprobs``: those of the
    temperature-scaled distribution. With top_k, top_p or min_p they would be of the truncated one; there, one more
    forward pass of the policy gives those of the whole. What the server computes in bfloat16 differs a little from the
    trainer's: ``objective.importance`` corrects it.

    No completion is drawn from other weights than the policy's: every failure of :meth:`sync` is an error, so is a
    draw with weights that have changed since, and a server that was away gets the weights again before it is asked
    again. After the first :meth:`sync` its log-probs are compared with the policy's. Raises ConfigError and
    VerituneError with what to do.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        eos_ids: Sequence[int],
        config: VLLMServerConfig,
        dtype: torch.dtype = torch.bfloat16,
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
        world: World = ALONE,
    ) -> None:
        self.model, self.tokenizer, self.eos_ids, self.config = model, tokenizer, list(eos_ids), config
        self.dtype, self.autocast, self.world = dtype, autocast, world
        self.client = VLLMClient(config, self._command())
        (self.name,) = set(world.run(self.client.model))
        self._own: tempfile.TemporaryDirectory[str] | None = None
        self._run, self._version = uuid4().hex[:8], 0
        self._served = ""
        """The folder that the server has loaded."""
        self._synced: list[int] | None = None
        """Fingerprint of the weights that the server has; None where that is unknown."""
        self._taken: list[int] | None = None
        """Fingerprint of the weights that :meth:`hold` or :meth:`sync` took last."""
        self._held = False
        """Whether weights come by :meth:`hold`: the policy's own are then others while completions are drawn."""
        self._compared = False
        self._reloading = threading.Lock()

    def sync(self) -> None:
        """Give the server the policy's current weights, where they have changed. All processes call it together."""
        now = fingerprint(self.model)
        if not self.world.any(now != self._synced):
            return
        self._synced = None
        state = gathered_weights(self.model, self.dtype, keep=self.world.first)
        self._served = self.world.only_first(lambda: self._publish(state))
        if not self._compared and not is_sharded(self.model):
            self.world.only_first(self._compare)
        self._compared = True
        self._synced = self._taken = now

    def hold(self, busy: bool) -> Callable[[], None]:
        """Copy the policy's weights, which the function returned gives to the server: in another thread, while the
        policy moves on. With several processes each calls both, the function as a meeting."""
        self._held = True
        if not self._compared:
            self.sync()  # compares log-probs with the policy's, which stands still now
            return lambda: None
        now = fingerprint(self.model)
        if now == self._taken:
            return lambda: None
        self._taken = now
        state = gathered_weights(self.model, self.dtype, keep=self.world.first, copy=True)

        def load() -> None:
            self._synced = None
            self._served = self.world.only_first(lambda: self._publish(state))
            self._synced = now
            state.clear()

        return load

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        samples: int,
        sampling: SamplingConfig,
        generator: torch.Generator,
        done: Done | None = None,
    ) -> list[Rollout]:
        """See :class:`veritune.trainer.rollout.interface.Sampler`. One process alone calls :meth:`sync` here."""
        if not prompts or samples < 1:
            return []
        if self._held:
            pass
        elif self.world.size == 1:
            self.sync()
        elif self._synced is None or fingerprint(self.model) != self._synced:
            raise VerituneError("the policy's weights changed after sync(): all processes call it before a draw")
        rollouts: list[Rollout | None] = [None] * (len(prompts) * samples)
        for number, group in self._groups(prompts, samples, sampling, generator):
            for place, rollout in enumerate(group, number * samples):
                rollouts[place] = rollout
                if done is not None and not truncated(sampling):
                    done(place, rollout)
        found = [rollout for rollout in rollouts if rollout is not None]
        if truncated(sampling):
            rescore(self.model, found, sampling.temperature, self.autocast)
            for place, rollout in enumerate(found):
                if done is not None:
                    done(place, rollout)
        return found

    def abort(self) -> None:
        """End what the server is asked at this moment: its requests fail at once. Nothing can be drawn afterwards."""
        self.client.close()

    def close(self) -> None:
        """Close connections and remove the temporary weights."""
        self.client.close()
        if self._own is not None:
            self._own.cleanup()

    # -- weights ---------------------------------------------------------------------------------------------------

    def _publish(self, state: dict[str, torch.Tensor]) -> str:
        """Write the weights to a new folder and have it loaded; the one before is removed then.

        A new path each time: what the server or the file system keeps of an old one cannot be taken for the new.
        """
        folder = self._folder()
        self._version += 1
        path = folder / f"weights-{self._run}-{self._version:06d}"
        try:
            save_weights(self.model, state, path)
        except OSError as error:
            raise VerituneError(f"cannot write the policy's weights to {path}: {error}") from error
        self._load(str(path))
        if self._served:
            shutil.rmtree(self._served, ignore_errors=True)
        return str(path)

    def _folder(self) -> Path:
        if self.config.weights is not None:
            return Path(self.config.weights).expanduser().resolve()
        if self._own is None:
            self._own = tempfile.TemporaryDirectory(prefix="veritune-weights-")
        return Path(self._own.name)

    def _load(self, path: str) -> None:
        try:
            self.client.post("/collective_rpc", {"method": "reload_weights", "kwargs": {"weights_path": path}})
            self.client.post("/reset_prefix_cache")
        except NotThere as error:
            raise ConfigError(
                f"the vLLM server at {self.config.url} cannot take new weights: it was started without "
                f"VLLM_SERVER_DEV_MODE=1. Start it with\n  {self.client.start}"
            ) from error
        except VerituneError as error:
            raise VerituneError(
                f"{error}\nThe weights are in {path}: the server must see them at that path (sampling.server.weights "
                "names a folder on a file system of both) and serve the policy's architecture."
            ) from error

    def _load_again(self) -> None:
        """The server was away: it may have been started anew, with other weights."""
        with self._reloading:
            self._load(self._served)

    def _compare(self) -> None:
        """Whether the server's log-probs are the policy's. Raises ConfigError."""
        prompt = probe_prompt(self.tokenizer, self.eos_ids)
        answer = self.client.post("/v1/completions", self._request(prompt, PROBE_SAMPLES, PROBE, 0))
        rollouts = self._read(answer, 0, prompt, PROBE_SAMPLES, ())
        theirs = flat(rollouts)
        gaps = {}
        for kind, temperature in (("processed", PROBE.temperature), ("raw", 1.0)):
            gaps[kind] = gap(self.model, rollouts, theirs, temperature, self.autocast)
        if gaps["processed"] > 3 * gaps["raw"] and gaps["processed"] > TOLERANCE / 5:
            raise ConfigError(
                f"the vLLM server at {self.config.url} answers with log-probs before the temperature. Start it with\n"
                f"  {self.client.start}"
            )
        if not gaps["processed"] <= TOLERANCE:
            raise ConfigError(
                f"log-probs of the vLLM server at {self.config.url} are {gaps['processed']:.2f} nats off the policy's "
                f"on average: {self.name!r} is not the policy, or its weights were not replaced"
            )

    def _command(self) -> str:
        """How a server for this policy is started."""
        path = getattr(bare(self.model).config, "_name_or_path", "") or "MODEL"
        port = self.config.url.rpartition(":")[2]
        where = f" --port {port}" if port.isdigit() and port != "8000" else ""
        return f"VLLM_SERVER_DEV_MODE=1 vllm serve {path}{where} --logprobs-mode processed_logprobs"

    # -- completions -----------------------------------------------------------------------------------------------

    def _groups(
        self, prompts: Sequence[Sequence[int]], samples: int, sampling: SamplingConfig, generator: torch.Generator
    ) -> Iterator[tuple[int, list[Rollout]]]:
        """Groups as they are complete, each with the number of its prompt."""
        # vLLM numbers the samples of a prompt from its seed on: seeds in a row would share random numbers.
        drawn = torch.randint(2**62, (len(prompts),), device=generator.device, generator=generator)
        seeds = drawn.tolist()
        with _threads(max(1, min(len(prompts), REQUESTS, sampling.batch // samples))) as pool:
            waiting: dict[Future[Any], int] = {}
            for number, prompt in enumerate(prompts):
                body = self._request(list(prompt), samples, sampling, seeds[number])
                waiting[pool.submit(self.client.post, "/v1/completions", body, self._load_again)] = number
            for future in _finished(waiting):
                number = waiting[future]
                yield number, self._read(future.result(), number, prompts[number], samples, sampling.stop)

    def _request(self, prompt: list[int], samples: int, sampling: SamplingConfig, seed: int) -> dict[str, Any]:
        """Every parameter of the distribution is given: for one left out the server takes the checkpoint's own."""
        return {
            "model": self.name,
            "prompt": prompt,
            "n": samples,
            "seed": seed,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k or -1,
            "min_p": sampling.min_p,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "stop": list(sampling.stop),
            "stop_token_ids": self.eos_ids,
            "include_stop_str_in_output": True,
            "skip_special_tokens": False,  # a stop string may be one
            "spaces_between_special_tokens": False,
            "logprobs": 0,
            "return_token_ids": True,
        }

    def _read(
        self, answer: Any, number: int, prompt: Sequence[int], samples: int, stop: Sequence[str]
    ) -> list[Rollout]:
        """The completions of an answer, in order. Raises VerituneError where something is missing."""
        choices = sorted(answer.get("choices", []), key=lambda each: int(each["index"]))
        if len(choices) != samples:
            raise VerituneError(f"the vLLM server gave {len(choices)} completions, {samples} were asked for")
        return [self._rollout(choice, number, prompt, stop) for choice in choices]

    def _rollout(self, choice: dict[str, Any], number: int, prompt: Sequence[int], stop: Sequence[str]) -> Rollout:
        ids, logps = choice.get("token_ids"), (choice.get("logprobs") or {}).get("token_logprobs")
        if ids is None or logps is None:
            raise VerituneError("the vLLM server gives no token ids or log-probs; it must be vLLM 0.15 or newer")
        if len(ids) != len(logps) or None in logps:
            raise VerituneError(f"the vLLM server gave {len(ids)} tokens and log-probs for {len(logps)} of them")
        reason = choice.get("finish_reason")
        if reason not in ("stop", "length"):
            raise VerituneError(f"the vLLM server ended a completion with {reason!r}")
        finish: Finish = "length" if reason == "length" else "stop"
        if (ids and ids[-1] in self.eos_ids) or (reason == "stop" and not isinstance(choice.get("stop_reason"), str)):
            finish = "eos"
        rollout = Rollout(number, list(prompt), list(ids), [float(value) for value in logps], finish)
        rollout.text = decode(self.tokenizer, ids, self.eos_ids, stop)
        return rollout


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """A pool that is not waited for after an error: what is in flight may take until its timeout."""
    pool = ThreadPoolExecutor(count, thread_name_prefix="veritune-vllm")
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _finished(waiting: Iterable[Future[Any]]) -> Iterator[Future[Any]]:
    """Futures as they are done, while this thread's work is wanted."""
    left = set(waiting)
    while left:
        check_cancelled()
        done, left = wait(left, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
        yield from done
