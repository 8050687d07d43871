"""The manual page, from the commands' help: ``python docs/make_manual.py > docs/cowork-env.1``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from cowork_env.cli import ALIASES, SECTIONS
from cowork_env.cli.group import group

NAME = "cowork-env"


def roff(text: str) -> str:
    """Text for roff: nothing in it is a request or an escape (groff_char(7), roff(7))."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("~", "\\(ti").replace("^", "\\(ha").replace("…", "...")
    return f"\\&{text}" if text.startswith(".") else text


def paragraphs(text: str) -> Iterator[str]:
    """Paragraphs of a command's help; what click must not wrap is not filled here either."""
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith("\b"):
            lines = [roff(line) for line in paragraph.splitlines()[1:]]
            yield "\n".join([".PP", ".nf", *lines, ".fi"])
        else:
            yield f".PP\n{roff(' '.join(paragraph.split()))}"


def section(command: click.Command, parent: click.Context, name: str) -> str:
    """A command: its synopsis, what it does, its options, its examples."""
    context = click.Context(command, parent, name)
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [f".SS {name}", f".B {roff(f'{NAME} {name}')}\n{roff(usage)}"]
    parts += paragraphs(command.help or "")
    for parameter in command.get_params(context):
        if record := parameter.get_help_record(context):
            option, text = record
            parts.append(f".TP\n.B {roff(option)}\n{roff(' '.join(text.split()))}")
    if command.epilog:
        title, *examples = command.epilog.replace("\b", "").strip().splitlines()
        lines = [roff(line) for line in examples]
        parts.append("\n".join([".PP", roff(title), ".PP", ".nf", *lines, ".fi"]))
    return "\n".join(parts)


def main() -> None:
    """Print the page."""
    top = click.Context(group, info_name=NAME)
    aliases = ", ".join(f"{alias} for {name}" for alias, name in ALIASES.items())
    parts = [
        ".\\\" Made by docs/make_manual.py from the commands' help. Do not edit.",
        f'.TH {roff(NAME.upper())} 1 "" "{roff(NAME)}" "User Commands"',
        f".SH NAME\n{roff(NAME)} \\- {roff(str(group.help).rstrip('.'))}",
        f".SH SYNOPSIS\n.B {roff(NAME)}\n.I COMMAND\n[ARGUMENTS]",
        f".SH DESCRIPTION\n{roff(str(group.help))}\nThe commands, and what each is for:",
    ]
    for title, rows in SECTIONS:
        parts.append(f".PP\n.B {title}")
        parts += [f".TP\n{roff(names.replace(' ', ', '))}\n{roff(text)}" for names, text in rows]
    parts.append(
        f".PP\nAlso: {roff(aliases)}; \\fBhelp\\fR [COMMAND]; \\fBversion\\fR.\n.SH COMMANDS"
    )
    for name in group.list_commands(top):
        command = group.get_command(top, name)
        if command is not None and not command.hidden:
            parts.append(section(command, top, name))
    parts.append(
        ".SH EXIT STATUS\n.TP\n0\nSuccess.\n.TP\n1\nFailure.\n.TP\n2\nWrong usage.\n"
        ".TP\n3\nA pin is not trusted.\n.PP\n.B exec\nends with the status of the command."
    )
    sys.stdout.write("\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
