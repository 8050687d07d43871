"""The models of an endpoint as a choice, for the commands that ask for one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..core import provider as rules
from ..core.provider import Provider, Url
from ..util.text import visible
from .output import say
from .progress import working
from .prompts import Choice, ask, pick_or_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..doctor.checkup import Offer
    from ..editing import Entry

OTHER, NO_MODEL = "another model", "no model"
NONE = "-"  # the answer that takes a value away
_DATED = 1000  # a number in a model's name from which on it is a date, and no version
_TIERS = ("opus", "sonnet", "haiku")  # those whose names are in names of models


def ask_endpoint(entry: Entry, key: str, env: Mapping[str, str]) -> Offer:
    """What the endpoint of an entry lists for ``key``, and otherwise why not.

    ``entry`` must be valid; ``env`` is the environment of a shell. Raises KeyboardInterrupt.
    """
    from ..doctor import checkup

    provider = Provider(entry)
    try:
        with working(f"Asking {visible(Url(provider.base_url).host)} for its models"):
            return checkup.offer(provider, key, env)
    except KeyboardInterrupt:
        say("")
        raise


def choose_model(
    question: str, offered: Sequence[str], default: str = "", *, replaces: bool = False
) -> str:
    """The model that the user chooses among ``offered``, or types; empty for none.

    Enter gives ``default``. If ``replaces``, that is the present one, which may be taken away.
    """
    if offered:
        first = [default] if default and (replaces or default in offered) else []
        names: list[str | Choice] = [*first, *(name for name in offered if name != default)]
        names.append(Choice(OTHER, "not in this list"))
        if replaces:
            names.append(Choice(NO_MODEL, ""))
        chosen, typed = pick_or_type(question, names, "".join(first), OTHER)
        if chosen != OTHER:
            return "" if chosen == NO_MODEL else chosen
        if typed:  # shown once more, as it could be mistyped
            return ask(question, rules.check_model, typed)
    if not (replaces and default):
        question = question if default else f"{question}, Enter for none"
        return ask(question, rules.check_model, default)
    answer = ask(f"{question}, {NONE} for none", rules.check_model, default)
    return "" if answer == NONE else answer


def tiers_among(names: Sequence[str]) -> dict[str, str]:
    """The tiers whose names are in names of models, with the newest model of each.

    Nothing if that is so for less than two of them.
    """
    found = {}
    for tier in _TIERS:
        if of_tier := [name for name in names if tier in name.casefold()]:
            found[tier] = max(of_tier, key=_age)
    return found if len(found) > 1 else {}


def _age(name: str) -> tuple[list[int], list[int], int]:
    """What the newer one of two models has more of: version, date, fewer additions to its name."""
    numbers = [int(digits) for digits in re.findall(r"\d+", name.rpartition("/")[2])]
    version = [number for number in numbers if number < _DATED]
    return version, [number for number in numbers if number >= _DATED], -len(name)
