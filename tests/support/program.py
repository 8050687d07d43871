"""Programs that run to their end: cowork-env in a home, scripts in shells, and anything else."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.home import Home, executable, need
from support.shells import EVALUATE, PLAIN, SAVE


class Completed:
    """How a program ended and what it wrote; bytes that are not UTF-8 are surrogates."""

    def __init__(self, command: Sequence[str], returncode: int, stdout: str, stderr: str) -> None:
        self.command, self.returncode = command, returncode
        self.stdout, self.stderr = stdout, stderr

    def __repr__(self) -> str:
        status = self.returncode
        return f"<{self.command}: {status}, stdout {self.stdout!r}, stderr {self.stderr!r}>"

    def check(self, status: int = 0) -> Completed:
        """Fail the test unless the program ended with this status."""
        assert self.returncode == status, self
        return self

    def json(self) -> Any:
        """Standard output, parsed."""
        return json.loads(self.stdout)

    def environment(self) -> dict[str, str]:
        """Standard output of ``env -0``, as a mapping."""
        return parse_environment(self.stdout)


def parse_environment(text: str) -> dict[str, str]:
    """The output of ``env -0``, as a mapping."""
    return dict(entry.partition("=")[::2] for entry in text.split("\0") if entry)


def execute(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | str,
    input: str | bytes | None = None,
    timeout: float = 60,
) -> Completed:
    """Run a command to its end. Without ``input`` its standard input is /dev/null."""
    arguments = [str(argument) for argument in command]
    data = input.encode("utf-8", "surrogateescape") if isinstance(input, str) else input
    done = subprocess.run(
        arguments,
        env=dict(env),
        cwd=cwd,
        capture_output=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL if data is None else None,
        input=data,
    )
    out, err = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    return Completed(arguments, done.returncode, out, err)


class Program:
    """The installed cowork-env in a home.

    ``env`` is added to the home's environment for every run. ``cwd`` is where it runs, unless a run
    says otherwise: the home, if not given.
    """

    def __init__(
        self, home: Home, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.home, self.cwd, self.env = home, cwd or home.path, dict(env or {})

    def run(
        self,
        *arguments: str,
        cwd: Path | None = None,
        input: str | bytes | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
        **variables: str,
    ) -> Completed:
        """Run ``cowork-env ARGUMENTS``; ``env`` and ``variables`` are added to the environment."""
        return execute(
            [executable(), *arguments],
            env={**self.home.env, **self.env, **(env or {}), **variables},
            cwd=cwd or self.cwd,
            input=input,
            timeout=timeout,
        )


def run_in_shell(
    home: Home,
    shell: str,
    code: str,
    *,
    cwd: Path | None = None,
    options: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> Completed:
    """Run ``SHELL OPTIONS -c CODE`` in a home, as a script does."""
    return execute(
        [need(shell), *options, "-c", code],
        env={**home.env, **(env or {})},
        cwd=cwd or home.path,
        timeout=timeout,
    )


def environment_after(
    shell: str, code: str, env: Mapping[str, str], locale: str = "C.UTF-8"
) -> dict[str, str]:
    """The environment of a child after ``code`` in a shell that starts with ``env`` and no files.

    What the shell sets by itself is part of it. The code must print nothing.
    """
    command = PLAIN[shell]
    program = need(command[0])
    with tempfile.TemporaryDirectory() as folder:
        script, out = f"{folder}/script", f"{folder}/out"
        save = SAVE.get(shell, "{env} -0 > {out}").format(env=need("env"), out=out)
        data = code.encode("utf-8", "surrogateescape")
        if shell in EVALUATE:
            Path(f"{folder}/statements").write_bytes(data)
            data = EVALUATE[shell].format(file=f"{folder}/statements").encode()
        Path(script).write_bytes(data + f"\n{save}\n".encode())
        start = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": locale, **env}
        done = execute([program, *command[1:], script], env=start, cwd=folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return parse_environment(os.fsdecode(Path(out).read_bytes()))
