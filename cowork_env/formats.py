"""The environment of a provider in the formats that programs and CI systems read, beside those of the shells.

None but JSON can say "unset". What that means for each is in its function; the rule for all is that a base URL and
a key never meet one of somebody else's, and that a value which a reader could take for another is refused. An
error comes before the first byte of output.
"""

from __future__ import annotations

import os
import stat

from .core.environment import CARRIED
from .util.errors import USAGE, CoworkEnvError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Set

    from .core.environment import Target

    Values = dict[str, str]
    Format = Callable[[Target, Set[str], Mapping[str, str]], str]

GITLAB_MAX_BYTES = 5 << 10
GITLAB_MAX_VARIABLES = 20  # what every installation allows; an administrator may allow more
DOCKER_MAX_LINE = 64 << 10
_AZURE_RESERVED = ("endpoint", "input", "secret", "path", "securefile")


def emit(
    name: str, wanted: Target, keys: Set[str], env: Mapping[str, str], out: Callable[[str], object]
) -> None:
    """Give ``out`` what goes to standard output for ``wanted`` in the format ``name``; ``github`` appends to a file then.

    ``keys`` names the variables whose values are keys, ``env`` is the environment as it is. Raises
    :class:`CoworkEnvError`, which names a variable and never its value, when the format cannot carry it.
    """
    if name not in NAMES:
        raise CoworkEnvError(
            f"There is no format '{name}'.",
            f"There is {', '.join(NAMES)}, or a shell's name.",
            USAGE,
        )
    for variable, value in wanted.items():
        if value is not None and ("\0" in value or any(0xD800 <= ord(c) < 0xE000 for c in value)):
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
    """The values to set where nothing can be unset, in a job whose later steps start from the same environment.

    What should be unset and is not there is left out, and what is there is set to the empty string, which clients
    take for unset. Not so an address or a credential: SDKs send an empty one, so those are refused.
    """
    values = _present(wanted)
    for variable, value in wanted.items():
        if value is None and env.get(variable):
            if variable in CARRIED:
                raise _refused(
                    variable,
                    name,
                    "is set here and has to be unset",
                    f"Give it to the steps that need it only, or run 'unset {variable}' and use 'cowork-env exec' or a shell.",
                )
            values[variable] = ""
    return values


def _json(wanted: Target, keys: Set[str], env: Mapping[str, str]) -> str:
    """One object, name to value; null is a variable that must be unset. Pure ASCII, whatever the values."""
    import json

    return json.dumps(wanted, indent=2) + "\n"


def _dotenv(wanted: Target, keys: Set[str], env: Mapping[str, str]) -> str:
    """A ``.env`` file that python-dotenv, dotenv for Node.js, Docker Compose and ``sh`` read alike.

    What must be unset is left out: the file is for an environment that this program does not see. A value that
    those readers take apart differently is refused.
    """
    lines = []
    for variable, value in _present(wanted).items():
        if value.isascii() and value.translate({ord(c): "a" for c in "_./:@%+,-"}).isalnum():
            spelled = value
        elif "\r" in value or "${" in value:
            raise _refused(variable, "dotenv", "has a carriage return or '${' in it")
        elif "'" not in value and "\\\\" not in value and not value.endswith("\\"):
            spelled = f"'{value}'"
        elif not any(c in value for c in '"\\$`\n'):
            spelled = f'"{value}"'
        else:
            raise _refused(
                variable, "dotenv", "has both kinds of quotes or a doubled backslash in it"
            )
        lines.append(f"{variable}={spelled}\n")
    return "".join(lines)


def _github(
    wanted: Target, keys: Set[str], env: Mapping[str, str], out: Callable[[str], object]
) -> None:
    """Mask each key by a command, and append to ``$GITHUB_ENV`` for the later steps of the job.

    A step that sets one of the variables in its own ``env`` keeps that. For what must be unset see :func:`_emptied`.
    """
    values = _emptied(wanted, env, "github")
    path = env.get("GITHUB_ENV")
    if not path:
        raise CoworkEnvError(
            "$GITHUB_ENV is not set.",
            "The github format is for a step of a GitHub Actions workflow.",
        )
    for variable in values:
        if variable.upper().startswith(("GITHUB_", "RUNNER_")) or variable.upper() in (
            "NODE_OPTIONS",
            "CI",
        ):
            raise _refused(variable, "github", "belongs to the runner")
    everything = "\n".join((*values, *values.values()))
    while (delimiter := f"cowork_env_{os.urandom(16).hex()}") in everything:
        pass
    text = "".join(
        f"{variable}<<{delimiter}\n{value}\n{delimiter}\n" for variable, value in values.items()
    )
    secrets = [value for variable, value in values.items() if variable in keys]
    # A log is masked line by line, so each line of a key is a key.
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
    """Append ``data`` to a regular file, all or nothing, on a line of its own; ``before`` is called once it is open."""
    try:
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
    """A dotenv report: values go to later jobs as they stand, without quotes, and GitLab expands ``$NAME`` in them.

    A project's or group's variable wins over a report. So a variable that already has another value here is
    refused, one that must be unset included: later jobs could get that value beside ours. Everybody who sees the
    pipeline may read a report, unless ``artifacts:access`` says otherwise.
    """
    for variable, value in wanted.items():
        if env.get(variable) and env[variable] != value:
            raise _refused(
                variable,
                "gitlab",
                "already has another value in this job",
                "A project's variable would win over the report in later jobs; remove it there.",
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
                "has something in it that GitLab would expand ($, or a pair of %)",
            )
        if len(variable) > 255:
            raise _refused(variable[:40] + "…", "gitlab", "has a name of more than 255 characters")
    text = "".join(f"{variable}={value}\n" for variable, value in values.items())
    if len(text.encode()) >= GITLAB_MAX_BYTES or len(values) > GITLAB_MAX_VARIABLES:
        raise CoworkEnvError(
            f"The gitlab format carries less than {GITLAB_MAX_BYTES >> 10} KiB and at most {GITLAB_MAX_VARIABLES} variables.",
            "Use 'cowork-env exec' in each job, or give the provider fewer variables of its own.",
        )
    return text


def _azure(wanted: Target, keys: Set[str], env: Mapping[str, str]) -> str:
    """``task.setvariable`` commands for the later steps of the job, those with the keys first, as secrets.

    Azure gives a secret variable only to steps that ask for it in their ``env``. For what must be unset see
    :func:`_emptied`.
    """
    values = _emptied(wanted, env, "azure")
    lines = []
    for variable in sorted(values, key=lambda v: v not in keys):
        value, secret = values[variable], ";issecret=true" if variable in keys else ""
        if variable.lower().startswith(_AZURE_RESERVED):
            raise _refused(variable, "azure", "has a name that Azure Pipelines reserves")
        if variable != variable.upper():
            raise _refused(variable, "azure", "would get a name in capitals")
        if "$(" in value:
            raise _refused(variable, "azure", "has '$(' in it, which Azure Pipelines would expand")
        if secret and ("\n" in value or "\r" in value):
            raise _refused(variable, "azure", "is a secret with a line break in it")
        escaped = _escape(value, ("%", "%AZP25"), *_BREAKS, (";", "%3B"), ("]", "%5D"))
        lines.append(f"##vso[task.setvariable variable={variable}{secret}]{escaped}\n")
    return "".join(lines)


def _docker(wanted: Target, keys: Set[str], env: Mapping[str, str]) -> str:
    """A file for ``docker run --env-file``: the rest of each line is the value, as it stands.

    What must be unset is left out: a container starts from its image and has nothing of this environment.
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
