"""The fast built-in sampler: a static cache, and on a GPU one CUDA graph a token step.

``weights`` takes the policy's parameters over, ``forward`` is the model's arithmetic, ``ops`` and ``triton_ops`` do
what PyTorch has no single kernel for, ``rows`` holds the completions being decoded, ``sampler`` schedules them.
"""
