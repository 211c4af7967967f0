"""Asks a verdict server (``veritune serve``): retried, in order, nothing lost and nothing scored twice."""

from veritune.client.asking import AsyncClient, Client, RefusedError

__all__ = ["AsyncClient", "Client", "RefusedError"]
