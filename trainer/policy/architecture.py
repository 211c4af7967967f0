"""Whether a model computes what the trainer takes it to: logits that are its head times its last states, causally."""

from __future__ import annotations

from typing import Any

import torch

from veritune.plugins import ConfigError
from veritune.plugins.errors import did_you_mean
from veritune.trainer.data.packing import make_batch
from veritune.trainer.policy.build_checks import attention_trouble, fit_key_heads
from veritune.trainer.policy.experts.checks import check_experts
from veritune.trainer.policy.logprobs import USE_LOGITS, completion_logprobs, plain_head
from veritune.trainer.policy.quantized import is_quantized
from veritune.trainer.policy.sharding import bare

CLOSE = 5e-3
"""Nats by which two ways to the same log-probs may differ in float32; in bfloat16 forty times as much."""


@torch.no_grad()
def check_architecture(model: Any) -> str | None:
    """Compare one row's log-probs through our head with those of the model's own logits.

    Where they differ (something stands behind the head, or before it), the model is marked to be trained from its
    logits, and the reason is returned. Raises ConfigError where the model cannot be run, where its log-probs are not
    finite, and where it looks at later tokens.
    """
    device = next(model.parameters()).device
    vocabulary = int(model.get_input_embeddings().num_embeddings)
    generator = torch.Generator().manual_seed(0)
    length = min(14, getattr(model.config.get_text_config(), "max_position_embeddings", None) or 14)
    ids = torch.randint(vocabulary, (max(length, 2),), generator=generator).tolist()
    cut = len(ids) // 2
    changed = [*ids[:-1], (ids[-1] + 1) % vocabulary]
    was_training = model.training
    model.eval()
    try:
        logits_1LV = _logits(model, ids, device)
        if logits_1LV.shape[1] != len(ids):
            raise ConfigError(f"the model gives {logits_1LV.shape[1]} predictions for {len(ids)} tokens, not one each")
        if logits_1LV.shape[2] < vocabulary:  # tokens that are read and never written, such as a begin of its own
            ids = [token % logits_1LV.shape[2] for token in ids]
            changed = [*ids[:-1], (ids[-1] + 1) % logits_1LV.shape[2]]
            logits_1LV = _logits(model, ids, device)
        if not bool(torch.isfinite(logits_1LV).all()):
            raise ConfigError("the model's logits are not finite: its weights are broken, or were never written")
        exact = torch.log_softmax(logits_1LV[0, cut - 1 : -1].float(), -1).gather(
            1, torch.tensor(ids[cut:], device=device)[:, None]
        )
        exactly = next(model.parameters()).dtype == torch.float32 and not is_quantized(model)
        close = CLOSE * (1 if exactly else 40)
        before = logits_1LV[0, :-1].float()
        others = (_logits(model, changed, device)[0, :-1], _logits(model, ids[:-1], device)[0])
        later = max(float((other.float() - before).abs().max()) for other in others)
        if later > close / 50 * max(1.0, float(before.abs().max())):
            raise ConfigError(
                "the model looks at later tokens, so it is no causal language model as configured "
                "(is_decoder: true, for architectures that have it)"
            )
        if not plain_head(model):
            return None
        reason = _difference(model, ids, cut, exact[:, 0], close, device)
    finally:
        model.train(was_training)
    if reason is not None:
        setattr(bare(model), USE_LOGITS, True)
    return reason


def check_learns(model: Any, attention: str) -> None:
    """Raise ConfigError where the attention that was asked for runs without gradients alone."""
    device = next(model.parameters()).device
    try:
        with torch.enable_grad():
            model(input_ids=torch.zeros(1, 2, dtype=torch.long, device=device), use_cache=False)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        known = attention_trouble(attention, "this model", error)
        words = f"model.attention: {attention}: with gradients the model cannot be run: {str(error)[:200]}"
        raise ConfigError(known or words) from error


def _logits(model: Any, ids: list[int], device: Any) -> torch.Tensor:
    try:
        logits: torch.Tensor = model(input_ids=torch.tensor([ids], device=device), use_cache=False).logits
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever a shape that does not fit raises
        raise ConfigError(f"the model cannot be run: {type(error).__name__}: {str(error)[:300]}") from error
    return logits


def _difference(model: Any, ids: list[int], cut: int, exact_T: torch.Tensor, close: float, device: Any) -> str | None:
    """Why the head alone is not the model's logits, or None where it is."""
    try:
        logps_1T, _ = completion_logprobs(model, make_batch([ids[:cut]], [ids[cut:]], device))
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        return f"its decoder cannot be run alone ({type(error).__name__}: {str(error)[:120]})"
    off = float((logps_1T[0] - exact_T).abs().max())
    if off <= close:
        return None
    return f"its logits are not its head alone: {off:.2g} nats off"


def check_build(kind: str, fields: dict[str, Any], made: Any) -> None:
    """Raise ConfigError for a key of ``model.build`` that the architecture's configuration does not have, and for
    numbers of experts that do not go together."""
    import inspect

    check_experts(made)
    if getattr(made.get_text_config(), "num_hidden_layers", 1) == 0:
        raise ConfigError("model.build: num_hidden_layers is 0; a model has at least one layer")
    fit_key_heads(kind, fields, made)
    try:
        default = type(made)()
    except Exception:  # a configuration that needs arguments: nothing to compare with
        return
    known = {*default.to_dict(), *vars(default), *getattr(default, "attribute_map", {})}
    for owner in type(default).__mro__:
        if "__init__" in vars(owner):
            known |= set(inspect.signature(owner.__init__).parameters)  # type: ignore[misc]
    known |= {"rope_theta", "rope_scaling", "rope_parameters", "partial_rotary_factor", "head_dim"}  # read where given
    known -= {"self", "kwargs", "args"}
    for name in fields:
        if name not in known:
            public = [n for n in known if not n.startswith("_")]
            raise ConfigError(f"model.build: {kind} has no {name!r}.{did_you_mean(name, public)}")
