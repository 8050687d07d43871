"""The interpreter that hook requests and launchers run: isolated, without site processing."""

from __future__ import annotations

import os
import sys

from ..util import files

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLAGS = ("-I", "-S", "-X", "utf8")


class Interpreter:
    """An executable, ``path``, and the folder for its bytecode, ``cache_prefix``.

    An empty prefix means beside the sources.
    """

    __slots__ = ("cache_prefix", "path")

    def __init__(self, path: str, cache_prefix: str = "") -> None:
        self.path, self.cache_prefix = path, cache_prefix

    @property
    def options(self) -> list[str]:
        """The options that it is started with."""
        prefix = ["-X", f"pycache_prefix={self.cache_prefix}"] if self.cache_prefix else []
        return [*FLAGS, *prefix]

    @property
    def command(self) -> list[str]:
        """The executable and its options."""
        return [self.path, *self.options]


def find_interpreter(state_dir: str) -> Interpreter:
    """The interpreter that runs this process.

    Where the package was installed without bytecode by another user, bytecode is kept in
    ``state_dir``: compiling at every request would double its cost.
    """
    cached = f"{PACKAGE}/hook/__pycache__/respond.{sys.implementation.cache_tag}.pyc"
    if os.path.exists(cached) or os.access(PACKAGE, os.W_OK):
        return Interpreter(sys.executable)
    files.private_directory(state_dir)
    return Interpreter(sys.executable, f"{state_dir}/bytecode")
