"""Routed experts: their products, the balance of their load, and the sampler's choice of them repeated in training."""
