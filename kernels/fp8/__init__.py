"""FP8 (e4m3) training: block quantisation, block-scaled products, a linear layer."""
