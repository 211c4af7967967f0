#!/usr/bin/env bash
# peft with transformers' mixtures of experts: naming gate_proj, up_proj and down_proj leaves dense and shared MLPs as
# they are, without a word.
#
# Versions   peft 0.21.2, transformers 5.23.0, torch 2.13.0 (CPU), Python 3.11
# Expected   target_modules takes every module whose name ends so (LoraConfig's own words). In a DeepSeek-V3 the first
#            layer's MLP and every layer's shared experts are plain linear layers of these names, beside routed experts
#            that are whole tensors: all get an adapter, as they do in a Llama.
# Seen       the names are converted into the experts' tensors (target_parameters) and taken away from the modules: the
#            dense MLP and the shared experts get none. With the names alone no linear layer has an adapter; nothing is
#            raised or warned about it. A Llama beside it has all three in every layer.
# Matters    a LoRA recipe moved from a dense model to a mixture trains other weights than it names, and every token
#            passes through the ones that are left out. policy/lora.py adds them by name.
#
# Exit status 0: as described. 1: it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check torch==2.13.0 numpy==2.3.5 transformers==5.23.0 peft==0.21.2
v/bin/python - <<'P'
import sys
import warnings

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import Linear
from transformers import AutoModelForCausalLM, DeepseekV3Config, LlamaConfig

NAMES = ["gate_proj", "up_proj", "down_proj"]
SIZES = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
EXPERTS = {
    "num_key_value_heads": 2, "moe_intermediate_size": 16, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1,
    "topk_group": 1, "n_shared_experts": 1, "first_k_dense_replace": 1, "q_lora_rank": 16, "kv_lora_rank": 16,
    "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 8,
}


def adapted(config):
    """Linear layers of these names, how many of them have an adapter, tensors that have one, and what was warned."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    plain = [n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and n.rsplit(".", 1)[-1] in NAMES]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with_lora = get_peft_model(model, LoraConfig(r=4, target_modules=list(NAMES)))
    linear = sum(isinstance(m, Linear) for m in with_lora.modules())
    tensors = sum(type(m).__name__ == "ParamWrapper" for m in with_lora.modules())
    about = [w for w in said if any(word in str(w.message) for word in ("shared", "dense", "mlp.gate_proj"))]
    return len(plain), linear, tensors > 0, len(about)


dense, mixture = adapted(LlamaConfig(**SIZES)), adapted(DeepseekV3Config(**SIZES, **EXPERTS))
print("linear layers of these names, of them adapted, tensors adapted, warnings about those left out")
print("Llama      ", *dense)
print("DeepSeek-V3", *mixture)
if dense != (6, 6, False, 0) or mixture != (6, 0, True, 0):
    print("CHANGED")
    sys.exit(1)
print("as described")
P
