"""The domain: providers, pins, trust, which provider applies, and the environment that it asks for."""
