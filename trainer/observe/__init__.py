"""What a run writes and shows while it runs, and its report."""
