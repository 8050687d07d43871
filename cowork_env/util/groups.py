"""What the system's own files say about users and groups, for folders that others may write to.

It is rarely needed, and so kept off the fast path.
"""

from __future__ import annotations

import posix

from .system import open_without_blocking

_UNKNOWN = 65534  # the owner of what belongs to users that a user namespace does not know


def is_unknown_user(uid: int) -> bool:
    """Whether a user is one that this user namespace does not know, as root is in a sandbox."""
    if uid != _UNKNOWN:
        return False
    known = [list(map(int, line.split())) for line in _read("/proc/self/uid_map")]
    return bool(known) and not any(first <= uid < first + count for first, _, count in known)


def is_private(gid: int, uid: int) -> bool:
    """Whether a group is a user's own, without other members; root has none.

    Systems with such groups give them the user's name, mostly also the user's number, and create
    files with group write permission (umask 002). The two files are read as they are: a directory
    service could take seconds, and may not know of the group. There, the number decides.
    """
    if uid == 0:
        return False
    names = set()
    for user, _, number, group, *_ in (line.split(b":") for line in _read("/etc/passwd", 4)):
        if number == b"%d" % uid:
            names.add(user)
        elif group == b"%d" % gid:
            return False
    private = gid == uid
    for name, _, number, members, *_ in (line.split(b":") for line in _read("/etc/group", 4)):
        if number == b"%d" % gid:
            private = private or name in names
            if set(filter(None, members.strip().split(b","))) - names:
                return False
    return private


def _read(path: str, fields: int = 0) -> list[bytes]:
    """The lines of a small system file that have so many fields; none if it cannot be read."""
    try:
        descriptor = open_without_blocking(path)
        try:
            data = posix.read(descriptor, 1 << 20)
        finally:
            posix.close(descriptor)
    except OSError:
        return []
    return [line for line in data.splitlines() if line.count(b":") >= fields - 1]
