"""The entry point: ``hook``, ``export``, ``exec`` and ``status --short`` take the fast path, the
rest uses click.
"""

# No import before this, not even of __future__: with "python -m", the current directory comes first
# on sys.path, and a project could have modules of any name in it.
import sys

if __name__ == "__main__" and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    del sys.path[0]


def main() -> None:
    """Run the command line in ``sys.argv``, and exit with its status."""
    try:
        import os

        # Everything is written. Not shutting down the interpreter saves a tenth of the time.
        os._exit(_run(sys.argv[1:]))
    except KeyboardInterrupt:  # during an import
        sys.exit(130)


def _run(argv: list[str]) -> int:
    if argv and argv[0] in ("hook", "export", "exec", "status"):
        from .cli import fast_path

        if (command := fast_path.parse(argv)) is not None:
            from .cli.errors import run

            return run(command)
    from .cli import main as run_with_click

    return run_with_click(argv)


if __name__ == "__main__":
    main()
