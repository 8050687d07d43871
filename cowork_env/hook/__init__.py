"""The hook's requests and responses, and how the hook is rendered and the interpreter started."""
