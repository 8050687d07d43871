"""What LiteLLM knows of each of its providers: gateways.py PREFIX..., as JSON."""

import json
import sys

import litellm

known = {}
for prefix in sys.argv[1:]:
    url = litellm.get_llm_provider(f"{prefix}/m")[3]
    known[prefix] = [url, litellm.validate_environment(f"{prefix}/m")["missing_keys"]]
print(json.dumps(known))
