"""An application with the Claude Agent SDK: agent.py MODEL..., empty for the default model."""

import asyncio
import sys

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query


async def ask(model):
    # Like an application in a project, which reads the project's settings files.
    options = ClaudeAgentOptions(model=model or None, setting_sources=["user", "project", "local"])
    async for message in query(prompt="hi", options=options):
        if isinstance(message, ResultMessage):
            print(message.result)


for word in sys.argv[1:]:
    asyncio.run(ask(word))
