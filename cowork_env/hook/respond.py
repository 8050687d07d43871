"""The hook's question and its answer: the one process that a change of directory may cost.

Everything on this way is imported at each question, so it holds to the interpreter's built-in modules. The answer
is shell code that makes one list (see :class:`Answer`); the hook does what it says and remembers it.
"""

from __future__ import annotations

import gc
import posix
import sys
import time
from _stat import S_ISLNK

from ..core import environment, pins, providers, resolve
from ..core.environment import STATE, Activation
from ..core.resolve import Inputs, Outcome, Resolution
from ..core.trust import digest
from ..shells import REGISTRY, Shell
from ..util import system
from ..util.errors import CoworkEnvError
from ..util.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.environment import Target

REMEMBER_OUTSIDE = 600  # seconds that an answer with an outside secret in it may be used again
CLOCK_TICK_NS = 20_000_000  # a file's time stamp moves in steps of the kernel's tick, 10 ms at most
COARSE_NS = 2_000_000_000  # ... as does a shell's comparison of them, where it only sees seconds
RELOAD = "reload"

# Flags in an answer: may be remembered; another, slow question must follow; hold for one prompt only; quiet when a
# shell starts; watches files that others may not.
KEEP, MORE, PASSING, CALM, OWN = "k", "m", "p", "c", "w"
UNREAD = "?"  # in the place of a pin's content


class Answer:
    """What the hook gets, as the list that :meth:`items` spells; the hooks read it by position.

    ``now`` moves the environment from what it is. The next three are for later: ``guard`` tells whether ``apply``
    fits, ``apply`` does the same from where no provider is active, ``undo`` takes it back. ``absent`` names the
    variables that ``now`` sets and that the environment does not have: the shell may have them unexported.
    """

    __slots__ = (
        "absent",
        "apply",
        "directory",
        "error",
        "flags",
        "guard",
        "label",
        "lifetime",
        "name",
        "notices",
        "now",
        "pins",
        "state",
        "undo",
        "watches",
    )

    def __init__(self) -> None:
        self.directory = self.pins = self.flags = self.name = self.label = self.error = ""
        self.state = self.now = self.guard = self.apply = self.undo = self.absent = ""
        self.lifetime = "0"  # seconds, or for a shell without a clock a file as old as the answer
        self.notices: list[tuple[str, str]] = []
        self.watches: list[tuple[str, str]] = []

    def items(self) -> list[str]:
        """The answer as a flat list: thirteen texts and numbers, the count of notices, notices, watches."""
        fixed = [
            self.directory,
            self.pins,
            self.flags,
            self.lifetime,
            self.name,
            self.label,
            self.error,
            self.state,
            self.now,
            self.guard,
            self.apply,
            self.undo,
            self.absent,
            str(len(self.notices)),
        ]
        return fixed + [text for pair in self.notices + self.watches for text in pair]


class Question:
    """What the hook says beside the environment and the working directory.

    ``fresh``: the shell has not reached a prompt yet. ``patient``: a slow secret store may be asked now.
    ``coarse``: this shell compares time stamps by whole seconds. ``shadowed``: exported variables that are
    universal ones in fish.
    """

    __slots__ = ("coarse", "fresh", "patient", "shadowed", "shell")

    def __init__(self, shell: Shell, flags: str = "", shadowed: str = "") -> None:
        self.shell = shell
        self.fresh, self.patient, self.coarse = "f" in flags, "p" in flags, "s" in flags
        self.shadowed = frozenset(shadowed.split())


def answer(question: Question, inputs: Inputs) -> Answer:
    """The answer for one directory and environment."""
    reply = Answer()
    reply.directory = "" if inputs.gone else inputs.directory
    newest = _watch(inputs, reply)
    files = len(reply.watches)
    unread = [path for path in inputs.pin_paths or () if not pins.is_safe_to_open(path)]
    # Nobody waits for these: whoever changes one again and again would hold up every prompt.
    young = max(
        (_watch_file(reply, inputs.state_dir, path, attempts=0) for path in unread), default=0
    )
    newest = max(newest, young)
    found = resolve.resolve(inputs)
    slow, secret_file, secret_variable = _secret(
        found.provider.token_from if found.provider else ""
    )
    if slow and not question.patient:
        old = Activation.decode(inputs.env.get(STATE, ""))
        if old is not None and old.key != found.key:
            reply.now = question.shell.statements(
                environment.transition(inputs.env, "", None)[1], leaving=True
            )
        reply.flags = MORE
        return reply
    outcome = resolve.outcome(inputs, found)
    wanted = outcome.target
    newest = max(newest, _watch_file(reply, inputs.state_dir, secret_file))
    reply.flags += OWN if len(reply.watches) > files else ""
    _tell(question, inputs, found, outcome, reply, unread)
    activation, changes = environment.transition(
        inputs.env, outcome.key, wanted, question.fresh, question.shadowed
    )
    reply.now = question.shell.statements(changes, leaving=activation is None)
    reply.absent = " ".join(
        n for n, v in changes.items() if v is not None and n not in inputs.env and n != STATE
    )
    clean = not (
        outcome.error and found.provider and found.provider.token_from
    )  # What a failure came from may be mended where nobody watches.
    if activation is not None and wanted is not None:
        reply.state = activation.encode()
        after = environment.applied(inputs.env, changes)
        clean = _remember(question.shell, after, secret_variable, activation, wanted, reply)
    reply.flags += KEEP if clean else ""
    if slow:
        now = time.time_ns()
        reply.lifetime = (
            str(REMEMBER_OUTSIDE) if question.shell.has_clock else _reference(inputs.state_dir, now)
        )
    if not (inputs.env.get(providers.FILE_VARIABLE) or "/").startswith("/"):
        reply.flags += PASSING  # Another file in every directory.
    age = time.time_ns() - (newest if question.coarse else young)
    if age < (COARSE_NS if question.coarse else CLOCK_TICK_NS):
        reply.flags += PASSING  # What would change now might leave no trace.
    return reply


def _secret(reference: str) -> tuple[bool, str, str]:
    """Of a secret reference: whether it may be slow, and the file and the variable whose change means another key."""
    if not reference:
        return False, "", ""
    from .. import secrets

    return (
        secrets.outside(reference),
        secrets.watched_file(reference),
        secrets.watched_variable(reference),
    )


def _remember(
    shell: Shell,
    env: Mapping[str, str],
    secret_variable: str,
    activation: Activation,
    wanted: Target,
    reply: Answer,
) -> bool:
    """Fill in what serves the next time; whether it may be used then. ``env`` is how it is after ``now``.

    ``apply`` is what the hook knows an answer by, so it is there even for one that holds only once.
    """
    ours = {n: v for n, v in wanted.items() if activation.touched[n].mark == environment.mark(n, v)}
    # What was held still beside something of the person's has an earlier value, and goes on leaving as well.
    earlier = {
        n: env.get(n)
        for n, t in activation.touched.items()
        if n not in ours and t.ours(n, env.get(n))
    }
    reply.undo = shell.undo(activation, ours | earlier)
    before: dict[str, str | None] = {n: t.original for n, t in activation.touched.items()}
    if secret_variable:
        before.setdefault(secret_variable, resolve.original_env(env).get(secret_variable))
    base = {n: v for n, v in before.items() if v is not None}
    again, changes = environment.enter(
        base,
        activation.key,
        wanted,
        frozenset(n for n, t in activation.touched.items() if t.shadowed),
    )
    reply.guard = shell.guard(before | {STATE: None})
    reply.apply = shell.statements(changes)
    # Where something is the person's own just now, it holds only once.
    return len(ours) == len(wanted) and again.encode() == reply.state


def _tell(
    question: Question,
    inputs: Inputs,
    found: Resolution,
    outcome: Outcome,
    reply: Answer,
    unread: list[str],
) -> None:
    """Fill in what people are told."""
    if outcome.provider:
        reply.name, reply.label = visible(outcome.provider.name), found.label
    if outcome.error:
        reply.error = " ".join(filter(None, (outcome.error.message, outcome.error.hint)))
        if found.required:
            reply.error += " Clients are kept from falling back to your own login."
    if found.rule == resolve.SELECTION:
        reply.flags += CALM
    for pin in found.untrusted:
        reply.notices.append((digest(pin.id.encode("utf-8", "surrogateescape"))[:16], pin.message))
    damaged = inputs.env.get(STATE, "")
    if damaged and Activation.decode(damaged) is None:
        reply.notices.append(
            (
                digest(damaged.encode("utf-8", "surrogateescape"))[:16],
                f"{STATE} is damaged; it is ignored",
            )
        )
    if found.pins and all(
        not p.problem and p.content and b"\0" not in p.content for p in found.pins
    ):
        # As the hook spells them, so that it can see whether it was about these very contents.
        for p in found.pins:
            reply.pins += f"{p.path}\1{UNREAD if p.path in unread else p.content.decode('utf-8', 'surrogateescape')}\1"


def _watch(inputs: Inputs, reply: Answer) -> int:
    """Note the files whose change means another answer, as they are before they are read; their newest time stamp."""
    paths = [
        inputs.state_dir + "/trust",
        resolve.selection_file(inputs.state_dir),
        f"{inputs.state_dir}/{RELOAD}",
    ]
    if not inputs.env.get(providers.JSON_VARIABLE):
        paths += providers.candidates(inputs.env, inputs.config_dir)
    return max(_watch_file(reply, inputs.state_dir, path) for path in paths)


def _watch_file(reply: Answer, state_dir: str, path: str, attempts: int = 8) -> int:
    """Watch one file (none for an empty path): ``(path, reference)``, see the hooks; its time stamp, 0 for none.

    A shell can compare two files' time stamps, to the nanosecond and without a process, but not see one. So the
    reference is an empty file of ours with exactly the time stamp that ``path`` has now. No reference: ``path`` must
    stay away. ``=PATH``: it must stay that same file, for symbolic links.
    """
    if not path:
        return 0
    for attempt in range(attempts + 1):
        try:
            stamp, link = posix.stat(path).st_mtime_ns, S_ISLNK(posix.lstat(path).st_mode)
        except (OSError, ValueError):
            reply.watches.append((path, ""))
            return 0
        # A second change within one tick of the clock would leave no trace: let the tick pass.
        if attempt == attempts or not 0 <= time.time_ns() - stamp < CLOCK_TICK_NS:
            break
        time.sleep(CLOCK_TICK_NS / 1e9)
    reply.watches.append((path, _reference(state_dir, stamp)))
    if link:
        import os

        reply.watches.append((path, "=" + os.path.realpath(path)))
    return stamp


def _reference(state_dir: str, stamp: int) -> str:
    folder = f"{state_dir}/stamps"
    path = f"{folder}/{stamp}"
    try:
        if posix.stat(path).st_mtime_ns == stamp:
            return path
    except OSError:
        pass
    try:
        from ..util import files

        files.private_directory(folder)
        old = posix.listdir(folder)
        for name in old if len(old) > 200 else ():
            posix.unlink(f"{folder}/{name}")
        posix.close(posix.open(path, posix.O_WRONLY | posix.O_CREAT | posix.O_CLOEXEC, 0o600))
        posix.utime(path, ns=(stamp, stamp))
    except (OSError, CoworkEnvError):
        pass  # Without it the hook sees a change at every prompt, and asks: slower, not wrong.
    return path


def main() -> None:
    """Answer a hook; the answer goes to standard output.

    Its arguments are SHELL FLAGS STATE_DIR CONFIG_DIR SHADOWED, and with the flag l the places where it saw pins.
    """
    gc.disable()  # It would go through a thousand providers again and again, and find nothing.
    name, flags, state_dir, config_dir, shadowed, *pin_paths = sys.argv[1:]
    env = system.environment()
    if not state_dir:
        from ..util import paths

        state_dir, config_dir = paths.state_dir(), paths.config_dir()
    directory, gone = system.working_directory(env)
    inputs = Inputs(
        env,
        directory,
        config_dir,
        state_dir,
        gone=gone,
        pin_paths=pin_paths if "l" in flags else None,
    )
    shell = REGISTRY[name]
    try:
        reply = answer(Question(shell, flags, shadowed), inputs)
    except KeyboardInterrupt:
        posix._exit(130)
    text = shell.assignment("__cowork_env_reply", reply.items())
    data = text.encode("utf-8", "surrogateescape")
    while data:
        data = data[posix.write(1, data) :]
    posix._exit(0)  # Taking the interpreter apart would cost a fifth of all this.
