"""``status --short``: one line for prompts and status lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from cowork_env.core import environment
from cowork_env.core.resolve import Inputs, resolve, target

from support.home import GUIDE, Home
from support.program import Program
from support.terminal import Dialog


@pytest.fixture
def work(home: Home) -> Path:
    """A folder in a home with the guide's providers."""
    home.providers()
    (home.path / "work").mkdir()
    return home.path / "work"


def short(home: Home, directory: Path, *args: str, **env: str) -> str:
    done = Program(home).run("status", "--short", *args, cwd=directory, **env).check()
    assert done.stderr == ""
    assert done.stdout.count("\n") == bool(done.stdout)
    return done.stdout.rstrip("\n")


def entered(home: Home, directory: Path) -> dict[str, str]:
    """The environment after the hook has done its work there."""
    inputs = Inputs(home.env, str(directory), str(home.config), str(home.state))
    found = resolve(inputs)
    changes = environment.transition(home.env, found.key, target(inputs, found))[1]
    return environment.applied(home.env, changes)


def test_nothing_is_printed_where_nothing_applies(home: Home, work: Path) -> None:
    assert short(home, work) == ""


def test_the_name_of_what_is_active(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    assert short(home, work, **entered(home, work)) == "OpenRouter"


def test_a_shell_that_does_not_have_it(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    assert short(home, work) == "OpenRouter (not applied)"
    env = entered(home, work)
    assert short(home, work, **env | {"ANTHROPIC_MODEL": "x"}) == "OpenRouter (changed by hand)"
    home.pin(work, "openrouter\nmodel = newer\n")
    assert short(home, work, **env) == "OpenRouter (not up to date)"
    home.pin(work, "litellm-local\n")
    assert short(home, work, **env) == "LiteLLM Local (still OpenRouter)"
    (work / ".cowork-provider").unlink()
    assert short(home, work, **env) == "none (still OpenRouter)"


def test_what_claude_code_keeps_from_its_status_line_is_no_difference(
    home: Home, work: Path
) -> None:
    home.pin(work, "openrouter\n")
    env = entered(home, work)
    del env["ANTHROPIC_AUTH_TOKEN"]
    assert short(home, work, **env) == "OpenRouter"


def test_what_the_launchers_settings_file_empties_is_no_difference(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    env = entered(home, work)
    for name in (environment.HOST_FLAG, environment.NO_AGENT_VIEW):
        del env[name]
    assert short(home, work, **env, CLAUDE_CODE_USE_BEDROCK="", HTTPS_PROXY="") == "OpenRouter"
    assert "(" in short(home, work, **env, CLAUDE_CODE_USE_BEDROCK="1")
    assert "(" in short(home, work, **env | {"ANTHROPIC_MODEL": "other"})


def test_a_pin_that_is_not_trusted(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n", allow=False)
    assert short(home, work) == "none (untrusted pin)"
    Program(home).run("use", "litellm-local").check()
    env = entered(home, home.path)
    assert short(home, work, **env) == "LiteLLM Local (untrusted pin)"


@pytest.mark.parametrize("broken", ["pin", "file", "reference"])
def test_an_error_is_a_word_and_no_message(home: Home, work: Path, broken: str) -> None:
    """A message would be repeated at each prompt, and Claude Code shows nothing with status 1."""
    home.pin(work, "nobody\n" if broken == "pin" else "openrouter\n")
    if broken == "file":
        home.file.write_text("{")
    elif broken == "reference":
        home.providers([GUIDE[1] | {"authToken": "", "authTokenFrom": "pigeon:1"}])
    name = "OpenRouter" if broken == "reference" else "none"
    assert short(home, work) == f"{name} (error)"


def test_no_key_is_fetched(home: Home, work: Path) -> None:
    trace = home.path / "trace"
    reference = {"authToken": "", "authTokenFrom": f"cmd:touch {trace}"}
    home.providers([GUIDE[1] | reference])
    home.pin(work, "openrouter\n")
    assert short(home, work) == "OpenRouter (not applied)"
    assert not trace.exists()


def test_another_directory_is_not_compared_with_this_shell(home: Home, work: Path) -> None:
    home.pin(work, "openrouter\n")
    assert short(home, home.path, "--directory", str(work)) == "OpenRouter"
    assert short(home, home.path, "--directory", "work") == "OpenRouter"
    assert short(home, work, "--directory", "..") == ""
    found = Program(home).run("status", "--json", "--directory", str(work)).check().json()
    assert (found["provider"]["name"], found["shell"]["state"]) == ("OpenRouter", "what-if")


def test_it_is_one_plain_line_on_a_terminal(home: Home, work: Path) -> None:
    home.providers([GUIDE[1] | {"name": "Open\x1bRouter"}, GUIDE[2] | {"name": "n" * 100}])
    home.pin(work, "n" * 100 + "\n")
    with Dialog.with_program(home, "status", "--short", cwd=work, size=(10, 20)) as dialog:
        assert dialog.finish() == "n" * 39 + "… (not applied)\r\n"


def test_it_excludes_json(home: Home, work: Path) -> None:
    assert Program(home).run("status", "--short", "--json").check(2).stdout == ""
