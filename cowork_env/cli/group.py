"""The click group: help comes from a table, commands are imported when called."""

from __future__ import annotations

from importlib import import_module

import click

from .. import __version__
from . import ALIASES, COMMANDS, SECTIONS
from .terminal import use_color


class LazyGroup(click.Group):
    """All commands; each is imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        cmd_name = ALIASES.get(cmd_name, cmd_name)
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(".")
        command: click.Command = getattr(import_module(f"cowork_env.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, by one of its names; for an unknown one, suggest another."""
        name = ALIASES.get(args[0], args[0])
        if name not in COMMANDS and not name.startswith("-"):
            from .suggestions import unknown_command

            raise unknown_command(name)
        return super().resolve_command(ctx, [name, *args[1:]])

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of the program, on one screen."""
        bold = (lambda text: click.style(text, bold=True)) if use_color() else str
        formatter.write(
            "Usage: cowork-env COMMAND [ARGUMENTS]    (COMMAND --help shows examples)\n"
        )
        formatter.write(f"{self.help}\n\n")
        for section, rows in SECTIONS:
            title = section
            for names, text in rows:
                formatter.write(f"{bold(title.ljust(11))} {names.replace(' ', ', '):20} {text}\n")
                title = ""
        formatter.write("\nAlso: ls, rm, help [COMMAND], version. Options: --version, --help\n")


@click.group(
    cls=LazyGroup,
    help="The right LLM provider in each directory, in every shell and in CI.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-V", "--version", message="%(prog)s %(version)s")
@click.pass_context
def group(ctx: click.Context) -> None:
    """Set up what applies to all commands."""
    ctx.color = None if use_color() else False
