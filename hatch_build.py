"""The long description for package indexes: the README without what only a checkout has.

There, a relative link leads nowhere and a relative picture is broken. Links become their text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PICTURE = re.compile(r"^!\[[^]]*\]\((?!https:)[^)]*\)\n\n", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^]]*)\]\((?!https:)[^)]*\)")


def long_description(readme: str) -> str:
    """The README's text as an index can show it."""
    return LINK.sub(r"\1", PICTURE.sub("", readme))


class CustomMetadataHook(MetadataHookInterface):
    """Hatchling calls it for the field that pyproject.toml names as dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the long description."""
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        text = long_description(readme)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
