"""Which language a text is in: scripts, deterministic detectors, and shares by letters, words and sentences."""
