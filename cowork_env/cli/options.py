"""Arguments and options that several commands have, and the examples in their help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from . import offers
from .inputs import check_provider_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])


def examples(*lines: str) -> str:
    """A command's examples as its ``epilog``: one command line each, with an optional comment."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


# What an argument is completed with, as its ``shell_complete``: words, those that ``offers.py``
# knows, or a function that returns them. click only keeps it: a Tab reads ``completion.json``,
# which ``docs/make_completion.py`` makes.
complete_provider = (offers.PROVIDERS,)
complete_provider_or_none = (offers.PROVIDERS, "none")
complete_model = (offers.MODELS,)


def complete_hook() -> list[str]:
    """The shells that have a hook."""
    from .. import shells

    return [shell.name for shell in shells.with_hook()]


def complete_source() -> list[str]:
    """What 'import' takes: the names of sources, or a file."""
    from ..importers import SOURCES

    return [*SOURCES, offers.FILES]


def provider_argument(
    required: bool = True, none: bool = False, parameter: str = "name"
) -> Callable[[F], F]:
    """The argument NAME: a provider, with completion; None when it is left out.

    ``none``: the word ``none`` is valid, too. ``parameter``: the name of the function's parameter.
    """

    def check(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
        return value if value is None else check_provider_name(value)

    return click.argument(
        parameter,
        metavar="NAME" if required else "[NAME]",
        required=required,
        callback=check,
        shell_complete=complete_provider_or_none if none else complete_provider,
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
        shell_complete=complete_provider_or_none,
        help="Use this provider ('none' for none), whatever applies here.",
    )
    return provider(trust(function))
