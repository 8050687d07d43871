"""The commands. This module knows their names and loads each when it is called; it imports none, nor click."""

from __future__ import annotations

# Command -> where its click object is: a module of this package, and an attribute of it.
COMMANDS = {
    "init": "init.command",
    "hook": "shell.hook_command",
    "completion": "shell.completion_command",
    "reload": "shell.reload_command",
    "demo": "demo.command",
    "add": "providers.add_command",
    "edit": "providers.edit_command",
    "remove": "providers.remove_command",
    "rename": "providers.rename_command",
    "list": "listing.list_command",
    "show": "listing.show_command",
    "presets": "presets.command",
    "import": "importing.command",
    "use": "providers.use_command",
    "pin": "pins.pin_command",
    "unpin": "pins.unpin_command",
    "allow": "pins.allow_command",
    "deny": "pins.deny_command",
    "prune": "pins.prune_command",
    "status": "status.command",
    "doctor": "doctor.command",
    "exec": "shell.exec_command",
    "export": "shell.export_command",
    "shim": "shim.command",
    "token": "shell.token_command",
}

# The help of the whole, which has to fit a screen: sections of rows, each row a few commands and what they do.
SECTIONS = (
    (
        "Start",
        (
            ("init", "Load cowork-env in your shell from now on."),
            ("add", "Add a provider: cowork-env add openrouter"),
            ("demo", "See it all in a throw-away home."),
        ),
    ),
    (
        "Providers",
        (
            ("list show presets", "What there is, and what can be added."),
            ("edit rename remove", "Change one, or take it out."),
            ("import", "Take providers over from elsewhere."),
            ("use", "Choose the provider where no pin applies."),
        ),
    ),
    (
        "Directories",
        (
            ("pin unpin", "Choose the provider here and below."),
            ("allow deny prune", "Honour a pin that came from elsewhere, or not."),
            ("status", "What is active, why, and what overrides it."),
            ("doctor", "Diagnose problems."),
        ),
    ),
    (
        "Programs",
        (
            ("exec", "Run a command with this directory's provider."),
            ("export", "The environment as shell statements, or for CI."),
            ("shim", "Launchers for IDEs, cron and agents."),
            ("token", "The key alone, for Claude Code's apiKeyHelper."),
        ),
    ),
    (
        "Shells",
        (
            ("hook completion", "What a shell evaluates at its start."),
            ("reload", "Make every shell look again."),
        ),
    ),
)

COMPLETE_VARIABLE = "_COWORK_ENV_COMPLETE"


def main(argv: list[str]) -> int:
    """Run one command line (without the program's name) through click and return the exit status."""
    from .common import run

    def command() -> None:
        from .group import group

        group.main(
            argv or ["--help"],
            prog_name="cowork-env",
            complete_var=COMPLETE_VARIABLE,
            standalone_mode=False,
        )

    return run(command)


def summary(name: str) -> str:
    """What a command does, in a line."""
    return next(text for _, rows in SECTIONS for names, text in rows if name in names.split())
