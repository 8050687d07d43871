"""``add`` on a terminal: what it asks, and what it never shows."""

from __future__ import annotations

import socket
from pathlib import Path

from support.home import GUIDE, Home
from support.providers import CTRL_C, ENTER, KEY, dialog, file, saved
from support.server import Server, always, api, error


def test_add_preset_asks_only_for_the_key_and_hides_it(home: Home) -> None:
    with dialog(home, "add", "openrouter", "--no-check") as child:
        shown = child.answer("Key (hidden)", f" {KEY} ", hidden=True)
        assert child.child.pid is not None
        if Path("/proc/self").exists():
            assert KEY.encode() not in Path(f"/proc/{child.child.pid}/cmdline").read_bytes()
        shown += child.finish()
        assert child.status == 0
    assert KEY not in shown
    assert "?" not in shown
    assert "cowork-env: added OpenRouter" in shown
    assert "cowork-env pin openrouter" in shown
    assert saved(home)[0]["authToken"] == KEY


def test_add_asks_until_answers_are_valid(home: Home) -> None:
    home.providers([GUIDE[0]])
    with dialog(home, "add", "--no-check") as child:
        child.answer("Name: ", "none")
        child.answer("That is 'none'", "")
        child.answer("Name: ", "Büro")
        child.answer("Base URL: ", "example.com")
        child.expect("That has no scheme")
        child.answer("Base URL: ", "https://api.openai.com/v1")
        child.expect("That belongs to OpenAI")
        child.answer("Base URL: ", "https://example.com/v1")
        child.answer("Key (hidden)", "  ", hidden=True)
        child.answer("Key (hidden)", KEY, hidden=True)
        child.answer("Default model, Enter for none: ", "m-1")
        assert KEY not in child.finish()
        assert child.status == 0
    entry = saved(home)[1]
    assert entry.pop("id")
    assert entry == {
        "name": "Büro",
        "baseUrl": "https://example.com/v1",
        "authToken": KEY,
        "defaultModel": "m-1",
    }


def test_add_asks_for_what_fills_a_preset(home: Home) -> None:
    with dialog(home, "add", "foundry", "--token-from", "env:K", "--no-check") as child:
        child.answer("Name of the Azure resource: ", "my-resource")
        child.answer("Enter for none: ", "")
        child.finish()
        assert child.status == 0
    assert saved(home)[0]["baseUrl"] == "https://my-resource.services.ai.azure.com/api/anthropic"


def test_ctrl_c_at_a_prompt_saves_nothing(home: Home) -> None:
    with dialog(home, "add", "openrouter", "--no-check") as child:
        child.expect("Key (hidden)")
        assert child.child.waitnoecho(timeout=20)
        child.send(CTRL_C)
        assert "Traceback" not in child.finish()
        assert child.status == 130
    assert not file(home).exists()


def test_add_checks_the_provider_and_keeps_it_if_that_fails(
    home: Home,
) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else answers there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with dialog(home, "add", "--name", "A", "--base-url", url, "--default-model", "m") as child:
            child.answer("Key (hidden)", KEY, hidden=True)
            shown = child.finish()
            assert child.status == 0
    assert "A: does not work yet" in shown
    assert KEY not in shown
    assert saved(home)[0]["name"] == "A"


def test_add_offers_the_models_that_the_endpoint_lists(home: Home) -> None:
    rejected = always(401, error("authentication_error", "no"))
    with Server(api(("small-1", "large-2"), key=KEY, post=rejected)) as server:
        args = ("add", "--name", "A", "--base-url", server.url)
        with dialog(home, *args, NO_PROXY="*") as child:
            child.answer("Key (hidden)", KEY, hidden=True)
            child.expect("large-2")
            child.send("large")
            child.expect("large")
            child.send(ENTER)
            shown = child.finish()
            assert child.status == 0
    assert KEY not in shown
    assert saved(home)[0]["defaultModel"] == "large-2"
