"""What may be shown of keys."""

from __future__ import annotations

import pytest

from cowork_env.masking import is_key, mask


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


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ANTHROPIC_AUTH_TOKEN", True),
        ("ANTHROPIC_API_KEY", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("CLAUDE_CODE_OAUTH_TOKEN", True),
        ("ANTHROPIC_CUSTOM_HEADERS", True),
        ("AWS_BEARER_TOKEN_BEDROCK", True),
        ("OPENAI_APIKEY", True),
        ("GOOGLE_APPLICATION_CREDENTIAL", True),
        ("OPENAI_APIKEY", True),
        ("PGPASSWORD", True),
        ("DB_PASSWD", True),
        ("X_CREDENTIAL", True),
        ("authtoken", True),
        ("CLAUDE_CODE_MAX_CONTEXT_TOKENS", False),
        ("CLAUDE_CODE_SKIP_BEDROCK_AUTH", False),
        ("MAX_THINKING_TOKENS", False),
        ("COMPAT", False),
        ("ANTHROPIC_BASE_URL", False),
        ("ANTHROPIC_MODEL", False),
    ],
)
def test_which_variables_hold_keys(name: str, key: bool) -> None:
    assert is_key(name) is key
