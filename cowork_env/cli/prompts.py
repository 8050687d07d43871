"""Prompts: what is asked on a terminal. Everything is shown on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..core.provider import InvalidField, check_token
from ..util.text import visible
from .output import say

if TYPE_CHECKING:
    from collections.abc import Callable


def interactive() -> bool:
    """Whether the user can be asked: standard input and standard error are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, check: Callable[[str], str], default: str | None = None) -> str:
    """Ask until ``check`` accepts the answer, and return what ``check`` returned."""
    while True:
        answer = click.prompt(question, default=default, show_default=bool(default), err=True)
        try:
            return check(answer.strip())
        except InvalidField as error:
            say(f"That {error.why}. {error.hint}".rstrip())


def ask_hidden(question: str, default: str | None = None) -> str:
    """Ask without showing the answer; white space around it, as in pasted text, is removed."""
    text: str = click.prompt(
        f"{question} (hidden)", default=default, show_default=False, hide_input=True, err=True
    )
    return text.strip()


def ask_key(question: str, default: str | None = None) -> str:
    """Ask for a key, hidden, until it is valid; it may be empty only if ``default`` is given."""
    while True:
        try:
            token = check_token(ask_hidden(question, default))
            if token or default is not None:
                return token
        except InvalidField as error:
            say(f"That {error.why}.")


def pick(question: str, names: list[str], default: str = "") -> str:
    """Let the user choose one of ``names`` with the arrow keys, or by typing a part of it.

    Raises KeyboardInterrupt on Ctrl-C.
    """
    import questionary
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
    from prompt_toolkit.output import create_output
    from questionary.prompts.common import InquirerControl

    prompt = questionary.select(
        question,
        choices=[questionary.Choice(visible(name), value=name) for name in names],
        default=default if default in names else None,
        use_search_filter=True,
        use_jk_keys=False,
        output=create_output(stdout=sys.stderr),
    )
    application = prompt.application
    control = next(
        c for c in application.layout.find_all_controls() if isinstance(c, InquirerControl)
    )
    # A filter that matches nothing shows everything, and Enter would choose the first: ring the
    # bell instead.
    no_match = Condition(lambda: bool(control.search_filter) and not control.found_in_search)
    bell = KeyBindings()
    bell.add("enter", filter=no_match, eager=True)(lambda event: event.app.output.bell())
    application.key_bindings = merge_key_bindings(
        [b for b in (application.key_bindings, bell) if b]
    )
    answer: str | None = prompt.unsafe_ask()
    if answer is None:
        raise KeyboardInterrupt
    return answer
