"""The GRPO loss on top of the linear -> log-prob kernels."""
