"""The commands' names, where they are, and the program's help; no command is imported here."""

from __future__ import annotations

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
    "exec": "shell.exec_command",
    "export": "shell.export_command",
    "shim": "shim.command",
    "token": "shell.token_command",
}

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
            ("key edit rename remove", "Change or remove a provider."),
            ("secure", "Move keys into a keyring, or into pass."),
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
            ("doctor", "Diagnose problems."),
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

COMPLETE_VARIABLE = "_COWORK_ENV_COMPLETE"


def main(argv: list[str]) -> int:
    """Run a command line, without the program's name, and return the exit status."""
    from .errors import raise_when_terminated, run

    def command() -> None:
        from .group import group

        raise_when_terminated()

        group.main(
            argv or ["--help"],
            prog_name="cowork-env",
            complete_var=COMPLETE_VARIABLE,
            standalone_mode=False,
        )

    return run(command)


def summary(name: str) -> str:
    """What a command does, in one line."""
    return next(text for _, rows in SECTIONS for names, text in rows if name in names.split())
