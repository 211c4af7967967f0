"""Running what cannot be trusted: programs of the policy, and computations that may never end."""
