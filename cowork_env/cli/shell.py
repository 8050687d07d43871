"""``hook``, ``export``, ``exec``, ``token``, ``completion`` and ``reload``: what shells and programs call."""

from __future__ import annotations

import click

from ..util.errors import CoworkEnvError
from ..util.text import visible
from . import COMPLETE_VARIABLE, statements
from .common import choosing, context, examples, out, provider_argument, say, usage

COMPLETIONS = ("bash", "zsh", "fish")


@click.command(
    "hook",
    epilog=examples(
        'eval "$(cowork-env hook bash)"     # in ~/.bashrc',
        'eval "$(cowork-env hook zsh)"      # in ~/.zshrc',
        "cowork-env hook fish | source      # in ~/.config/fish/config.fish",
    ),
)
@click.argument("shell", required=False, default="")
def hook_command(shell: str) -> None:
    """Print the hook that keeps a shell's environment right.

    SHELL is detected when left out. 'cowork-env init' puts the line where it belongs.
    """
    statements.hook(shell)


@click.command(
    "export",
    epilog=examples(
        'eval "$(cowork-env export)"                        # in a script',
        "cowork-env export --format fish | source",
        "cowork-env export --format github --provider work  # in a CI step",
        "cowork-env export --format json --no-secrets       # to look",
    ),
)
@click.option(
    "--format",
    metavar="FORMAT",
    help="A shell (bash zsh fish sh ...), or json dotenv github gitlab azure docker.",
)
@choosing
@click.option("--no-secrets", is_flag=True, help="Leave keys out.")
def export_command(format: str | None, provider: str | None, trust: bool, no_secrets: bool) -> None:
    """Print statements that make the environment right for this directory.

    They start from the environment as it is, and also leave a provider that does not apply here. Without --format they
    are for the shell that runs this. When the provider cannot be resolved nothing is printed (exit status 1), nor when
    a pin is not allowed (3).

    With --no-secrets the key's variable is neither set nor unset, and no secret store is asked. Statements for a shell
    then need one that is set already: a base URL never stands without a key. In the other formats it is for you to add.
    """
    statements.export(format, provider, trust, no_secrets)


@click.command(
    "exec",
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    epilog=examples(
        "cowork-env exec claude -p 'hello'",
        "cowork-env exec --provider openrouter -- python agent.py",
        "cowork-env exec --provider none claude     # without any provider",
    ),
)
@choosing
@click.argument("command", metavar="CMD...", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(command: tuple[str, ...], provider: str | None, trust: bool) -> None:
    """Run a command with the provider of this directory.

    CMD takes this process's place, so its exit status is the result: 126 if it cannot be run, 127 if it is not found. It
    does not run at all when the provider cannot be resolved (1), or when a pin is not allowed (3).
    """
    statements.execute(list(command), provider, trust)


@click.command(
    "token",
    epilog=examples(
        "cowork-env token openrouter",
        '{ "apiKeyHelper": "cowork-env token openrouter" }    # in a settings.json',
    ),
)
@provider_argument(required=False)
def token_command(name: str | None) -> None:
    """Print a provider's key, alone, for Claude Code's apiKeyHelper.

    NAME is the provider that applies here when left out.
    """
    from .. import secrets
    from ..core.resolve import resolve

    inputs = context(name)
    found = resolve(inputs)
    found.check()
    if found.provider is None:
        raise CoworkEnvError(
            "No provider applies here.", "Name one, as in: cowork-env token openrouter"
        )
    shown = visible(found.provider.name)
    try:
        key = secrets.fetch(found.provider, inputs.env)
    except CoworkEnvError as error:
        raise CoworkEnvError(f"{shown}: {error.message}", error.hint) from None
    if not key:
        raise CoworkEnvError(f"{shown} has no key, and needs none.")
    out(key + "\n")


@click.command(
    "completion",
    epilog=examples(
        'eval "$(cowork-env completion bash)"     # in ~/.bashrc',
        'eval "$(cowork-env completion zsh)"      # in ~/.zshrc, after compinit',
        "cowork-env completion fish > ~/.config/fish/completions/cowork-env.fish",
    ),
)
@click.argument("shell", type=click.Choice(COMPLETIONS))
def completion_command(shell: str) -> None:
    """Print the completion of commands, options and providers for a shell."""
    from click.shell_completion import get_completion_class

    from .group import group

    kind = get_completion_class(shell)
    if kind is None:
        raise usage(f"There is no completion for {shell}.")
    try:
        text = kind(group, {}, "cowork-env", COMPLETE_VARIABLE).source()
    except RuntimeError as error:  # bash before 4.4
        raise CoworkEnvError(visible(str(error))) from None
    out(text + "\n")


@click.command("reload", epilog=examples("cowork-env reload"))
def reload_command() -> None:
    """Make every shell look again at its next prompt.

    For a key that changed in a secret store, or a look-up that was interrupted. Everything else is seen by itself.
    """
    import time

    from ..hook import respond
    from ..util import files

    inputs = context()
    files.private_directory(inputs.state_dir)
    files.write_atomically(f"{inputs.state_dir}/{respond.RELOAD}", f"{time.time_ns()}\n".encode())
    say("cowork-env: every shell looks again at its next prompt")
