"""What cannot be made of ``model.build`` and ``model.attention``, said under the key that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from veritune.plugins import ConfigError
from veritune.plugins.errors import did_you_mean

SIZES = (
    "hidden_size", "intermediate_size", "moe_intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "head_dim", "kv_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim",
    "max_position_embeddings",
)  # fmt: skip
"""Fields of a configuration that nothing can be made of at 0; some architectures take it without a word."""
ATTENTIONS = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
ELSEWHERE = {
    "num_nextn_predict_layers": "modules for multi-token prediction are model.mtp: {depth: N}",
    "aux_loss_alpha": "the sequence-wise loss is model.moe: {balance: both, sequence_loss: ALPHA}",
    "router_aux_loss_coef": "the auxiliary loss is model.moe: {balance: loss, sequence_loss: 0, aux_loss: WEIGHT}",
}
"""Fields of published configurations that training goes by, and where that is said here."""


def check_shapes(kind: str, fields: Mapping[str, Any], modules: int = 0) -> None:
    """Raise ConfigError for sizes that no model can have, of latent attention also for those that do not fit, and for
    what would come to nothing here. ``modules``: those of ``model.mtp``."""
    for name, where in ELSEWHERE.items():
        said = modules if name == "num_nextn_predict_layers" else 0
        if fields.get(name) not in (None, 0, said):
            raise ConfigError(f"model.build.{name}: {fields[name]} would come to nothing here; {where}")
    for name in (*SIZES, "q_lora_rank"):
        value = fields.get(name)
        if isinstance(value, int) and value < 1:
            without = "; null: queries are not compressed" if name == "q_lora_rank" else ""
            raise ConfigError(f"model.build.{name}: {value}, and it is at least 1{without}")
    rope, heads, kv_heads = (fields.get(n) for n in ("qk_rope_head_dim", "num_attention_heads", "num_key_value_heads"))
    if isinstance(rope, int) and rope % 2:
        raise ConfigError(f"model.build.qk_rope_head_dim: {_odd(rope)}")
    if kind.startswith("deepseek_v") and kv_heads is not None and kv_heads != heads:
        raise ConfigError(
            f"model.build.num_key_value_heads: {kv_heads}, and latent attention makes keys and values for every one of "
            f"num_attention_heads: {heads}; leave it out"
        )


def fit_key_heads(kind: str, fields: Mapping[str, Any], made: Any) -> None:
    """Of latent attention as many key heads as heads, where none are given: the architecture's default is the large
    model's. Raises ConfigError where heads of another attention cannot share them evenly."""
    heads, kv_heads = getattr(made, "num_attention_heads", None), getattr(made, "num_key_value_heads", None)
    if not isinstance(heads, int) or not isinstance(kv_heads, int):
        return
    given = fields.get("num_key_value_heads") is not None
    if hasattr(made, "kv_lora_rank") and not given:
        made.num_key_value_heads = heads
    elif kv_heads < 1 or heads % kv_heads:
        default = "" if given else f" ({kind}'s default; none is given)"
        raise ConfigError(
            f"model.build.num_key_value_heads: {kv_heads}{default} does not divide num_attention_heads: {heads}"
        )


def rotary_trouble(fields: Mapping[str, Any], error: BaseException) -> str | None:
    """Of an error of transformers' about an odd rotary width: the key that it comes from."""
    if "even rotary dimension" not in str(error):
        return None
    if "head_dim" in fields:
        return f"model.build.head_dim: {_odd(fields['head_dim'])}"
    hidden, heads = fields.get("hidden_size"), fields.get("num_attention_heads")
    if isinstance(hidden, int) and isinstance(heads, int):
        where = f"model.build.hidden_size: {hidden} over num_attention_heads: {heads} gives heads of {hidden // heads}"
        return f"{where}; {_odd(hidden // heads)} (head_dim says another width)"
    return None


def _odd(width: Any) -> str:
    return f"{width} is no even number, and rotary embeddings turn pairs of numbers"


def attention_trouble(attention: str | None, model: str, error: BaseException) -> str | None:
    """Of an error of transformers' about an attention that a model does not have or nobody has installed: the key."""
    said = str(error)
    known = ("attn_implementation", "attention implementation", "FlashAttention", "flash_attn", "FlexAttention")
    if attention is None or not any(word in said for word in known):
        return None
    first = said.split(". ")[0].split("\n")[0]
    meant = "" if attention in ATTENTIONS else did_you_mean(attention, ATTENTIONS)
    return (
        f"model.attention: {attention}: {model} cannot be run with it here ({first[:200]});{meant} "
        "use model.attention: eager, or leave it out"
    )


def check_vocabulary(fields: Mapping[str, Any], tokens: int) -> None:
    """Raise ConfigError for a ``vocab_size`` that is not the tokenizer's."""
    if fields.get("vocab_size") not in (None, tokens):
        raise ConfigError(
            f"model.build.vocab_size: {fields['vocab_size']!r}, and the tokenizer has {tokens} tokens; leave it "
            "out: the vocabulary is the tokenizer's"
        )


def unknown_name(fields: Mapping[str, Any], error: BaseException) -> str | None:
    """Of a KeyError of transformers' about a name that stands in the fields: the key, and the nearest name."""
    if not isinstance(error, KeyError) or not error.args:
        return None
    from transformers.activations import ACT2FN
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    for path, value in _leaves(fields):
        if value == error.args[0] and isinstance(value, str):
            rotary = path.endswith("rope_type")
            names = ["default", *ROPE_INIT_FUNCTIONS] if rotary else list(ACT2FN)
            listed = f" Known: {', '.join(names)}" if rotary or path.endswith("hidden_act") else ""
            return f"model.build.{path}: unknown {value!r}.{did_you_mean(value, names)}{listed}"
    return None


def _leaves(fields: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield before + name, value
