"""An application with the Claude Agent SDK: agent.py MODEL..., where an empty MODEL means the default."""

import asyncio
import sys

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query


async def ask(model):
    # As an application in a project does it: the project's own settings files count.
    options = ClaudeAgentOptions(model=model or None, setting_sources=["user", "project", "local"])
    async for message in query(prompt="hi", options=options):
        if isinstance(message, ResultMessage):
            print(message.result)


for word in sys.argv[1:]:
    asyncio.run(ask(word))
