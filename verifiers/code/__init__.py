"""Is the program right? Extraction, tests from the rows of code datasets, and a judge that the program cannot reach."""

from veritune.verifiers.code.compare import Comparison
from veritune.verifiers.code.extraction import extract_code
from veritune.verifiers.code.judge import judge_batch, shared_sandbox
from veritune.verifiers.code.problem import (
    CallTests,
    InputOutput,
    InvalidProblem,
    Problem,
    ScriptTests,
    StdioTests,
)
from veritune.verifiers.code.rows import read_row
from veritune.verifiers.code.verifier import CodeVerifier

__all__ = [
    "CallTests",
    "CodeVerifier",
    "Comparison",
    "InputOutput",
    "InvalidProblem",
    "Problem",
    "ScriptTests",
    "StdioTests",
    "extract_code",
    "judge_batch",
    "read_row",
    "shared_sandbox",
]
