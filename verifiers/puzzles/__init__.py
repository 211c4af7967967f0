"""Puzzles: countdown and 24, sudoku, knights and knaves, small crosswords, graph colouring, logic grids.

A completion is checked against the puzzle, not against one solution, wherever the puzzle says what is valid.
"""

from veritune.verifiers.puzzles.verifier import KINDS, Kind, PuzzleVerifier, read_row

__all__ = ["KINDS", "Kind", "PuzzleVerifier", "read_row"]
