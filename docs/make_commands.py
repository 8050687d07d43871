"""The reference of the commands: ``python docs/make_commands.py > docs/commands.md``."""

from __future__ import annotations

import sys

import click

from cowork_env.cli.group import group

WIDTH = 90
INTRODUCTION = """\
<!-- Made by docs/make_commands.py from the commands' help. Do not edit. -->
# Commands

Exit status: 0; 1 failure; 2 wrong usage; 3 a pin that is not trusted. `exec` ends with the status
of the command that it runs.

`list`, `show`, `status`, `doctor`, `paths` and `presets` take `--json`; [status.md](status.md),
[doctor.md](doctor.md) and [configuration.md](configuration.md#paths) describe the shapes.
"""


def help_of(command: click.Command, parent: click.Context | None, name: str) -> str:
    """The help of a command in a terminal of a fixed width, without color."""
    context = click.Context(
        command, parent, name, terminal_width=WIDTH, max_content_width=WIDTH, color=False
    )
    lines = command.get_help(context).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip()


def main() -> None:
    """Print the document."""
    top = click.Context(group, info_name="cowork-env", **group.context_settings)
    parts = [INTRODUCTION, f"```text\n{help_of(group, None, 'cowork-env')}\n```\n"]
    for name in group.list_commands(top):
        command = group.get_command(top, name)
        if command is not None and not command.hidden:
            parts.append(f"## {name}\n\n```text\n{help_of(command, top, name)}\n```\n")
    sys.stdout.write("\n".join(parts))


if __name__ == "__main__":
    main()
