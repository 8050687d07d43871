"""Arguments and options that several commands have, and the examples in their help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from ..util.errors import CoworkEnvError
from .inputs import check_provider_name, current_inputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])


def examples(*lines: str) -> str:
    """A command's examples as its ``epilog``: one command line each, with an optional comment."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def complete_provider(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The providers for a shell's completion; nothing is validated, no key is read, no error is
    shown.

    A name that a shell would have to quote is offered as its slug.
    """
    from ..core import providers
    from ..core.provider import slug

    inputs = current_inputs()
    try:
        names = providers.load(inputs.env, inputs.config_dir).names()
    except CoworkEnvError:
        return []
    words = [name if _needs_no_quotes(name) else slug(name) for name in names]
    return [CompletionItem(w) for w in dict.fromkeys(words) if w and _completes(w, incomplete)]


def _completes(word: str, incomplete: str) -> bool:
    # A word with capitals has to be typed as it is.
    return word.startswith(incomplete.casefold() if word.islower() else incomplete)


def _needs_no_quotes(name: str) -> bool:
    return name.isascii() and all(c.isalnum() or c in "._-" for c in name)


def provider_argument(required: bool = True, parameter: str = "name") -> Callable[[F], F]:
    """The argument NAME: a provider, with completion; None when it is left out.

    ``parameter`` is the name of the function's parameter.
    """

    def check(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
        return value if value is None else check_provider_name(value)

    return click.argument(
        parameter,
        metavar="NAME" if required else "[NAME]",
        required=required,
        callback=check,
        shell_complete=complete_provider,
    )


yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")


def resolution_options(function: F) -> F:
    """The options ``--provider`` and ``--trust`` of the commands that resolve what applies here."""
    trust = click.option(
        "--trust", is_flag=True, help="Use pins that are not trusted, too, except denied ones."
    )
    provider = click.option(
        "--provider",
        metavar="NAME",
        shell_complete=complete_provider,
        help="Use this provider ('none' for none), whatever applies here.",
    )
    return provider(trust(function))
