"""What a command is given: the environment, the working directory, the user's folders, the shell
that runs it.

On the fast path: nothing heavy is imported at the top.
"""

from __future__ import annotations

import os

from .errors import usage_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..core.resolve import Inputs


def current_inputs(
    provider: str | None = None, trust: bool = False, directory: str | None = None
) -> Inputs:
    """The inputs of this process.

    ``provider`` and ``trust`` are the options ``--provider`` (None: not given) and ``--trust``. An
    empty provider is a usage error. ``directory`` replaces the working directory.
    """
    if provider is not None:
        check_provider_name(provider)
    from ..core.resolve import Inputs
    from ..util import paths
    from ..util.system import say_on_terminal, working_directory

    env = dict(os.environ)
    if directory is None:
        directory, gone = working_directory(env)
    else:
        directory, gone = os.path.realpath(directory), not os.path.isdir(directory)
    say = say_on_terminal if os.isatty(2) else None
    return Inputs(
        env,
        directory,
        paths.config_dir(),
        paths.state_dir(),
        option=provider or "",
        trust_all=trust,
        gone=gone,
        say=say,
    )


def check_provider_name(name: str) -> str:
    """A provider's name as the user gave it; raises a usage error when it is empty."""
    if not name.strip():
        raise usage_error("The provider's name is empty.", "Use 'none' for no provider.")
    return name


def check_no_key(what: str, value: str | None) -> None:
    """Raise a usage error for a key in the place of something else, ``what``: it would be shown."""
    from ..masking import has_key

    if value and has_key(value):
        raise usage_error(
            f"{what} looks like a key. It is not stored.",
            "Your shell's history has it now, and other users could see it: replace that key. "
            "Pass keys with --token-stdin.",
        )


def detect_shell() -> str:
    """The name of the shell that runs this process, or empty when it cannot be detected."""
    return detect_shell_program()[0]


def detect_shell_program() -> tuple[str, str]:
    """The name of the shell that runs this process, and its path or name; empty when unknown."""
    from shellingham import ShellDetectionFailure, detect_shell  # type: ignore[import-untyped]

    from ..util.system import absolute_path

    path = os.environ.get("PATH")
    try:
        # Where there is no /proc it runs ps, which a repository must not supply.
        os.environ["PATH"] = absolute_path(path or os.defpath) or os.defpath
        name, program = map(str, detect_shell())
        return name, program if os.path.isabs(program) else name
    except (ShellDetectionFailure, OSError, ValueError):
        return "", ""
    finally:
        if path is None:
            del os.environ["PATH"]
        else:
            os.environ["PATH"] = path
