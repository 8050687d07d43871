"""An application with LiteLLM: the default model of its environment."""

import os

import litellm

litellm.suppress_debug_info = True  # It prints a hint about models that it does not know.
answer = litellm.completion(
    model=f"anthropic/{os.environ['ANTHROPIC_MODEL']}",
    messages=[{"role": "user", "content": "hi"}],
    max_tokens=9,
    max_retries=0,
    timeout=20,
)
print(answer.choices[0].message.content)
