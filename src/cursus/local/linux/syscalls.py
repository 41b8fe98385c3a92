"""The Linux system calls that a host's namespaces need and that Python before 3.12 does not offer.

Every function raises OSError with the errno and what was tried. See namespaces(7), user_namespaces(7),
mount_setattr(2).
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_REC = 16384
MS_SLAVE = 1 << 19
MS_RELATIME = 1 << 21
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

_AT_RECURSIVE = 0x8000
_AT_FDCWD = -100
_MOUNT_ATTR_RDONLY = 1
_SYS_MOUNT_SETATTR = 442
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces named by ``flags`` (``CLONE_NEW…``) for new ones."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(descriptor: int, kind: int) -> None:
    """Enter the namespace that ``descriptor`` stands for; ``kind`` is its ``CLONE_NEW…``."""
    _check(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """Put a file system at a place, as mount does."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None if data is None else os.fsencode(data),
    )
    _check(result, f"mount {kind or 'bind'} on {target}")


def unmount(target: str) -> None:
    """Unmount as soon as nothing uses it, see umount2(2)."""
    _check(_libc.umount2(os.fsencode(target), ctypes.c_int(MNT_DETACH)), f"unmount {target}")


def pivot_root(new: str, old: str) -> None:
    """``new`` becomes the root, the old root is seen at ``old``."""
    number = _PIVOT_ROOT.get(os.uname().machine)
    if number is None:
        raise OSError(38, f"pivot_root is not known for {os.uname().machine}")
    _check(_libc.syscall(ctypes.c_long(number), os.fsencode(new), os.fsencode(old)), "pivot_root")


class _MountAttributes(ctypes.Structure):
    _fields_ = [
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    ]


def make_read_only(target: str) -> None:
    """Make the mount at ``target`` and all below it read-only, by mount_setattr(2) or one remount each."""
    attributes = _MountAttributes(attr_set=_MOUNT_ATTR_RDONLY)
    result = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        os.fsencode(target),
        ctypes.c_uint(_AT_RECURSIVE),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    if result < 0:
        _remount_each(target)


_FLAGS = {
    "nosuid": MS_NOSUID,
    "nodev": MS_NODEV,
    "noexec": MS_NOEXEC,
    "noatime": MS_NOATIME,
    "nodiratime": MS_NODIRATIME,
    "relatime": MS_RELATIME,
}


def _remount_each(target: str) -> None:
    """Before Linux 5.12: remount every mount below ``target``, keeping the flags that are locked."""
    prefix = target.rstrip("/") + "/"
    with open("/proc/self/mountinfo", "rb") as file:
        rows = [line.split() for line in file]
    for row in rows:
        path = row[4].decode("unicode_escape").encode("latin1").decode("utf-8", "surrogateescape")
        if path == target or path.startswith(prefix):
            flags = MS_REMOUNT | MS_BIND | MS_RDONLY
            for option in row[5].decode().split(","):
                flags |= _FLAGS.get(option, 0)
            mount("none", path, None, flags)


def sethostname(name: str) -> None:
    """Name the machine, in its own UTS namespace."""
    data = name.encode()
    _check(_libc.sethostname(data, ctypes.c_size_t(len(data))), "sethostname")


def prctl(option: int, argument: int) -> None:
    """Set one attribute of this process."""
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(argument), zero, zero, zero), f"prctl {option}")


KEPT_CAPABILITIES = frozenset({0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31})
"""What a container has by default: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap,
net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap. No mounting, no clock, no tracing of
other users: https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities"""


def drop_capabilities() -> None:
    """Take from what is executed next every capability that a container does not have by default."""
    for number in range(64):
        if number not in KEPT_CAPABILITIES:
            try:
                prctl(PR_CAPBSET_DROP, number)
            except OSError:
                if number > 40:  # past the last one that this kernel knows
                    break
    prctl(PR_SET_NO_NEW_PRIVS, 1)


IN_OPEN = 0x20
IN_ACCESS = 0x1
IN_MODIFY = 0x2
IN_CLOSE_NOWRITE = 0x10
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_ISDIR = 0x40000000
_IN_ONLYDIR = 0x01000000


def inotify() -> int:
    """A new inotify instance that does not block; its file descriptor is inherited by a fork."""
    return _check(_libc.inotify_init1(ctypes.c_int(os.O_NONBLOCK | os.O_CLOEXEC)), "inotify_init1")


def watch_opens(descriptor: int, directory: str, events: int = IN_OPEN) -> int:
    """Watch for files opened in ``directory``, or for other ``events``; the watch's number."""
    mask = ctypes.c_uint32(events | _IN_ONLYDIR)
    return _check(_libc.inotify_add_watch(ctypes.c_int(descriptor), os.fsencode(directory), mask), "inotify")


def inotify_events(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(watch, mask, name) of each event in what was read of an inotify instance; no name is the directory itself."""
    offset = 0
    while offset < len(data):
        watch, mask, _, length = struct.unpack_from("iIII", data, offset)
        yield watch, mask, data[offset + 16 : offset + 16 + length].rstrip(b"\0")
        offset += 16 + length


def pidfd_open(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where the kernel has none (before 5.3)."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def loopback_up() -> None:
    """Bring up ``lo`` in this network namespace, so that a host reaches itself and nothing else."""
    import fcntl
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sh14x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(probe, 0x8914, request)  # SIOCSIFFLAGS
