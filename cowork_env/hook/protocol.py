"""Hook requests and responses.

``Shell.response`` of each shell encodes a response, and the hook in ``shell/`` evaluates or parses
it. The fields have the same names in both.

A shell that is open goes on with its hook when the program is updated, or replaced by an older one.
So the two are of one version only at first: a field or an argument that changes its meaning gets
another name. A request with an argument that is not known, or without one that is needed, has no
response: the hook then restores the environment and says to open a new shell. A flag that is not
known is ignored, so what must not be missed is an argument.
"""

from __future__ import annotations

from .. import shells
from ..shells.base import RESPONSE_TEXTS
from ..util.system import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..shells.base import Shell
    from .watch import Watch

# Flags of a request.
STARTING = "starting"  # the shell has not reached a prompt yet
ALLOW_SLOW = "allow-slow"  # a slow secret store may be used now
TERMINAL = "terminal"  # beside ALLOW_SLOW: what the lookup waits for may be said on the terminal
GIVEN_UP = "given-up"  # the user interrupted the slow lookup: the response is about that
FAILED = "failed"  # the statements of the last response failed, and were undone
WHOLE_SECONDS = "whole-seconds"  # this shell compares timestamps by whole seconds
PINS_LISTED = "pins-listed"  # every pin from the working directory upward is named

# Flags of a response.
CACHEABLE = "cacheable"  # it may be used again
# A second request must follow, with ALLOW_SLOW. This response holds meanwhile: a required pin keeps
# clients from the user's own login. Should nothing else follow, its ``error`` says so.
PENDING = "pending"
TRANSIENT = "transient"  # it is valid for one prompt only
QUIET = "quiet"  # no message about it while a shell starts
OWN_WATCHES = "own-watches"  # it watches more files than every response does


class Request:
    """What the hook sends: ``name=value`` arguments, in any order.

    The environment and the working directory are those of the process.

    ``shell``: its name. ``flags``: words, see above. ``state_dir``, ``config_dir``: our folders as
    an earlier response gave them, empty if HOME or XDG variables have changed since.
    ``universal``: names of exported variables that are universal ones in fish. ``pin``: the path of
    a pin, once for each.
    """

    __slots__ = ("config_dir", "flags", "pin_paths", "shell", "state_dir", "universal")

    def __init__(
        self,
        shell: Shell,
        flags: str = "",
        universal: str = "",
        state_dir: str = "",
        config_dir: str = "",
        pin_paths: list[str] | None = None,
    ) -> None:
        self.shell = shell
        self.flags = frozenset(flags.split())
        self.universal = frozenset(universal.split())
        self.state_dir, self.config_dir = state_dir, config_dir
        self.pin_paths = pin_paths or []

    @classmethod
    def parse(cls, arguments: list[str]) -> Request:
        """The request in the arguments of the process."""
        given: dict[str, str] = {}
        pin_paths = []
        for argument in arguments:
            name, _, value = argument.partition("=")
            if name == "pin":
                pin_paths.append(value)
            else:
                given[name] = value
        return cls(shells.get(given.pop("shell")), **given, pin_paths=pin_paths)


class Notice:
    """A message that a shell shows once: ``text`` is one line, safe to show, ``id`` a hash.

    The id is that of the text ``about``, which tells a notice from every other.
    """

    __slots__ = ("id", "text")

    def __init__(self, about: str, text: str) -> None:
        self.id = digest(about.encode("utf-8", "surrogateescape"))[:16]
        self.text = text


class Response:
    """What the hook gets; each field has the same name here and in the hooks.

    Statements: ``now`` changes the environment from what it is to what it should be. A cached
    response uses ``apply``, which does the same where no provider is active, if ``guard`` succeeds.
    ``undo`` reverses both.

    ``state`` is the value of COWORK_ENV_STATE afterwards. ``intact`` is a condition that holds as
    long as nothing has changed the variables; it is there while a shell starts, as its startup file
    may go on to change them. ``state_dir`` and ``config_dir`` are our folders. ``unexported`` names
    the variables that ``now`` sets and that the environment does not have: the shell may have them
    unexported.
    ``provider``, ``label`` and ``error`` are for the user. ``directory`` and ``pins`` (path and
    content of each, as the hook formats them) are what the response is about: the hook keeps none
    that is about something else. ``safe``: the paths of the pins that the hook may open, see
    :func:`..core.pins.safe_to_open`. ``lifetime``: seconds that it may be cached, 0 for no limit;
    for a shell without a clock, a file as old as the response.
    """

    TEXTS = RESPONSE_TEXTS
    __slots__ = (*TEXTS, "flags", "notices", "safe", "watches")

    def __init__(self) -> None:
        self.directory = self.pins = self.provider = self.label = self.error = ""
        self.state = self.now = self.guard = self.apply = self.undo = self.unexported = ""
        self.intact = self.state_dir = self.config_dir = ""
        self.lifetime = "0"
        self.flags: list[str] = []
        self.notices: list[Notice] = []
        self.safe: list[str] = []
        self.watches: list[Watch] = []
