"""The domain: providers, pins, trust, resolution, and the environment that a provider asks for."""
