"""Is it right? Answer extraction and verdicts."""
