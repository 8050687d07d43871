"""What every layer uses: errors, text, files, paths, JSON, and the system without os."""
