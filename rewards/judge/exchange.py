"""One request to an endpoint and what came back of it, also where the connection then broke."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veritune.rewards.judge.replies import read_response

_HOPS = 3
_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Exchange:
    """Posts a body; keeps what has arrived of the response."""

    def __init__(self, httpx: Any) -> None:
        self._httpx = httpx
        self._head: Any = None
        self._parts: list[bytes] = []

    async def post(self, client: Any, url: str, body: Mapping[str, Any]) -> Any:
        """The response, behind redirections that keep the request as it is (307, 308)."""
        request = client.build_request("POST", url, json=body)
        for hop in range(_HOPS + 1):
            self._parts.clear()
            self._head = await client.send(request, stream=True)
            try:
                async for part in self._head.aiter_bytes():
                    self._parts.append(part)
            finally:
                await self._head.aclose()
            request = self._head.next_request
            if hop == _HOPS or self._head.status_code not in (307, 308) or request is None:
                break
        return self._whole()

    def saved(self) -> Any:
        """The response of an exchange that did not end, where all that was to be said had arrived; else None."""
        if self._head is None or self._head.status_code != 200 or not self._parts:
            return None
        response = self._whole()
        _, again = read_response(response)
        return None if again else response

    def _whole(self) -> Any:
        head = self._head
        headers = [(name, value) for name, value in head.headers.raw if name.lower().decode() not in _OF_THE_WIRE]
        return self._httpx.Response(head.status_code, headers=headers, content=b"".join(self._parts))
