"""A host worth attacking: a secret, a writable folder, listeners. Says afterwards what got out."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import socket
import tempfile
from pathlib import Path
from types import TracebackType


class World:
    """Everything in it is open to all users, so that only a sandbox stands between a program and it.

    ``folder``/secret.txt holds ``token``, ``folder``/out is writable; the environment variable ``variable`` holds the
    token too; TCP and UDP listeners on loopback, an abstract and a path Unix socket wait for a word.
    """

    def __init__(self) -> None:
        self.token = secrets.token_hex(16)
        self.variable = f"VERITUNE_BAIT_{secrets.token_hex(4).upper()}"
        self.abstract = f"veritune-{secrets.token_hex(8)}"
        self.folder = Path(tempfile.mkdtemp(prefix="veritune-world-"))
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> World:
        self.folder.chmod(0o755)
        self.out = self.folder / "out"
        self.out.mkdir()
        self.out.chmod(0o777)
        (self.folder / "secret.txt").write_text(self.token)
        os.environ[self.variable] = self.token
        self.port = self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)).getsockname()[1]
        self.udp_port = self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)).getsockname()[1]
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.abstract)
        self.path_socket = str(self.folder / "socket")
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, self.path_socket)
        os.chmod(self.path_socket, 0o777)
        return self

    def _listen(self, family: int, kind: int, address: object) -> socket.socket:
        listener = socket.socket(family, kind)
        listener.bind(address)  # type: ignore[arg-type]
        if kind == socket.SOCK_STREAM:
            listener.listen()
        self._sockets.append(listener)
        return listener

    def fill_in(self, source: str) -> str:
        """The source with the placeholders of the attack corpus replaced."""
        values = {
            "@CANARY@": str(self.folder),
            "@PORT@": str(self.port),
            "@UDP@": str(self.udp_port),
            "@ABS@": self.abstract,
            "@USOCK@": self.path_socket,
            "@PPID@": str(os.getpid()),
            "@TOKEN_ENV@": self.variable,
        }
        for name, value in values.items():
            source = source.replace(name, value)
        return source

    def visited(self) -> bool:
        """Whether any listener heard something; forgets it."""
        heard = select.select(self._sockets, [], [], 0)[0]
        for listener in heard:
            with contextlib.suppress(OSError):
                if listener.type == socket.SOCK_DGRAM:
                    listener.recv(65536)
                else:
                    listener.accept()[0].close()
        return bool(heard)

    def written(self) -> list[str]:
        """Names of files that were written outside a sandbox; removes them."""
        names = os.listdir(self.out)
        for name in names:
            (self.out / name).unlink()
        return names

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.environ.pop(self.variable, None)
        for listener in self._sockets:
            listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)
