"""What the commands share: their inputs, what they say and how, and how they fail.

Nothing heavy is imported here, click included: the short ways of ``hook``, ``export`` and ``exec`` pass through.
"""

from __future__ import annotations

import os
import sys

from ..util.errors import FAILURE, USAGE, CoworkEnvError
from ..util.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    import click
    from click.shell_completion import CompletionItem

    from ..core.resolve import Inputs

    F = TypeVar("F", bound=Callable[..., Any])

DEBUG_VARIABLE = "COWORK_ENV_DEBUG"
INTERRUPTED = 130
MASK = "•"


def context(provider: str | None = None, trust: bool = False) -> Inputs:
    """The inputs of this process: its environment, its working directory and the person's folders.

    ``provider`` and ``trust`` are the options of those names; an empty provider is a mistake, not a choice.
    """
    if provider is not None and not provider.strip():
        raise usage("The provider's name is empty.", "To use none, say 'none'.")
    from ..core.resolve import Inputs
    from ..util import paths
    from ..util.system import working_directory

    env = dict(os.environ)
    directory, gone = working_directory(env)
    return Inputs(
        env, directory, paths.config_dir(), paths.state_dir(), provider or "", trust, gone
    )


# What is said


def say(text: str) -> None:
    """Tell the person something, on standard error. Text from elsewhere must have gone through :func:`visible`."""
    print(text, file=sys.stderr)


def json_out(value: object) -> None:
    """Print a value as JSON on standard output, for programs to read."""
    import json

    out(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def out(text: str) -> None:
    """Write to standard output, whole or not at all as far as can be told; bytes that are not UTF-8 pass through."""
    sys.stdout.flush()
    data = text.encode("utf-8", "surrogateescape")
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CoworkEnvError(f"Standard output cannot be written: {error.strerror}.") from None


def mask(key: str) -> str:
    """A key as it may be shown: at most its last four characters, and of a short one nothing. Not its length."""
    if not key:
        return ""
    return MASK * 8 + (visible(key[-4:]) if len(key) >= 20 else "")


def is_key(name: str) -> bool:
    """Whether a variable of that name holds a key, or something else that must not be shown."""
    endings = (
        "TOKEN",
        "KEY",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "CREDENTIALS",
        "HEADERS",
    )
    return any(word.endswith(endings) for word in name.upper().split("_"))


def shown_value(name: str, value: str) -> str:
    """The value of a variable as it may be shown: a key masked, and a URL or a proxy's address without the password in it."""
    if is_key(name):
        return mask(value)
    from ..overrides import PROXIES, without_password

    # A proxy's address needs no scheme.
    return without_password(value) if "://" in value or name.upper() in PROXIES else value


def colour(stream: Any = None) -> bool:
    """Whether colour is welcome on a stream (standard output if not given): a terminal, and no ``NO_COLOR``."""
    stream = sys.stdout if stream is None else stream
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def interactive() -> bool:
    """Whether a person can be asked: standard input and standard error are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


# What is asked


def pick(question: str, names: list[str], default: str = "") -> str:
    """Let the person choose one of ``names``, by arrows or by typing a part of it. Escape by Ctrl-C."""
    import questionary
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.key_binding import KeyBindings, merge_key_bindings
    from prompt_toolkit.output import create_output
    from questionary.prompts.common import InquirerControl

    asked = questionary.select(
        question,
        choices=[questionary.Choice(visible(name), value=name) for name in names],
        default=default if default in names else None,
        use_search_filter=True,
        use_jk_keys=False,
        output=create_output(stdout=sys.stderr),
    )
    application = asked.application
    control = next(
        c for c in application.layout.find_all_controls() if isinstance(c, InquirerControl)
    )
    # What matches nothing shows everything, and Enter would choose the first.
    mistyped = KeyBindings()
    nothing_found = Condition(lambda: bool(control.search_filter) and not control.found_in_search)
    mistyped.add("enter", filter=nothing_found, eager=True)(lambda event: event.app.output.bell())
    application.key_bindings = merge_key_bindings(
        [b for b in (application.key_bindings, mistyped) if b]
    )
    answer: str | None = asked.unsafe_ask()
    if answer is None:
        raise KeyboardInterrupt
    return answer


# What is common to the options


def examples(*lines: str) -> str:
    """A command's examples as its ``epilog``: a command line each, with a remark after ``#`` if it needs one."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def complete_provider(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Providers for the shell's completion: nothing is validated, no key is looked at, nothing is said.

    What a shell would have to quote is offered as its slug.
    """
    from click.shell_completion import CompletionItem

    from ..core import providers
    from ..core.provider import slug

    inputs = context()
    try:
        names = providers.load(inputs.env, inputs.config_dir).names()
    except CoworkEnvError:
        return []
    words = [
        n if n.isascii() and all(c.isalnum() or c in "._-" for c in n) else slug(n) for n in names
    ]
    return [
        CompletionItem(w)
        for w in dict.fromkeys(words)
        if w and w.startswith(incomplete.casefold() if w.islower() else incomplete)
    ]


def provider_argument(required: bool = True) -> Callable[[F], F]:
    """The argument NAME: a provider, which the shell can complete; None when it may be, and is, left out."""
    import click

    def present(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise usage("The provider's name is empty.", "To use none, say 'none'.")
        return value

    return click.argument(
        "name", required=required, callback=present, shell_complete=complete_provider
    )


def choosing(function: F) -> F:
    """The options ``--provider`` and ``--trust`` of the commands that work out what applies."""
    import click

    function = click.option(
        "--trust", is_flag=True, help="Honour pins that are not allowed (denied ones never)."
    )(function)
    provider = click.option(
        "--provider",
        metavar="NAME",
        shell_complete=complete_provider,
        help="Use this provider ('none' for none), whatever applies here.",
    )
    return provider(function)


# How it fails


def usage(message: str, hint: str = "") -> CoworkEnvError:
    """The error to raise for a command line that makes no sense."""
    return CoworkEnvError(message, hint, USAGE)


def report(error: CoworkEnvError) -> int:
    """Tell the person about an error, and return its exit status."""
    _complain(error.message, error.hint)
    return error.exit_code


def _complain(message: str, hint: str) -> None:
    try:
        prefix = "\033[31mcowork-env:\033[0m " if colour(sys.stderr) else "cowork-env: "
        say(prefix + visible(message, 2000))
        if hint:
            say(visible(hint, 2000))
    except OSError:
        pass  # Nobody is there to be told.


def run(command: Callable[[], object]) -> int:
    """Run a command, turn whatever it raises into words, and return the exit status. No traceback gets out."""
    _open_streams()
    status = _run(command)
    for number, stream in enumerate((sys.stdout, sys.stderr), 1):
        try:
            stream.flush()
        except OSError:
            _drop(
                number
            )  # Python would try again at its exit, complain, and end with a status of its own.
    return status


def _run(command: Callable[[], object]) -> int:
    try:
        command()
        sys.stdout.flush()
        return 0
    except CoworkEnvError as error:
        return report(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return FAILURE  # Whoever read our output has had enough.
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else FAILURE if error.code else 0
    except Exception as error:
        return _unforeseen(error)


def _open_streams() -> None:
    """Put something where a standard stream was closed.

    Python has None there, and prints what is for standard error to standard output; and the next file that is opened
    takes the stream's number. Standard output is made one that cannot be written.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            _drop(number, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", closefd=False))


def _drop(number: int, mode: int = os.O_WRONLY) -> None:
    """Let a standard stream lead nowhere."""
    nowhere = os.open(os.devnull, mode)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def _unforeseen(error: Exception) -> int:
    """Report what no command raises on purpose: click's own errors, those of the system, and our mistakes."""
    if "click" in sys.modules:
        import click

        if isinstance(error, click.exceptions.Exit):
            return error.exit_code
        if isinstance(error, click.Abort):
            return INTERRUPTED
        if isinstance(error, click.ClickException):
            path = (
                error.ctx.command_path
                if isinstance(error, click.UsageError) and error.ctx
                else "cowork-env"
            )
            _complain(" ".join(error.format_message().split()), f"Try '{path} --help'.")
            return error.exit_code
    _debug(error)
    if isinstance(error, OSError) and error.strerror:
        place = (
            f"{visible(os.fsdecode(error.filename))}: "
            if isinstance(error.filename, (str, bytes))
            else ""
        )
        _complain(f"{place}{error.strerror}.", "")
        return FAILURE
    # Only what kind it is and where: its text may have been made from a key.
    place, frame = "", error.__traceback__
    while frame is not None:
        place = f"{os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno}"
        frame = frame.tb_next
    _complain(
        f"An unforeseen {type(error).__name__} at {place}; this is a mistake in cowork-env.",
        f"Please report it with what you ran; {DEBUG_VARIABLE}=1 shows the way there, without any values.",
    )
    return FAILURE


def _debug(error: BaseException) -> None:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        from traceback import format_tb

        say("".join([*format_tb(error.__traceback__), type(error).__name__]))
