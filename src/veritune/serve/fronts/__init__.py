"""Fronts: the conventions of trainers that ask over HTTP by themselves, on the same server."""
