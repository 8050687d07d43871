"""The hint on standard error where shell code goes to a terminal: nobody evaluates it there."""

from __future__ import annotations

from .output import say

# How a shell evaluates what a command prints; "@" is the command. sh is the default.
_EVALUATE = {
    "fish": "@ | source",
    "xonsh": "execx($(@))",
    "elvish": "eval (@ | slurp)",
    "tcsh": 'eval "`@`"',
    "pwsh": "@ | Out-String | Invoke-Expression",
}
_NO_EVALUATION = ("nu",)  # it reads files: docs/shells.md has the lines


def evaluated(shell: str, command: str) -> str:
    """The line that evaluates what ``command`` prints; empty where the shell has none so short."""
    if shell in _NO_EVALUATION:
        return ""
    return _EVALUATE.get(shell, 'eval "$(@)"').replace("@", command)


def explain_statements(shell: str, which: str, nothing: bool, has_keys: bool) -> None:
    """Say what ``export`` has just printed for ``shell``, and what to type.

    ``which``: the options that it was given. ``nothing``: it printed nothing.
    ``has_keys``: keys were not left out.
    """
    if nothing:
        say("cowork-env: the environment is right for this directory; nothing has to change")
        return
    keys = ", keys included; --no-secrets leaves them out" if has_keys else ""
    say(f"cowork-env: this is for a shell to evaluate{keys}")
    if line := evaluated(shell, f"cowork-env export{which}"):
        say(f"Type: {line}")


def explain_script(shell: str, command: str) -> None:
    """Say what ``hook`` or ``completion`` has just printed for ``shell``, and what to type."""
    line = evaluated(shell, f"cowork-env {command} {shell}")
    say("cowork-env: this is for a shell to evaluate, usually in its startup file")
    if line:
        say(f"'cowork-env init' adds the hook there, which completes, too. Or type: {line}")
