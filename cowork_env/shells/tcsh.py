"""tcsh."""

from __future__ import annotations

from .base import RESPONSE_PREFIX, Shell, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hook.protocol import Response


# The quotes around three kinds of text.
OPENING = {"plain": "'", "special": "$'", "bytes": "\"`/bin/sh -c 'printf "}
CLOSING = {"plain": "'", "special": "'", "bytes": "'`\""}


class Tcsh(Shell):
    """tcsh 6.22 and later. All code is on one line, as its backquotes put blanks in place of line
    breaks.
    """

    name = "tcsh"
    hook = "hook.tcsh"

    def quote(self, text: str) -> str:
        r"""``text`` as one word: its ``$''`` knows ``\012``, and ``\041`` is safe from history.

        A byte that is not UTF-8 is written by sh. tcsh 6.24 reads the output of backquotes in
        pieces, and loses what follows such a byte at the end of one, quotes included. Other bytes
        stay between plain quotes, as the special ones lose some of them where the locale is C.
        """
        word, mode = "'", "plain"
        for c in text:
            if "\ud800" <= c <= "\udfff":
                wanted, shown = "bytes", f"\\\\{ord(c) & 0xFF:03o}"
            elif c in "\\'!" or c < " " or c == "\x7f":
                wanted, shown = "special", f"\\{ord(c):03o}"
            else:
                wanted, shown = "plain", c
            if wanted != mode:
                word += CLOSING[mode] + OPENING[wanted]
                mode = wanted
            word += shown
        return word + CLOSING[mode]

    def set(self, name: str, value: str) -> str:
        return f"setenv {name} {self.quote(value)}"

    def unset(self, name: str) -> str:
        return f"unsetenv {name}"

    def when(self, name: str, value: str | None, code: str) -> str:
        if value is None:
            return f"if ( ! $?{name} ) {code}"
        # It expands both sides of "&&", and an unset variable is an error.
        inner = f"if ( ${name}:q == {self.quote(value)} ) {code}"
        return f"if ( $?{name} ) eval {self.quote(inner)}"

    def wrap(self, hook: str) -> str:
        return f"eval {self.quote(hook)}\n"

    def response(self, response: Response) -> str:
        named = {name: self.quote(text) for name, text in fields(response).items()}
        texts = [text for notice in response.notices for text in (notice.id, notice.text)]
        named["notices"] = f"( {self.words(texts)} )"
        return "; ".join(f"set {RESPONSE_PREFIX}{k} = {v}" for k, v in named.items()) + "\n"


SHELLS: dict[str, Shell] = {"tcsh": Tcsh()}
