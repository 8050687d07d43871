"""What a shell offers at a Tab: the request of ``shell/completion.*``, and its response.

The request is in the environment, not in arguments, as there may be a key on the line:
``COMPLETE_VARIABLE`` names the shell; :data:`WORDS` has the words behind the command up to the
cursor, the last of them unfinished. bash, which leaves quoting to us, sends all of its words,
:data:`LINE` up to the cursor, and :data:`TEXT`, the end of it that will be replaced.

The response's first line has flags between blanks: ``nospace``, no blank after the word; ``files``
and ``directories``, these too; ``command=N``, the words from number N on (0 is the program) are a
command line of their own. Then a line for each word, in zsh and fish with a tab and what it means.
"""

from __future__ import annotations

import os

from ..util.text import first_control
from . import COMPLETE_VARIABLE, fast_path, offers
from .output import write_output

WORDS, LINE, TEXT = "_COWORK_ENV_WORDS", "_COWORK_ENV_LINE", "_COWORK_ENV_TEXT"
SEPARATOR = "\x1f"
BASH = "bash"
_OPEN_ENDS = (":", "/", "=", "#")  # of a word that goes on
_PLAIN = frozenset("_-./:@+,%=")  # beside letters and digits: what bash needs no quotes for


def respond() -> None:
    """Print what the shell may offer; whatever goes wrong, nothing."""
    shell = os.environ.get(COMPLETE_VARIABLE)
    line = Line(os.environ.get(LINE, ""), os.environ.get(TEXT, ""))
    words = line.words[1:] if shell == BASH else os.environ.get(WORDS, "").split(SEPARATOR)
    given, incomplete = words[:-1], words[-1] if words else ""
    position = command_position(given, incomplete)
    if position is not None:
        if shell == BASH:
            position = line.index_in(os.environ.get(WORDS, "").split(SEPARATOR), 1 + position)
        else:
            position += 1
        write_output(f" command={position} \n")
        return
    try:
        offered, others = offers.offers(given, incomplete)
    except Exception:  # A mistake on the line, or a file that cannot be read.
        return
    flags = [word[1:] for word in others]
    # What belongs to an option that is joined to its value.
    option, equals, _ = incomplete.partition("=")
    before = option + equals if equals and option.startswith("--") else ""
    helps = {
        before + word: " ".join(text.split())
        for word, text in offered.items()
        if first_control(word) < 0
    }
    found = list(helps)
    if len(found) == 1 and found[0].endswith(_OPEN_ENDS):
        flags.append("nospace")
    if shell == BASH:
        lines = line.replies(found)
    else:
        lines = [f"{word}\t{text}" for word, text in helps.items()]
    write_output("\n".join([f" {' '.join(flags)} ", *lines]) + "\n")


def command_position(given: list[str], incomplete: str) -> int | None:
    """Where in the words behind the program the command of ``exec`` begins; None: not yet."""
    if given[:1] != ["exec"]:
        return None
    i = 1
    while i < len(given) and given[i].startswith("-"):
        if given[i] == "--":
            return i + 1
        i += 2 if given[i] in fast_path.VALUES["exec"] else 1
    return i if i < len(given) or (i == len(given) and not incomplete.startswith("-")) else None


class Line:
    """A command line of bash up to the cursor, of which ``text``, its end, will be replaced.

    ``words`` are its words without quotes, from the program on; the last is unfinished, or empty.
    """

    def __init__(self, line: str, text: str) -> None:
        self.line = line
        self.words: list[str] = []
        self.starts: list[int] = []  # of each word in the line
        self._kept, self._quote = 0, ""  # at the place of the text: how much of its word is before
        self._split(len(line) - len(text))
        # Assignments before the program.
        while len(self.words) > 1 and self.words[0].partition("=")[0].isidentifier():
            if "=" not in self.words[0]:
                break
            del self.words[0], self.starts[0]

    def _split(self, place: int) -> None:
        word: str | None = None
        quote, i, line = "", 0, self.line
        while i <= len(line):
            if i == place:
                self._kept, self._quote = len(word or ""), quote
            char = line[i : i + 1]
            if word is None and (not char or not char.isspace()):
                word = ""
                self.starts.append(i)
            if not char:
                self.words.append(word or "")
            elif quote:
                if char == quote:
                    quote = ""
                elif char == "\\" and quote == '"' and line[i + 1 : i + 2] in ("\\", '"', "$", "`"):
                    i += 1
                    word = f"{word}{line[i]}"
                else:
                    word = f"{word}{char}"
            elif char.isspace():
                if word is not None:
                    self.words.append(word)
                word = None
            elif char in "'\"":
                quote = char
            elif char == "\\":
                i += 1
                word = f"{word}{line[i : i + 1]}"
            else:
                word = f"{word}{char}"
            i += 1

    def replies(self, found: list[str]) -> list[str]:
        """Words as bash has to insert them in the place of the text."""
        typed = self.words[-1][self._kept :]
        rests = [word[self._kept :] for word in found]
        # bash inserts what all have in common. That must not be less than what was typed, as where
        # the case differs; a name is found in any case.
        if len({rest[: len(typed)] for rest in rests}) > 1:
            rests = [typed + rest[len(typed) :] for rest in rests]
        # bash closes the quote behind the only word, unless that ends with such a character itself.
        end = self._quote if len(rests) == 1 else ""
        return [quoted(rest, self._quote) + end for rest in rests]

    def index_in(self, pieces: list[str], number: int) -> int:
        """The index of the word with this number in the pieces that bash has cut the line into."""
        start = self.starts[min(number, len(self.starts) - 1)]
        place = 0
        for i, piece in enumerate(pieces):
            place = self.line.find(piece, place)
            if place >= start or place < 0:
                return i
            place += len(piece)
        return len(pieces) - 1


def quoted(text: str, quote: str = "") -> str:
    """``text`` for a command line of bash, behind an open ``quote`` if there is one."""
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote:
        # A "!" stands outside of the quotes, where it can be escaped.
        return "".join('"\\!"' if c == "!" else f"\\{c}" if c in '\\"$`' else c for c in text)
    return "".join(c if c.isalnum() or c in _PLAIN else f"\\{c}" for c in text)
