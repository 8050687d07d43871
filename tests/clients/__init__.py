"""Real clients on loopback: Claude Code, the Agent SDK, the anthropic SDK and a LiteLLM proxy."""
