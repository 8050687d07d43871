"""Providers whose keys are in different places, for the time that fetching each one takes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable

from home import TemporaryHome
from interactive import BenchError

KEY = "sk-invented-0123456789"
# A password of the desktop app, and "x" as the app encrypts it with that.
APP_PASSWORD = "su7gEVtaYIimJNLDTJ4A4Q=="
ENCRYPTED = "ENC:v1:djExs9KGVilO8HarTl+lnDQy5w=="
# No service is started on demand, so that what answers is the keyring that is started here.
_BUS = """<busconfig>
  <type>session</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
_KEYRING = ("dbus-daemon", "gnome-keyring-daemon", "secret-tool")


class KeySources:
    """The places that keys can be fetched from on this machine, filled with one.

    ``places`` maps what a place is called to the fields of an entry that lead there.
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
        self.places: dict[str, dict[str, str]] = {
            "stored": {},
            "env:": {"authTokenFrom": "env:BENCH_KEY"},
            "file:": {"authTokenFrom": f"file:{key}"},
            "cmd: (cat)": {"authTokenFrom": f"cmd:cat {key}"},
        }
        try:
            if shutil.which("pass") and shutil.which("gpg"):
                self._pass()
            if all(map(shutil.which, _KEYRING)):
                self._keyring()
        except BaseException:
            self.close()
            raise

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
        self.places["pass:"] = {"authTokenFrom": "pass:bench"}

    def _keyring(self) -> None:
        address = f"unix:path={self._folder}/bus"
        self._home.env["DBUS_SESSION_BUS_ADDRESS"] = address
        config = f"{self._folder}/bus.conf"
        with open(config, "w", encoding="utf-8") as file:
            file.write(_BUS.format(address=address))
        self._start(["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={config}"], b"")
        _wait_for(lambda: _takes_connections(f"{self._folder}/bus"))
        daemon = ["gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock"]
        self._start(daemon, b"\n")
        store = "secret-tool store --label=bench"
        ours = f"printf %s {KEY} | {store} service bench username bench"
        _wait_for(lambda: self._succeeds(["sh", "-c", ours]))
        self.places["keyring:"] = {"authTokenFrom": "keyring:bench/bench"}
        self._home.run(["sh", "-c", f"printf %s {APP_PASSWORD} | {store} application agent-cowork"])
        self.places["encrypted by the desktop app"] = {"authToken": ENCRYPTED}

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


def _takes_connections(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            raise BenchError("the keyring does not start")
        time.sleep(0.02)
