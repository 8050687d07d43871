"""Fixtures for the tests with real clients: the clients, the servers, and a user at a prompt.

These tests run only with ``-m clients``. The clients are in the folder that ``prepare`` fills:
COWORK_ENV_CLIENTS or, if that is not set, one beside pytest's own temporary folders.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.clients.installed import Clients
from support.clients.recorder import Recorder
from support.clients.user import User
from support.home import Home

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests in this folder, and deselect them unless ``-m`` names them."""
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker("clients")
        item.add_marker(pytest.mark.timeout(300))
    if ours and "clients" not in config.getoption("markexpr"):
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Clients:
    """The clients, installed if necessary."""
    folder = Path(
        os.environ.get("COWORK_ENV_CLIENTS") or tmp_path_factory.getbasetemp().parent / "clients"
    )
    done = subprocess.run([HERE / "prepare", folder], capture_output=True, text=True, timeout=900)
    if done.returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            f"the clients cannot be installed: {done.stderr[-500:]}"
        )
    return Clients(folder)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """The server of the user's providers."""
    with Recorder() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Recorder]:
    """Someone else's server: no test may reach it."""
    with Recorder() as server:
        yield server
        assert server.connections == 0, server.requests


@pytest.fixture
def outside() -> Iterator[Recorder]:
    """A proxy for requests that would leave this machine: it records and refuses them."""
    with Recorder() as server:
        yield server


@pytest.fixture
def user(home: Home, clients: Clients, recorder: Recorder, outside: Recorder) -> User:
    """A user with the guide's providers, the hook in each startup file, and the clients in PATH."""
    return User(home, clients.claude, recorder, outside)
