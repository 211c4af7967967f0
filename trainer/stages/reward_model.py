"""Bradley–Terry training of a reward model on preference pairs (``stage: reward_model``).

The result is a standard transformers checkpoint with one logit, right padding and a padding token of its own, so that
``preference``, TRL and plain transformers read the same number from it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import torch

from veritune.plugins import ConfigError, DataError
from veritune.plugins.errors import did_you_mean
from veritune.plugins.types import completion_text, prompt_text
from veritune.rewards.composition import RewardSet
from veritune.rewards.preference.encoding import Encoded, Encoder, EncodingOptions
from veritune.rewards.preference.model import TRAINED, batches, context_length, padded_types
from veritune.rewards.preference.statistics import calibrate
from veritune.trainer.config.reward_model import PairsConfig, RewardModelConfig, RewardModelModel
from veritune.trainer.data.pairs import EncodedPair, Pair, encode_pairs
from veritune.trainer.data.preferences import load_preferences, viewed_pairs
from veritune.trainer.observe.metrics import Clock
from veritune.trainer.observe.pair_metrics import length_accuracy, pair_metrics
from veritune.trainer.policy.distributed import ALONE, World
from veritune.trainer.policy.models import SMALL, Policy, pick_device
from veritune.trainer.policy.optimization import BadSteps, gradient_step, make_optimizer, set_lr
from veritune.trainer.stages.interface import Context, Inputs, Records, Say, Stage
from veritune.trainer.stages.progress import Progress

PAD, EOS = "<pad>", "<eos>"
BAD_STEPS = 5
"""Updates in a row that are not finite, and end the run."""


class RewardModel(Stage):
    """The stage. The policy of its context is the classifier."""

    name, title, config_type = "reward_model", "pairs", RewardModelConfig
    product = "a reward model"
    optimizer: torch.optim.Optimizer

    def __init__(
        self,
        config: RewardModelConfig,
        policy: Policy,
        pairs: tuple[list[Pair], list[Pair]],
        progress: Progress,
        world: World = ALONE,
    ) -> None:
        self.run, self.config, self.progress, self.world = config, config.reward_model, progress, world
        self.policy, self.model, self.device = policy, policy.model, policy.device
        self.held_pairs, self.encoder = pairs[1], make_encoder(config, policy)
        self.train_encoded, self.held_encoded = encode_sides(config, policy, pairs)
        self.optimizer = make_optimizer(self.model, self.config)
        self.bad_steps = BadSteps(BAD_STEPS)
        self.order: tuple[int, list[EncodedPair]] = (0, [])
        self.evaluated: tuple[int, dict[str, float], list[float]] | None = None

    # -- before there are steps ------------------------------------------------------------------------------------

    @classmethod
    def read(cls, config: RewardModelConfig, world: World, say: Say) -> Inputs:
        make_optimizer(torch.nn.Linear(2, 2), config.reward_model)
        nothing = RewardSet((), "sum", "sample")
        return Inputs(config, nothing, draws=False, own=read_pairs(config.data, say))

    @classmethod
    def numbers(cls, inputs: Inputs) -> list[str]:
        return ["accuracy", "loss", "brier", "ece"]

    @classmethod
    def load_model(cls, inputs: Inputs, config: RewardModelConfig, world: World, say: Say) -> Policy:
        tokenizer, model = load_classifier(config.model, inputs.own[0])
        device = pick_device(config.device)
        if not world.sharded:
            model.to(device)
        policy = Policy(model, tokenizer, device, [])
        if device.type == "cpu":
            torch.set_num_threads(config.threads or (1 if policy.parameters < SMALL else torch.get_num_threads()))
        return policy

    @classmethod
    def check_model(cls, inputs: Inputs, policy: Policy, encode: Any, say: Say) -> None:
        if not all(encode_sides(inputs.config, policy, inputs.own)):
            limit = inputs.config.data.max_length
            raise ConfigError(f"data.max_length={limit}: no pair is short enough, and too_long is refuse")

    @classmethod
    def begin(cls, context: Context) -> RewardModel:
        return cls(context.config, context.policy, context.inputs.own, context.progress, context.world)

    # -- steps -----------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        return self.config.epochs * self.steps_an_epoch

    @property
    def steps_an_epoch(self) -> int:
        return math.ceil(len(self.train_encoded) / self.config.batch)

    def step(self) -> dict[str, float]:
        """One batch of pairs; every epoch is over all pairs in a new order."""
        epoch, at = divmod(self.progress.step, self.steps_an_epoch)
        if self.order[0] != epoch + 1:
            random = Random(f"{self.run.seed}:{epoch + 1}")
            self.order = (epoch + 1, random.sample(self.train_encoded, len(self.train_encoded)))
        clock = Clock()
        with clock.phase("update"):
            lr = set_lr(self.optimizer, self.config, self.progress.step, self.steps)
            loss = self.backward(self.order[1][at * self.config.batch : (at + 1) * self.config.batch])
            self.world.sum_gradients(self.model)
            norm = gradient_step(self.model, self.optimizer, self.config.clip_norm)
        self.progress.step += 1
        finite = norm is not None and math.isfinite(loss)
        self.bad_steps.watch(finite, f"step {self.progress.step}", "lower reward_model.lr")
        return {"loss": loss, "grad_norm": math.nan if norm is None else norm, "lr": lr, **clock.metrics()}

    def backward(self, pairs: Sequence[EncodedPair]) -> float:
        """One step's loss; gradients are summed over forward passes of at most ``token_budget`` padded tokens, and
        hold this process's share of the pairs."""
        self.model.train()
        mine = [pairs[i] for i in self.world.part(len(pairs))]
        longest = [Encoded(p.chosen if len(p.chosen) >= len(p.rejected) else p.rejected) for p in mine]
        total = 0.0
        cuts = list(batches(range(len(mine)), longest, self.config.token_budget // 2))
        for indices in self.world.passes(self.model, self.world.even([list(cut) for cut in cuts])):
            if not indices:  # of a sharded model, while others still have some
                self.world.backward(self.scores([pairs[0].chosen]).sum() * 0.0)
                continue
            part = [mine[i] for i in indices]
            scores = self.scores([*(p.chosen for p in part), *(p.rejected for p in part)])
            chosen, rejected = scores[: len(part)], scores[len(part) :]
            margins = torch.tensor([p.margin for p in part], device=self.device)
            loss = -torch.nn.functional.logsigmoid(chosen - rejected - margins).sum()
            loss = (loss + self.config.centre * ((chosen + rejected) ** 2).sum()) / len(pairs)
            self.world.backward(loss)
            total += float(loss.detach())
        return sum(self.world.gather(total))

    def scores(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """(rows,) float32."""
        pad, length = self.model.config.get_text_config().pad_token_id, max(map(len, rows))
        ids = torch.tensor([[*row, *[pad] * (length - len(row))] for row in rows], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows], device=self.device)
        types = padded_types([self.encoder.types(row) for row in rows], length)
        segments = {name: torch.tensor(value, device=self.device) for name, value in types.items()}
        logits: torch.Tensor = self.model(input_ids=ids, attention_mask=mask, **segments).logits
        return logits[:, 0].float()

    # -- evaluation, and what is left ------------------------------------------------------------------------------

    def evaluation_due(self, every: int | None) -> bool:
        """Before the first step, and after every epoch."""
        step = self.progress.step
        return step % self.steps_an_epoch == 0 or bool(every and step % every == 0)

    def evaluate(self, context: Context) -> tuple[dict[str, float], Records]:
        metrics, _ = self.judge()
        return {"epoch": self.progress.step / self.steps_an_epoch, **metrics}, []

    @torch.no_grad()
    def judge(self) -> tuple[dict[str, float], list[float]]:
        """Metrics on the held-out pairs, and every score behind them (chosen first)."""
        if self.evaluated is not None and self.evaluated[0] == self.progress.step:
            return self.evaluated[1:]
        self.model.eval()
        rows = [p.chosen for p in self.held_encoded] + [p.rejected for p in self.held_encoded]
        scores = [0.0] * len(rows)
        encoded = [Encoded(row) for row in rows]
        for batch in batches(range(len(rows)), encoded, self.config.token_budget):
            for i, value in zip(batch, self.scores([rows[i] for i in batch]).tolist(), strict=True):
                scores[i] = value
        half = len(self.held_encoded)
        metrics = pair_metrics([a - b for a, b in zip(scores[:half], scores[half:], strict=True)])
        metrics["longer_is_better"] = length_accuracy([pair.texts for pair in self.held_pairs])
        self.evaluated = (self.progress.step, metrics, scores)
        return metrics, scores

    def finish(self, context: Context) -> str:
        """``model/``: the checkpoint, with the statistics of its scores; ``evaluation.json``: the last figures."""
        metrics, scores = self.judge()
        statistics = calibrate(scores)
        setattr(self.model.config, TRAINED, {"eos": self.run.data.eos, **statistics})
        super().finish(context)
        found = {**metrics, **statistics, "train_pairs": len(self.train_encoded)}
        text = json.dumps(found, indent=1) + "\n"
        context.world.only_first(lambda: (context.folder / "evaluation.json").write_text(text, encoding="utf-8"))
        return (
            f"{summary(metrics)}\nthe reward model is in {context.folder / 'model'}: use it as preference with "
            "params: {model: …}"
        )


def read_pairs(data: PairsConfig, say: Say) -> tuple[list[Pair], list[Pair]]:
    """Training and held-out pairs as the model will see them. Raises DataError, ColumnError."""
    sides = load_preferences(data, None)
    if data.completions is not None:  # how far rewards lie apart is no margin that anybody asked for
        sides = [replace(pair, margin=0.0) for pair in sides[0]], [replace(pair, margin=0.0) for pair in sides[1]]
    found = viewed_pairs(sides[0], data.view), viewed_pairs(sides[1], data.view)
    for what, before, after in zip(("data", "data, held out"), sides, found, strict=True):
        if len(after) < len(before):
            alike = len(before) - len(after)
            say(f"{what}: {alike} of {len(before)} pairs are alike in their {data.view} and left out")
    if not all(found):
        raise DataError(f"data.view: {data.view}: no pair is left to train on, or to hold out")
    return found


def encode_sides(
    config: RewardModelConfig, policy: Policy, pairs: tuple[list[Pair], list[Pair]]
) -> tuple[list[EncodedPair], list[EncodedPair]]:
    """Training and held-out pairs as token ids."""
    encoder = make_encoder(config, policy)
    return encode_pairs(pairs[0], encoder), encode_pairs(pairs[1], encoder)


def make_encoder(config: RewardModelConfig, policy: Policy) -> Encoder:
    """The encoder of training, which is that of scoring."""
    data = config.data
    options = EncodingOptions(data.template, "append" if data.eos else "none", None, data.max_length, data.too_long)
    return Encoder(policy.tokenizer, options, context_length(policy.model.config))


def summary(metrics: Mapping[str, float]) -> str:
    """One line for people."""
    return (
        f"pair accuracy {metrics['accuracy']:.1%} [{metrics['accuracy_low']:.1%}, {metrics['accuracy_high']:.1%}] "
        f"on {metrics['pairs']:.0f} held-out pairs, loss {metrics['loss']:.3f}, calibration error "
        f"{metrics['ece']:.3f}; the longer answer is the better one in {metrics['longer_is_better']:.1%}"
    )


def load_classifier(config: RewardModelModel, pairs: Sequence[Pair]) -> tuple[Any, Any]:
    """Tokenizer and a model with one logit. Raises ConfigError for what cannot be loaded."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        source = config.tokenizer or config.path
        tokenizer = AutoTokenizer.from_pretrained(source) if source else make_bpe(pairs, config.vocabulary)
        _own_padding(tokenizer)
        if config.path is not None:
            model = AutoModelForSequenceClassification.from_pretrained(
                config.path, num_labels=1, dtype=torch.float32, attn_implementation=config.attention
            )
        else:
            fields = dict(config.build or {})
            kind = fields.pop("model_type")
            if kind not in CONFIG_MAPPING:
                raise ConfigError(
                    f"model.build.model_type: unknown {kind!r}.{did_you_mean(kind, CONFIG_MAPPING.keys())}"
                )
            made = CONFIG_MAPPING[kind](vocab_size=len(tokenizer), num_labels=1, bos_token_id=None, **fields)
            model = AutoModelForSequenceClassification.from_config(made, attn_implementation=config.attention)
    except (OSError, ValueError) as error:
        raise error if isinstance(error, ConfigError) else ConfigError(f"cannot load the model: {error}") from error
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer))
    text = model.config.get_text_config()
    text.pad_token_id, text.eos_token_id = tokenizer.pad_token_id, tokenizer.eos_token_id
    return tokenizer, model


def make_bpe(pairs: Sequence[Pair], size: int) -> Any:
    """A byte-level BPE tokenizer of the pairs' texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [t for p in pairs for t in (prompt_text(p.prompt), completion_text(p.chosen), completion_text(p.rejected))]
    core.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token=PAD, eos_token=EOS, padding_side="right")


def _own_padding(tokenizer: Any) -> None:
    """A padding token that is not the end of text: models skip padding to find the last token, and would skip both."""
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        tokenizer.add_special_tokens({"pad_token": PAD})
    tokenizer.padding_side = "right"
