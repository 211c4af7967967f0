#!/usr/bin/env bash
# reasoning_gym: the same task, seed and index give another entry in another process.
#
# Versions   reasoning_gym 0.1.25, Python 3.11
# Expected   an entry is a function of the configuration (with its seed) and the index: a resumed run, or a second worker, sees
#            the same question at the same place.
# Seen       isomorphic_strings, polynomial_multiplication and ransom_note draw from sets of strings, whose order goes by
#            PYTHONHASHSEED: two processes, two questions (knight_swap and word_ladder: the same with other answers).
# Matters    a run that goes on after a checkpoint trains on other rows than it would have, and an answer that is scored in
#            another process than its question was made in is scored against another entry. veritune makes entries in
#            processes with a fixed hash seed (verifiers/reasoning_gym.py).
#
# Exit status 0: as described. 1: it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check reasoning-gym==0.1.25
cat > draw.py <<'P'
import reasoning_gym

for name in ("isomorphic_strings", "polynomial_multiplication", "ransom_note", "chain_sum"):
    entries = [reasoning_gym.create_dataset(name, size=1, seed=seed)[0] for seed in (1, 2, 3)]
    print(name, [entry["question"] for entry in entries])
P
PYTHONHASHSEED=1 v/bin/python draw.py > first
PYTHONHASHSEED=2 v/bin/python draw.py > second
differing=$( (diff first second || true) | grep '^<' | cut -d' ' -f2 | sort | tr '\n' ' ')
echo "other entries of the same seeds: $differing"
[ "$differing" = "isomorphic_strings polynomial_multiplication ransom_note " ]
