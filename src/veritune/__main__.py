"""``python -m veritune``."""

from __future__ import annotations

import os
import sys


def _drop_repository_root() -> None:
    """``python -m`` puts the current folder first on the path; in a checkout its ``kernels/`` would shadow others'."""
    root = os.getcwd()
    if os.path.isfile(os.path.join(root, "kernels", "py.typed")):
        sys.path[:] = [p for p in sys.path if os.path.abspath(p or root) != root]


if __name__ == "__main__":
    _drop_repository_root()
    from veritune.cli import main

    main()
