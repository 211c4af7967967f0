"""Bradley–Terry training of a reward model on preference pairs (``stage: reward_model``).

The result is a standard transformers checkpoint with one logit, right padding and a padding token of its own, so that
``preference``, TRL and plain transformers read the same number from it.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml

from veritune.plugins import ConfigError
from veritune.plugins.errors import did_you_mean
from veritune.plugins.types import completion_text, prompt_text
from veritune.rewards.composition import validate
from veritune.rewards.preference.encoding import Encoded, Encoder, EncodingOptions
from veritune.rewards.preference.model import TRAINED, batches, context_length
from veritune.rewards.preference.statistics import calibrate
from veritune.trainer.config.reward_model import RewardModelConfig, RewardModelModel
from veritune.trainer.data.pairs import EncodedPair, Pair, encode_pairs, load_pairs
from veritune.trainer.observe.metrics import Clock, JsonLines
from veritune.trainer.observe.pair_metrics import length_accuracy, pair_metrics
from veritune.trainer.policy.models import SMALL, pick_device
from veritune.trainer.policy.optimization import BadSteps, gradient_step, make_optimizer, set_lr
from veritune.trainer.run.folders import check_folder, pick_folder

PAD, EOS = "<pad>", "<eos>"
BAD_STEPS = 5
"""Updates in a row that are not finite, and end the run."""


def train_reward_model(config: RewardModelConfig | Mapping[str, Any], where: str = "", quiet: bool = False) -> Path:
    """Train and evaluate; returns the run folder with ``model/``, ``evaluation.json``, ``metrics.jsonl``.

    Raises ConfigError or DataError before anything has run.
    """
    if not isinstance(config, RewardModelConfig):
        config = validate(RewardModelConfig, dict(config), where)
    random.seed(config.seed)
    torch.manual_seed(config.seed)
    run = RewardModelRun(config)
    run.train(quiet)
    return run.folder


class RewardModelRun:
    """Everything a run holds. Building it checks all that can be checked before training."""

    def __init__(self, config: RewardModelConfig) -> None:
        self.config = config
        self.train_pairs, self.held_pairs = load_pairs(config.data)
        self.tokenizer, self.model = load_classifier(config.model, self.train_pairs)
        self.device = pick_device(config.device)
        self.model.to(self.device)
        if self.device.type == "cpu":
            parameters = sum(p.numel() for p in self.model.parameters())
            torch.set_num_threads(config.threads or (1 if parameters < SMALL else torch.get_num_threads()))
        data = config.data
        options = EncodingOptions(data.template, "append" if data.eos else "none", None, data.max_length, data.too_long)
        self.encoder = Encoder(self.tokenizer, options, context_length(self.model.config))
        self.train_encoded = encode_pairs(self.train_pairs, self.encoder)
        self.held_encoded = encode_pairs(self.held_pairs, self.encoder)
        if not self.train_encoded or not self.held_encoded:
            raise ConfigError(f"data.max_length={data.max_length}: no pair is short enough, and too_long is refuse")
        self.folder = pick_folder(Path(config.output), resume=False)
        check_folder(self.folder, sum(p.numel() for p in self.model.parameters()))

    def train(self, quiet: bool = False) -> None:
        """Every epoch over all pairs in a new order, an evaluation after each; then save."""
        stage = self.config.reward_model
        text = yaml.safe_dump(self.config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        (self.folder / "config.yaml").write_text(text, encoding="utf-8")
        log = JsonLines(self.folder / "metrics.jsonl")
        optimizer = make_optimizer(self.model, stage)
        steps = stage.epochs * math.ceil(len(self.train_encoded) / stage.batch)
        step = 0
        bad = BadSteps(BAD_STEPS)
        for epoch in range(1, stage.epochs + 1):
            order = random.Random(f"{self.config.seed}:{epoch}").sample(self.train_encoded, len(self.train_encoded))
            for begin in range(0, len(order), stage.batch):
                clock = Clock()
                with clock.phase("update"):
                    lr = set_lr(optimizer, stage, step, steps)
                    loss = self._backward(order[begin : begin + stage.batch])
                    norm = gradient_step(self.model, optimizer, stage.clip_norm)
                step += 1
                bad.watch(norm is not None and math.isfinite(loss), f"step {step}", "lower reward_model.lr")
                found = {"loss": loss, "grad_norm": math.nan if norm is None else norm, "lr": lr, **clock.metrics()}
                log.log("reward_model", step, found)
            metrics, _ = self.evaluate()
            log.log("evaluation", step, {"of": "reward_model", "epoch": epoch, **metrics})
            if not quiet:
                print(f"epoch {epoch}: {summary(metrics)}", flush=True)
        log.close()
        self.save()

    def _backward(self, pairs: Sequence[EncodedPair]) -> float:
        """One step's loss; gradients are summed over forward passes of at most ``token_budget`` padded tokens."""
        stage = self.config.reward_model
        self.model.train()
        longest = [Encoded(p.chosen if len(p.chosen) >= len(p.rejected) else p.rejected) for p in pairs]
        total = 0.0
        for indices in batches(range(len(pairs)), longest, stage.token_budget // 2):
            part = [pairs[i] for i in indices]
            scores = self._scores([*(p.chosen for p in part), *(p.rejected for p in part)])
            chosen, rejected = scores[: len(part)], scores[len(part) :]
            margins = torch.tensor([p.margin for p in part], device=self.device)
            loss = -torch.nn.functional.logsigmoid(chosen - rejected - margins).sum()
            loss = (loss + stage.centre * ((chosen + rejected) ** 2).sum()) / len(pairs)
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total

    def _scores(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        pad, length = self.model.config.get_text_config().pad_token_id, max(map(len, rows))
        ids = torch.tensor([[*row, *[pad] * (length - len(row))] for row in rows], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows], device=self.device)
        logits: torch.Tensor = self.model(input_ids=ids, attention_mask=mask).logits
        return logits[:, 0].float()

    @torch.no_grad()
    def evaluate(self) -> tuple[dict[str, float], list[float]]:
        """Metrics on the held-out pairs, and every score behind them (chosen first)."""
        self.model.eval()
        rows = [p.chosen for p in self.held_encoded] + [p.rejected for p in self.held_encoded]
        scores = [0.0] * len(rows)
        encoded = [Encoded(row) for row in rows]
        for batch in batches(range(len(rows)), encoded, self.config.reward_model.token_budget):
            for i, value in zip(batch, self._scores([rows[i] for i in batch]).tolist(), strict=True):
                scores[i] = value
        half = len(self.held_encoded)
        metrics = pair_metrics([a - b for a, b in zip(scores[:half], scores[half:], strict=True)])
        metrics["longer_is_better"] = length_accuracy([pair.texts for pair in self.held_pairs])
        return metrics, scores

    def save(self) -> None:
        """``model/``: the checkpoint, with the statistics of its scores; ``evaluation.json``: the last figures."""
        metrics, scores = self.evaluate()
        statistics = calibrate(scores)
        setattr(self.model.config, TRAINED, {"eos": self.config.data.eos, **statistics})
        self.model.save_pretrained(self.folder / "model")
        self.tokenizer.save_pretrained(self.folder / "model")
        found = {**metrics, **statistics, "train_pairs": len(self.train_encoded)}
        (self.folder / "evaluation.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


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
            model = AutoModelForSequenceClassification.from_config(made, attn_implementation=config.attention or "sdpa")
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
