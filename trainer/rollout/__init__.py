"""Drawing completions and scoring them."""
