"""The commands' names, where they are, and the program's help; no command is imported here."""

from __future__ import annotations

import os

# Where a shell that completes says which one it is; see ``completion.py``.
COMPLETE_VARIABLE = "_COWORK_ENV_COMPLETE"

# Command -> its click object: a module of this package, and an attribute in it.
COMMANDS = {
    "init": "init.command",
    "hook": "shell.hook_command",
    "completion": "shell.completion_command",
    "reload": "shell.reload_command",
    "demo": "demo.command",
    "add": "add.command",
    "key": "key.command",
    "edit": "edit.command",
    "rename": "rename.command",
    "remove": "remove.command",
    "list": "listing.list_command",
    "show": "listing.show_command",
    "secure": "secure.command",
    "presets": "presets.command",
    "import": "importing.command",
    "use": "use.command",
    "pin": "pins.pin_command",
    "unpin": "pins.unpin_command",
    "allow": "trust.allow_command",
    "deny": "trust.deny_command",
    "prune": "trust.prune_command",
    "status": "status.command",
    "doctor": "doctor.command",
    "paths": "paths.command",
    "exec": "shell.exec_command",
    "export": "shell.export_command",
    "shim": "shim.command",
    "token": "shell.token_command",
}

# Other names of commands. "help" and "version" stand for options.
ALIASES = {"ls": "list", "rm": "remove"}
HELP, VERSION = "help", "version"

# The help of the program, on one screen: the sections, each a title and rows of commands and what
# they do.
SECTIONS = (
    (
        "Start",
        (
            ("init", "Add the hook to your shell's startup file."),
            ("add", "Add a provider: cowork-env add openrouter"),
            ("demo", "Try it in a temporary home."),
        ),
    ),
    (
        "Providers",
        (
            ("list show presets", "List providers, and known endpoints."),
            ("edit rename remove", "Change or remove a provider."),
            ("key secure", "Change a key; move keys into a key store."),
            ("import", "Import providers from other tools."),
            ("use", "Select the provider used where no pin applies."),
        ),
    ),
    (
        "Directories",
        (
            ("pin unpin", "Set the provider for this directory and below."),
            ("allow deny prune", "Trust or reject pins."),
            ("status", "Show what is active here, and why."),
            ("doctor paths", "Diagnose problems; show where files are kept."),
        ),
    ),
    (
        "Programs",
        (
            ("exec", "Run a command with this directory's provider."),
            ("export", "Print the environment for a shell, or for CI."),
            ("shim", "Write launchers for IDEs, cron and agents."),
            ("token", "Print a key, for Claude Code's apiKeyHelper."),
        ),
    ),
    (
        "Shells",
        (
            ("hook completion", "Print a shell's hook or completion."),
            ("reload", "Make shells look up their provider again."),
        ),
    ),
)


def main(argv: list[str]) -> int:
    """Run a command line, without the program's name, and return the exit status.

    Or respond to a shell's completion, where the environment says so.
    """
    from .errors import raise_when_terminated, run

    if os.environ.get(COMPLETE_VARIABLE):
        from .completion import respond

        return run(respond)

    def command() -> None:
        from .group import group

        raise_when_terminated()

        group.main(_without_aliases(argv), prog_name="cowork-env", standalone_mode=False)

    return run(command)


def _without_aliases(argv: list[str]) -> list[str]:
    """A command line with the options that ``help`` and ``version`` stand for."""
    if argv[:1] == [HELP]:
        return [*argv[1:2], "--help"]
    if argv == [VERSION]:
        return ["--version"]
    return argv or ["--help"]


def summary(name: str) -> str:
    """What a command does, in one line."""
    if name in (HELP, VERSION):
        return "Show the help of a command." if name == HELP else "Show the version."
    name = ALIASES.get(name, name)
    return next(text for _, rows in SECTIONS for names, text in rows if name in names.split())
