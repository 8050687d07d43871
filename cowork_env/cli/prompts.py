"""Prompts: what is asked on a terminal. Everything is shown on standard error."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, nullcontext
from select import select
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.provider import InvalidField
from ..masking import has_key
from ..pasted import cleaned_key
from ..util.errors import CoworkEnvError
from ..util.text import visible
from .output import say
from .terminal import columns, is_plain
from .wrapping import display_width, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import questionary

KEY_SHOWN = (
    "That looks like a key, and a key is not wanted here. It is not stored, but the screen shows "
    "it now. Keys are asked for in a question of their own, which hides them."
)
_POINTER = 7  # columns before a choice in a picker, or a box to tick, and after it
_MOST = 1 << 16  # bytes of an answer
_LONGEST_LINE = 4095  # bytes of a line that Linux's terminals pass on; macOS's are shorter
_PASTE_PAUSE = 0.05  # seconds, until the next line of what was pasted is there


class Choice(NamedTuple):
    """One of several: the value that is chosen, and a text that is shown and searched, too."""

    value: str
    about: str = ""

    @property
    def title(self) -> str:
        """The line that is shown."""
        return visible(f"{self.value}  {self.about}" if self.about else self.value)


class _Title(str):
    """A choice's title in a picker: as much as fits is shown, and all of it is searched."""

    __slots__ = ("_searched",)
    _searched: str

    @classmethod
    def all_of(cls, choices: Sequence[Choice]) -> list[_Title]:
        """The titles, for the terminal as wide as it is, with the texts below each other."""
        sizes = [display_width(visible(choice.value)) for choice in choices]
        column = max((s for s in sizes if s <= columns() // 3), default=0)
        titles = []
        for choice, size in zip(choices, sizes, strict=True):
            start = visible(choice.value) + " " * (max(column, size) - size + 2)
            room = columns() - _POINTER - display_width(start)
            first, *rest = wrapped(visible(choice.about), room) if choice.about else ("",)
            title = cls(f"{start}{first}{'…' if rest else ''}".rstrip())
            title._searched = choice.title.lower()
            titles.append(title)
        return titles

    def lower(self) -> str:
        """What questionary searches."""
        return self._searched


def interactive() -> bool:
    """Whether the user can be asked: standard input and standard error are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def tell_error(error: InvalidField | CoworkEnvError) -> None:
    """Say why an answer is refused, and what to do."""
    if isinstance(error, InvalidField):
        say(f"That {error.why}. {error.hint}".rstrip())
    else:
        say(f"{visible(error.message, 1000)} {visible(error.hint, 1000)}".rstrip())


def ask(question: str, check: Callable[[str], str], default: str | None = None) -> str:
    """Ask until ``check`` accepts the answer, and return what ``check`` returned.

    ``check`` raises :class:`InvalidField` or :class:`CoworkEnvError` for what it refuses. With a
    ``default``, which is shown unless it is empty, Enter gives that.
    """
    while True:
        answer = _answer(f"{question} [{default}]" if default else question)
        if not answer:
            if default is None:
                continue
            answer = default
        try:
            return check(answer)
        except (InvalidField, CoworkEnvError) as error:
            tell_error(error)


def confirm(question: str, default: bool = False) -> bool:
    """Ask a question with the answers yes and no; Enter is ``default``."""
    answers = {"": default, "y": True, "yes": True, "n": False, "no": False}
    while True:
        answer = _answer(f"{question} [{'Y/n' if default else 'y/N'}]")
        found = answers.get(answer.casefold())
        if found is not None:
            return found
        say("Answer y or n.")


def ask_hidden(question: str, default: str | None = None) -> str:
    """Ask without showing the answer; white space around it, as in pasted text, is removed.

    Enter gives the ``default``, if there is one.
    """
    while True:
        answer = _read_line(_hidden(question), hidden=True).strip()
        if answer or default is not None:
            return answer or default or ""


def ask_key(question: str, default: str | None = None) -> str:
    """Ask for a key, hidden, until there is one; see :func:`cleaned_key` for what is cleaned.

    Enter gives the ``default``, if there is one.
    """
    while True:
        answer = _read_line(_hidden(question), hidden=True)
        try:
            key = cleaned_key(answer)
        except InvalidField as error:
            tell_error(error)
            continue
        if key or default is not None:
            return key or default or ""


def _hidden(question: str) -> str:
    """The prompt for what is not shown, with one pair of parentheses at its end."""
    return f"{question.removesuffix(')')}{', ' if question.endswith(')') else ' ('}hidden): "


def _answer(question: str) -> str:
    """What the user answers, stripped, where it can be seen: a key is refused, and not repeated."""
    while True:
        answer = _read_line(f"{question}: ").strip()
        if has_key(answer):
            say(KEY_SHOWN)
        elif "\n" in answer:
            say("That has several lines. Type or paste one.")
        else:
            return answer


def _read_line(prompt: str, hidden: bool = False) -> str:
    """One line from the terminal, after ``prompt``, and the lines that were pasted with it.

    What was typed before the prompt was there is no answer to it, and dropped.
    What ends the dialog, Ctrl-C or Ctrl-D, raises KeyboardInterrupt, with the cursor on a line of
    its own and the terminal as it was.
    """
    try:
        with _without_echo() if hidden else nullcontext():
            _drop_typed_ahead()
            sys.stderr.write("\n".join(wrapped(prompt.rstrip(), columns() - 1)) + " ")
            sys.stderr.flush()
            line = os.read(0, _MOST)
            if not line.endswith(b"\n"):  # Ctrl-D
                raise KeyboardInterrupt
            while select([0], [], [], _PASTE_PAUSE)[0] and (more := os.read(0, _MOST)):
                line += more
    except KeyboardInterrupt:
        say("")
        raise
    if hidden:
        say("")
    if len(line) > _LONGEST_LINE:
        say("That is longer than a terminal passes on in one line. Use --token-stdin.")
        return _read_line(prompt, hidden)
    return line.decode("utf-8", "replace")


def _drop_typed_ahead() -> None:
    """Forget what was typed before there was a question."""
    import termios

    termios.tcflush(0, termios.TCIFLUSH)


@contextmanager
def _without_echo() -> Iterator[None]:
    """Let the terminal not show what is typed."""
    import termios

    before = termios.tcgetattr(0)
    silent = [*before]
    silent[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(0, termios.TCSAFLUSH, silent)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSAFLUSH, before)


# Choices


def pick(question: str, choices: Sequence[str | Choice], default: str = "") -> str:
    """Let the user choose one of ``choices``, and return its value.

    With the arrow keys, or by typing a part of it; on a plain terminal by its number in a list, or
    by a part of it. Raises KeyboardInterrupt on Ctrl-C.
    """
    return pick_or_type(question, choices, default)[0]


def pick_or_type(
    question: str, choices: Sequence[str | Choice], default: str = "", other: str = ""
) -> tuple[str, str]:
    """Let the user choose as :func:`pick` does; the value, and what was typed that is not listed.

    ``other`` is the value of the choice for that: Enter chooses it where nothing matches what was
    typed. The second is empty for all else.
    """
    listed = _as_choices(choices)
    if is_plain(sys.stderr):
        numbered = _NumberedList(question, listed, other)
        return numbered.ask("Number or name", default)[0], numbered.typed
    import questionary

    def make() -> questionary.Question:
        return questionary.select(
            question,
            choices=[
                questionary.Choice(title, value=choice.value)
                for title, choice in zip(_Title.all_of(listed), listed, strict=True)
            ],
            default=default if any(choice.value == default for choice in listed) else None,
            use_search_filter=True,
            use_jk_keys=False,
            output=_output(),
        )

    answer, typed = _run(make, other)
    return str(answer), typed


def pick_several(question: str, choices: Sequence[str | Choice]) -> list[str]:
    """Let the user choose any number of ``choices``, all of them to begin with, or none.

    Raises KeyboardInterrupt on Ctrl-C.
    """
    listed = _as_choices(choices)
    if is_plain(sys.stderr):
        numbered = _NumberedList(question, listed)
        return numbered.ask("Numbers or names with commas, 'all' or 'none'", "all", several=True)
    import questionary

    def make() -> questionary.Question:
        return questionary.checkbox(
            question,
            instruction="(Space to tick or untick, Enter to go on, type to filter)",
            choices=[
                questionary.Choice(title, value=choice.value, checked=True)
                for title, choice in zip(_Title.all_of(listed), listed, strict=True)
            ],
            use_search_filter=True,
            use_jk_keys=False,
            output=_output(),
        )

    answer: list[str] = _run(make)[0]
    return answer


def _as_choices(choices: Sequence[str | Choice]) -> list[Choice]:
    return [Choice(choice) if isinstance(choice, str) else choice for choice in choices]


def _output() -> Any:
    from prompt_toolkit.output import create_output

    return create_output(stdout=sys.stderr)


class _KeyTyped(Exception):
    """A key was typed into the filter of a picker."""


def _run(make: Callable[[], questionary.Question], other: str = "") -> tuple[Any, str]:
    """The answer to the picker that ``make`` makes, and what was typed if that matches nothing;
    made again if a key is typed into its filter.

    ``other``: see :func:`pick_or_type`. Raises KeyboardInterrupt on Ctrl-C and Ctrl-D.
    """
    from prompt_toolkit.input.typeahead import clear_typeahead

    while True:
        _drop_typed_ahead()
        prompt = make()
        unmatched = _extend(prompt.application, other)
        try:
            answer = prompt.unsafe_ask()
            # A second Enter that came at once would choose in the next picker.
            clear_typeahead(prompt.application.input)
        except _KeyTyped:
            _drop_input(prompt.application)
            say(KEY_SHOWN)
            continue
        if answer is None:
            raise KeyboardInterrupt
        return answer, unmatched() if answer == other else ""


def _extend(application: Any, other: str) -> Callable[[], str]:
    """Change a picker: Enter confirms no filter that matches nothing, or chooses ``other`` then;
    what is pasted is typed, Ctrl-D ends it as Ctrl-C does, a key in the filter is noticed, and no
    empty lines are drawn. Returns what tells the filter that matches nothing.
    """
    from prompt_toolkit.filters import Condition, to_filter
    from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
    from prompt_toolkit.layout import FormattedTextControl, VerticalAlign
    from questionary.prompts.common import InquirerControl

    control = next(
        c for c in application.layout.find_all_controls() if isinstance(c, InquirerControl)
    )

    def unmatched() -> str:
        shown = control.filtered_choices  # which finds what matches, also before it is drawn
        typed = control.search_filter
        return str(typed) if shown and typed and not control.found_in_search else ""

    # A filter that matches nothing shows everything, and Enter would choose the first.
    more = KeyBindings()

    @more.add("enter", filter=Condition(lambda: bool(unmatched())), eager=True)
    def refuse(event: Any) -> None:
        if not other:
            event.app.output.bell()
            return
        control.pointed_at = [choice.value for choice in control.choices].index(other)
        control.is_answered = True
        event.app.exit(result=other)

    what_enter_does = f"Enter: {other}" if other else "nothing matches"
    search_line: Any = control.get_search_string_tokens
    for shown in application.layout.find_all_controls():
        if isinstance(shown, FormattedTextControl) and shown.text == search_line:
            shown.text = lambda: [
                *(search_line() or []),
                ("", f"  ({what_enter_does})" if unmatched() else ""),
            ]
    # Else the picker takes all of the screen below the cursor, with its filter at the end.
    application.layout.container.align = VerticalAlign.TOP
    for window in application.layout.find_all_windows():
        window.dont_extend_height = to_filter(True)

    @more.add("c-d", eager=True)
    def end(event: Any) -> None:
        event.app.exit(exception=KeyboardInterrupt, style="class:aborting")

    @more.add("<bracketed-paste>", eager=True)
    def paste(event: Any) -> None:
        for char in event.data.strip():
            if char.isprintable():
                control.add_search_character(char)

    def look(_processor: Any) -> None:
        if has_key(control.search_filter or "") and not application.is_done:
            control.search_filter = None
            application.exit(exception=_KeyTyped)

    application.key_processor.after_key_press += look
    application.key_bindings = merge_key_bindings(
        [b for b in (application.key_bindings, more) if b]
    )
    return unmatched


def _drop_input(application: Any) -> None:
    """Forget what was typed, and what comes with it: the rest of a key."""
    from prompt_toolkit.input.typeahead import clear_typeahead

    clear_typeahead(application.input)
    with _without_echo():
        while select([0], [], [], _PASTE_PAUSE)[0]:
            _drop_typed_ahead()


class _NumberedList:
    """Choices as a numbered list, for terminals on which nothing can be redrawn."""

    def __init__(self, question: str, choices: list[Choice], other: str = "") -> None:
        self.choices, self.other, self.typed = choices, other, ""
        say(question)
        width = len(str(len(choices)))
        for number, choice in enumerate(choices, 1):
            start = f"  {number:{width}}. "
            lines = wrapped(choice.title, columns() - len(start))
            say(start + f"\n{' ' * len(start)}".join(lines))

    def ask(self, question: str, default: str, *, several: bool = False) -> list[str]:
        """The values that the user chooses: one, or with ``several`` any number of them."""
        while True:
            answer = _answer(f"{question} [{default}]" if default else question) or default
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
        elif self.other:
            self.typed = answer
            return self.other
        else:
            say(f"Nothing matches '{visible(answer)}'.")
        return None
