"""Texts before they are read as mathematics: Unicode, Chinese, wrappers, words."""
