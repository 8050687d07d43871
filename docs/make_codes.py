"""The table of codes in docs/doctor.md, made from ``cowork_env.doctor.codes``.

``python docs/make_codes.py`` writes it into the document.
"""

from __future__ import annotations

from pathlib import Path

from cowork_env.doctor.codes import TOPICS

DOCUMENT = Path(__file__).parent / "doctor.md"
BEGIN = "<!-- Made by docs/make_codes.py from cowork_env/doctor/codes.py. Do not edit. -->\n"
END = "<!-- End of the generated table -->\n"


def table() -> str:
    """The codes as a table in Markdown."""
    rows = ["| code | level | meaning |", "|---|---|---|"]
    for topic, codes in TOPICS.items():
        rows.append(f"| **{topic}** | | |")
        rows += [f"| `{c.name}` | {', '.join(c.levels)} | {c.meaning} |" for c in codes]
    return "\n".join(rows) + "\n"


def document() -> str:
    """The whole document with the current table in it."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
