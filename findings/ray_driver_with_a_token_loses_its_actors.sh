#!/usr/bin/env bash
# A Ray driver that turns token authentication on beside a cluster without it connects, runs tasks, and loses every actor.
#
# Versions   ray 2.60.0, Python 3.11
# Expected   ray.init() either refuses a cluster whose authentication differs from its own, or works with it.
# Seen       A cluster of ray.cluster_utils has no authentication. ray.init(address=…) takes that over: actors work. The
#            same process, after ray.shutdown(), connecting with ray.init() to the same cluster, which it finds by itself,
#            says "Token authentication is enabled for this Ray cluster" and connects. Tasks answer. Every actor dies
#            before it runs with "all references to the actor were removed", though the handle is held. With
#            RAY_AUTH_MODE=disabled both work.
# Matters    what waits for actors waits in vain, and the reason that is given leads nowhere near authentication. The
#            crew of actors (sandbox/cluster) ends its wait and names RAY_AUTH_MODE.
#
# Exit status 0: as described. 1: it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv v
v/bin/pip install -q --disable-pip-version-check ray==2.60.0
cat > driver.py <<'P'
import ray
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})


@ray.remote
class Actor:
    def hello(self):
        return "hello"


@ray.remote
def task():
    return "hello"


def say(name, promise):
    try:
        print(f"{name}: {ray.get(promise, timeout=60)}", flush=True)
    except ray.exceptions.ActorDiedError as error:
        print(f"{name}: died, {'references' if 'all references' in str(error) else str(error)}", flush=True)


ray.init(address=cluster.address, log_to_driver=False)
held = Actor.remote()
say("named actor", held.hello.remote())
ray.shutdown()
ray.init(log_to_driver=False)
say("found task", task.remote())
held = Actor.remote()
say("found actor", held.hello.remote())
ray.shutdown()
cluster.shutdown()
P
export RAY_TMPDIR=$work/r
mkdir "$RAY_TMPDIR"
unset RAY_AUTH_MODE RAY_ADDRESS
seen=$(v/bin/python driver.py 2>/dev/null | grep -E '^(named|found)')
same=$(RAY_AUTH_MODE=disabled v/bin/python driver.py 2>/dev/null | grep -E '^(named|found)')
printf 'authentication left alone:\n%s\nRAY_AUTH_MODE=disabled:\n%s\n' "$seen" "$same"
if [ "$seen" = $'named actor: hello\nfound task: hello\nfound actor: died, references' ] &&
    [ "$same" = $'named actor: hello\nfound task: hello\nfound actor: hello' ]; then
    echo "as described"
else
    echo "CHANGED"
    exit 1
fi
