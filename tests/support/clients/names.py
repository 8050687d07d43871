"""The names of variables that Claude Code itself counts as a matter of the provider."""

from __future__ import annotations

import re
from pathlib import Path

# In the program's text, with short names that each version makes anew:
#   a=["ANTHROPIC_BASE_URL",...b], and
#   new Set(["CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",...a,"AWS_REGION"])
_ITEMS = rb'((?:\.\.\.[\w$]+|"\w+"|,)*)'
_SET = re.compile(rb'new Set\(\["CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",' + _ITEMS + rb"\]\)")
_ARRAY = re.compile(rb"[ ,;]([\w$]+)=\[" + _ITEMS + rb"\]")
_ITEM = re.compile(rb'\.\.\.([\w$]+)|"(\w+)"')
_MODULE = b"// Version:"  # at the beginning of each part of the program


def of_the_host_flag(program: Path) -> set[str]:
    """The names that a settings file may not set under the host flag, by Claude Code's own list."""
    data = program.read_bytes()
    found = _SET.search(data)
    assert found, "the list is not where it was: look for it in the program, and adapt this module"
    module = data[data.rfind(_MODULE, 0, found.start()) : data.find(_MODULE, found.end())]
    arrays = {match[1]: match[2] for match in _ARRAY.finditer(module)}

    def names(items: bytes) -> set[str]:
        found: set[str] = set()
        for item in _ITEM.finditer(items):
            found |= names(arrays[item[1]]) if item[1] else {item[2].decode()}
        return found

    return names(found[1])
