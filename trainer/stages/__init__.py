"""What a run can do: warm-up, GRPO, a reward model."""
