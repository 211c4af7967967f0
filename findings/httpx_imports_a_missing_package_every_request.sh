#!/usr/bin/env bash
# httpx 0.28.1, httpcore 1.0.9, anyio 4.16.0 (CPython 3.11), none of which installs sniffio any more.
# Expected: an asynchronous request imports nothing. Seen: httpcore asks "which async library is this?" by importing
# sniffio, several times a request; the package is missing, a failed import is not remembered, so each one searches the
# whole path again. With sniffio installed nothing is searched.
# Why it matters here: a judge asks thousands of times; `veritune[judge]` brings sniffio and saves a fifth of the CPU.
# Exits 0 while this is so, 1 where it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check httpx==0.28.1 httpcore==1.0.9 anyio==4.16.0
cat > "$folder/count.py" <<'PY'
import asyncio, sys, httpx

class Count:
    searched = 0
    def find_spec(self, name, path=None, target=None):
        Count.searched += name == "sniffio"

async def answer(reader, writer):
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    except (asyncio.IncompleteReadError, asyncio.CancelledError):
        writer.close()

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = "http://127.0.0.1:%d/" % server.sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(address)
        Count.searched = 0
        for _ in range(20):
            await client.get(address)
        print(Count.searched // 20)

sys.meta_path.insert(0, Count())
asyncio.run(main())
PY
without=$("$folder/venv/bin/python" "$folder/count.py")
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check sniffio==1.3.1
with=$("$folder/venv/bin/python" "$folder/count.py")
echo "searches for sniffio a request: $without without it, $with with it"
[ "$without" -gt 3 ] && [ "$with" -eq 0 ]
