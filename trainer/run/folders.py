"""The run's folder: which one, whether it can be written, and what a start that failed leaves of it."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
from contextlib import suppress
from pathlib import Path

from veritune.plugins import ConfigError


def pick_folder(wanted: Path, resume: bool) -> Path:
    """The folder itself to resume, or if it is new or empty; otherwise the first free of ``-2``, ``-3`` …

    As an absolute path: a reward that changes the working directory does not move the run.
    """
    wanted = wanted.absolute()
    if resume:
        if not (wanted / "config.yaml").is_file():
            raise ConfigError(f"resume=true, but {str(wanted)!r} holds no run; name its folder with output=FOLDER")
        return wanted
    folder, number = wanted, 1
    try:
        while folder.is_dir() and any(folder.iterdir()):
            number += 1
            folder = wanted.with_name(f"{wanted.name}-{number}")
    except OSError as error:
        raise ConfigError(f"cannot read the output folder {str(folder)!r}: {error.strerror}") from error
    return folder


def check_folder(folder: Path, parameters: int) -> None:
    """Raise ConfigError where the run folder cannot be written or has no room for two checkpoints."""
    needed = 2 * parameters * 4 * 3 + 64 * 2**20  # float32 weights and two Adam moments, twice; and the logs
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b"0" * 4096)
        probe.unlink()
    except OSError as error:
        raise ConfigError(
            f"cannot write to the output folder {str(folder)!r}: {error.strerror}. Choose another with output=FOLDER"
        ) from error
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit != resource.RLIM_INFINITY and limit < parameters * 4 * 2:
        raise ConfigError(
            f"files of this process may have at most {limit / 2**20:.3g} MiB (ulimit -f), and a checkpoint's optimizer "
            f"takes {parameters * 8 / 2**20:.3g} MiB; raise the limit with ulimit -f unlimited"
        )
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ConfigError(
            f"the output folder {str(folder)!r} has {free / 2**20:.0f} MiB free, and checkpoints and logs need about "
            f"{needed / 2**20:.0f} MiB. Free some space or choose another folder with output=FOLDER"
        )


class Held:
    """A run's folder, which is this process's alone until it is let go, or the process ends in whatever way."""

    def __init__(self, wanted: Path, resume: bool, parameters: int) -> None:
        """Raises ConfigError as :func:`pick_folder` and :func:`check_folder` do, and where another run is going on in
        it: the two would write over each other's log and checkpoints."""
        self.folder = folder = pick_folder(wanted, resume)
        check_folder(folder, parameters)
        self._file = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.let_go(unlock=False)
            raise ConfigError(
                f"a run is going on in {str(folder)!r}; wait for its end, or name another folder with output=FOLDER"
            ) from error
        except OSError:  # a file system without locks
            pass

    def let_go(self, unlock: bool = True) -> None:
        """Once, and then nothing more."""
        file, self._file = self._file, -1
        if file < 0:
            return
        if unlock:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)  # a forked process that still has the file does not have the lock
        os.close(file)

    def give_up(self, resume: bool) -> None:
        """The run could not begin."""
        if not resume:
            forget_start(self.folder)
        self.let_go()

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self.let_go()


def forget_start(folder: Path) -> None:
    """Remove the folder of a run that has not begun, so that the next try has its name: nothing but a config and an
    empty log."""
    if not folder.is_dir():
        return
    files = list(folder.iterdir())
    log = folder / "metrics.jsonl"
    begun = log.is_file() and log.stat().st_size > 0
    new = {"config.yaml", "rewards.json", "data.json", "metrics.jsonl", "tensorboard", "wandb", "wandb_id.txt"}
    if not begun and {path.name for path in files} <= new:
        shutil.rmtree(folder, ignore_errors=True)
