"""The options of ``add`` and ``edit`` that say what a provider is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from .. import accounts, presets, securing
from ..core import provider as rules
from ..core.provider import ACCOUNT, TIERS, InvalidField
from ..editing import Fields, complete_url
from ..masking import shown_url
from ..pasted import cleaned_key
from ..util.text import visible
from .errors import usage_error
from .inputs import check_no_key, current_inputs
from .options import complete_model
from .output import say
from .prompts import ask, ask_hidden, ask_key, confirm, interactive

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

MAX_KEY = 64 << 10  # bytes
_NO_KEYS = ("name", "base_url", "default_model", *TIERS, "config_dir")  # options without a key


def _complete_scheme() -> list[str]:
    """The schemes of references."""
    from ..secrets import SCHEMES

    return list(SCHEMES)


_OPTIONS = (
    click.option("--name", metavar="NAME", help="What you call the provider."),
    click.option("--base-url", metavar="URL", help="The endpoint; clients append /v1/messages."),
    *(
        click.option(f"--{option}", metavar="MODEL", shell_complete=complete_model, help=text)
        for option, text in (
            ("default-model", "The default model."),
            *((tier, f"The model for the tier {tier}.") for tier in TIERS),
        )
    ),
    click.option(
        "--auth",
        metavar="STYLE",
        shell_complete=rules.AUTH_STYLES,
        help="How the key is sent: bearer (default) or api-key; account: as --account.",
    ),
    click.option(
        "--account",
        is_flag=True,
        help="A login of Claude Code's own, or a token of 'claude setup-token', and no URL.",
    ),
    click.option(
        "--config-dir",
        metavar="DIR",
        type=click.Path(file_okay=False),
        help="With --account: Claude Code's directory with that login; default: its own default.",
    ),
    click.option("--token-stdin", is_flag=True, help="Read the key from standard input."),
    click.option(
        "--keyring", is_flag=True, help="Keep the key in the desktop's keyring, not in the file."
    ),
    click.option(
        "--token-from",
        metavar="REF",
        shell_complete=_complete_scheme,
        help="Fetch the key instead: env:NAME, file:PATH, keyring:SERVICE/USER, pass:PATH,"
        " op://VAULT/ITEM/FIELD, vault://MOUNT/PATH#FIELD, aws-sm://ID, cmd:ARGV.",
    ),
    click.option(
        "--env",
        metavar="NAME=VALUE",
        multiple=True,
        help="An extra variable while the provider is active. 'NAME=' leaves that variable alone;"
        " NAME asks for the value, hidden.",
    ),
    click.option(
        "--verbatim-base-url/--no-verbatim-base-url",
        default=None,
        help="Use the URL exactly as it is.",
    ),
    click.option(
        "--allow-insecure/--no-allow-insecure",
        default=None,
        help="Allow plain http to another machine.",
    ),
)
no_check_option = click.option(
    "--no-check", is_flag=True, help="Do not check the provider afterwards (only on a terminal)."
)


def provider_options(function: F) -> F:
    """Add the options: ``token_stdin``, ``keyring``, and those that :func:`given_fields` takes."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def given_fields(*, env: tuple[str, ...], account: bool, **given: Any) -> Fields:
    """The options' values as :class:`Fields`; asks for variables given without a value.

    Raises a usage error for the URL of an endpoint that is known to speak another format.
    """
    for name, value in given.items():
        if name in _NO_KEYS:
            check_no_key(f"The value of --{name.replace('_', '-')}", value)
    if account:
        if given["auth"] not in (None, ACCOUNT):
            raise usage_error("--account and --auth exclude each other.", "Use one of them.")
        given["auth"] = ACCOUNT
    if given["config_dir"] is not None:
        given["config_dir"] = _checked_directory(given["config_dir"])
    variables, clear = _variables(env)
    models = {tier: value for tier in TIERS if (value := given.pop(tier)) is not None}
    fields = Fields(models=models, env=variables, clear_env=clear, **given)
    if fields.base_url and not fields.verbatim_base_url:
        try:
            presets.check_format(fields.base_url)
        except InvalidField as error:
            raise usage_error(f"The value of --base-url {error.why}.", error.hint) from None
    return fields


def check_answered_directory(directory: str) -> str:
    """The directory of a login that the user was asked for, for the file; see ``accounts``."""
    return accounts.checked_directory(directory, current_inputs().directory)


def _checked_directory(directory: str) -> str:
    try:
        return check_answered_directory(directory)
    except InvalidField as error:
        raise usage_error(f"The value of --config-dir {error.why}.", error.hint) from None


def check_kind(fields: Fields, *, account: bool) -> None:
    """Raise a usage error for an option that belongs to the other kind of provider."""
    if fields.config_dir and not account:
        raise usage_error("--config-dir is for an account.", "Pass --account, too.")
    if fields.base_url and account and rules.repaired(fields.base_url) != rules.ANTHROPIC_URL:
        raise usage_error(
            "--base-url is not for an account.",
            "For an endpoint, pass --auth bearer, too, and not --account.",
        )


def ask_url(question: str, insecure: bool, usual: str = "") -> tuple[str, bool]:
    """Ask for a base URL; also whether plain http to another machine is allowed, as it was before.

    With ``usual``, Enter gives that, and an answer needs no scheme.
    """
    while True:
        url = ask(
            question,
            lambda answer: check_answered_url(
                complete_url(answer, usual) if usual else answer, True
            ),
            usual or None,
        )
        if insecure or consents_to(url):
            return url, insecure or not is_encrypted_or_local(url)


def is_encrypted_or_local(url: str) -> bool:
    """Whether a valid base URL needs no ``allowInsecure``."""
    parts = rules.Url(url)
    return parts.scheme == "https" or rules.is_loopback(parts.host)


def consents_to(url: str) -> bool:
    """Whether the user accepts where a valid base URL sends the key: asks if it can be read on the
    way, which ``--allow-insecure`` answers in advance.
    """
    return is_encrypted_or_local(url) or confirm(
        f"{visible(url)} is plain http to another machine: the key can be read on the way. "
        "Use it anyway?"
    )


def check_answered_url(url: str, insecure: bool) -> str:
    """A base URL that the user was asked for; raises :class:`InvalidField` for what is refused."""
    return presets.check_format(rules.check_base_url(url, insecure))


def _variables(given: tuple[str, ...]) -> tuple[dict[str, str], bool]:
    """The variables of ``--env``, and whether an empty one clears those that are there."""
    found: dict[str, str] = {}
    clear = False
    for text in given:
        name, equals, value = text.partition("=")
        if not text:
            found, clear = {}, True
            continue
        if not equals:
            if not interactive():
                raise usage_error(f"--env {visible(name)} has no value.", "Write it as NAME=VALUE.")
            value = ask_hidden(f"Value of {visible(name)}")
        found[name] = _without_tilde(name, value)
    return found, clear


def _without_tilde(name: str, value: str) -> str:
    """A variable's value with the path of the home in the place of ``~``.

    No shell expands it there, and no client when it reads the variable.
    """
    if not value.startswith("~/"):
        return value
    home = current_inputs().home
    if not home.startswith("/"):
        raise usage_error(
            f"--env {visible(name)} begins with ~/, and HOME is not set.", "Set HOME."
        )
    return home.rstrip("/") + value[1:]


def read_key(
    fields: Fields,
    token_stdin: bool,
    question: str,
    keyring: bool = False,
    *,
    account: bool = False,
    about: str = "",
) -> str:
    """The key from standard input, or from the user, who is asked ``question``, unless it is empty.

    Empty when the key is fetched (``--token-from``), or none is needed. A key for the ``keyring``
    is always asked for. ``account``: it is the token of one. ``about`` is said before the question:
    what the key is for.
    """
    usual = accounts.TOKEN_QUESTION if account else "Key"
    key = _read_key(fields, token_stdin, question, keyring, usual, about)
    if account:
        accounts.check_token(key)
    return key


def about_key(name: str, url: str) -> str:
    """What is said before the question for a key: what it is for, and where it is made."""
    lines = [f"{visible(name)}{f', {visible(shown_url(url))}' if url else ''}"]
    if page := presets.keys_page(url):
        lines.append(f"Keys are made at {page}")
    return "\n".join(lines)


def check_key_options(fields: Fields, token_stdin: bool, keyring: bool) -> None:
    """Raise a usage error for options about the key that contradict, or that cannot be followed."""
    if keyring and fields.token_from:
        raise usage_error("--keyring and --token-from exclude each other.", "Use one of them.")
    if keyring:
        securing.KeyStore(securing.DEFAULT, current_inputs()).check()
    if token_stdin and fields.token_from:
        raise usage_error("--token-stdin and --token-from exclude each other.", "Use one of them.")


def _read_key(
    fields: Fields, token_stdin: bool, question: str, keyring: bool, usual: str, about: str
) -> str:
    check_key_options(fields, token_stdin, keyring)
    question = question or (usual if keyring else "")
    if token_stdin:
        return _key_from_stdin(question or usual, about)
    if fields.token_from or not question:
        return ""
    if not interactive():
        raise usage_error(
            "Missing --token-stdin or --token-from.",
            "Pass the key on standard input, or a reference to it; an option would show in "
            "the process list.",
        )
    return _ask_key(question, about)


def _ask_key(question: str, about: str) -> str:
    if about:
        say(about)
    return ask_key(question)


def _key_from_stdin(question: str, about: str) -> str:
    if interactive():
        return _ask_key(question, about)
    data = sys.stdin.buffer.read(MAX_KEY + 1)
    if len(data) > MAX_KEY:
        raise usage_error("The key on standard input is too long.")
    try:
        key = cleaned_key(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise usage_error("The key on standard input is not UTF-8.") from None
    except InvalidField as error:
        raise usage_error(f"The key on standard input {error.why}.", error.hint) from None
    if not key:
        raise usage_error("There is no key on standard input.")
    return key
