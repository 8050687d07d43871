"""``use``: the selection."""

from __future__ import annotations

import pytest

from support.home import GUIDE, Home
from support.providers import CTRL_C, ENTER, dialog, ok, run, selection


def test_use_stores_the_id_and_none_clears(home: Home) -> None:
    home.providers()
    assert "OpenRouter is used where no pin applies" in ok(home, "use", "openrouter").stderr
    assert selection(home) == GUIDE[1]["id"]
    assert "ANTHROPIC_BASE_URL=https://openrouter.ai/api" in ok(home, "exec", "env").stdout
    ok(home, "use", "None")
    assert not (home.state / "selection").exists()
    assert "ANTHROPIC_BASE_URL" not in ok(home, "exec", "env").stdout


def test_use_refuses_unknown_and_invalid_providers(home: Home) -> None:
    home.providers([*GUIDE, {"name": "Broken", "baseUrl": "x"}])
    ok(home, "use", "openrouter")
    assert run(home, "use").returncode == 2
    ran = run(home, "use", "opnrouter")
    assert (ran.returncode, "Did you mean 'OpenRouter'?" in ran.stderr) == (1, True)
    ran = run(home, "use", "broken")
    assert (ran.returncode, "[4].baseUrl has no scheme" in ran.stderr) == (1, True)
    assert selection(home) == GUIDE[1]["id"]


def test_use_reports_what_takes_precedence_here(home: Home) -> None:
    home.providers()
    home.pin(home.path, "AWS Bedrock\n")
    assert "Here, ~/.cowork-provider takes precedence." in ok(home, "use", "openrouter").stderr
    assert (
        "Here, $COWORK_PROVIDER takes precedence."
        in ok(home, "use", "openrouter", COWORK_PROVIDER="aws-bedrock").stderr
    )


def test_use_picker_filters_by_typing(home: Home) -> None:
    home.providers()
    with dialog(home, "use") as child:
        child.expect("AWS Bedrock")
        child.send("bedr")
        child.expect("bedr")
        child.send(ENTER)
        assert "AWS Bedrock is used where no pin applies" in child.finish()
        assert child.status == 0
    assert selection(home) == GUIDE[3]["id"]
    with dialog(home, "use") as child:
        child.expect("AWS Bedrock")
        child.send("bedorck")
        child.expect("(nothing matches)")
        child.send(ENTER)
        child.expect("\a")
        child.send(CTRL_C)
        child.finish()
        assert child.status == 130
    assert selection(home) == GUIDE[3]["id"]


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"COWORK_ENV_PLAIN": "1"}])
def test_a_plain_terminal_gets_a_numbered_list(home: Home, env: dict[str, str]) -> None:
    home.providers(GUIDE)
    with dialog(home, "use", **env) as child:
        child.expect("2. OpenRouter")
        child.answer("Number or name [none]: ", "o")
        child.expect("Several match 'o': ")
        child.answer("Number or name [none]: ", "9")
        child.expect("Nothing matches '9'.")
        child.answer("Number or name [none]: ", "litellm")
        shown = child.finish()
        assert child.status == 0
    assert "LiteLLM Local is used where no pin applies" in shown
    assert "\033" not in shown and "\x07" not in shown
