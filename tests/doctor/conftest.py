"""Fixtures for the tests of ``doctor``."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from support.server import Behavior, Serve, Server


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that are stopped after the test."""
    servers: list[Server] = []

    def start(behavior: Behavior, context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(behavior, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
