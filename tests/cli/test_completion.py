"""Completion of commands and providers."""

from __future__ import annotations

import pytest

from support.home import Home, need
from support.program import Program, execute
from support.terminal import Dialog


def complete(program: Program, line: str) -> list[str]:
    """What bash is offered for the last word of a command line."""
    result = program.run(
        _COWORK_ENV_COMPLETE="bash_complete",
        COMP_WORDS=f"cowork-env {line}",
        COMP_CWORD=str(line.count(" ") + 1),
    )
    assert result.stderr == ""
    offers = [offer.partition(",") for offer in result.stdout.splitlines() if offer]
    assert {kind for kind, _, _ in offers} <= {"plain"}
    return [word for _, _, word in offers]


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


def test_completion_of_references_to_keys(program: Program) -> None:
    assert complete(program, "add --token-from ")[:2] == ["env:", "file:"]
    assert complete(program, "edit A --token-from a") == ["aws-sm://"]


def test_the_shell_completes_the_directory_of_an_account(program: Program) -> None:
    result = program.run(
        _COWORK_ENV_COMPLETE="bash_complete",
        COMP_WORDS="cowork-env add --account --config-dir ~/.cl",
        COMP_CWORD="4",
    )
    assert (result.stdout, result.stderr) == ("dir,~/.cl\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_valid(program: Program, home: Home, shell: str) -> None:
    result = program.run("completion", shell)
    assert result.returncode == 0
    assert "_COWORK_ENV_COMPLETE" in result.stdout
    check = execute([need(shell), "-n"], env=home.env, cwd=home.path, input=result.stdout)
    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.parametrize(
    ("shell", "option", "load"),
    [
        ("bash", "--norc", 'eval "$(cowork-env completion bash)"'),
        ("zsh", "-f", 'autoload -Uz compinit; compinit -D; eval "$(cowork-env completion zsh)"'),
        ("fish", "-N", "cowork-env completion fish | source"),
    ],
)
def test_shell_completes_commands_options_and_providers(
    home: Home, shell: str, option: str, load: str
) -> None:
    home.providers()
    with Dialog(
        [need(shell), option, "-i"], env={**home.env, "TERM": "xterm"}, cwd=home.path
    ) as dialog:
        dialog.send(f"{load}; echo rea''dy\n")
        dialog.expect("ready")
        for typed, rest in (
            ("rel", "oad"),
            ("show my-", "anthropic-api"),
            ("exec --prov", "ider"),
            ("exec --provider lit", "ellm-local"),
        ):
            dialog.send(f"cowork-env {typed}\t")
            dialog.expect(rest)
            dialog.send("\x15")  # clears the line
