"""Running ``doctor`` in tests: on one provider in this process, and as the installed program."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from cowork_env.cli.doctor import report_lines
from cowork_env.core.providers import Providers
from cowork_env.core.resolve import Inputs
from cowork_env.doctor import checkup
from cowork_env.doctor.codes import ERROR
from cowork_env.doctor.findings import Finding, Report

from support.home import Home, executable, need
from support.server import KEY, MODEL


def inputs(env: dict[str, str] | None = None) -> Inputs:
    """Inputs with that environment, and without any folder."""
    return Inputs(env or {}, "/", "/nonexistent", "/nonexistent")


def listed(**entry: Any) -> Providers:
    """A provider file with one entry."""
    whole = {"name": "Under Test", "authToken": KEY, "defaultModel": MODEL, **entry}
    return Providers(json.dumps([whole]), "", "providers.json")


def check(
    url: str, around: dict[str, str] | None = None, timeout: float = 20, **entry: Any
) -> Report:
    """The report on a provider with this URL, in the environment ``around``."""
    options = checkup.Options(inputs(around), timeout=timeout)
    report = checkup.check_provider(listed(baseUrl=url, **entry), 0, options)
    shown = json.dumps(report.as_dict()) + "\n".join(report_lines(report)) + repr(report.findings)
    assert KEY not in shown and KEY[3:13] not in shown
    return report


def errors(report: Report) -> list[str]:
    """The codes of the errors."""
    return [finding.code for finding in report.findings if finding.level == ERROR]


def the(report: Report, code: str) -> Finding:
    """The one finding with that code."""
    (found,) = [finding for finding in report.findings if finding.code == code]
    return found


# The program


class Done:
    """What the program printed, and its exit status."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        assert KEY not in self.out + self.err and "Traceback" not in self.err

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as JSON."""
        return json.loads(self.out)  # type: ignore[no-any-return]

    def codes(self, level: str = "error") -> list[str]:
        """The codes of that level about this machine and shell."""
        return [f["code"] for f in self.json["findings"] if f["level"] == level]


def run(home: Home, *arguments: str, cwd: Path | None = None, **env: str) -> Done:
    """The command ``doctor``."""
    return _run(home, [executable(), "doctor", *arguments], cwd, env)


def run_in_bash(home: Home, *arguments: str, cwd: Path | None = None, **env: str) -> Done:
    """The command ``doctor`` in a bash, which is then the shell that it detects."""
    line = f"'{executable()}' doctor {' '.join(arguments)}; exit $?"
    return _run(home, [need("bash"), "--norc", "-c", line], cwd, {"SHELL": "/bin/bash", **env})


def _run(home: Home, command: list[str], cwd: Path | None, env: dict[str, str]) -> Done:
    return Done(
        subprocess.run(
            command,
            env={**home.env, **env},
            cwd=cwd or home.path,
            capture_output=True,
            text=True,
            timeout=100,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    )


def entry(name: str, url: str, **more: Any) -> dict[str, Any]:
    """An entry of the provider file with the key that the test servers accept."""
    return {
        "id": f"id-{name}",
        "name": name,
        "baseUrl": url,
        "authToken": KEY,
        "defaultModel": MODEL,
        **more,
    }
