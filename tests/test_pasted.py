"""Keys as users paste them: cleaned of what is around them, or refused."""

from __future__ import annotations

import pytest

from cowork_env.core.provider import InvalidField
from cowork_env.pasted import cleaned_key, is_placeholder

KEY = "sk-or-v1-5f2e9c0d1b7a4e63"


@pytest.mark.parametrize(
    "pasted",
    [
        KEY,
        f"  {KEY}\r\n",
        f"'{KEY}'",
        f'"{KEY}",',
        f"`{KEY}`",
        f"\u201c{KEY}\u201d",
        f"{KEY};",
        f"export OPENROUTER_API_KEY={KEY}",
        f"export OPENROUTER_API_KEY='{KEY}'\n",
        f'OPENROUTER_API_KEY = "{KEY}"',
        f"api_key={KEY}",
        f"set -x ANTHROPIC_AUTH_TOKEN {KEY}",
        f"set -gx ANTHROPIC_AUTH_TOKEN '{KEY}'",
        f"setenv ANTHROPIC_AUTH_TOKEN {KEY}",
        f'$env:ANTHROPIC_API_KEY = "{KEY}"',
        f"Authorization: Bearer {KEY}",
        f"authorization:{KEY}",
        f"'x-api-key: {KEY}'",
        f"X-Api-Key:{KEY}",
        f"Bearer {KEY}",
        f'"ANTHROPIC_AUTH_TOKEN": "{KEY}",',
        f"\x1b[200~{KEY}\x1b[201~",
        f"\x1b[200~export A={KEY}\n\x1b[201~\n",
        f"\u00a0{KEY}\u200b",
        f"\ufeff{KEY}\u200d\u2060",
    ],
)
def test_what_is_around_a_key_is_removed(pasted: str) -> None:
    assert cleaned_key(pasted) == KEY


@pytest.mark.parametrize(
    "key", ["", "ollama", "user:word", "QUJD==", "QUJD+/8=", "a=b", "ENC:v1:AAAA", "0123.abcdef"]
)
def test_a_key_stays_as_it_is(key: str) -> None:
    assert cleaned_key(key) == key


@pytest.mark.parametrize(
    ("pasted", "why"),
    [
        (f"{KEY}\n{KEY}", "several lines"),
        (f"two {KEY}", "blanks"),
        (f"{KEY} # mine", "blanks"),
        (f"https://openrouter.ai/keys?k={KEY}", "is a URL"),
        (f"curl https://a.example \\\n -H 'x-api-key: {KEY}'", "whole command"),
        (f"$ /usr/bin/curl -H 'x-api-key: {KEY}' https://a.example", "whole command"),
        (f'{{"ANTHROPIC_AUTH_TOKEN": "{KEY}"}}', "JSON"),
        ("sk-or-...4e63", "masked"),
        ("sk-or-****4e63", "masked"),
        ("sk-or-\u2022\u20224e63", "masked"),
        ("sk-or-v1\u2026", "masked"),
        ("sk-xxxxxxxxxxxx", "masked"),
        ("YOUR_API_KEY", "stands for"),
        ("<your key>", "blanks"),
        ("<key>", "stands for"),
        ("export A=$OPENROUTER_API_KEY", "variable"),
        ("${OPENROUTER_API_KEY}", "variable"),
        ("$(pass openrouter)", "variable"),
        ("op://vault/item/field", "reference"),
        ("env:OPENROUTER_API_KEY", "reference"),
        (f"sk-\x1b[D{KEY}", "control character"),
    ],
)
def test_what_is_no_key_is_refused_and_not_repeated(pasted: str, why: str) -> None:
    with pytest.raises(InvalidField) as refused:
        cleaned_key(pasted)
    assert why in refused.value.why
    assert KEY not in f"{refused.value} {refused.value.why} {refused.value.hint}"


@pytest.mark.parametrize(
    "text",
    [
        *("sk-xxx", "sk-ant-xxxxxxxx", "sk-", "sk-ant-api03-...", "...", "xxx", "XXXX-XXXX"),
        *("YOUR_API_KEY", "your-api-key-here", "<your key>", "{{API_KEY}}", "[key]", "<KEY>"),
        *(
            "YOUR_GLM_API_KEY_HERE",
            "sk-or-v1-your-key",
            "changeme",
            "change-me",
            "replace-with-key",
        ),
        *("API_KEY_HERE", "********", "••••"),
    ],
)
def test_a_text_in_the_place_of_a_key_is_a_placeholder(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "text",
    [
        *("sk-ant-api03-Abc123xyz", "ollama", "lm-studio", "dummy", "test", "k", "sk-1234", "xx"),
        *("ccs-internal-managed", "0123456789abcdef", "tp-here4yourself", "a.b.c", "sk-x9xxx"),
    ],
)
def test_a_key_is_no_placeholder(text: str) -> None:
    assert not is_placeholder(text)
