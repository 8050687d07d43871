"""What a Tab offers, from the commands: ``python docs/make_completion.py > completion.json``.

The file is ``cowork_env/cli/completion.json``, and ``cowork_env/cli/offers.py`` describes it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from cowork_env.cli import offers
from cowork_env.cli.group import group


def words(parameter: click.Parameter) -> list[str]:
    """What a parameter is completed with."""
    known: Any = parameter._custom_shell_complete
    if known is not None:
        return list(known() if callable(known) else known)
    if isinstance(parameter.type, click.Choice):
        return [str(choice) for choice in parameter.type.choices]
    if isinstance(parameter.type, click.Path):
        return [offers.FILES if parameter.type.file_okay else offers.DIRECTORIES]
    return []


def spec(command: click.Command, context: click.Context) -> dict[str, Any]:
    """The options and arguments of a command."""
    options, arguments = [], []
    for parameter in command.get_params(context):
        if not isinstance(parameter, click.Option):
            arguments.append([words(parameter), parameter.nargs < 0])
        elif not parameter.hidden:
            names = [*parameter.opts, *parameter.secondary_opts]
            has_value = not (parameter.is_flag or parameter.count)
            known = words(parameter) if has_value else None
            options.append([names, parameter.help or "", known, parameter.multiple])
    return {"options": options, "arguments": arguments}


def main() -> None:
    """Print the file."""
    top = click.Context(group, info_name="cowork-env", **group.context_settings)
    made = {"": spec(group, top)}
    for name in group.list_commands(top):
        command = group.get_command(top, name)
        if command is not None:
            made[name] = spec(command, click.Context(command, top, name))
    lines = (f" {json.dumps(name)}: {json.dumps(made[name])}" for name in made)
    sys.stdout.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
