"""fish."""

from __future__ import annotations

from ..core.environment import Revealed
from .base import RESPONSE_PREFIX, SEPARATOR, CachingShell, Shell, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..hook.protocol import Response


def quote(text: str) -> str:
    r"""``text`` as one word of fish, where ``\`` and ``'`` keep a meaning between single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Fish(CachingShell):
    """fish 3.6 and later."""

    name = "fish"
    hook = "hook.fish"
    has_clock = False
    # The condition is the arguments of one "test".
    and_also = " -a "

    def quote(self, text: str) -> str:
        return quote(text)

    def set(self, name: str, value: str) -> str:
        if isinstance(value, Revealed):
            return f"builtin set -eg {name}"
        return f"builtin set -gx {name} {quote(value)}"

    def unset(self, name: str) -> str:
        return self.unset_all([name])

    def unset_all(self, names: Iterable[str]) -> str:
        # A universal variable is the user's, in every session, so it is never erased. fish hides an
        # exported one from programs only behind another exported one, and the nearest thing to
        # unset is an empty one.
        words = " ".join(names)
        count = len(words.split())
        return (
            f"builtin set -eg {words}; builtin set -qx {words}; "
            f"builtin test $status -eq {count}; or for __cowork_env_name in {words}; "
            "builtin set -qx $__cowork_env_name; and builtin set -gx $__cowork_env_name ''; end"
        )

    def unset_on_leaving(self, names: Iterable[str]) -> str:
        return f"builtin set -eg {' '.join(names)}"

    def values_of(self, names: Iterable[str]) -> str:
        return "".join(f'\\x02"${name}"' for name in names)

    def load(self, python: str, package: str, hook: str) -> str:
        values = {"python": python, "package": package, "file": hook}
        variables = "; ".join(
            f"builtin set -gu __cowork_env_{name} {quote(value)}" for name, value in values.items()
        )
        # A function has the path of the interpreter itself: an interrupt while fish 3.6 expands a
        # variable in the place of a command ends the shell. An older fish cannot parse the file.
        return (
            f"function __cowork_env_program; {quote(python)} $argv; end; {variables}; "
            "if builtin string match -qr '^[12]\\.|^3\\.[0-5]\\b' -- $version; "
            "builtin echo 'cowork-env: fish 3.6 or later is needed' >&2; "
            "else; builtin source $__cowork_env_file; end\n"
        )

    def all_hold(self, values: Mapping[str, str | None]) -> str:
        if any(SEPARATOR in (value or "") for value in values.values()):
            return "; and ".join(self._holds(name, value) for name, value in values.items())
        absent = [name for name, value in values.items() if value is None]
        filled = {name: value for name, value in values.items() if value}
        parts = [self._holds(name, "") for name, value in values.items() if value == ""]
        if absent:
            # "set -q" counts those that are not there. One that is not exported is there, as it
            # would be lost; a universal one makes the condition stricter than it has to be.
            parts.append(
                f"begin; builtin set -q {' '.join(absent)}; "
                f"builtin test $status -eq {len(absent)}; end"
            )
        if filled:
            live = SEPARATOR.join(f"x${name}" for name in filled)
            wanted = SEPARATOR.join(f"x{value}" for value in filled.values())
            parts.append(f'builtin test "{live}" = {quote(wanted)}')
        return "; and ".join(parts)

    @staticmethod
    def _holds(name: str, value: str | None) -> str:
        if value is None:
            return f"not builtin set -qx {name}; and not builtin set -qg {name}"
        if not value:  # An unset one expands to the same.
            return f'begin; builtin set -qx {name}; and builtin test -z "${name}"; end'
        return f'builtin test x"${name}" = {quote("x" + value)}'

    def when(self, name: str, value: str | None, code: str) -> str:
        return f"if {self._holds(name, value)}; {code}; end"

    def either(self, condition: str, code: str, otherwise: str) -> str:
        # The rare case is one word, which the shell does not parse until it is needed.
        return f"if {condition}\n{code}else; builtin eval {quote(otherwise)}\nend\n"

    def response(self, response: Response) -> str:
        named = {name: quote(text) for name, text in fields(response).items()}
        named["unchanged"] = self.unchanged(response.watches)
        named["safe"] = self.words(response.safe)
        if response.notices:
            texts = [text for notice in response.notices for text in (notice.id, notice.text)]
            named["notices"] = self.words(texts)
        else:
            named["notices"] = ""
        return "; ".join(f"builtin set {RESPONSE_PREFIX}{k} {v}" for k, v in named.items()) + "\n"


SHELLS: dict[str, Shell] = {"fish": Fish()}
