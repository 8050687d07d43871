"""The tables in the documents that are made from the program's own data.

``python docs/make_tables.py`` writes them: the codes of ``doctor`` in doctor.md, and the variables
that are unset in configuration.md.
"""

from __future__ import annotations

from pathlib import Path

from cowork_env.core.client_variables import CLIENT_VARIABLES, UNREAD
from cowork_env.doctor.codes import TOPICS

BEGIN = "<!-- Made by docs/make_tables.py. Do not edit. -->\n"
END = "<!-- End of the generated table -->\n"


def codes() -> list[str]:
    """The codes of ``doctor`` (``cowork_env.doctor.codes``), as lines of Markdown."""
    rows = ["| code | level | meaning |", "|---|---|---|"]
    for topic, listed in TOPICS.items():
        rows.append(f"| **{topic}** | | |")
        rows += [f"| `{c.name}` | {', '.join(c.levels)} | {c.meaning} |" for c in listed]
    return rows


def variables() -> list[str]:
    """The variables (``cowork_env.core.client_variables``), one line for those that do the same."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, does, client in CLIENT_VARIABLES:
        groups.setdefault((does, client), []).append(f"`{name}`")
    rows = ["| unset | what it does | seen in |", "|---|---|---|"]
    rows += [
        f"| {' '.join(names)} | {does} | {'no client reads it' if client == UNREAD else client} |"
        for (does, client), names in groups.items()
    ]
    return rows


TABLES = {
    Path(__file__).parent / "doctor.md": codes,
    Path(__file__).parent / "configuration.md": variables,
}


def document(path: Path) -> str:
    """The whole document at ``path``, one of :data:`TABLES`, with the current table in it."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    table = "\n".join(TABLES[path]()) + "\n"
    return f"{before}{BEGIN}{table}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    for path in TABLES:
        path.write_text(document(path), encoding="utf-8")
