"""Certificates of the tests' own."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from support.home import need

Certificate = tuple[str, str]  # the files of a certificate and of its key


def openssl(*arguments: str) -> None:
    """Run openssl; it must succeed."""
    subprocess.run([need("openssl"), *arguments], check=True, capture_output=True, timeout=60)


def self_signed(folder: Path, names: str) -> Certificate:
    """The files of a self-signed certificate for those names, and of its key."""
    made, key = str(folder / "cert.pem"), str(folder / "key.pem")
    options = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    extension = ["-addext", f"subjectAltName={names}"]
    openssl("req", "-x509", *options.split(), *extension, "-keyout", key, "-out", made)
    return made, key


def serving(certificate: Certificate) -> ssl.SSLContext:
    """The context of a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context
