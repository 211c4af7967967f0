#!/usr/bin/env bash
# torch.distributed.pipelining: schedule.eval() works with four of six schedules; the two V-shaped ones raise in it.
#
# Versions   torch 2.13.0 (CPU, gloo), Python 3.11
# Expected   eval() "will chunk the input into microbatches and go through them, calling forward only", with every
#            schedule: it is a method of the base class, and none of them overrides or refuses it.
# Seen       GPipe, 1F1B, Interleaved1F1B and InterleavedZeroBubble give the losses. ZBVZeroBubble and DualPipeV run
#            step() right and raise in eval(): AssertionError, a stage without backward is asked for its gradient. Where
#            both stages of a process are neighbours (the bend of the V), the gradient is handed over locally, and that
#            part of the runtime does not look at whether there is a backward.
# Matters    a trainer that measures held-out loss through the schedule it trains with works until somebody chooses a
#            V. policy/pipeline/step.py passes micro-batches from stage to stage itself where nothing is trained.
#
# Exit status 0: as described. 1: it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check torch==2.13.0 numpy==2.3.5
cat > members.py <<'P'
import sys

import torch
import torch.distributed as dist
from torch.distributed.pipelining import PipelineStage
from torch.distributed.pipelining.schedules import PipelineScheduleMulti, get_schedule_class

dist.init_process_group("gloo")
rank, (name, what) = dist.get_rank(), sys.argv[1:]
places = {
    "GPipe": [rank], "1F1B": [rank], "Interleaved1F1B": [rank, rank + 2], "InterleavedZeroBubble": [rank, rank + 2],
    "ZBVZeroBubble": [rank, 3 - rank], "DualPipeV": [rank, 3 - rank],
}
mine = places[name]
torch.manual_seed(0)
kind = get_schedule_class(name)
count = 4 if len(mine) == 2 else 2
stages = [PipelineStage(torch.nn.Linear(8, 8), n, count, torch.device("cpu")) for n in mine]
several = issubclass(kind, PipelineScheduleMulti)
schedule = kind(stages if several else stages[0], 8, loss_fn=torch.nn.functional.mse_loss)
x, losses = torch.randn(16, 8), []
how = {"target": x, "losses": losses} if count - 1 in mine else {}
getattr(schedule, what)(*([x] if 0 in mine else []), **how)
assert len(losses) == (8 if count - 1 in mine else 0)
dist.destroy_process_group()
P
raised=""
for name in GPipe 1F1B Interleaved1F1B InterleavedZeroBubble ZBVZeroBubble DualPipeV; do
    for what in step eval; do
        if timeout 100 v/bin/python -m torch.distributed.run --standalone --nproc-per-node 2 members.py $name $what 2> errors; then
            echo "$name $what: ok"
        else
            echo "$name $what: $(grep -om1 "AssertionError: .*" errors || tail -1 errors)"
            raised="$raised $name.$what"
        fi
    done
done
if [ "$raised" = " ZBVZeroBubble.eval DualPipeV.eval" ]; then echo "as described"; else echo "CHANGED: $raised"; exit 1; fi
