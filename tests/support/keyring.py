"""A private D-Bus session, with a real GNOME keyring on it."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from pathlib import Path

from support.home import Home, need
from support.processes import wait_for

# No service is started on demand: what answers on this bus, a test has started.
_BUS = """<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
_SERVICE = "org.freedesktop.Secret.Service"
_INTERNAL = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"
_LOGIN = "/org/freedesktop/secrets/collection/login"
PASSWORD = b"\n"  # of the keyring; with an empty one, no keyring is made


def _takes_connections(path: Path) -> bool:
    """Whether somebody listens at a socket; its file is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


class BusSession:
    """A D-Bus session that nobody answers on. ``env`` is the home's environment with its address.

    A context manager: what was started on it has ended afterwards.
    """

    def __init__(self, home: Home) -> None:
        need("dbus-daemon")
        # A socket's path must be short, and that of a test's folder is not.
        self._folder = tempfile.TemporaryDirectory(prefix="bus-")
        folder = Path(self._folder.name)
        self.env = {
            **home.env,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus",
            "XDG_RUNTIME_DIR": str(folder),
            "XDG_DATA_HOME": str(home.path / ".local/share"),
        }
        self._started: list[subprocess.Popen[bytes]] = []
        config = folder / "bus.conf"
        config.write_text(_BUS.format(folder=folder))
        self.start("dbus-daemon", "--nofork", "--nopidfile", f"--config-file={config}")
        wait_for(lambda: _takes_connections(folder / "bus"))

    def __enter__(self) -> BusSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what was started."""
        for process in reversed(self._started):
            process.kill()
            process.wait()
        self._folder.cleanup()

    def start(self, tool: str, *arguments: str, given: bytes = b"") -> subprocess.Popen[bytes]:
        """Start a program that runs until the end of the session."""
        process = subprocess.Popen(
            [need(tool), *arguments],
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._started.append(process)
        assert process.stdin
        with process.stdin as stdin:
            stdin.write(given)
        return process

    def has(self, name: str) -> bool:
        """Whether somebody on the bus has a well-known name."""
        reply = self.run(
            *("dbus-send", "--session", "--print-reply=literal", "--dest=org.freedesktop.DBus"),
            *("/", "org.freedesktop.DBus.NameHasOwner", f"string:{name}"),
        )
        return reply.split() == ["boolean", "true"]

    def run(self, tool: str, *arguments: str, given: str = "") -> str:
        """What a program on the bus prints; it must succeed."""
        return subprocess.run(
            [need(tool), *arguments],
            env=self.env,
            input=given,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=30,
        ).stdout


class KeyringSession(BusSession):
    """A D-Bus session with a GNOME keyring that is unlocked and empty. A context manager."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        try:
            self._daemon("--unlock", given=PASSWORD)
            wait_for(lambda: self.has("org.freedesktop.secrets"))
            wait_for(lambda: _LOGIN in self._collections())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> KeyringSession:
        return self

    def _daemon(self, *arguments: str, given: bytes = b"") -> None:
        daemon = ("gnome-keyring-daemon", "--foreground", "--components=secrets")
        self.start(*daemon, *arguments, given=given)

    def _collections(self) -> str:
        get = "org.freedesktop.DBus.Properties.Get"
        return self._call(get, f"string:{_SERVICE}", "string:Collections")

    def _call(self, method: str, *arguments: str) -> str:
        to = ("--dest=org.freedesktop.secrets", "/org/freedesktop/secrets")
        return self.run("dbus-send", "--session", "--print-reply=literal", *to, method, *arguments)

    def store(self, attributes: dict[str, str], secret: str, label: str = "test") -> None:
        """Store a secret."""
        pairs = [text for pair in attributes.items() for text in pair]
        self.run("secret-tool", "store", f"--label={label}", *pairs, given=secret)

    def read(self, attributes: dict[str, str]) -> str:
        """The secret of an item that is there."""
        return self.run("secret-tool", "lookup", *(t for pair in attributes.items() for t in pair))

    def lock(self) -> None:
        """Lock it."""
        self._call(f"{_SERVICE}.Lock", f"array:objpath:{_LOGIN}")

    def unlock(self) -> None:
        """Unlock it, as its owner does: without a prompt, through its own interface for that."""
        from cowork_env.secrets.bus import Bus  # jeepney is installed on Linux alone

        with Bus(self.env, "org.freedesktop.secrets") as bus:
            root = "/org/freedesktop/secrets"
            _, session = bus.call(root, _SERVICE, "OpenSession", "sv", "plain", ("s", ""))
            password = (session, b"", PASSWORD, "text/plain")
            bus.call(root, _INTERNAL, "UnlockWithMasterPassword", "o(oayays)", _LOGIN, password)
