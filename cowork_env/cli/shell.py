"""``hook``, ``export``, ``exec``, ``token``, ``completion``, ``reload``: run by programs."""

from __future__ import annotations

import os

import click

from .. import accounts
from ..hook import render
from ..util.errors import CoworkEnvError
from ..util.text import visible
from . import fast_path
from .errors import usage_error
from .eval_hint import explain_script
from .inputs import current_inputs, detect_shell
from .options import (
    complete_hook,
    examples,
    provider_argument,
    resolution_options,
)
from .output import say, write_output
from .prompts import interactive

COMPLETIONS = ("bash", "zsh", "fish")


def _complete_format() -> tuple[str, ...]:
    from .. import formats, shells

    return (*shells.NAMES, *formats.NAMES)


@click.command(
    "hook",
    epilog=examples(
        'eval "$(cowork-env hook bash)"     # in ~/.bashrc',
        'eval "$(cowork-env hook zsh)"      # in ~/.zshrc',
        "cowork-env hook fish | source      # in ~/.config/fish/config.fish",
    ),
)
@click.argument("shell", required=False, default="", shell_complete=complete_hook)
def hook_command(shell: str) -> None:
    """Print a shell's hook.

    It keeps the shell's environment up to date. SHELL is detected by default. 'cowork-env init'
    adds the line to your shell's startup file.
    """
    fast_path.hook(shell)


@click.command(
    "export",
    epilog=examples(
        'eval "$(cowork-env export)"                        # in a script',
        "cowork-env export --format fish | source",
        "cowork-env export --format github --provider work  # in a CI step",
        "cowork-env export --format json --no-secrets       # only to look",
    ),
)
@click.option(
    "--format",
    metavar="FORMAT",
    shell_complete=_complete_format,
    help="A shell (bash zsh fish sh ...), or json dotenv github gitlab azure docker.",
)
@resolution_options
@click.option("--no-secrets", is_flag=True, help="Leave keys out.")
def export_command(format: str | None, provider: str | None, trust: bool, no_secrets: bool) -> None:
    """Print the environment for this directory.

    By default, as statements for the shell that runs this: they change what differs from the
    environment as it is, and remove a provider that does not apply here. Nothing is printed when
    the provider cannot be resolved (exit status 1) or a pin is not trusted (3).

    With --no-secrets, the key's variable is neither set nor unset, and no key is fetched.
    Statements for a shell then require that the key is set already: a base URL is never set without
    a key. In other formats, add it yourself.
    """
    fast_path.export(format, provider, trust, no_secrets)


@click.command(
    "exec",
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    epilog=examples(
        "cowork-env exec claude -p 'hello'",
        "cowork-env exec --provider openrouter -- python agent.py",
        "cowork-env exec --provider none claude     # without any provider",
    ),
)
@resolution_options
@click.argument("command", metavar="CMD...", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(command: tuple[str, ...], provider: str | None, trust: bool) -> None:
    """Run a command with the provider of this directory.

    The exit status is that of CMD, 126 if it cannot be run, 127 if it is not found. CMD is not run
    when the provider cannot be resolved (exit status 1) or a pin is not trusted (3).
    """
    fast_path.execute(list(command), provider, trust)


@click.command(
    "token",
    epilog=examples(
        "cowork-env token openrouter",
        '{ "apiKeyHelper": "cowork-env token openrouter" }    # in a settings.json',
    ),
)
@provider_argument(required=False)
def token_command(name: str | None) -> None:
    """Print a provider's key, for Claude Code's apiKeyHelper.

    NAME defaults to the provider that applies here.
    """
    from ..core.resolve import fetch_key, resolve

    inputs = current_inputs(name)
    found = resolve(inputs)
    found.check()
    if found.provider is None:
        raise CoworkEnvError(
            "No provider applies here.", "Name one, as in: cowork-env token openrouter"
        )
    shown = visible(found.provider.name)
    if found.provider.account:
        raise CoworkEnvError(
            f"{shown} is an account: its login is for Claude Code alone, and is no API key.",
            f"Use it with: {accounts.start_command(found.provider, '')}",
        )
    try:
        key = fetch_key(found.provider, inputs)
    except CoworkEnvError as error:
        raise CoworkEnvError(f"{shown}: {error.message}", error.hint) from None
    if not key:
        raise CoworkEnvError(f"{shown} has no key, and needs none.")
    write_output(key + "\n")


@click.command(
    "completion",
    epilog=examples(
        'eval "$(cowork-env completion bash)"     # in ~/.bashrc',
        'eval "$(cowork-env completion zsh)"      # in ~/.zshrc, after compinit',
        "cowork-env completion fish > ~/.config/fish/completions/cowork-env.fish",
    ),
)
@click.argument("shell", required=False, default="", shell_complete=COMPLETIONS)
def completion_command(shell: str) -> None:
    """Print a shell's completion script: for shells without the hook, which completes by itself.

    SHELL is detected when left out.
    """
    shell = shell or detect_shell()
    if not shell:
        raise usage_error("Could not detect your shell.", "Name it: cowork-env completion zsh")
    if shell not in COMPLETIONS:
        from ..util.nearest import did_you_mean

        hint = did_you_mean(shell, COMPLETIONS, f"Supported shells: {', '.join(COMPLETIONS)}.")
        raise usage_error(f"There is no completion for '{visible(shell)}'.", hint)
    write_output(render.completion(shell))
    if os.isatty(1):
        explain_script(shell, "completion")


@click.command("reload", epilog=examples("cowork-env reload"))
def reload_command() -> None:
    """Make every shell look up its provider again at its next prompt.

    Needed after a key has changed in a secret store, or a lookup was interrupted. Shells notice
    other changes by themselves. On a terminal, asks you to unlock the store of the key that is
    needed here, if it is locked; nothing else does.
    """
    from ..core.resolve import resolve, unlock
    from .saving import reload_shells

    inputs = current_inputs()
    try:
        if interactive():
            found = resolve(inputs)
            if found.provider is not None:
                unlock(found.provider, inputs)
    finally:  # Also with a store that stays locked, or is none: the shells say so then.
        reload_shells(inputs)
    say("cowork-env: every shell looks up its provider again at its next prompt")
