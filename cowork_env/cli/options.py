"""Arguments and options that several commands have, and the examples in their help."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from ..util.errors import CoworkEnvError
from ..util.text import first_control
from .inputs import check_provider_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])
    Completer: TypeAlias = Callable[[click.Context, click.Parameter, str], list[str]]


def examples(*lines: str) -> str:
    """A command's examples as its ``epilog``: one command line each, with an optional comment."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def complete_words(*words: str) -> Completer:
    """The completion of an argument that is one of ``words``, whatever their case."""

    def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        return completing(words, incomplete)

    return complete


def completing(words: Iterable[str], incomplete: str) -> list[str]:
    """Those of ``words`` that begin with ``incomplete``, ignoring case, each once."""
    folded = incomplete.casefold()
    return [word for word in dict.fromkeys(words) if word.casefold().startswith(folded)]


def complete_hook(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The shells that have a hook."""
    from .. import shells

    return completing([shell.name for shell in shells.with_hook()], incomplete)


def complete_source(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What 'import' takes: the names of sources, or a file."""
    from ..importers import SOURCES

    words = [CompletionItem(word) for word in completing(SOURCES, incomplete)]
    return [*words, CompletionItem(incomplete, type="file")]


def _entries() -> list[Any]:
    """The entries of all providers; nothing is validated, no key is read, no error is shown."""
    from ..core import providers
    from ..util import paths

    try:
        return providers.load(dict(os.environ), paths.config_dir()).entries
    except CoworkEnvError:
        return []


def complete_provider(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of providers that begin with ``incomplete``, or whose slugs do."""
    from ..core.provider import slug
    from ..core.providers import field_of

    names = [name for entry in _entries() if (name := field_of(entry, "name"))]
    # What cannot be shown has a slug, and who would not type a blank or a quote types that.
    shown = (name if first_control(name) < 0 else slug(name) for name in names)
    found = completing(filter(None, shown), incomplete)
    return found or completing(filter(None, map(slug, names)), incomplete)


def complete_provider_or_none(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[str]:
    """The same, and ``none`` for no provider."""
    return complete_provider(ctx, param, incomplete) + completing(["none"], incomplete)


def complete_model(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The models of the provider or preset that the command line names, else of all providers.

    Those that its entry names; nothing is asked.
    """
    from ..core.providers import field_of, words

    # The words of the line: click has not parsed it, as the option's value is missing.
    command, *given = ctx.obj
    named = {word.strip().casefold() for word in given if not word.startswith("-")}
    entries = _entries()
    if command == "add":
        from .. import presets

        entries = [preset.as_dict() for preset in presets.all_presets()]
    chosen = [entry for entry in entries if words(entry) & named] or entries
    found = []
    for entry in chosen:
        models = entry.get("models") if isinstance(entry, dict) else None
        found.append(field_of(entry, "defaultModel"))
        found += [field_of(models, tier) for tier in models] if isinstance(models, dict) else []
    return completing(filter(None, found), incomplete)


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
