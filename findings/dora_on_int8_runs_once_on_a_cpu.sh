#!/usr/bin/env bash
# DoRA (peft) on a base in 8 bits (bitsandbytes) runs once on a CPU: from the second forward on the base layer is broken.
#
# Versions   peft 0.21.2, bitsandbytes 0.50.2, transformers 5.23.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11
# Expected   the same logits at every forward, as with plain LoRA on the same base: nothing has been trained in between.
# Seen       the second forward raises AttributeError: 'NoneType' object has no attribute 'dtype' in bitsandbytes'
#            int8_mm_dequant. peft's dequantize_module_weight, which DoRA calls in every forward, puts the weight back
#            with `module.weight = module.weight.to(device)` on a CPU; the layer takes that for a fresh weight and resets
#            its scales (state.SCB) to the new parameter's, which has none.
# Matters    whoever reads an int8 layer's numbers that way (to merge, export, or sample from) breaks the model that goes
#            on training. policy/quantized.py multiplies weight and scales itself, and leaves the layer alone.
#
# Exit status 0: as described. 1: it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check torch==2.13.0
v/bin/pip install -q --disable-pip-version-check transformers==5.23.0 accelerate==1.15.0 peft==0.21.2 bitsandbytes==0.50.2
HF_HUB_OFFLINE=1 v/bin/python - <<'P' 2>/dev/null
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Qwen3Config

torch.manual_seed(0)
config = Qwen3Config(
    hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
    head_dim=32, max_position_embeddings=128, vocab_size=100,
)
AutoModelForCausalLM.from_config(config).save_pretrained("tiny")
ids = torch.arange(3, 23).view(2, 10)
seen = {}
for dora in (False, True):
    how = BitsAndBytesConfig(load_in_8bit=True)
    base = AutoModelForCausalLM.from_pretrained("tiny", quantization_config=how, device_map={"": "cpu"})
    lora = LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM", use_dora=dora)
    model = get_peft_model(base, lora)
    seen[dora] = []
    for _ in range(2):
        try:
            with torch.no_grad():
                seen[dora].append(f"{model(input_ids=ids).logits.abs().max().item():.4f}")
        except AttributeError as error:
            seen[dora].append(f"AttributeError: {error}")
print("LoRA, two forwards:", seen[False])
print("DoRA, two forwards:", seen[True])
plain = seen[False][0] == seen[False][1]
as_described = plain and not seen[True][0].startswith("Attr") and "'dtype'" in seen[True][1]
print("as described" if as_described else "CHANGED")
sys.exit(not as_described)
P
