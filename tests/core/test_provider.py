"""The rules for one entry of providers.json."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowork_env.core import provider
from cowork_env.core.provider import InvalidField, Provider

from support.home import GUIDE

TEXT_FIELDS = ["id", "name", "baseUrl", "authToken", "authTokenFrom", "defaultModel", "auth"]
GOOD: dict[str, Any] = {"name": "A", "baseUrl": "https://a.example", "authToken": "sk-marked"}


def entry(**changes: Any) -> dict[str, Any]:
    return {k: v for k, v in {**GOOD, **changes}.items() if v is not ...}


def refused(**changes: Any) -> InvalidField:
    """The error for an entry with these changes, which never holds the key."""
    with pytest.raises(InvalidField) as caught:
        Provider(entry(**changes))
    assert "sk-marked" not in caught.value.why + caught.value.hint + repr(caught.value)
    return caught.value


@pytest.mark.parametrize("given_entry", GUIDE, ids=lambda e: e["name"])
def test_the_guides_examples_are_valid(given_entry: dict[str, Any]) -> None:
    read = Provider(given_entry)
    assert (read.name, read.base_url, read.token) == (
        given_entry["name"],
        given_entry["baseUrl"],
        given_entry["authToken"],
    )
    assert read.default_model == given_entry["defaultModel"]
    assert read.models == given_entry.get("models", {})
    assert (read.auth, read.env) == ("bearer", {})
    assert (read.verbatim, read.insecure, read.direct) == (False, False, False)


def test_unknown_keys_are_ignored() -> None:
    read = Provider(entry(icon={"x": [1]}, models={"opus": "o", "turbo": 7}))
    assert read.models == {"opus": "o"}


@pytest.mark.parametrize("key", TEXT_FIELDS)
@pytest.mark.parametrize("value", [1, True, [], {}, 1.5])
def test_a_text_field_that_is_not_a_string_is_refused(key: str, value: Any) -> None:
    error = refused(**{key: value})
    assert error.path == (key,) and error.why == "is not a string"


@pytest.mark.parametrize("key", TEXT_FIELDS)
@pytest.mark.parametrize(
    "char",
    list("\0\n\x1b\x7f\x9b\u202e\u2028\u200b\ud800\udfff\ufeff"),
)
def test_control_characters_are_refused_in_all_fields(key: str, char: str) -> None:
    good = {"baseUrl": "https://a.example/x"}.get(key, "bearer" if key == "auth" else "abc")
    assert refused(**{key: good[:3] + char + good[3:]}).path == (key,)


@pytest.mark.parametrize("bad", [None, [], "x", 3])
def test_an_entry_that_is_not_an_object_is_refused(bad: Any) -> None:
    with pytest.raises(InvalidField) as caught:
        Provider(bad)
    assert caught.value.path == () and caught.value.why == "is not an object"


@pytest.mark.parametrize("name", [..., None, "", "   ", "none", "NONE", " None ", "#a"])
def test_invalid_names_are_refused(name: Any) -> None:
    assert refused(name=name).path == ("name",)


@pytest.mark.parametrize("auth", ["x", "Bearer", "api_key", "API-KEY"])
def test_auth_is_one_of_three(auth: str) -> None:
    assert refused(auth=auth).why == "must be 'bearer', 'api-key' or 'account'"
    assert Provider(entry(auth="api-key")).auth == "api-key"
    assert Provider(entry(auth=None)).auth == "bearer"


@pytest.mark.parametrize("key", ["verbatimBaseUrl", "allowInsecure"])
@pytest.mark.parametrize("value", [0, 1, "true", []])
def test_flags_are_true_or_false(key: str, value: Any) -> None:
    error = refused(**{key: value})
    assert error.path == (key,) and error.why == "must be true or false"
    assert (
        Provider(entry(**{key: None}))
        and Provider(entry(**{key: True}))
        and Provider(entry(**{key: False}))
    )


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (..., "is missing"),
        ("", "is missing"),
        ("https://a b", "white space"),
        ("https://a\\b", "backslash"),
        ("https://a.example/\u3000x", "white space"),
        ("a.example", "no scheme"),
        ("a.example:443/v1", "no scheme"),
        ("//a.example", "no scheme"),
        ("ftp://a.example", "must be an http or https URL"),
        ("file:///etc/passwd", "must be an http or https URL"),
        ("https://u@a.example", "user name or a password"),
        ("https://u:p@a.example", "user name or a password"),
        ("https://a.example?x=1", "a query or a fragment"),
        ("https://a.example/#x", "a query or a fragment"),
        ("https://a.example/?", "a query or a fragment"),
        ("https://", "no host"),
        ("https:///v1", "no host"),
        ("https://:80", "no host"),
        ("https://[::1", "no host"),
        ("https://a.example:", "a port"),
        ("https://a.example:0", "a port"),
        ("https://a.example:65536", "a port"),
        ("https://a.example:http", "a port"),
        ("https://a.example:+80", "a port"),
        ("https://a.example:٣", "a port"),
        ("https://a.example:80:90", "a port"),
        ("https://[::1]x", "a port"),
        ("http://a.example", "plain http"),
        ("http://10.0.0.1", "plain http"),
        ("http://localhost.evil.example", "plain http"),
        ("http://127.0.0.1.evil.example", "plain http"),
        ("http://127.0.0.256", "plain http"),
        ("http://127.1", "plain http"),
        ("http://evil.example/localhost", "plain http"),
        ("http://[::2]", "plain http"),
        ("http://evil-localhost", "plain http"),
    ],
)
def test_invalid_urls_are_refused(url: Any, why: str) -> None:
    error = refused(baseUrl=url)
    assert error.path == ("baseUrl",) and why in error.why


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "HTTPS://A.example/",
        "https://a.example:8443/api/v1",
        "http://localhost:4000/v1",
        "http://LOCALHOST",
        "http://127.0.0.1",
        "http://127.255.0.9:1",
        "http://[::1]:80/x",
        "http://proxy.localhost",
        "https://[2001:db8::1]/v1",
    ],
)
def test_valid_urls_are_kept_as_written(url: str) -> None:
    assert Provider(entry(baseUrl=url)).base_url == url


def test_plain_http_to_another_machine_can_be_allowed() -> None:
    assert (
        Provider(entry(baseUrl="http://10.0.0.1:4000", allowInsecure=True)).base_url
        == "http://10.0.0.1:4000"
    )
    refused(baseUrl="http://10.0.0.1:4000", allowInsecure=False)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://api.anthropic.com/v1", "https://api.anthropic.com"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api"),
        ("http://localhost:4000/v1", "http://localhost:4000"),
        (
            "https://bedrock-runtime.us-west-2.amazonaws.com",
            "https://bedrock-runtime.us-west-2.amazonaws.com",
        ),
        ("https://a.example/", "https://a.example"),
        ("https://a.example///", "https://a.example"),
        ("https://a.example/v1/", "https://a.example"),
        ("https://a.example/v1//", "https://a.example"),
        ("https://a.example/v1/messages", "https://a.example"),
        ("https://a.example/v1/messages/", "https://a.example"),
        ("https://a.example//v1", "https://a.example"),
        ("https://a.example/api/v1/messages", "https://a.example/api"),
        ("https://a.example/v1/v1", "https://a.example/v1"),
        ("https://a.example/v1/v1/messages", "https://a.example/v1"),
        ("https://a.example/v2", "https://a.example/v2"),
        ("https://a.example/api/v11", "https://a.example/api/v11"),
        ("https://a.example/xv1", "https://a.example/xv1"),
        ("https://a.example/v1/other", "https://a.example/v1/other"),
        ("https://a.example/messages", "https://a.example/messages"),
        ("https://v1", "https://v1"),
        ("https://v1/", "https://v1"),
        ("https://v1/v1", "https://v1"),
        ("https://v1/messages", "https://v1/messages"),
        ("https://[::1]/v1", "https://[::1]"),
    ],
)
def test_url_repair(url: str, sent: str) -> None:
    assert provider.repaired(url) == sent


@given(st.from_regex(r"\Ahttps://[a-z0-9]{1,4}(/(v1|messages|api|x|)){0,6}\Z"))
def test_repair_keeps_scheme_and_host_and_shortens_only_the_path(url: str) -> None:
    sent = provider.repaired(url)
    assert url.startswith(sent) and not sent.endswith("/")
    one, two = provider.Url(sent), provider.Url(url)
    assert (one.scheme, one.authority) == (two.scheme, two.authority)
    assert url[len(sent) :].strip("/") in ("", "v1", "v1/messages")


@pytest.mark.parametrize("token", [" a", "a ", "a\n", "\ta", "a\rb", "a\x1bb", "a\u202eb"])
def test_keys_with_control_characters_or_outer_spaces_are_refused(token: str) -> None:
    assert refused(authToken=token).path == ("authToken",)


@pytest.mark.parametrize(
    ("token", "encrypted"),
    [
        ("ENC:v1:djEw", True),
        ("ENC:v1:", True),
        ("ENC:v2:abc", True),
        ("ENC:", True),
        ("djEwAAAA", True),
        ("djExAA==", True),
        ("djEyAAA=", True),
        ("djEwAAA", True),
        ("djEwA+/A", True),
        ("djEw", True),
        ("djEwAA-_", False),
        ("djEzAAAA", False),
        ("sk-ant-api03-x", False),
        ("YOUR_AWS_ACCESS_KEY", False),
        ("", False),
        ("xENC:v1:djEw", False),
    ],
)
def test_encrypted_keys_are_recognized(token: str, encrypted: bool) -> None:
    assert provider.is_encrypted(token) is encrypted
    assert Provider(entry(authToken=token)).token == token


@pytest.mark.parametrize("model", ["a b", "a\tb", "https://evil.example", "x://y"])
def test_invalid_models_are_refused(model: str) -> None:
    assert refused(defaultModel=model).path == ("defaultModel",)
    assert refused(models={"haiku": model}).path == ("models", "haiku")


def test_models() -> None:
    assert Provider(entry(models={t: f" {t}-x " for t in provider.TIERS})).models == {
        t: f"{t}-x" for t in provider.TIERS
    }
    assert Provider(entry(models={"opus": "", "fable": None})).models == {}
    assert refused(models=[]).path == ("models",)
    assert refused(models={"sonnet": 3}).path == ("models", "sonnet")


_RESERVED = """
    1A A-B A=B Ä A;B $(x) PATH path Home LD_PRELOAD ld_preload DYLD_X BASH_ENV ENV ZDOTDIR IFS PS1
    PYTHONPATH NODE_OPTIONS PROMPT_COMMAND COWORK_ENV_STATE COWORK_PROVIDER FISH_VERSION SHELLOPTS _
    DIRENV_DIFF PIPESTATUS history umask TMOUT
"""


@pytest.mark.parametrize(
    "name",
    ["", "A B", *_RESERVED.split()],
)
def test_reserved_variables_are_refused(name: str) -> None:
    assert refused(env={name: "x"}).path == ("env", name)


@pytest.mark.parametrize("value", [1, None, True, [], "a\0b", "a\ud800b", "\udcff"])
def test_values_that_cannot_be_exported_are_refused(value: Any) -> None:
    assert refused(env={"A": value}).path == ("env", "A")


def test_env() -> None:
    env = {
        "API_TIMEOUT_MS": "60000",
        "X": "a\nb'\"\\$é",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "",
    }
    assert Provider(entry(env=env)).env == env
    assert refused(env=[]).path == ("env",)


@pytest.mark.parametrize(
    ("auth", "name"),
    [
        ("bearer", "ANTHROPIC_BASE_URL"),
        ("bearer", "ANTHROPIC_AUTH_TOKEN"),
        ("api-key", "ANTHROPIC_API_KEY"),
    ],
)
def test_env_cannot_replace_the_url_or_the_key(auth: str, name: str) -> None:
    assert refused(auth=auth, env={name: "x"}).path == ("env", name)
    assert refused(auth=auth, env={name: "x", "CLAUDE_CODE_USE_BEDROCK": "1"}).path == ("env", name)


@pytest.mark.parametrize(
    "cloud", ["BEDROCK", "VERTEX", "FOUNDRY", "GATEWAY", "MANTLE", "ANTHROPIC_AWS"]
)
def test_a_direct_cloud_needs_neither_url_nor_key(cloud: str) -> None:
    bare = {"name": "A", "env": {f"CLAUDE_CODE_USE_{cloud}": "1"}}
    assert Provider(bare).direct
    for off in ("", "0", "false"):
        with pytest.raises(InvalidField):
            Provider({**bare, "env": {f"CLAUDE_CODE_USE_{cloud}": off}})
    for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"):
        with pytest.raises(InvalidField):  # a key without its URL, or a URL without its key
            Provider({**bare, "env": {**bare["env"], name: "x"}})  # type: ignore[dict-item]


def test_a_key_stays_out_of_repr() -> None:
    assert "sk-marked" not in repr(Provider(GOOD))


@pytest.mark.parametrize(
    ("name", "slug"),
    [("My Anthropic API", "my-anthropic-api"), ("  a--B_c ", "a-b-c"), ("Ünï", "ünï"), ("!!!", "")],
)
def test_slug(name: str, slug: str) -> None:
    assert provider.slug(name) == slug


wild = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["https://a.example", "bearer", "none", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(provider.KEYS), wild) | wild)
def test_any_value_is_read_or_refused_with_a_reason(value: Any) -> None:
    try:
        read = Provider(value)
    except InvalidField as error:
        assert error.why
    else:
        assert read.name and (read.direct or read.base_url)
