"""An application with the anthropic SDK: each model of its environment, with every kind of call."""

import asyncio
import os

import anthropic

MODELS = [
    "ANTHROPIC_MODEL",
    *(f"ANTHROPIC_DEFAULT_{tier}_MODEL" for tier in ("OPUS", "SONNET", "HAIKU", "FABLE")),
]
ASK = {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


async def later(model):
    async with anthropic.AsyncAnthropic(max_retries=0, timeout=20) as client:
        return (await client.messages.create(model=model, **ASK)).content[0].text


with anthropic.Anthropic(max_retries=0, timeout=20) as client:
    for name in MODELS:
        model = os.environ[name]
        print("plain", client.messages.create(model=model, **ASK).content[0].text)
        with client.messages.stream(model=model, **ASK) as stream:
            print("streamed", "".join(stream.text_stream))
    print(
        "counted",
        client.messages.count_tokens(
            model=os.environ["ANTHROPIC_MODEL"], messages=ASK["messages"]
        ).input_tokens,
    )
    print("models", len(client.models.list().data))
print("later", asyncio.run(later(os.environ["ANTHROPIC_MODEL"])))
