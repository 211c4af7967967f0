"""The command line: one file a command. Heavy imports happen inside the commands, so that ``--help`` is quick."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Entry point of ``veritune`` and of ``python -m veritune``."""
    put_working_folder_last()
    try:
        from veritune.cli.app import app
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        raise SystemExit(130) from None
    app(prog_name="veritune")


def put_working_folder_last() -> None:
    """Have ``-r my_rewards:short`` find a module of the working folder, whichever way the command was started.

    ``python -m`` puts that folder first on the path and the script ``veritune`` leaves it out. It goes last: nothing in
    it hides a package that is installed. A checkout of veritune is left out: its ``kernels/`` would be taken for
    Hugging Face's. With ``python -P`` nothing of it is on the path.
    """
    folder = os.getcwd()
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or folder) != folder]
    checkout = os.path.isfile(os.path.join(folder, "kernels", "py.typed"))
    if not checkout and not getattr(sys.flags, "safe_path", False):
        sys.path.append(folder)
