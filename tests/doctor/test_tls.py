"""TLS: certificates, and a wrong scheme in the URL."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from support.doctor import check, errors, the
from support.server import (
    Serve,
    always,
    api,
)
from support.tls import openssl, self_signed, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate for this machine."""
    return self_signed(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1,DNS:localhost")


@pytest.fixture
def tls(certificate: tuple[str, str]) -> ssl.SSLContext:
    return serving(certificate)


def test_untrusted_certificate(serve: Serve, tls: ssl.SSLContext) -> None:
    server = serve(api(), tls)
    report = check(server.url)
    assert errors(report) == ["certificate"] and "self" in the(report, "certificate").message
    assert server.requests == []


@pytest.mark.parametrize("variable", ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"])
def test_authority_of_the_user_is_trusted(
    serve: Serve, tls: ssl.SSLContext, certificate: tuple[str, str], variable: str
) -> None:
    assert check(serve(api(), tls).url, around={variable: certificate[0]}).healthy


def test_certificate_for_another_name(serve: Serve, tmp_path: Path) -> None:
    foreign = self_signed(tmp_path, "DNS:other.example")
    report = check(serve(api(), serving(foreign)).url, around={"SSL_CERT_FILE": foreign[0]})
    assert errors(report) == ["certificate"]
    # An authority's file would be of no use here.
    assert (
        "mismatch" in the(report, "certificate").message
        and "CA_CERTS" not in the(report, "certificate").hint
    )


def test_expired_certificate(serve: Serve, tmp_path: Path) -> None:
    made, key = self_signed(tmp_path, "IP:127.0.0.1")
    (tmp_path / "index").touch()
    config = tmp_path / "config"
    config.write_text(
        "[ca]\ndefault_ca = d\n"
        f"[d]\ndatabase = {tmp_path}/index\nnew_certs_dir = {tmp_path}\nrand_serial = yes\n"
        "default_md = sha256\npolicy = p\nx509_extensions = e\n"
        "[p]\ncommonName = supplied\n"
        "[e]\nsubjectAltName = IP:127.0.0.1\n"
    )
    old = str(tmp_path / "old.pem")
    issuer = ["-config", str(config), "-cert", made, "-keyfile", key, "-ss_cert", made]
    options = "-batch -notext -subj /CN=old -startdate 20010101000000Z -enddate 20020101000000Z"
    openssl("ca", *options.split(), *issuer, "-out", old)
    report = check(serve(api(), serving((old, key))).url, around={"SSL_CERT_FILE": made})
    assert errors(report) == ["certificate"] and "expired" in the(report, "certificate").message
    assert "renewed" in the(report, "certificate").hint


def test_missing_authority_file() -> None:
    report = check("https://127.0.0.1:1", around={"NODE_EXTRA_CA_CERTS": "/nonexistent/ca.pem"})
    assert errors(report) == ["ca-file"] and "NODE_EXTRA_CA_CERTS" in the(report, "ca-file").message


def test_http_url_of_an_https_server(serve: Serve, tls: ssl.SSLContext) -> None:
    server = serve(api(), tls)
    report = check(server.url.replace("https", "http"))
    assert errors(report) == ["https-wanted"]
    assert server.requests == []


@pytest.mark.parametrize(
    "words",
    [
        "Client sent an HTTP request to an HTTPS server.\n",
        "<html>The plain HTTP request was sent to HTTPS port</html>",
    ],
)
def test_server_that_asks_for_https(serve: Serve, words: str) -> None:
    assert errors(check(serve(always(400, words)).url)) == ["https-wanted"]


def test_a_redirect_to_https_is_not_followed(serve: Serve, tls: ssl.SSLContext) -> None:
    secure = serve(api(), tls)
    server = serve(lambda r: (301, "", {"location": secure.url + r.path}))
    assert errors(check(server.url)) == ["https-wanted"]
    assert secure.requests == []


def test_https_url_of_an_http_server(serve: Serve) -> None:
    server = serve(api())
    report = check(server.url.replace("http", "https"))
    assert errors(report) == ["not-tls"] and "plain http" in the(report, "not-tls").message
