"""Scoring again what was logged, and comparing two rewards on it."""
