"""Providers whose keys are in different places, for the time that fetching each one takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable

from home import TemporaryHome
from interactive import BenchError

KEY = "sk-invented-0123456789"
_KEYRING = ("dbus-daemon", "gnome-keyring-daemon", "secret-tool")


class KeySources:
    """The places that keys can be fetched from on this machine, filled with one.

    ``references`` maps what a place is called to its ``authTokenFrom``; empty for the stored key.
    :meth:`close` ends what was started.
    """

    def __init__(self, home: TemporaryHome) -> None:
        self._home = home
        self._started: list[subprocess.Popen[bytes]] = []
        # Sockets need short paths.
        self._folder = tempfile.mkdtemp(prefix="cowork-env-bench-")
        key = os.path.join(home.path, "key")
        with open(key, "w", encoding="utf-8") as file:
            file.write(KEY + "\n")
        home.env["BENCH_KEY"] = KEY
        self.references = {
            "stored": "",
            "env:": "env:BENCH_KEY",
            "file:": f"file:{key}",
            "cmd: (cat)": f"cmd:cat {key}",
        }
        if shutil.which("pass") and shutil.which("gpg"):
            self._pass()
        if all(map(shutil.which, _KEYRING)):
            self._keyring()
        # Here goes the place of the desktop app's encrypted keys.

    def close(self) -> None:
        """End what was started."""
        for process in reversed(self._started):
            process.kill()
            process.wait()
        if "GNUPGHOME" in self._home.env:
            self._home.run(["gpgconf", "--kill", "gpg-agent"])
        shutil.rmtree(self._folder, ignore_errors=True)

    def _pass(self) -> None:
        self._home.env["GNUPGHOME"] = self._folder
        # The settings of GnuPG that decide how fast it is are its own defaults.
        create = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
        self._home.run([*create, "--quick-gen-key", "bench@test.example", "future-default"])
        self._home.run(["pass", "init", "bench@test.example"])
        self._home.run(["sh", "-c", f"echo {KEY} | pass insert --multiline bench"])
        self.references["pass:"] = "pass:bench"

    def _keyring(self) -> None:
        address = f"unix:path={self._folder}/bus"
        self._home.env["DBUS_SESSION_BUS_ADDRESS"] = address
        self._start(["dbus-daemon", "--session", "--nofork", f"--address={address}"], b"")
        _wait_for(lambda: os.path.exists(f"{self._folder}/bus"))
        daemon = ["gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock"]
        self._start(daemon, b"\n")
        store = "secret-tool store --label=bench service bench username bench"
        _wait_for(lambda: self._succeeds(["sh", "-c", f"printf %s {KEY} | {store}"]))
        self.references["keyring:"] = "keyring:bench/bench"

    def _succeeds(self, argv: list[str]) -> bool:
        try:
            self._home.run(argv)
        except BenchError:
            return False
        return True

    def _start(self, argv: list[str], given: bytes) -> None:
        process = subprocess.Popen(
            argv,
            env=self._home.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._started.append(process)
        assert process.stdin
        with process.stdin:
            process.stdin.write(given)


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            raise BenchError("the keyring does not start")
        time.sleep(0.02)
