"""A stand-in for docker's command line: reads ``docker run``'s options and runs the command under bubblewrap."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

STATE = Path(os.environ.get("FAKE_DOCKER_STATE", "/tmp/fake-docker"))
FLAGS = {"-i", "--read-only", "--init"}


def parse(words: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """(options, image and command)."""
    options: dict[str, list[str]] = {}
    while words and words[0].startswith("-"):
        name = words.pop(0)
        options.setdefault(name, []).append("" if name in FLAGS else words.pop(0))
    return options, words


def run(words: list[str]) -> int:
    options, (image, *command) = parse(words)
    if image != "test-image":
        print(f"docker: Unable to find image '{image}' locally", file=sys.stderr)
        return 125
    required = {
        "--network": "none",
        "--cap-drop": "ALL",
        "--security-opt": "no-new-privileges",
        "--user": "65534:65534",
    }
    assert all(options[name] == [value] for name, value in required.items()), options
    name = options["--name"][0]
    size = options["--tmpfs"][0].split("size=")[1].split(",")[0]
    source, target, mode = options["--volume"][0].split(":")
    wrapped = ["bwrap", "--unshare-all", "--die-with-parent", "--clearenv", "--ro-bind", "/usr", "/usr"]
    wrapped += ["--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"]
    wrapped += ["--proc", "/proc", "--dev", "/dev", "--size", size, "--tmpfs", "/tmp"]
    wrapped += ["--ro-bind" if mode == "ro" else "--bind", source, target, "--chdir", options["--workdir"][0]]
    for pair in options["--env"]:
        wrapped += ["--setenv", *pair.split("=", 1)]
    limits = dict(pair.split("=") for pair in options["--ulimit"])
    megabytes = int(options["--memory"][0][:-1])
    uid = 50000 + os.getpid() % 9000

    def become() -> None:
        soft, hard = map(int, limits["cpu"].split(":"))
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limits["fsize"]),) * 2)
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20,) * 2)
        resource.setrlimit(resource.RLIMIT_NPROC, (int(options["--pids-limit"][0]) + 4,) * 2)
        if os.getuid() == 0:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)

    process = subprocess.Popen([*wrapped, "--", *command], preexec_fn=become)
    (STATE / name).write_text(str(process.pid))
    status = process.wait()
    return 128 - status if status < 0 else status


def main(words: list[str]) -> int:
    verb, *rest = words
    if verb == "version":
        print("27.0.0")
        return 0
    if verb == "run":
        return run(rest)
    name = rest[-1]
    if verb == "inspect":
        print("false")
    elif verb == "kill":
        os.kill(int((STATE / name).read_text()), signal.SIGKILL)
    elif verb == "rm":
        (STATE / name).unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
