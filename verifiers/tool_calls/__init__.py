"""Tool calls: what a completion calls, and with which arguments, against the calls of its row."""

from veritune.verifiers.tool_calls.verifier import ToolCallVerifier

__all__ = ["ToolCallVerifier"]
