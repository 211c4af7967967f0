"""Qwen2.5-Math's evaluation, from a clone of its repository: ``extract_answer``, ``strip_string`` and ``math_equal`` as
``evaluate.py`` puts them together for the dataset "math".

``qwen=Qwen2.5-Math/evaluation:MORE`` where MORE is a folder with what it needs beside (``pip install --target MORE
sympy==1.12 antlr4-python3-runtime==4.11.1 word2number regex python-dateutil``); the clone's own latex2sympy is found.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path += [str(path) for folder in list(sys.path) if (path := Path(folder) / "latex2sympy").is_dir()]

from grader import math_equal
from parser import extract_answer, strip_string

from veritune.bench.graders.forms import boxed
from veritune.bench.loading import Finding


def grade(completion: str, gold: str, prompt: str) -> Finding:
    found = strip_string(extract_answer(boxed(completion), "math"))
    return bool(math_equal(found, strip_string(gold))), "compared"
