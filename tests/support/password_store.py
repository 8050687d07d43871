"""A password store of pass, with a GnuPG key and agent of its own."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from support.home import Home, need

PASSPHRASE = "a-passphrase"
_KEY = """Key-Type: eddsa
Key-Curve: ed25519
Subkey-Type: ecdh
Subkey-Curve: cv25519
Name-Email: pass@test.example
{protection}
%commit
"""
# Assuan, as gpg-agent speaks it to what asks for a passphrase. It notes that it was asked.
_PINENTRY = """#!/bin/sh
echo 'OK ready'
while read -r line; do
  case $line in
    GETPIN*) echo asked >>'{log}'; echo 'D {passphrase}'; echo OK ;;
    BYE*) echo OK; exit ;;
    *) echo OK ;;
  esac
done
"""


class PasswordStore:
    """A password store; with ``protected`` its key has a passphrase, and the agent has not.

    ``env`` is the home's environment with it. A context manager: the agent has ended afterwards.
    """

    def __init__(self, home: Home, protected: bool = False) -> None:
        need("pass")
        # A socket's path must be short, and that of a test's folder is not.
        self._folder = tempfile.TemporaryDirectory(prefix="gpg-")
        self.gpg = Path(self._folder.name)
        self.path = home.path / ".password-store"
        self.asked = home.path / "pinentry.log"
        self.env = {**home.env, "GNUPGHOME": str(self.gpg), "PASSWORD_STORE_DIR": str(self.path)}
        pinentry = self.gpg / "pinentry"
        pinentry.write_text(_PINENTRY.format(log=self.asked, passphrase=PASSPHRASE))
        pinentry.chmod(0o700)
        (self.gpg / "gpg-agent.conf").write_text(f"pinentry-program {pinentry}\ns2k-count 65536\n")
        protection = f"Passphrase: {PASSPHRASE}" if protected else "%no-protection"
        loopback = ("--batch", "--pinentry-mode", "loopback")
        self._run("gpg", *loopback, "--gen-key", given=_KEY.format(protection=protection))
        self._run("pass", "init", "pass@test.example")
        self.lock()

    def __enter__(self) -> PasswordStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.lock()
        self._folder.cleanup()

    def _run(self, *command: str, given: str = "") -> None:
        subprocess.run(
            [need(command[0]), *command[1:]],
            env=self.env,
            input=given,
            text=True,
            capture_output=True,
            check=True,
            timeout=60,
        )

    def insert(self, entry: str, text: str) -> None:
        """Store an entry; that needs no passphrase."""
        self._run("pass", "insert", "--multiline", "--force", entry, given=text)

    def lock(self) -> None:
        """End the agent, which forgets the passphrase."""
        self._run("gpgconf", "--kill", "gpg-agent")
