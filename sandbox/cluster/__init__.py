"""Work on the machines of a Ray cluster: a crew of actors that is as large as the cluster has room for, outlives lost
machines and new clusters, and answers every call within its time. Used by reward scoring, the math executor, the
sandbox ``ray`` and the reward model in an actor; nothing else talks to Ray."""

from veritune.sandbox.cluster.connection import ClusterUnavailable
from veritune.sandbox.cluster.crew import Crew, Work
from veritune.sandbox.cluster.host import Plan, say_in_log
from veritune.sandbox.cluster.lost import Lost

__all__ = ["ClusterUnavailable", "Crew", "Lost", "Plan", "Work", "say_in_log"]
