"""``python -m veritune``."""

from __future__ import annotations

if __name__ == "__main__":
    from veritune.cli import main

    main()
