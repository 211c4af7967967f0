"""GRPO and the stages of the R1 recipe."""
