"""What may be typed next: commands, their options, and what their arguments are completed with.

It is in ``completion.json``, which ``docs/make_completion.py`` makes from the commands, so that a
Tab imports neither click nor a command. By command ("" for the program itself):

- ``options``: for each its names; its help; what its value is completed with, null for a flag; and
  whether it may be given again.
- ``arguments``: for each what it is completed with, and whether it takes all that follow.

Words that begin with "@" stand for others, see the constants.
"""

from __future__ import annotations

import os

from ..util import jsontext
from ..util.errors import CoworkEnvError
from ..util.text import first_control
from . import ALIASES, COMMANDS, HELP, VERSION, summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "completion.json")
PROVIDERS, MODELS = "@providers", "@models"
FILES, DIRECTORIES = "@files", "@directories"  # which the shell knows


def offers(given: list[str], incomplete: str) -> tuple[dict[str, str], list[str]]:
    """The words that an unfinished one may become behind the ``given`` ones, each with its meaning.

    And what else: :data:`FILES`, :data:`DIRECTORIES`. Raises an error of any kind if the line makes
    no sense.
    """
    commands = (*COMMANDS, *ALIASES, HELP, VERSION)
    if given == [HELP]:
        given = []
    if not given and not incomplete.startswith("-"):
        return {name: summary(name) for name in completing(commands, incomplete)}, []
    command = ALIASES.get(given[0], given[0]) if given else ""
    with open(FILE, encoding="utf-8") as file:
        spec = jsontext.parse(file.read(), FILE)[command]
    options = {name: option for option in spec["options"] for name in option[0]}
    arguments = list(spec["arguments"])
    words = iter(given[1:])
    ended, value, used = False, None, []  # by "--"; the option whose value is missing
    for word in words:
        name, equals, _ = word.partition("=")
        if word == "--" and not ended:
            ended = True
        elif word.startswith("-") and word != "-" and not ended:
            option = options[name]
            used.append(option)
            if option[2] is not None and not equals and next(words, None) is None:
                value = option
        elif not arguments[0][1]:
            del arguments[0]
    name, equals, rest = incomplete.partition("=")
    if value:
        known, typed = value[2], incomplete
    elif not incomplete.startswith("-") or ended:
        known, typed = arguments[0][0], incomplete
    elif equals:
        known, typed = options[name][2], rest
    else:
        names = (n for n, option in options.items() if option not in used or option[3])
        return {n: options[n][1] for n in names if n.startswith(incomplete)}, []
    others = [word for word in known if word in (FILES, DIRECTORIES)]
    return dict.fromkeys(_words(known, given, typed), ""), others


def completing(words: Iterable[str], incomplete: str) -> list[str]:
    """Those of ``words`` that begin with ``incomplete``, ignoring case, each once."""
    folded = incomplete.casefold()
    return [word for word in dict.fromkeys(words) if word.casefold().startswith(folded)]


def _words(known: list[str], given: list[str], incomplete: str) -> list[str]:
    """The words that are known for an argument and begin with ``incomplete``."""
    found: list[str] = []
    for word in known:
        if word == PROVIDERS:
            found += _providers(incomplete)
        elif word == MODELS:
            found += completing(_models(given), incomplete)
        elif word not in (FILES, DIRECTORIES):
            found += completing([word], incomplete)
    return found


def _entries() -> list[Any]:
    """The entries of all providers; nothing is validated, no key is read, no error is shown."""
    from ..core import providers
    from ..util import paths

    try:
        return providers.load(dict(os.environ), paths.config_dir()).entries
    except CoworkEnvError:
        return []


def _providers(incomplete: str) -> list[str]:
    """The names of providers that begin with ``incomplete``, or whose slugs do."""
    from ..core.provider import slug
    from ..core.providers import field_of

    names = [name for entry in _entries() if (name := field_of(entry, "name"))]
    # What cannot be shown has a slug, and who would not type a blank or a quote types that.
    shown = (name if first_control(name) < 0 else slug(name) for name in names)
    found = completing(filter(None, shown), incomplete)
    return found or completing(filter(None, map(slug, names)), incomplete)


def _models(given: list[str]) -> list[str]:
    """The models of the provider or preset that the command line names, else of all providers.

    Those that its entry names; nothing is asked.
    """
    from ..core.providers import field_of, words

    command, *others = given
    named = {word.strip().casefold() for word in others if not word.startswith("-")}
    entries = _entries()
    if command == "add":
        from .. import presets

        entries = [preset.as_dict() for preset in presets.all_presets()]
    chosen = [entry for entry in entries if words(entry) & named] or entries
    found = []
    for entry in chosen:
        models = entry.get("models") if isinstance(entry, dict) else None
        found.append(field_of(entry, "defaultModel"))
        found += [field_of(models, tier) for tier in models] if isinstance(models, dict) else []
    return list(filter(None, found))
