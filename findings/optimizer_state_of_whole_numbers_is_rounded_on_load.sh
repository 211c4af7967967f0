#!/usr/bin/env bash
# torch.optim: an optimizer's state of whole numbers (int16, int8 codes) is turned into the parameter's dtype on load.
#
# Versions   torch 2.13.0 (CPU), Python 3.11
# Expected   load_state_dict(state_dict()) gives back the state: torch.save and torch.load keep int16 as it is, and the
#            base class's own comment gives a parameter's dtype to floating-point state ("the only ones that are assumed
#            to always match the type of params").
# Seen       what decides is whether the *parameter* is floating-point. An int16 tensor beside a bfloat16 parameter comes
#            back as bfloat16, and 27 of 28 of its values are another number; beside a float16 parameter four of five;
#            beside float32 only the dtype changes. Bit patterns read from it afterwards are garbage, without a word. The
#            same through torch.distributed.checkpoint.state_dict. Only a state called "step" is left alone.
# Matters    an optimizer that keeps the lower half of a weight, or moments in 8 bits, trains well and is damaged by its
#            first resume; a test that resumes in float32 sees equal numbers. policy/adamw.py puts its state back itself.
#
# Exit status 0: as described. 1: it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check torch==2.13.0 numpy==2.3.5
v/bin/python - <<'P'
import sys

import torch
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict

VALUES = torch.arange(-(2**15), 2**15, dtype=torch.int16)


class Whole(torch.optim.Optimizer):
    """Keeps whole numbers beside every parameter, under a name of its own and under "step"."""

    def __init__(self, params):
        super().__init__(params, {"lr": 0.0})

    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["codes"] = VALUES.clone()
                self.state[parameter]["step"] = VALUES.clone()


def model(dtype):
    made = torch.nn.Module()
    made.weight = torch.nn.Parameter(torch.zeros(VALUES.shape, dtype=dtype))
    made.weight.grad = torch.zeros_like(made.weight)
    return made


def plainly(saved_model, saved, new_model, new):
    new.load_state_dict(saved.state_dict())


def distributed(saved_model, saved, new_model, new):
    set_optimizer_state_dict(new_model, new, get_optimizer_state_dict(saved_model, saved))


seen = {}
for way in (plainly, distributed):
    for dtype in (torch.bfloat16, torch.float16, torch.float32):
        first, second = model(dtype), model(dtype)
        saved, new = Whole(first.parameters()), Whole(second.parameters())
        saved.step()
        way(first, saved, second, new)
        found = new.state[second.weight]
        kept = (found["codes"].to(torch.int32) == VALUES.to(torch.int32)).double().mean().item()
        seen[way.__name__, dtype] = found["codes"].dtype, round(kept, 3), found["step"].dtype
        print(f"{way.__name__:12} parameter {dtype}: codes {found['codes'].dtype}, {kept:.3f} of them the same")
want = {torch.bfloat16: 0.035, torch.float16: 0.188, torch.float32: 1.0}
described = {(way, d): (d, share, torch.int16) for way in ("plainly", "distributed") for d, share in want.items()}
if seen != described:
    print("CHANGED", seen)
    sys.exit(1)
print("as described")
P
