"""Token log-prob and entropy from hidden states; the logits are never whole in memory."""
