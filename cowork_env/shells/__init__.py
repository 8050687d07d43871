"""Shell code: how each shell quotes, sets, unsets and compares a variable. One registry entry per shell."""

from __future__ import annotations

from ..core.environment import BASE_URL, STATE, Activation, Revealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..core.environment import Changes, Target

    Pairs = Iterable[tuple[str, str]]


def quote_posix(text: str) -> str:
    """``text`` as one word of sh, bash or zsh (POSIX 2.2.2: between single quotes everything is literal)."""
    return "'" + text.replace("'", "'\\''") + "'"


def quote_fish(text: str) -> str:
    r"""``text`` as one word of fish, where ``\`` and ``'`` keep a meaning between single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_tcsh(text: str) -> str:
    r"""``text`` as one word of tcsh 6.22 and later, on one line: its ``$''`` knows ``\012``, and ``\041`` is safe from history.

    A byte that is not UTF-8 is written by sh. tcsh 6.24 reads what backquotes give it in pieces, and loses what follows
    such a byte at the end of one, quotes included. Other bytes stay between plain quotes, as the special ones lose some
    of them where the locale is C.
    """
    word, mode = "'", "plain"
    opening = {"plain": "'", "special": "$'", "bytes": "\"`/bin/sh -c 'printf "}
    closing = {"plain": "'", "special": "'", "bytes": "'`\""}
    for c in text:
        is_byte, is_special = "\ud800" <= c <= "\udfff", c in "\\'!" or c < " " or c == "\x7f"
        wanted = "bytes" if is_byte else "special" if is_special else "plain"
        if wanted != mode:
            word += closing[mode] + opening[wanted]
            mode = wanted
        word += f"\\\\{ord(c) & 0xFF:03o}" if is_byte else f"\\{ord(c):03o}" if is_special else c
    return word + closing[mode]


def quote_elvish(text: str) -> str:
    r"""``text`` as one word of elvish, where only double quotes can spell a byte that is not UTF-8."""
    if all(" " <= c < "\ud800" for c in text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_elvish_escape(c) for c in text) + '"'


def quote_json(text: str) -> str:
    r"""``text`` as a string of JSON, which is one of Python, too; bytes that are not UTF-8 as ``\udcxx``."""
    return '"' + "".join(map(_json_escape, text)) + '"'


def quote_nu(text: str) -> str:
    """``text`` as a string of JSON for nushell, whose strings are UTF-8 only: other bytes become ``\ufffd``."""
    return quote_json("".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text))


def quote_pwsh(text: str) -> str:
    """``text`` as one expression of PowerShell in ASCII: the encoding of a program's output depends on the console."""
    pieces, plain = [], ""
    for c in text:
        if " " <= c <= "~":
            plain += c
            continue
        code = 0xFFFD if "\ud800" <= c <= "\udfff" else ord(c)  # .NET has no other bytes either
        pair = [code] if code < 0x10000 else [0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF)]
        pieces += [quote_pwsh(plain), *(f"[char]{unit}" for unit in pair)]
        plain = ""
    last = "'" + plain.replace("'", "''") + "'"
    return f"({'+'.join([*pieces, last])})" if pieces else last


def _json_escape(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    return (
        f"\\u{ord(character):04x}"
        if character < " " or "\ud800" <= character <= "\udfff"
        else character
    )


def _elvish_escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x20 or code == 0x7F or character in '"\\' else character


def _no_when(name: str, value: str | None, code: str) -> str:
    raise NotImplementedError


class Shell:
    """A shell that this program can write statements for.

    ``setting`` and ``unsetting`` write code for several variables at once, ``then`` joins two pieces so that the
    second runs only if the first worked, ``whole`` goes around all. A shell that takes part at prompts has more: its
    ``hook`` file, ``when`` (code under the condition that a variable has a value, or for None is unset), ``assign`` (a
    list to a variable or the positional parameters, with ``comma`` between its items) and ``wrap`` (around the hook).
    One that remembers answers also has ``holds`` (that condition alone), ``both`` (between two), ``together`` (one for
    many), ``either`` (code for each outcome of one), and perhaps ``leave`` (``unsetting`` where nothing stays hidden).
    """

    __slots__ = (
        "_assign",
        "_both",
        "_comma",
        "_either",
        "_holds",
        "_leave",
        "_then",
        "_together",
        "_when",
        "_whole",
        "_wrap",
        "has_clock",
        "hook",
        "name",
        "quote",
        "setting",
        "unsetting",
    )

    def __init__(
        self,
        name: str,
        quote: Callable[[str], str],
        setting: Callable[[Pairs], str],
        unsetting: Callable[[Iterable[str]], str],
        then: str,
        hook: str = "",
        holds: Callable[[str, str | None], str] | None = None,
        both: str = "",
        when: Callable[[str, str | None, str], str] = _no_when,
        assign: str = "",
        comma: str = " ",
        whole: str = "{code}",
        wrap: str = "",
        has_clock: bool = True,
        together: Callable[[Mapping[str, str | None]], str] | None = None,
        either: str = "",
        leave: Callable[[Iterable[str]], str] | None = None,
    ) -> None:
        self.name, self.quote, self.setting, self.unsetting, self.hook = (
            name,
            quote,
            setting,
            unsetting,
            hook,
        )
        self._then, self._holds, self._both, self._when = then, holds, both, when
        self._assign, self._comma, self._whole, self._wrap, self.has_clock = (
            assign,
            comma,
            whole,
            wrap,
            has_clock,
        )
        self._together, self._either, self._leave = together, either, leave or unsetting

    def statements(self, changes: Changes, leaving: bool = False) -> str:
        """Code that makes ``changes``, empty for none.

        ``leaving``: no provider is active afterwards, so nothing of the person's is hidden any more.

        Other credentials go before a URL comes, and a URL before its key; and a key goes before its URL: were a
        variable read-only, what follows would not happen.
        """
        unsetting = self._leave if leaving else self.unsetting
        values = {k: v for k, v in changes.items() if v is not None}
        gone = [k for k, v in changes.items() if v is None]
        parts = [
            unsetting(names)
            for names in ([n for n in gone if n != BASE_URL], [n for n in gone if n == BASE_URL])
            if names
        ]
        if BASE_URL in values:
            parts.append(self.setting([(BASE_URL, values.pop(BASE_URL))]))
        if values:
            parts.append(self.setting(values.items()))
        return self._whole.format(code=self._then.join(parts)) + "\n" if parts else ""

    def guard(self, values: Mapping[str, str | None]) -> str:
        """Code that succeeds when every variable has the value given (None: is unset).

        Empty for a shell that remembers no answers.
        """
        return self._all_hold(values) if self._holds else ""

    def undo(self, activation: Activation, target: Target) -> str:
        """Code that reverses the activation of ``target``, keeping what the person has changed since."""
        changed = {
            n: t.before()
            for n, t in activation.touched.items()
            if n in target and (target[n] != t.original or t.shadowed)
        }
        # What hides a universal variable of fish is an empty one, whether or not the other is still there.
        made = {
            n: "" if target[n] is None and activation.touched[n].shadowed else target[n]
            for n in changed
        }
        lines = [
            self._when(n, made[n], self.statements({n: v}, leaving=True).rstrip("\n"))
            for n, v in changed.items()
        ]
        one_by_one = "\n".join([*lines, self.statements({STATE: None}, leaving=True)])
        if not self._either or not changed:
            return one_by_one
        # Nearly always nothing was touched in between, and all of it can go at once.
        untouched = self._all_hold(made)
        # The state last: as long as it is there, an interrupt between can be made good.
        at_once = self.statements(changed, leaving=True) + self.statements(
            {STATE: None}, leaving=True
        )
        # The other way is a word, which no shell reads closely until it is wanted.
        return self._either.format(
            condition=untouched, code=at_once, otherwise=self.quote(one_by_one)
        )

    def _all_hold(self, values: Mapping[str, str | None]) -> str:
        """One condition for many variables, faster than one for each."""
        assert self._holds is not None
        if self._together is None or any("\1" in (v or "") for v in values.values()):
            return self._both.join(self._holds(k, v) for k, v in values.items())
        return self._together(values)

    def assignment(self, variable: str, items: Iterable[str]) -> str:
        """Code that assigns a list to a variable, for the hook to read."""
        return self._assign.format(variable=variable, items=self.words(items)) + "\n"

    def words(self, items: Iterable[str]) -> str:
        """Several words, as the items of a list or the arguments of a command."""
        return self._comma.join(map(self.quote, items))

    def wrap(self, hook: str) -> str:
        """The hook's text as it is given to ``eval``."""
        return self._wrap.format(hook=self.quote(hook)) + "\n" if self._wrap else hook


def _posix_set(command: str) -> Callable[[Pairs], str]:
    return lambda pairs: f"{command} " + " ".join(f"{k}={quote_posix(v)}" for k, v in pairs)


def _posix_unset(command: str) -> Callable[[Iterable[str]], str]:
    return lambda names: f"{command} " + " ".join(names)


def _posix_holds(name: str, value: str | None) -> str:
    return _posix_all_hold({name: value})


def _posix_all_hold(values: Mapping[str, str | None]) -> str:
    # As many separators as there are values less one, and none within: what is equal is equal one by one. A value that is
    # not empty needs no mark to tell it from none. Not [[ ]]: it folds case under bash's nocasematch.
    live = "\1".join(
        f"${{{n}-}}" if v else f"${{{n}+x}}${{{n}-}}" if v == "" else f"${{{n}+x}}"
        for n, v in values.items()
    )
    return f'\\builtin test "{live}" = {quote_posix(chr(1).join("" if v is None else v or "x" for v in values.values()))}'


def _fish_all_hold(values: Mapping[str, str | None]) -> str:
    absent = [n for n, v in values.items() if v is None]
    filled = {n: v for n, v in values.items() if v}
    parts = [_fish_holds(n, v) for n, v in values.items() if v == ""]
    if absent:  # "set -q" counts those that are not there.
        parts.append(
            f"begin; builtin set -qx {' '.join(absent)}; builtin test $status -eq {len(absent)}; end"
        )
    if filled:
        live = "\1".join(f"x${name}" for name in filled)
        parts.append(
            f'builtin test "{live}" = {quote_fish(chr(1).join("x" + v for v in filled.values()))}'
        )
    return "; and ".join(parts)


def _fish_set(pairs: Pairs) -> str:
    return "; ".join(
        f"builtin set -eg {k}"
        if isinstance(v, Revealed)
        else f"builtin set -gx {k} {quote_fish(v)}"
        for k, v in pairs
    )


def _fish_unset(names: Iterable[str]) -> str:
    # A universal variable is the person's, in every session, so it is never erased. fish hides an exported one from
    # programs only behind another exported one, and the nearest thing to unset is an empty one.
    words = " ".join(names)
    hide = f"for __cowork_env_name in {words}; builtin set -qx $__cowork_env_name; and builtin set -gx $__cowork_env_name ''; end"
    return f"builtin set -eg {words}; builtin set -qx {words}; builtin test $status -eq {len(words.split())}; or {hide}"


def _fish_holds(name: str, value: str | None) -> str:
    if value is None:
        return f"not builtin set -qx {name}"
    if not value:  # An unset one expands to the same.
        return f'begin; builtin set -qx {name}; and builtin test -z "${name}"; end'
    return f'builtin test x"${name}" = {quote_fish("x" + value)}'


def _like_bash(name: str, builtin: str, assign: str, wrap: str = "") -> Shell:
    return Shell(
        name,
        quote_posix,
        _posix_set(f"{builtin} export"),
        _posix_unset(f"{builtin} unset -v"),
        " && ",
        f"hook.{name}",
        holds=_posix_holds,
        both=" && ",
        when=lambda n, v, code: f"{_posix_holds(n, v)} && {code}",
        assign=assign,
        wrap=wrap,
        together=_posix_all_hold,
        either=f"if {{condition}}; then\n{{code}}else {builtin} eval {{otherwise}}\nfi\n",
    )


def _one_by_one(
    name: str,
    quote: Callable[[str], str],
    setting: str,
    unsetting: str,
    then: str,
    hook: str,
    when: Callable[[str, str | None, str], str],
    assign: str,
    comma: str = " ",
    whole: str = "{code}",
    wrap: str = "",
) -> Shell:
    """A shell where each variable takes a statement of its own: ``setting`` and ``unsetting`` are its forms."""
    return Shell(
        name,
        quote,
        lambda pairs: then.join(setting.format(name=n, value=quote(v)) for n, v in pairs),
        lambda names: then.join(unsetting.format(name=n) for n in names),
        then,
        hook,
        when=when,
        assign=assign,
        comma=comma,
        whole=whole,
        wrap=wrap,
    )


def _tcsh_when(name: str, value: str | None, code: str) -> str:
    if value is None:
        return f"if ( ! $?{name} ) {code}"
    # It expands both sides of "&&", and an unset variable is an error.
    return f"if ( $?{name} ) eval {quote_tcsh(f'if ( ${name}:q == {quote_tcsh(value)} ) {code}')}"


def _elvish_when(name: str, value: str | None, code: str) -> str:
    is_it = (
        f"not (has-env {name})"
        if value is None
        else f"and (has-env {name}) (eq (get-env {name}) {quote_elvish(value)})"
    )
    return f"if ({is_it}) {{ {code} }}"


def _xonsh_when(name: str, value: str | None, code: str) -> str:
    return f'if __xonsh__.env.detype().get("{name}") == {None if value is None else quote_json(value)}: {code}'


def _nu_when(name: str, value: str | None, code: str) -> str:
    return f'{{"name": "{name}", "is": {"null" if value is None else quote_nu(value)}, "then": {code}}}'


def _pwsh_when(name: str, value: str | None, code: str) -> str:
    live = f"[Environment]::GetEnvironmentVariable('{name}')"
    return f"if ({live} -ceq {'$null' if value is None else quote_pwsh(value)}) {{ {code} }}"


REGISTRY: dict[str, Shell] = {
    shell.name: shell
    for shell in (
        Shell("sh", quote_posix, _posix_set("export"), _posix_unset("unset"), " && "),
        _like_bash("bash", "\\builtin", "\\builtin set -- {items}"),  # not an array, see the hook
        # Functions defined in there run with zsh's own options, whatever the person has set.
        _like_bash(
            "zsh",
            "builtin",
            "{variable}=({items})",
            wrap="builtin emulate zsh -o noaliases -c {hook}",
        ),
        Shell(
            "fish",
            quote_fish,
            _fish_set,
            _fish_unset,
            "; ",
            "hook.fish",
            holds=_fish_holds,
            both="; and ",
            when=lambda n, v, code: f"if {_fish_holds(n, v)}; {code}; end",
            assign="builtin set {variable} {items}",
            has_clock=False,
            together=_fish_all_hold,
            leave=lambda names: f"builtin set -eg {' '.join(names)}",
            either="if {condition}\n{code}else; builtin eval {otherwise}\nend\n",
        ),
        # nushell evaluates no code that comes at run time: it reads JSON, and its hook does what that says.
        _one_by_one(
            "nu",
            quote_nu,
            '"{name}": {value}',
            '"{name}": null',
            ", ",
            "hook.nu",
            _nu_when,
            "[{items}]",
            ", ",
            "{{{code}}}",
        ),
        _one_by_one(
            "xonsh",
            quote_json,
            '__xonsh__.env["{name}"] = {value}',
            '__xonsh__.env.pop("{name}", None)',
            "; ",
            "hook.xsh",
            _xonsh_when,
            "[{items}]",
            ", ",
        ),
        _one_by_one(
            "elvish",
            quote_elvish,
            "set-env {name} {value}",
            "unset-env {name}",
            "; ",
            "hook.elv",
            _elvish_when,
            "put [{items}]",
        ),
        # All on one line, as its backquotes put blanks in place of newlines.
        _one_by_one(
            "tcsh",
            quote_tcsh,
            "setenv {name} {value}",
            "unsetenv {name}",
            "; ",
            "hook.tcsh",
            _tcsh_when,
            "set {variable} = ( {items} )",
            wrap="eval {hook}",
        ),
        # Written from the documentation; no test has run it.
        _one_by_one(
            "pwsh",
            quote_pwsh,
            "[Environment]::SetEnvironmentVariable('{name}', {value})",
            "[Environment]::SetEnvironmentVariable('{name}', $null)",
            "; ",
            "hook.ps1",
            _pwsh_when,
            "@({items})",
            ", ",
        ),
    )
}
