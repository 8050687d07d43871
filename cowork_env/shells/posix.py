"""sh, bash and zsh."""

from __future__ import annotations

from ..core.environment import STATE
from .base import RESPONSE_PREFIX, SEPARATOR, CachingShell, Shell, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..core.environment import Changes
    from ..hook.protocol import Response
    from ..hook.watch import Watch


def quote(text: str) -> str:
    """``text`` as one word of sh, bash or zsh (POSIX 2.2.2: between single quotes everything is
    literal).
    """
    return "'" + text.replace("'", "'\\''") + "'"


def _hook_variables(python: str, package: str, hook: str) -> str:
    """Assignments of what the hooks of bash and zsh are started with."""
    values = {"python": python, "package": package, "file": hook}
    return " ".join(f"__cowork_env_{name}={quote(value)}" for name, value in values.items())


class Posix(Shell):
    """POSIX sh: statements alone. ``builtin`` goes before each command, so that no alias or
    function is in the way.
    """

    name = "sh"
    then = " && "
    builtin = ""

    def quote(self, text: str) -> str:
        return quote(text)

    def set(self, name: str, value: str) -> str:
        return self.set_all({name: value})

    def set_all(self, values: Mapping[str, str]) -> str:
        pairs = " ".join(f"{name}={quote(value)}" for name, value in values.items())
        return f"{self.builtin}export {pairs}"

    def unset(self, name: str) -> str:
        return self.unset_all([name])

    def unset_all(self, names: Iterable[str]) -> str:
        return f"{self.builtin}unset {' '.join(names)}"


class Bash(Posix, CachingShell):
    """bash 3.2 and later."""

    name = "bash"
    hook = "hook.bash"
    builtin = "\\builtin "

    def unset_all(self, names: Iterable[str]) -> str:
        return f"{self.builtin}unset -v {' '.join(names)}"

    def values_of(self, names: Iterable[str]) -> str:
        return "".join(f"$'\\2'\"${{{name}-}}\"" for name in names)

    def load(self, python: str, package: str, hook: str) -> str:
        variables = _hook_variables(python, package, hook)
        return (
            f"\\builtin shopt -q restricted_shell || {{ {variables}; "
            '\\builtin . "$__cowork_env_file"; }\n'
        )

    def all_hold(self, values: Mapping[str, str | None]) -> str:
        # As many separators as there are values less one, and none within: what is equal is equal
        # one by one. A value that is not empty needs no mark to tell it from none. Not [[ ]]: it
        # folds case under bash's nocasematch.
        if any(SEPARATOR in (value or "") for value in values.values()):
            return " && ".join(self._compare({name: value}) for name, value in values.items())
        return self._compare(values)

    def _compare(self, values: Mapping[str, str | None]) -> str:
        live = [
            f"${{{n}-}}" if v else f"${{{n}+x}}${{{n}-}}" if v == "" else f"${{{n}+x}}"
            for n, v in values.items()
        ]
        wanted = ["" if v is None else v or "x" for v in values.values()]
        return f'\\builtin test "{SEPARATOR.join(live)}" = {quote(SEPARATOR.join(wanted))}'

    def each_statement(self, changes: Changes, leaving: bool = False) -> str:
        lines = [
            self.on_its_own(self.unset(name) if value is None else self.set(name, value)) + "\n"
            for name, value in sorted(changes.items(), key=lambda change: change[0] == STATE)
        ]
        return "".join(lines)

    def on_its_own(self, statement: str) -> str:
        """A statement, so that what is on the next line happens even if it fails."""
        return statement

    def when(self, name: str, value: str | None, code: str) -> str:
        return f"{self._compare({name: value})} && {code}"

    def either(self, condition: str, code: str, otherwise: str) -> str:
        # The rare case is one word, which the shell does not parse until it is needed.
        return f"if {condition}; then\n{code}else {self.builtin}eval {quote(otherwise)}\nfi\n"

    def unmodified(self, path: str, reference: str) -> str:
        # To bash a file that does not exist is older, and newer than no reference.
        return f"! {path} -nt {reference} && ! {path} -ot {reference}"

    def unchanged(self, watches: list[Watch]) -> str:
        return f"[[ {super().unchanged(watches)} ]]"

    def response(self, response: Response) -> str:
        named = fields(response) | {"unchanged": self.unchanged(response.watches)}
        named["safe"] = "".join(path + SEPARATOR for path in response.safe)
        # Scalars: an interrupt inside name=(...) leaves bash's parser there, and ends the shell.
        return "".join(f"{RESPONSE_PREFIX}{name}={quote(text)}\n" for name, text in named.items())


class Zsh(Bash):
    """zsh 5.1 and later."""

    name = "zsh"
    hook = "hook.zsh"
    builtin = "builtin "

    def load(self, python: str, package: str, hook: str) -> str:
        # Functions that are defined in there run with zsh's own options, whatever the user has set.
        variables = _hook_variables(python, package, hook)
        return (
            f"[[ -o restricted ]] || {{ builtin typeset -g {variables}; builtin emulate zsh "
            "-o noaliases -o noallexport -c 'builtin source $__cowork_env_file'; }\n"
        )

    def on_its_own(self, statement: str) -> str:
        # The change of a read-only variable would end more than the statement.
        return f"{{ {statement}; }} always {{ TRY_BLOCK_ERROR=0; }}"

    def unmodified(self, path: str, reference: str) -> str:
        # To zsh a file is neither newer nor older than one that does not exist.
        return f"-e {reference} && -e {path} && {super().unmodified(path, reference)}"


SHELLS: dict[str, Shell] = {shell.name: shell for shell in (Posix(), Bash(), Zsh())}
