"""The environment of a provider in the formats of programs and CI systems.

Only JSON can say "unset"; each function says what its format does instead. In all of them, a base
URL and a key are never combined with others, a value that a reader could misread is refused, and
errors come before the first byte of output.
"""

from __future__ import annotations

import os
import stat

from .core.environment import ACCOUNT_TOKEN, URL_AND_CREDENTIALS
from .core.provider import LOGIN_VARIABLES, is_exportable
from .util.errors import USAGE, CoworkEnvError
from .util.text import argument, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Set

    from .core.environment import Target
    from .core.provider import Provider

    Values = dict[str, str]
    # A function of the target, the names of variables that hold keys, and the environment now.
    Format = Callable[[Target, Set[str], Mapping[str, str]], str]

GITLAB_MAX_BYTES = 5 << 10  # of a report; this and the next are GitLab's defaults
GITLAB_MAX_VARIABLES = 20
DOCKER_MAX_LINE = 64 << 10  # bytes
# Nothing may be used there in the place of an account's login, or get its token.
_BESIDE_LOGIN = (*URL_AND_CREDENTIALS, ACCOUNT_TOKEN)
_AZURE_RESERVED = ("endpoint", "input", "secret", "path", "securefile")


def check_account(name: str, provider: Provider) -> None:
    """Raise :class:`CoworkEnvError` for an account that the format ``name`` would carry elsewhere.

    The other machine has no such login, and no such directory; a token is right everywhere.
    """
    if name not in ELSEWHERE or (provider.has_key and not provider.config_dir):
        return
    what = "its directory" if provider.config_dir else "its login"
    word = argument(provider.name, "NAME")
    if provider.config_dir:
        word = f"--config-dir '' {word}"
    raise CoworkEnvError(
        f"{visible(provider.name)} is an account, and {what} is on this machine only, "
        f"so the {name} format cannot carry it.",
        f"Run 'claude setup-token', and use its token: cowork-env key {word}",
    )


def emit(
    name: str, wanted: Target, keys: Set[str], env: Mapping[str, str], out: Callable[[str], object]
) -> None:
    """Write ``wanted`` in the format ``name``: call ``out`` with the text for standard output.

    The ``github`` format also appends to the file ``$GITHUB_ENV``. ``keys`` names the variables
    that hold keys; ``env`` is the environment as it is now. Raises :class:`CoworkEnvError` if the
    format cannot carry a variable; the error has its name, never its value.
    """
    if name not in NAMES:
        raise CoworkEnvError(
            f"There is no format '{name}'.",
            f"Use {', '.join(NAMES)}, or the name of a shell.",
            USAGE,
        )
    for variable, value in wanted.items():
        if value is not None and not is_exportable(value):
            raise _refused(variable, name, "is not UTF-8 text")
    if name == "github":
        _github(wanted, keys, env, out)
    else:
        out(_FORMATS[name](wanted, keys, env))


def _refused(variable: str, name: str, why: str, hint: str = "") -> CoworkEnvError:
    return CoworkEnvError(
        f"{variable} {why}, which the {name} format cannot carry.",
        hint or "Use another format, or 'cowork-env exec'.",
    )


def _present(wanted: Target) -> Values:
    return {k: v for k, v in wanted.items() if v is not None}


def _emptied(wanted: Target, env: Mapping[str, str], name: str) -> Values:
    """The values to set where nothing can be unset, and later steps inherit the environment.

    A variable that must be unset is left out if it is not set, and set to the empty string if it
    is: clients treat that like unset. But SDKs send an empty URL or credential, so these are
    refused.
    """
    values = _present(wanted)
    for variable, value in wanted.items():
        if value is None and env.get(variable):
            if variable in (*URL_AND_CREDENTIALS, *LOGIN_VARIABLES):
                raise _refused(
                    variable,
                    name,
                    "is set here and must be unset",
                    f"Set it only in the steps that need it, or run 'unset {variable}' "
                    "and use 'cowork-env exec' or a shell.",
                )
            values[variable] = ""
    return values


def _json(wanted: Target, keys: Set[str], env: Mapping[str, str]) -> str:
    """One object, name to value; null: must be unset. Pure ASCII, whatever the values."""
    import json

    return json.dumps(wanted, indent=2) + "\n"


def _dotenv(wanted: Target, keys: Set[str], env: Mapping[str, str]) -> str:
    """A ``.env`` file that python-dotenv, dotenv for Node.js, Docker Compose and ``sh`` read alike.

    A value that they read differently is refused. Variables that must be unset are left out: the
    environment in which the file will be used is not known here. But for an account, what would
    send its login elsewhere is emptied, which clients take for unset, and a directory that must be
    unset is refused where it is set: an empty one is another login.
    """
    lines = []
    values = _present(wanted)
    if any(name in wanted for name in LOGIN_VARIABLES):
        values |= {name: "" for name in _BESIDE_LOGIN if wanted.get(name) is None}
        for name in LOGIN_VARIABLES:
            if wanted.get(name) is None and env.get(name):
                raise _refused(name, "dotenv", "is set here and must be unset")
    for variable, value in values.items():
        if value.isascii() and value.translate({ord(c): "a" for c in "_./:@%+,-"}).isalnum():
            quoted = value
        elif "\r" in value or "${" in value:
            raise _refused(variable, "dotenv", "has a carriage return or '${' in it")
        elif "'" not in value and "\\\\" not in value and not value.endswith("\\"):
            quoted = f"'{value}'"
        elif not any(c in value for c in '"\\$`\n'):
            quoted = f'"{value}"'
        else:
            raise _refused(
                variable, "dotenv", "has both kinds of quotes or a double backslash in it"
            )
        lines.append(f"{variable}={quoted}\n")
    return "".join(lines)


def _github(
    wanted: Target, keys: Set[str], env: Mapping[str, str], out: Callable[[str], object]
) -> None:
    """Commands that mask the keys; the variables are appended to ``$GITHUB_ENV`` for later steps.

    A step that sets one of the variables in its own ``env`` keeps that value. For variables that
    must be unset see :func:`_emptied`. The grammar is documented in "Workflow commands for GitHub
    Actions".
    """
    values = _emptied(wanted, env, "github")
    path = env.get("GITHUB_ENV")
    if not path:
        raise CoworkEnvError(
            "$GITHUB_ENV is not set.",
            "The github format is for a step of a GitHub Actions workflow.",
        )
    for variable in values:
        upper = variable.upper()
        if upper.startswith(("GITHUB_", "RUNNER_")) or upper in ("NODE_OPTIONS", "CI"):
            raise _refused(variable, "github", "belongs to the runner")
    everything = "\n".join((*values, *values.values()))
    while (delimiter := f"cowork_env_{os.urandom(16).hex()}") in everything:
        pass
    text = "".join(
        f"{variable}<<{delimiter}\n{value}\n{delimiter}\n" for variable, value in values.items()
    )
    secrets = [value for variable, value in values.items() if variable in keys]
    # Logs are masked line by line, so each line of a key needs a mask.
    masks = dict.fromkeys(
        part for s in secrets for part in (s, *s.replace("\r", "\n").split("\n")) if part.strip()
    )
    commands = "".join(f"::add-mask::{_escape(mask, ('%', '%25'), *_BREAKS)}\n" for mask in masks)
    _append(path, text.encode(), lambda: out(commands))


_BREAKS = ("\r", "%0D"), ("\n", "%0A")


def _escape(text: str, *pairs: tuple[str, str]) -> str:
    for char, code in pairs:
        text = text.replace(char, code)
    return text


def _append(path: str, data: bytes, before: Callable[[], object]) -> None:
    """Append ``data`` to a regular file, all or nothing, beginning with a new line.

    ``before`` is called when the file is open and nothing is written yet.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # Not opened: a reader of a FIFO would go on.
            raise CoworkEnvError("$GITHUB_ENV is not a regular file.")
        descriptor = os.open(
            path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        )
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise CoworkEnvError("$GITHUB_ENV is not a regular file.")
            size = status.st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                data = b"\n" + data
            before()
            try:
                while data:
                    data = data[os.write(descriptor, data) :]
            except BaseException:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CoworkEnvError(
            f"$GITHUB_ENV cannot be written: {error.strerror}.", "Nothing was added to it."
        ) from None


def _gitlab(wanted: Target, keys: Set[str], env: Mapping[str, str]) -> str:
    """A dotenv report for later jobs: values without quotes, in which GitLab expands ``$NAME``.

    Variables of the project or group take precedence over a report. So a variable that already has
    another value here is refused, even if it must be unset: later jobs could get that value beside
    ours. Every user who sees the pipeline can read a report, unless ``artifacts:access`` limits it.
    """
    for variable, value in wanted.items():
        if env.get(variable) and env[variable] != value:
            raise _refused(
                variable,
                "gitlab",
                "already has another value in this job",
                "A variable of the project takes precedence over the report; remove it there.",
            )
    values = _present(wanted)
    for variable, value in values.items():
        if "\n" in value or "\r" in value:
            raise _refused(variable, "gitlab", "has a line break in it")
        if value != value.strip(" \t\v\f"):
            raise _refused(variable, "gitlab", "has white space around it")
        if "$" in value or value.count("%") > 1:
            raise _refused(
                variable,
                "gitlab",
                "has a character in it that GitLab would expand ($, or a pair of %)",
            )
        if len(variable) > 255:
            raise _refused(variable[:40] + "…", "gitlab", "has a name of more than 255 characters")
    text = "".join(f"{variable}={value}\n" for variable, value in values.items())
    if len(text.encode()) >= GITLAB_MAX_BYTES or len(values) > GITLAB_MAX_VARIABLES:
        raise CoworkEnvError(
            f"The gitlab format carries less than {GITLAB_MAX_BYTES >> 10} KiB "
            f"and at most {GITLAB_MAX_VARIABLES} variables.",
            "Use 'cowork-env exec' in each job, or give the provider fewer variables.",
        )
    return text


def _azure(wanted: Target, keys: Set[str], env: Mapping[str, str]) -> str:
    """``task.setvariable`` commands for later steps of the job: keys first, as secrets.

    Azure passes a secret only to steps that name it in their ``env``. For variables that must be
    unset see :func:`_emptied`. The escapes are those of Azure's "Logging commands".
    """
    values = _emptied(wanted, env, "azure")
    lines = []
    for variable in sorted(values, key=lambda v: v not in keys):
        value, secret = values[variable], ";issecret=true" if variable in keys else ""
        if variable.lower().startswith(_AZURE_RESERVED):
            raise _refused(variable, "azure", "has a name that Azure Pipelines reserves")
        if variable != variable.upper():
            raise _refused(variable, "azure", "would get a name in upper case")
        if "$(" in value:
            raise _refused(variable, "azure", "has '$(' in it, which Azure Pipelines would expand")
        if secret and ("\n" in value or "\r" in value):
            raise _refused(variable, "azure", "is a secret with a line break in it")
        escaped = _escape(value, ("%", "%AZP25"), *_BREAKS, (";", "%3B"), ("]", "%5D"))
        lines.append(f"##vso[task.setvariable variable={variable}{secret}]{escaped}\n")
    return "".join(lines)


def _docker(wanted: Target, keys: Set[str], env: Mapping[str, str]) -> str:
    """A file for ``docker run --env-file``: each line a name, ``=``, and the value as it is.

    Variables that must be unset are left out: a container inherits nothing from this environment.
    """
    lines = []
    for variable, value in _present(wanted).items():
        if "\n" in value or "\r" in value:
            raise _refused(variable, "docker", "has a line break in it")
        if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]:
            raise _refused(variable, "docker", "is in quotes, which some versions of Docker remove")
        line = f"{variable}={value}\n"
        if len(line.encode()) >= DOCKER_MAX_LINE:
            raise _refused(variable, "docker", "is longer than 64 KiB")
        lines.append(line)
    return "".join(lines)


_FORMATS: dict[str, Format] = {
    "json": _json,
    "dotenv": _dotenv,
    "gitlab": _gitlab,
    "azure": _azure,
    "docker": _docker,
}
NAMES = ("json", "dotenv", "github", "gitlab", "azure", "docker")
ELSEWHERE = ("github", "gitlab", "azure", "docker")  # for other machines than this one
