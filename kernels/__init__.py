"""Triton kernels with a plain PyTorch reference each."""
