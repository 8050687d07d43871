"""What is defined for each shell: how it quotes, sets, unsets and compares variables.

A :class:`Shell` writes statements (``export``, ``exec`` need nothing else). One with a hook also
encodes the response to a hook request. One that caches responses (:class:`CachingShell`) writes the
conditions under which they hold, too.
"""

from __future__ import annotations

from ..core.environment import BASE_URL, STATE, URL_AND_CREDENTIALS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..core.environment import Activation, Changes, Target
    from ..hook.protocol import Response
    from ..hook.watch import Watch

RESPONSE_PREFIX = "__cowork_env_response_"
# The fields of a response that are text, see Response.
RESPONSE_TEXTS = (
    "directory",
    "pins",
    "lifetime",
    "provider",
    "label",
    "error",
    "state",
    "now",
    "guard",
    "apply",
    "undo",
    "unexported",
    "intact",
    "state_dir",
    "config_dir",
)
SEPARATOR = "\1"  # between texts in one variable; no id or message contains it


class Shell:
    """A shell that statements can be written for.

    ``name`` is what users call it; ``hook`` is its hook's file in ``shell/``, empty for none.
    ``then`` joins two statements so that the second runs only if the first succeeded, where the
    shell can. ``has_clock``: the hook can tell how many seconds have passed without starting a
    process.
    """

    name = ""
    hook = ""
    then = "; "
    has_clock = True

    # What every shell defines

    def quote(self, text: str) -> str:
        """``text`` as one word of the shell. No text holds a NUL."""
        raise NotImplementedError

    def set(self, name: str, value: str) -> str:
        """A statement that exports a variable."""
        raise NotImplementedError

    def unset(self, name: str) -> str:
        """A statement that removes a variable, which need not exist."""
        raise NotImplementedError

    # What a shell may do better

    def set_all(self, values: Mapping[str, str]) -> str:
        """Statements that export one variable or more."""
        return self.then.join(self.set(name, value) for name, value in values.items())

    def unset_all(self, names: Iterable[str]) -> str:
        """Statements that remove variables while a provider is active."""
        return self.then.join(map(self.unset, names))

    def unset_on_leaving(self, names: Iterable[str]) -> str:
        """Statements that remove variables when no provider is active afterwards."""
        return self.unset_all(names)

    def block(self, statements: str) -> str:
        """Several statements as one piece of code."""
        return statements

    def words(self, items: Iterable[str]) -> str:
        """Several words, as the items of a list or the arguments of a command."""
        return " ".join(map(self.quote, items))

    def values_of(self, names: Iterable[str]) -> str:
        """The values of environment variables as an expression; by default their names as words."""
        return self.words(names)

    def load(self, python: str, package: str, hook: str) -> str:
        """Code that reads the hook's file; empty where the hook has to be given to ``eval``.

        ``python`` and ``package`` are the interpreter and the folder that requests are made with,
        ``hook`` the hook's file. ``shell/cowork-env`` prints the same without starting Python.
        """
        return ""

    def wrap(self, hook: str) -> str:
        """The text of the hook as it is given to ``eval``."""
        return hook

    def statements(self, changes: Changes, leaving: bool = False) -> str:
        """Code that makes ``changes``, empty for none, with a line break at its end.

        ``leaving``: no provider is active afterwards, so fish hides no universal variable.

        Other credentials go before a URL is set, and a URL is set before its key; a key goes before
        its URL: if a variable is read-only, what follows does not happen.
        """
        unset_all = self.unset_on_leaving if leaving else self.unset_all
        values = {k: v for k, v in changes.items() if v is not None}
        gone = [k for k, v in changes.items() if v is None]
        parts = []
        if names := [name for name in gone if name != BASE_URL]:
            parts.append(unset_all(names))
        if BASE_URL in gone:
            parts.append(unset_all([BASE_URL]))
        if BASE_URL in values:
            parts.append(self.set_all({BASE_URL: values.pop(BASE_URL)}))
        if values:
            parts.append(self.set_all(values))
        return self.block(self.then.join(parts)) + "\n" if parts else ""

    def each_statement(self, changes: Changes, leaving: bool = False) -> str:
        """As :meth:`statements`, but one change that fails keeps none of the others from happening.

        For a dead end: clients must fail with as much of it as a read-only variable allows.
        """
        return self.statements(changes, leaving)

    # What a shell with a hook defines

    def when(self, name: str, value: str | None, code: str) -> str:
        """One line: ``code`` if a variable has ``value`` (None: is not set)."""
        raise NotImplementedError

    def response(self, response: Response) -> str:
        """The response to a hook request as code or data that gives each of its fields by name."""
        raise NotImplementedError

    def undo(self, activation: Activation, target: Target) -> str:
        """Code that reverses the activation of ``target``, except what the user has changed."""
        lines = [
            self.when(
                r.name, r.made, self.statements({r.name: r.original}, leaving=True).rstrip("\n")
            )
            for r in _reversals(activation, target)
        ]
        return "\n".join([*lines, self.statements({STATE: None}, leaving=True)])

    def guard(self, values: Mapping[str, str | None]) -> str:
        """Code that succeeds when each variable has its value (None: is not set).

        Empty for a shell without a cache.
        """
        return ""

    def unchanged(self, watches: list[Watch]) -> str:
        """A condition that holds as long as no watched file has changed.

        Empty where the hook compares the files itself.
        """
        return ""


class CachingShell(Shell):
    """A shell whose hook caches responses: it has conditions for many variables at once.

    ``and_also`` joins the tests of a condition on files.
    """

    and_also = " && "

    def all_hold(self, values: Mapping[str, str | None]) -> str:
        """One condition that holds when each variable has its value (None: is not set)."""
        raise NotImplementedError

    def either(self, condition: str, code: str, otherwise: str) -> str:
        """``code`` if ``condition`` holds, else ``otherwise``; both end with a line break."""
        raise NotImplementedError

    def unmodified(self, path: str, reference: str) -> str:
        """A test that two files, given as words, exist and have the same timestamp."""
        # If there were no reference, the file would be newer.
        tests = (f"-e {path}", f"! {path} -nt {reference}", f"! {path} -ot {reference}")
        return self.and_also.join(tests)

    def guard(self, values: Mapping[str, str | None]) -> str:
        return self.all_hold(values)

    def unchanged(self, watches: list[Watch]) -> str:
        tests = ["-n x"]
        for watch in watches:
            path = self.quote(watch.path)
            if watch.absent:
                tests.append(f"! -e {path}")
            elif watch.same_as:
                tests.append(f"{path} -ef {self.quote(watch.same_as)}")
            else:
                tests.append(self.unmodified(path, self.quote(watch.reference)))
        return self.and_also.join(tests)

    def undo(self, activation: Activation, target: Target) -> str:
        changed = _reversals(activation, target)
        pair = {n: target[n] for n in URL_AND_CREDENTIALS if target.get(n)}
        one_by_one = self._taken_away(activation, pair) + super().undo(activation, target)
        if not changed:
            return one_by_one
        # Nearly always nothing was touched in between, and all of it can go at once.
        made = {r.name: r.made for r in changed} | pair
        originals = {r.name: r.original for r in changed}
        # The state goes last: as long as it is there, an interrupted change can be rolled back.
        at_once = self.statements(originals, leaving=True)
        at_once += self.statements({STATE: None}, leaving=True)
        return self.either(self.all_hold(made), at_once, one_by_one)

    def _taken_away(self, activation: Activation, pair: Target) -> str:
        """Code that restores the URL or the key where it is missing or empty beside the other one.

        As :meth:`Activation.taken_away`: the original of one would go on alone. ``pair`` is the two
        with the values that they were given.
        """
        code = ""
        for missing, there in zip(pair, reversed(pair), strict=True) if len(pair) == 2 else ():
            originals = {n: activation.touched[n].before() for n in (missing, there)}
            if originals[missing] is not None:
                for gone in ("", None):
                    is_so = self.all_hold({there: pair[there], missing: gone})
                    code += self.either(is_so, self.statements(originals, leaving=True), "")
        return code


class _Reversal:
    """What is to be reversed: a variable's name, the value it was given, and its original."""

    __slots__ = ("made", "name", "original")

    def __init__(self, name: str, made: str | None, original: str | None) -> None:
        self.name, self.made, self.original = name, made, original


def _reversals(activation: Activation, target: Target) -> list[_Reversal]:
    """What the activation of ``target`` has changed, to be reversed."""
    found = []
    for name, touched in activation.touched.items():
        if name not in target or (target[name] == touched.original and not touched.shadowed):
            continue
        # A universal variable of fish is hidden behind an empty one, whether or not it still
        # exists.
        made = "" if target[name] is None and touched.shadowed else target[name]
        found.append(_Reversal(name, made, touched.before()))
    return found


def fields(response: Response) -> dict[str, str]:
    """The fields of a response that are text, by name; flags as words with a space around each."""
    named = {name: getattr(response, name) for name in RESPONSE_TEXTS}
    named["flags"] = "".join(f" {flag}" for flag in response.flags) + " " if response.flags else ""
    named["notices"] = "".join(
        f"{notice.id}{SEPARATOR}{notice.text}{SEPARATOR}" for notice in response.notices
    )
    return named
