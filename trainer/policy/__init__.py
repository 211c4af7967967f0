"""The model: loading, passes, adapters, processes."""
