"""The click group: help and completion come from a table, commands are imported when called."""

from __future__ import annotations

from importlib import import_module

import click
from click.shell_completion import CompletionItem

from .. import __version__
from ..util.errors import CoworkEnvError
from . import COMMANDS, SECTIONS, summary
from .terminal import use_color


class LazyGroup(click.Group):
    """All commands; each is imported when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(".")
        command: click.Command = getattr(import_module(f"cowork_env.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, suggest the nearest."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            from ..util.errors import USAGE
            from ..util.text import visible

            near = get_close_matches(args[0], COMMANDS, 1)
            hint = (
                f"Did you mean '{near[0]}'?" if near else "'cowork-env --help' lists the commands."
            )
            raise CoworkEnvError(f"There is no command '{visible(args[0])}'.", hint, USAGE)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name without importing the commands."""
        names = [n for n in COMMANDS if n.startswith(incomplete)]
        found = [CompletionItem(n, help=summary(n)) for n in names]
        return found + click.Command.shell_complete(self, ctx, incomplete)

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
        formatter.write("\nOptions: --version, --help\n")


@click.group(
    cls=LazyGroup,
    help="The right LLM provider in each directory, in every shell and in CI.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def group(ctx: click.Context) -> None:
    """Set up what applies to all commands."""
    ctx.color = None if use_color() else False
