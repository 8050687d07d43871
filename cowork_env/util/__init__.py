"""Used by every layer: errors, text, files, paths, JSON, and the system without ``os``."""
