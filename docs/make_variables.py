"""The table of unset variables in docs/configuration.md, from ``cowork_env.core.client_variables``.

``python docs/make_variables.py`` writes it into the document.
"""

from __future__ import annotations

from pathlib import Path

from cowork_env.core.client_variables import CLIENT_VARIABLES, UNREAD

DOCUMENT = Path(__file__).parent / "configuration.md"
BEGIN = "<!-- Made by docs/make_variables.py from cowork_env/core/client_variables.py. -->\n"
END = "<!-- End of the generated table -->\n"


def table() -> str:
    """The variables as a table in Markdown, one line for those that do the same."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, does, client in CLIENT_VARIABLES:
        groups.setdefault((does, client), []).append(f"`{name}`")
    rows = ["| unset | what it does | seen in |", "|---|---|---|"]
    rows += [
        f"| {' '.join(names)} | {does} | {'no client reads it' if client == UNREAD else client} |"
        for (does, client), names in groups.items()
    ]
    return "\n".join(rows) + "\n"


def document() -> str:
    """The whole document with the current table in it."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
