"""The fast path: plain command lines of some commands, parsed without click.

A shell evaluates ``hook`` at its start, launchers run ``exec``, prompts ``status --short``: only
what they need is imported.
"""

from __future__ import annotations

import os

from ..util.errors import USAGE, CoworkEnvError
from ..util.text import argument
from .errors import usage_error
from .output import write_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# The options of these commands, with a value and without.
VALUES = {
    "export": ("--format", "--provider"),
    "exec": ("--provider",),
    "status": ("--directory", "--provider"),
}
FLAGS = {
    "export": ("--trust", "--no-secrets"),
    "exec": ("--trust",),
    "status": ("--trust", "--short"),
}


def parse(argv: list[str]) -> Callable[[], object] | None:
    """The call that a command line stands for; None for click to parse it: help, errors."""
    name, *words = argv
    if name == "hook":
        if len(words) > 1 or "".join(words).startswith("-"):
            return None
        return lambda: hook(*words)
    options: dict[str, str | bool] = {}
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "--" and name == "exec":
            break
        option, equals, value = word.partition("=")
        if option in VALUES[name] and (equals or words):
            options[option] = value if equals else words.pop(0)
        elif word in FLAGS[name]:
            options[word] = True
        else:
            return None
    if bool(words) != (name == "exec"):
        return None
    if name == "status" and not options.pop("--short", False):
        return None
    arguments = {option.strip("-").replace("-", "_"): value for option, value in options.items()}
    if name == "exec":
        return lambda: execute(words, **arguments)  # type: ignore[arg-type]  # text for VALUES, True for FLAGS
    call = short_status if name == "status" else export
    return lambda: call(**arguments)  # type: ignore[arg-type]


def hook(shell: str = "") -> None:
    """Print the hook of a shell; default: the shell that runs this."""
    from ..hook import render

    if not shell:
        from .inputs import detect_shell

        shell = detect_shell()
    if not shell:
        raise usage_error("Could not detect your shell.", "Name it, as in: cowork-env hook zsh")
    found = render.find(shell)
    write_output(render.render(found))
    if os.isatty(1):
        from .eval_hint import explain_script

        explain_script(found.name, "hook")


def export(
    format: str | None = None,
    provider: str | None = None,
    trust: bool = False,
    no_secrets: bool = False,
) -> None:
    """Print the environment for this directory; default format: that of the shell running this."""
    from .. import export, launcher
    from .inputs import current_inputs, detect_shell

    given = "" if format is None else f" --format {format}"
    if format is None:
        format = export.format_for_shell(detect_shell())
    else:
        export.check_format(format)
    inputs = current_inputs(provider, trust)
    launcher.warn_of_ignored_state(inputs.env)
    explains = os.isatty(1) and export.is_for_shell(format)

    def write(text: str) -> None:
        write_output(text)
        if explains:
            from .eval_hint import explain_statements

            name = f" --provider {argument(provider, 'NAME')}" if provider else ""
            which = f"{given}{' --trust' if trust else ''}{name}"
            explain_statements(format, which, not text, not no_secrets)

    export.export(inputs, format, write, no_secrets=no_secrets)


def short_status(
    directory: str | None = None, provider: str | None = None, trust: bool = False
) -> None:
    """Print what is active here (or in ``directory``) in one line for a prompt, or nothing.

    It says ``error`` itself: what is wrong would be repeated at each prompt, and a line that a
    program with another exit status prints is not shown by all.
    """
    from ..comparison import Comparison
    from .inputs import current_inputs

    try:
        inputs = current_inputs(provider, trust, directory)
        text = Comparison(inputs, elsewhere=directory is not None).short
    except CoworkEnvError as error:
        if error.exit_code == USAGE:
            raise
        text = "none (error)"
    if text:
        write_output(text + "\n")


def execute(command: list[str], provider: str | None = None, trust: bool = False) -> None:
    """Run a command, in the place of this process, with the environment for this directory."""
    from .. import launcher
    from .inputs import current_inputs

    inputs = current_inputs(provider, trust)
    inputs.env = launcher.original_environment()
    launcher.execute(inputs, command)
