"""Values that are hard to carry in a file format, and how the formats are called."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from cowork_env import formats
from cowork_env.core import environment
from cowork_env.core.provider import Provider
from cowork_env.util.errors import CoworkEnvError

from support.home import GUIDE

Values = dict[str, "str | None"]
KEYS = frozenset(("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"))
OPENROUTER = environment.target(Provider(GUIDE[1]), GUIDE[1]["authToken"], {})
SET = {k: v for k, v in OPENROUTER.items() if v is not None}

# What readers are known to trip over, mixed with plain text.
# fmt: off  (groups that belong together, a line each)
PIECES = [
    "'",
    '"',
    "\\",
    "`id`",
    "$",
    "${HOME}",
    "$(HOME)",
    "\n",
    "\r",
    "\r\n",
    "\u2028",
    "\x85",
    "\x0b",
    " ",
    "\t",
    "%",
    "%25",
    "%0A",
    "%AZP25",
    "%PATH%",
    "#",
    " #",
    "=",
    "<<",
    "EOF",
    ";",
    "]",
    ":",
    "!",
    "{",
    "}",
    "*",
    "~",
    "export ",
    "::add-mask::x",
    "##vso[task.setvariable variable=X]y",
    "é",
    "🚒",
    "a",
    "Z9",
]
# fmt: on
VALUES = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.text(st.characters(exclude_characters="\0", codec="utf-8")),
)
TARGETS = st.fixed_dictionaries(
    {"ANTHROPIC_AUTH_TOKEN": VALUES, "ANTHROPIC_BASE_URL": VALUES, "EXTRA_1": VALUES}
)


def emit(
    name: str, wanted: Values, keys: frozenset[str] = KEYS, env: dict[str, str] | None = None
) -> str:
    """What the format writes to standard output."""
    written: list[str] = []
    formats.emit(name, wanted, keys, env or {}, written.append)
    return "".join(written)


def refused(name: str, wanted: Values, env: dict[str, str] | None = None) -> CoworkEnvError:
    """The error of the format, which holds no value (short ones may be in it by chance)."""
    with pytest.raises(CoworkEnvError) as caught:
        emit(name, wanted, env=env)
    for value in wanted.values():
        assert (
            not value
            or len(value) < 12
            or value not in f"{caught.value.message}{caught.value.hint}"
        )
    return caught.value


def emitted(name: str, wanted: Values) -> str | None:
    """What the format writes, or None if it refuses the values."""
    try:
        return emit(name, wanted)
    except CoworkEnvError:
        return None
