"""Fixtures for the hooks of nushell, xonsh, elvish and tcsh."""

from __future__ import annotations

import pytest

from support.shells import OTHER_SHELLS


@pytest.fixture(params=OTHER_SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    """The name of a shell."""
    return str(request.param)
