"""What the real-client tests share: the clients, the servers, and a person at a prompt.

They run only when asked for, with ``-m clients``. The clients come from the folder that ``prepare`` fills, which is
COWORK_ENV_CLIENTS or, failing that, one beside pytest's own temporary folders.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .person import Person
from .recorder import Recorder
from support.home import Home

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and leave it out unless it is asked for."""
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        item.add_marker("clients")
        item.add_marker(pytest.mark.timeout(300))
    if ours and "clients" not in config.getoption("markexpr"):
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


class Clients:
    """The clients' environments in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (self.claude,) = folder.glob(
            "agent/lib/python*/site-packages/claude_agent_sdk/_bundled/claude"
        )

    def program(self, environment: str, name: str) -> list[str]:
        """The command that runs one of ``programs/`` in an environment."""
        return [str(self.folder / environment / "bin/python"), str(HERE / "programs" / name)]


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Clients:
    """The clients, installed if they are not yet."""
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
    """The server of the person's providers."""
    with Recorder() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Recorder]:
    """Somebody else's server: in no test may anything reach it."""
    with Recorder() as server:
        yield server
        assert server.connections == 0, server.requests


@pytest.fixture
def outside() -> Iterator[Recorder]:
    """A proxy for whatever wants to leave this machine: it lets nothing pass and writes down who asked."""
    with Recorder() as server:
        yield server


@pytest.fixture
def person(home: Home, clients: Clients, recorder: Recorder, outside: Recorder) -> Person:
    """A person with the guide's providers, a hook in every start-up file, and the clients at hand."""
    return Person(home, clients.claude, recorder, outside)
