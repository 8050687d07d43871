"""The user's folders."""

from __future__ import annotations

import os

import pytest

from cowork_env.util import paths
from cowork_env.util.errors import CoworkEnvError


@pytest.mark.parametrize("home_value", ["/home/x", "relative", "", None])
@pytest.mark.parametrize("config", ["/etc/x", "/a/../b/", "relative", "", None])
def test_folders_are_those_of_platformdirs(
    monkeypatch: pytest.MonkeyPatch, home_value: str | None, config: str | None
) -> None:
    import platformdirs

    for name, value in (
        ("HOME", home_value),
        ("XDG_CONFIG_HOME", config),
        ("XDG_STATE_HOME", config),
        ("XDG_DATA_HOME", config),
    ):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert paths.config_dir() == os.path.abspath(platformdirs.user_config_dir())
    assert paths.state_dir() == os.path.abspath(
        platformdirs.user_state_dir("cowork-env", appauthor=False)
    )
    data = platformdirs.user_data_dir("cowork-env", appauthor=False)
    assert paths.launchers_dir() == os.path.abspath(f"{data}/shims")


def test_missing_home_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    def homeless() -> str:
        raise RuntimeError

    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(platformdirs, "user_config_dir", homeless)
    with pytest.raises(CoworkEnvError, match="Your home"):
        paths.config_dir()
