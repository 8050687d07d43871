"""Prompts: what is asked on a terminal. Everything is shown on standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..core.provider import InvalidField, check_token
from ..util.text import visible
from .output import say
from .terminal import is_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import questionary


class Choice(NamedTuple):
    """One of several: the value that is chosen, and a text that is shown and searched, too."""

    value: str
    about: str = ""

    @property
    def title(self) -> str:
        """The line that is shown."""
        return visible(f"{self.value}  {self.about}" if self.about else self.value)


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


def confirm(question: str, default: bool = False) -> bool:
    """Ask a question with the answers yes and no; Enter is ``default``."""
    answers = {"": default, "y": True, "yes": True, "n": False, "no": False}
    while True:
        asked = f"{question} [{'Y/n' if default else 'y/N'}]"
        answer = click.prompt(asked, default="", show_default=False, err=True)
        found = answers.get(answer.strip().casefold())
        if found is not None:
            return found
        say("Answer y or n.")


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


# Choices


def pick(question: str, choices: Sequence[str | Choice], default: str = "") -> str:
    """Let the user choose one of ``choices``, and return its value.

    With the arrow keys, or by typing a part of it; on a plain terminal by its number in a list, or
    by a part of it. Raises KeyboardInterrupt on Ctrl-C.
    """
    listed = _as_choices(choices)
    if is_plain(sys.stderr):
        numbered = _NumberedList(question, listed)
        return numbered.ask("Number or name", default)[0]
    import questionary

    prompt = questionary.select(
        question,
        choices=[questionary.Choice(choice.title, value=choice.value) for choice in listed],
        default=default if any(choice.value == default for choice in listed) else None,
        use_search_filter=True,
        use_jk_keys=False,
        output=_output(),
    )
    answer: str = _run(prompt)
    return answer


def pick_several(question: str, choices: Sequence[str | Choice]) -> list[str]:
    """Let the user choose any number of ``choices``, all of them to begin with, or none.

    Raises KeyboardInterrupt on Ctrl-C.
    """
    listed = _as_choices(choices)
    if is_plain(sys.stderr):
        numbered = _NumberedList(question, listed)
        return numbered.ask("Numbers or names with commas, 'all' or 'none'", "all", several=True)
    import questionary

    prompt = questionary.checkbox(
        question,
        choices=[questionary.Choice(c.title, value=c.value, checked=True) for c in listed],
        use_search_filter=True,
        use_jk_keys=False,
        output=_output(),
    )
    answer: list[str] = _run(prompt)
    return answer


def _as_choices(choices: Sequence[str | Choice]) -> list[Choice]:
    return [Choice(choice) if isinstance(choice, str) else choice for choice in choices]


def _output() -> Any:
    from prompt_toolkit.output import create_output

    return create_output(stdout=sys.stderr)


def _run(prompt: questionary.Question) -> Any:
    """The answer to a prompt in which a filter that matches nothing cannot be confirmed."""
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
    from questionary.prompts.common import InquirerControl

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
    answer = prompt.unsafe_ask()
    if answer is None:
        raise KeyboardInterrupt
    return answer


class _NumberedList:
    """Choices as a numbered list, for terminals on which nothing can be redrawn."""

    def __init__(self, question: str, choices: list[Choice]) -> None:
        self.choices = choices
        say(question)
        width = len(str(len(choices)))
        for number, choice in enumerate(choices, 1):
            say(f"  {number:{width}}. {choice.title}")

    def ask(self, question: str, default: str, *, several: bool = False) -> list[str]:
        """The values that the user chooses: one, or with ``several`` any number of them."""
        while True:
            answer = click.prompt(
                question, default=default or None, show_default=bool(default), err=True
            ).strip()
            if several and answer.casefold() in ("all", "none"):
                return [c.value for c in self.choices] if answer.casefold() == "all" else []
            parts = answer.split(",") if several else [answer]
            found = [self._find(part.strip()) for part in parts if part.strip()]
            if found and all(found):
                return [value for value in found if value is not None]

    def _find(self, answer: str) -> str | None:
        """The value of the choice with that number, that value, or that part in its line."""
        if answer.isascii() and answer.isdigit() and 0 < int(answer) <= len(self.choices):
            return self.choices[int(answer) - 1].value
        folded = answer.casefold()
        found = [c.value for c in self.choices if c.value.casefold() == folded]
        found = found or [c.value for c in self.choices if folded in c.title.casefold()]
        if len(found) == 1:
            return found[0]
        if found:
            shown = ", ".join(map(visible, found[:5])) + (", ..." if len(found) > 5 else "")
            say(f"Several match '{visible(answer)}': {shown}.")
        else:
            say(f"Nothing matches '{visible(answer)}'.")
        return None
