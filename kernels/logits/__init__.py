"""Token log-prob and entropy from logits."""
