"""What another program or terminal does while a command asks: nothing else is changed by it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cowork_env import store
from cowork_env.cli import change, main
from cowork_env.cli.inputs import current_inputs
from cowork_env.editing import Fields

from support.home import GUIDE, Home
from support.providers import KEY, saved, selection

OTHER = GUIDE[2]
THIEF = GUIDE[1] | {"id": "99999999-9999-4999-8999-999999999999", "baseUrl": "https://t.example"}


@pytest.fixture(autouse=True)
def inside(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is the command's."""
    handlers = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP)}
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(home.path)
    home.providers()
    assert main(["use", "openrouter"]) == 0
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let something be done after a command has read the providers, just before it writes."""

    def do(action: Callable[[], object]) -> None:
        edit = store.edit

        def later(*args: Any) -> Any:
            monkeypatch.setattr(store, "edit", edit)
            action()
            return edit(*args)

        monkeypatch.setattr(store, "edit", later)

    return do


COMMANDS = {
    "edit": ["edit", "openrouter", "--default-model", "m"],
    "rename": ["rename", "openrouter", "Router"],
    "remove": ["remove", "openrouter", "--yes"],
}


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_another_selection_stays(
    meanwhile: Callable[..., None], home: Home, arguments: list[str]
) -> None:
    meanwhile(lambda: main(["use", "litellm-local"]))
    assert main(arguments) == 0
    assert selection(home) == OTHER["id"]


@pytest.mark.parametrize("with_id", [True, False])
@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_another_provider_that_has_got_the_name_is_left(
    meanwhile: Callable[..., None], home: Home, arguments: list[str], with_id: bool, capsys: Any
) -> None:
    before = GUIDE[1] if with_id else {k: v for k, v in GUIDE[1].items() if k != "id"}
    home.providers([GUIDE[0], before])
    moved = before | {"name": "OpenRouter old"}
    taking = THIEF if with_id else {**before, "name": "openrouter", "baseUrl": "https://t.example"}
    now = [GUIDE[0], moved, taking]
    meanwhile(lambda: home.providers(now))
    assert main(arguments) == 1
    assert "was changed by another program." in capsys.readouterr().err
    assert saved(home) == now


def test_a_new_key_does_not_undo_secure(home: Home) -> None:
    seen = change.Change(current_inputs(), "openrouter")
    secured = {k: v for k, v in GUIDE[1].items() if k != "authToken"}
    now = [GUIDE[0], secured | {"authTokenFrom": "pass:cowork-env/openrouter"}]
    home.providers(now)
    with pytest.raises(change.Changed):
        seen.save(Fields(token=KEY))
    assert json.dumps(saved(home)) == json.dumps(now)
