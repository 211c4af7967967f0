"""Instruction following: IFEval's 25 types, IFBench's 58 and their training sets' own, strict and loose."""

from veritune.verifiers.instructions.verifier import InstructionVerifier

__all__ = ["InstructionVerifier"]
