"""Into a new user namespace, as root of it: see user_namespaces(7)."""

from __future__ import annotations

import os

from cursus.local.linux import syscalls as sc


def enter(flags: int) -> None:
    """Enter a new user namespace, and those others that ``flags`` name, as root in it."""
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        _enter_as_root(flags)
    else:
        sc.unshare(flags)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {user} 1")
        _write("/proc/self/gid_map", f"0 {group} 1")


def _enter_as_root(flags: int) -> None:
    """Root keeps every user it can see, so that it can still read what belongs to others.

    Only a process outside the new namespace may write such a map.
    """
    maps = {name: _ranges(f"/proc/self/{name}") for name in ("uid_map", "gid_map")}
    me = os.getpid()
    ready, tell = os.pipe()
    helper = os.fork()
    if helper == 0:
        code = 1
        try:
            os.close(tell)
            if os.read(ready, 1):
                for name, text in maps.items():
                    _write(f"/proc/{me}/{name}", text)
                code = 0
        except OSError as error:
            code = error.errno or 1
        finally:
            os._exit(min(code, 255))
    os.close(ready)
    try:
        sc.unshare(flags)
        os.write(tell, b"x")
    finally:
        os.close(tell)
        _, result = os.waitpid(helper, 0)
    code = os.waitstatus_to_exitcode(result)
    if code:
        raise OSError(code, f"user map: {os.strerror(code)}")
    os.setgid(0)
    os.setuid(0)


def _ranges(path: str) -> str:
    with open(path) as file:
        rows = [line.split() for line in file]
    return "\n".join(f"{inside} {inside} {count}" for inside, _, count in rows)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
