"""A small reader of mathematics: LaTeX and plain text to tokens, tokens to a tree. Linear time, nothing evaluated."""
