"""Rows, prompts, pairs and generated tasks, and how they become batches."""
