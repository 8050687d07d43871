"""A temporary home for the benchmark: providers, trusted pins, and pinned directories."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from unittest import mock

from interactive import BenchError

KEPT_VARIABLES = ("LOGNAME", "PATH", "SHELL", "TMPDIR", "USER")


class TemporaryHome:
    """A home in a folder of its own, filled by the package's own code.

    ``providers`` is the number of providers, ``pins`` that of trusted pins besides those that
    :meth:`pinned_directories` makes. With ``direnv``, the path of that program, its files are
    allowed too.
    """

    def __init__(
        self, path: str, *, providers: int = 4, pins: int = 0, direnv: str | None = None
    ) -> None:
        from cowork_env.core import trust
        from cowork_env.util import paths

        self.path, self._providers, self._direnv = path, providers, direnv
        # fish would fill this folder from a process in the background.
        os.makedirs(os.path.join(path, ".local/share/fish/generated_completions"))
        self.env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        folders = [os.path.dirname(sys.executable), self.env.get("PATH", os.defpath)]
        self.env |= {
            "DIRENV_LOG_FORMAT": "",
            "HOME": path,
            "LC_ALL": "C",
            "MISE_OFFLINE": "1",
            "MISE_TRUSTED_CONFIG_PATHS": os.path.dirname(path),
            "PATH": os.pathsep.join(folders),
            "TERM": "dumb",
        }
        with mock.patch.dict(os.environ, self.env, clear=True):
            file = os.path.join(paths.config_dir(), "agent-cowork", "providers.json")
            self._trust = trust.TrustStore(paths.state_dir())
        os.makedirs(os.path.dirname(file))
        self._file = file
        self.write_providers([{}] * providers)
        for number in range(pins):
            elsewhere = f"{os.path.dirname(path)}/elsewhere/{number}/.cowork-provider"
            self._trust.allow(elsewhere, b"Provider 0\n")

    def write_providers(self, keys: list[dict[str, str]]) -> None:
        """Write a provider for each of these fields that say where the key is; none: stored."""
        with open(
            os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8"
        ) as out:
            json.dump([_provider(*one) for one in enumerate(keys)], out, indent=2)
        self._providers = len(keys)

    def launcher(self) -> list[str]:
        """The launcher for a Claude Code of a known version that ends at once; how to run it."""
        from cowork_env.core.resolve import Inputs
        from cowork_env.launcher import CLAUDE, add
        from cowork_env.util import paths

        program = os.path.join(self.path, "versions/2.1.332")
        os.makedirs(os.path.dirname(program))
        _write(program, "#!/bin/sh\n")
        os.chmod(program, 0o700)
        folder = os.path.join(self.path, "bin")
        os.makedirs(folder)
        os.symlink(program, os.path.join(folder, CLAUDE))
        with mock.patch.dict(os.environ, self.env, clear=True):
            inputs = Inputs(self.env, self.path, paths.config_dir(), paths.state_dir())
            made = add(CLAUDE, inputs)
        self.env["PATH"] = os.pathsep.join((folder, self.env["PATH"]))
        return [made, "-p", "hi"]

    def pinned_directories(self, depth: int, count: int) -> list[str]:
        """Make ``count`` directories, each ``depth`` levels below the root, pinned for every tool.

        The name of each is its number.
        """
        from cowork_env.core import trust

        parent = os.path.join(self.path, "t")
        parent += "/d" * (depth - 1 - parent.count("/"))
        made = [f"{parent}/{number}" for number in range(count)]
        for directory in made:
            os.makedirs(directory, exist_ok=True)
            pin, text = f"{directory}/.cowork-provider", f"{self.provider_in(directory)}\n"
            _write(pin, text)
            self._trust.allow(trust.location(pin), text.encode())
            number = os.path.basename(directory)
            _write(f"{directory}/.envrc", f"export BENCH={number}\n")
            _write(f"{directory}/mise.toml", f'[env]\nBENCH = "{number}"\n')
            if self._direnv:
                self.run([self._direnv, "allow", directory])
        return made

    def provider_in(self, directory: str) -> str:
        """The name of the provider that is pinned in one of :meth:`pinned_directories`."""
        return f"Provider {int(os.path.basename(directory)) * 7 % self._providers}"

    def run(self, argv: list[str], directory: str = "") -> None:
        """Run a program in this home; raise :class:`BenchError` if it fails."""
        done = subprocess.run(
            argv,
            env=self.env,
            cwd=directory or self.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"{shlex.join(argv)} failed:\n{done.stderr.decode(errors='replace')}")


@contextlib.contextmanager
def without_fsync() -> Iterator[None]:
    """Do not wait for the disk: a large home has 10,000 temporary files."""
    with mock.patch.object(os, "fsync", lambda descriptor: None):
        yield


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _provider(number: int, key: dict[str, str]) -> dict[str, object]:
    tiers = ("opus", "sonnet", "haiku")
    return {
        "id": f"{number:08d}-0000-4000-8000-000000000000",
        "name": f"Provider {number}",
        "baseUrl": f"https://host{number}.example/api/v1",
        **(key or {"authToken": f"sk-invented-{number:036d}"}),
        "defaultModel": "vendor/claude-sonnet-4-20250514",
        "models": {tier: f"vendor/claude-{tier}-4-20250514" for tier in tiers},
    }
