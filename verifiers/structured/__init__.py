"""Structured output: documents found in a completion, read strictly, and checked against what the row asks."""
