"""The shells that statements can be written for: one module each, loaded when it is used.

To add a shell: a module with its class, and a row in :data:`MODULES`. With a hook: a file in
``shell/`` that its class names in ``hook``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .base import Shell

# A shell's name -> the module of this package that has its class in ``SHELLS``.
MODULES = {
    "sh": "posix",
    "bash": "posix",
    "zsh": "posix",
    "fish": "fish",
    "nu": "nu",
    "xonsh": "xonsh",
    "elvish": "elvish",
    "tcsh": "tcsh",
    "pwsh": "pwsh",
}
NAMES = tuple(MODULES)


def get(name: str) -> Shell:
    """The shell of that name, one of :data:`NAMES`; raises KeyError for any other."""
    # Not importlib, which is the heaviest import on the fast path.
    module = __import__(f"{__name__}.{MODULES[name]}", fromlist=["SHELLS"])
    shell: Shell = module.SHELLS[name]
    return shell


def with_hook() -> list[Shell]:
    """The shells that have a hook, in the order of :data:`NAMES`."""
    return [shell for shell in map(get, NAMES) if shell.hook]
