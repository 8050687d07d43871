"""Completion of commands and providers."""

from __future__ import annotations

from support.home import Home
from support.program import Program


def complete(program: Program, line: str) -> list[str]:
    """What bash is offered for the last word of a command line."""
    result = program.run(
        _COWORK_ENV_COMPLETE="bash_complete",
        COMP_WORDS=f"cowork-env {line}",
        COMP_CWORD=str(line.count(" ") + 1),
    )
    assert result.stderr == ""
    return [offer.removeprefix("plain,") for offer in result.stdout.splitlines() if offer]


def test_completion_of_command_names(program: Program) -> None:
    assert complete(program, "ex") == ["exec", "export"]


def test_completion_offers_provider_names_that_need_no_quotes(home: Home, program: Program) -> None:
    home.providers(
        [
            {"name": "My Anthropic API", "authToken": "sk-never-shown"},
            {"name": "OpenRouter"},
            {"name": "no url $(x)"},
            7,
        ]
    )
    assert complete(program, "pin ") == ["my-anthropic-api", "OpenRouter", "no-url-x"]
    for line in ("show my", "rename my", "exec --provider my", "doctor my"):
        assert complete(program, line) == ["my-anthropic-api"], line
    home.file.write_text("not JSON")
    assert complete(program, "pin ") == []
