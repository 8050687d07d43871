"""What the tests with real clients share: a user, a server that records, Claude Code's screen."""
