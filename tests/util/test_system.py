"""The system without os and hashlib."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from cowork_env.util import system


@given(st.binary(max_size=300))
def test_digest_is_sha256(data: bytes) -> None:
    assert system.digest(data) == hashlib.sha256(data).hexdigest()
