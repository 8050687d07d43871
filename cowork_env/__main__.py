"""The entry: what a shell evaluates by the short way, everything else through click."""

# No import before this, not even of __future__: "python -m" looks in the current directory first, where a project
# could keep modules of its own under any name.
import sys

if __name__ == "__main__" and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    del sys.path[0]


def main() -> None:
    """Run the command line in ``sys.argv``; ends the process with its exit status."""
    try:
        sys.exit(_run(sys.argv[1:]))
    except KeyboardInterrupt:  # while something was still being imported
        sys.exit(130)


def _run(argv: list[str]) -> int:
    if argv and argv[0] in ("hook", "export", "exec"):
        from .cli import statements

        if (command := statements.plain(argv)) is not None:
            import os

            from .cli.common import run

            # All is written, and to take the interpreter apart would cost a sixth of what a shell waits for.
            os._exit(run(command))
    from .cli import main as through_click

    return through_click(argv)


if __name__ == "__main__":
    main()
