"""What may be shown of keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowork_env.masking import MASK, has_key, has_secret, is_secret, mask, shown_value


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("", ""),
        ("short-key", "•" * 8),
        ("sk-ant-api03-invented-0001", "•" * 8 + "0001"),
        ("x" * 19, "•" * 8),
    ],
)
def test_mask(key: str, shown: str) -> None:
    assert mask(key) == shown


SECRET_NAMES = [
    *("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY"),
    *("CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS", "AWS_BEARER_TOKEN_BEDROCK"),
    *("OPENAI_APIKEY", "GOOGLE_APPLICATION_CREDENTIAL", "PGPASSWORD", "DB_PASSWD"),
    *("X_CREDENTIAL", "authtoken", "DBPASSWORD", "AUTHTOKEN", "DB_PASS", "DB_PWD", "DBPWD"),
    *("SSH_PASSPHRASE", "GITHUB_PAT", "GITHUBPAT", "REDIS_AUTH", "PROXY_AUTHORIZATION"),
    *("SESSION_COOKIE", "COOKIES", "SOME_JWT", "API_KEYS", "SERVICE_TOKENS", "CLIENT_SECRETS"),
    *("AWS_CREDENTIALS", "CREDS", "SLACK_SIGNATURE", "AZURE_SAS", "AZURE_SIG", "SENTRY_DSN"),
    *("STORAGE_CONNECTION_STRING", "ConnectionString", "EXTRA_HEADER", "X_BEARER"),
    *("API_KEY2", "DB_PASSWORD1", "MYSQL_PW", "AUTHENTICATION", "SLACK_HOOK", "PAT2", "JWTS"),
    *("USER_SESSION", "OTP", "X-Api-Key", "DB_PASSWORD_2", "HTTP_BASIC_AUTH", "SLACK_WEBHOOK"),
]


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("value", ["hunter2", "correct horse", "12345678901"])
def test_names_of_secrets(name: str, value: str) -> None:
    assert is_secret(name, value)
    assert value not in shown_value(name, value)


@pytest.mark.parametrize("name", ["DB_PASS", "PGPASSWORD", "API_KEY", "X_TOKEN", "PIN"])
@pytest.mark.parametrize("value", ["1", "12345", "true"])
def test_a_password_may_be_a_number(name: str, value: str) -> None:
    assert is_secret(name, value)


SECRET_VALUES = [
    "postgres://me:pw@db/x",
    "postgres://me:p/w@db/x",
    "postgres://me:p@w@db/x",
    "redis://:pw@cache:6379",
    "amqps://u:p@mq//",
    "https://pw@git.example/x",
    "HTTP://U:P@h",
    "me:pw@proxy:3128",
    "https://h.example/x?key=pw",
    "https://h.example/x?a=1&sig=pw",
    "https://h.example/?access_token=pw#x",
    "https://h.example/#token=pw",
    "Server=db;User=me;Password=pw;",
    "host=db password=pw",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=pw==",
    "Bearer pw",
    "Authorization: Basic pw",
    "X-Team: a\nX-Api-Key: pw",
    '{"headers": {"x-api-key": "pw"}}',
    '{"metadata":{"auth_token":"pw"},"max_tokens":5}',
    "sk-ant-api03-pwpwpwpw",
    "--api-key=pw",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_pwpwpwpwpwpwpwpw",
    "github_pat_pwpwpwpwpw",
    "xoxb-1234-pwpwpwpw",
    "glpat-pwpwpwpwpw",
    "eyJhbGciOiJIUzI1NiJ9.eyJwdyI6MX0.pw",
    "-----BEGIN PRIVATE KEY-----\npw",
    "use sk-pwpwpwpwpw for it",
    "deadbeef0123456789deadbeef012345pw",
]


@pytest.mark.parametrize("value", SECRET_VALUES)
@pytest.mark.parametrize("name", ["X", "CLAUDE_CODE_EXTRA_BODY", "HTTPS_PROXY"])
def test_values_that_hold_a_secret(name: str, value: str) -> None:
    assert has_secret(value) or value.startswith("https://pw@")
    assert is_secret(name, value)
    assert "pw" not in shown_value(name, value)


HARMLESS = {
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "200000",
    "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "32000",
    "MAX_THINKING_TOKENS": "0",
    "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1",
    "CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "30000",
    "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR": "3",
    "CLAUDE_CODE_USE_BEDROCK": "true",
    "COMPAT": "yes please",
    "BYPASS": "localhost",
    "ANTHROPIC_BASE_URL": "https://api.example/x@y/v1",
    "COWORK_ENV_ACTIVE": "me:work@home",
    "ANTHROPIC_MODEL": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "ANTHROPIC_DEFAULT_OPUS_MODEL": "claude-opus-4-1@20250805",
    "ANTHROPIC_SMALL_FAST_MODEL": "arn:aws:bedrock:us-east-1:123456789012:inference-profile/abc",
    "API_TIMEOUT_MS": "600000",
    "HTTPS_PROXY": "http://proxy.example:3128",
    "NO_PROXY": "localhost,127.0.0.1,.example.com,10.0.0.0/8,[::1]",
    "NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt",
    "AWS_REGION": "eu-central-1",
    "ANTHROPIC_VERTEX_PROJECT_ID": "my-project-123456",
    "ANTHROPIC_VERTEX_BASE_URL": "https://eu-aiplatform.googleapis.com/v1?alt=json&x=1",
    "CLAUDE_CODE_EXTRA_BODY": '{"thinking": {"type": "enabled"}, "max_tokens": 1000}',
    "OTEL_RESOURCE_ATTRIBUTES": "team=a,tier=b",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_stays_readable(name: str) -> None:
    assert not is_secret(name, HARMLESS[name])
    assert shown_value(name, HARMLESS[name]) == HARMLESS[name].partition("?")[0]


WORD = st.text("abcdefghijklmnopqrstuvwxyz/%!:@#?&=", min_size=1, max_size=12)


@given(st.sampled_from(["https", "postgres", "redis", "amqp", "mongodb+srv"]), WORD, WORD)
def test_no_password_of_any_address_is_shown(scheme: str, user: str, password: str) -> None:
    secret = f"<{password}>"
    for value in (f"{scheme}://{user}:{secret}@host:1/x", f"see {scheme}://{user}:{secret}@host/"):
        assert is_secret("SOME_URL", value)
        assert secret not in shown_value("SOME_URL", value)


@given(st.text("ABC_", max_size=6), st.sampled_from(SECRET_NAMES), st.text(min_size=2, max_size=40))
def test_no_value_of_a_secret_name_is_shown(before: str, name: str, value: str) -> None:
    if value.lower() in ("true", "false", "yes", "no", "on", "off") or value.isdigit():
        return
    shown = shown_value(before + "_" + name, value)
    assert shown.startswith(MASK) and len(shown) <= len(MASK) + 40


HEX = "0123456789abcdef0123456789abcdef"
TYPED_KEYS = [
    f"{HEX}.AbCdEfGhIjKl0123",  # Z.ai
    "xai-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGh",
    "fw_3ZAbCdEfGhIjKlMnOpQrStUv",
    f"export X={HEX}",
    "https://a.example/sk-ant-api03-invented1",
    "https://me:pw@a.example",
]


@pytest.mark.parametrize("text", TYPED_KEYS)
def test_a_key_where_something_else_is_asked_for(text: str) -> None:
    assert has_key(text)


@pytest.mark.parametrize(
    "text",
    [
        f"https://gateway.example/v1/{HEX}/gw/anthropic",  # the id of an account
        f"https://{HEX}.a.example",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "My provider",
        f"/home/me/{HEX}",
    ],
)
def test_what_is_asked_for_is_no_key(text: str) -> None:
    assert not has_key(text)
