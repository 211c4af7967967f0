"""Adapters to other trainers."""
