"""cowork-env: the right LLM provider in each directory, in every shell and in CI."""

__version__ = "0.1.0"
