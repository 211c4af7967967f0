#!/usr/bin/env bash
# reasoning_gym: game_of_life_halting gives 1 to any text wherever the answer is True, and wherever it is "False".
#
# Versions   reasoning_gym 0.1.25, Python 3.11
# Expected   the entry's own answer, "True" or "False", is scored 1, and the other one 0.
# Seen       the scorer compares bool(answer) with bool(entry["answer"]); both are texts, and bool("False") is True: every text that
#            is not empty is scored 1.
# Matters    a policy trained on it earns everything for anything. veritune's reward asks a scorer about a nonsense text where
#            it gives 1, and takes the row's own answer alone where that is paid, too.
#
# Exit status 0: as described. 1: it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check reasoning-gym==0.1.25
v/bin/python - <<'P'
import reasoning_gym

data = reasoning_gym.create_dataset("game_of_life_halting", size=10, seed=1)
scores = {(entry["answer"], said): data.score_answer(said, entry) for entry in data for said in ("True", "False", "I do not know")}
print(scores)
raise SystemExit(set(scores.values()) != {1.0})
P
