"""The run's folder: which one, whether it can be written, and what a start that failed leaves of it."""

from __future__ import annotations

import resource
import shutil
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
