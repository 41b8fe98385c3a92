"""The network of a job's hosts: a bridge in namespaces of the job, and a cable to each host's ``eth0``.

All of it lives in one user namespace, so that it needs no root, and is made by a few messages to the kernel
(rtnetlink(7)), so that it needs no program. It is gone when the last host and the supervisor have let it go.
A way out is given by slirp4netns where the machine has it: https://github.com/rootless-containers/slirp4netns
"""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Sequence
from typing import NamedTuple

from cursus.local.isolation import users
from cursus.local.linux import syscalls as sc
from cursus.local.linux.children import collect, end

BRIDGE = "cursus0"
INTERFACE = "eth0"
TAP = "tap0"
PREFIX = 16
GATEWAY = "10.0.0.2"
RESOLVER = "10.0.0.3"
CIDR = "10.0.0.0/16"
MTU = 9001
"""Jumbo frames, as between EC2 instances: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/network_mtu.html"""

_NEWLINK, _NEWADDR, _NEWROUTE, _SETLINK = 16, 20, 24, 19
_REQUEST, _ACK, _EXCL, _CREATE = 0x1, 0x4, 0x200, 0x400
_UP = 1
_IFNAME, _MTU, _MASTER, _LINKINFO, _NET_NS_FD = 3, 4, 10, 18, 28
_KIND, _DATA, _PEER = 1, 2, 1
_ERROR = 2
_AF_BRIDGE, _PROTINFO, _NESTED, _PORT_FLOOD, _BRIDGE_AGEING = 7, 12, 0x8000, 9, 4
AGEING = 100 * 86_400 * 30
"""How long the bridge remembers where an address is, in hundredths of a second."""


class Wire(NamedTuple):
    """How one host is connected: the job's namespaces (descriptors), its number, and the names of all hosts.

    ``gate`` is a pipe that every host reads before it begins; it is closed once all are ready. ``outside`` is
    True where there is a way out of the network.
    """

    user: int
    net: int
    number: int
    names: tuple[str, ...]
    gate: int | None = None
    outside: bool = False


class Network:
    """A job's network, held by the supervisor. ``names`` are its hosts in the order of their numbers."""

    def __init__(self, names: Sequence[str]) -> None:
        """Make it. Raises OSError where this machine does not let an ordinary process do that."""
        self.names = tuple(names)
        self.user, self.net = _namespaces()
        self.outside = False
        self._slirp: int | None = None

    def wire(self, name: str, gate: int | None) -> Wire:
        """The cable of one host."""
        return Wire(self.user, self.net, self.names.index(name), self.names, gate, self.outside)

    def open(self) -> str | None:
        """Give the hosts a way out; the reason where there is none to be had."""
        program = _program("slirp4netns")
        if program is None:
            return "slirp4netns is not installed"
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            return "/dev/net/tun cannot be opened"
        reason, self._slirp = _slirp(program, self.user, self.net)
        if reason is None:
            reason = _inside(self.user, self.net, _plug)
        self.outside = reason is None
        return reason

    def close(self) -> None:
        """Let it go."""
        if self._slirp is not None:
            end(self._slirp)
        os.close(self.user)
        os.close(self.net)


def address(number: int) -> str:
    """The address of the host with this number, counted from 0."""
    return f"10.0.{1 + (number + 1 >> 8)}.{number + 1 & 255}"


def hosts_file(wire: Wire) -> bytes:
    """The lines of ``/etc/hosts`` that name every host."""
    return "".join(f"{address(i)} {name}\n" for i, name in enumerate(wire.names)).encode()


def join(wire: Wire) -> None:
    """Enter the job's user namespace and a new network namespace, connected with the job's. Run by a keeper."""
    sc.setns(wire.user, sc.CLONE_NEWUSER)
    sc.setns(wire.net, sc.CLONE_NEWNET)
    with _Netlink() as job:
        bridge = _index(BRIDGE)
        sc.unshare(sc.CLONE_NEWNET)
        own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            job.cable(f"host{wire.number}", bridge, own)
        finally:
            for descriptor in (own, wire.user, wire.net):
                os.close(descriptor)  # a host has no way to the job's namespaces
    sc.loopback_up()
    with _Netlink() as host:
        host.up(_index(INTERFACE))
        host.address(_index(INTERFACE), address(wire.number))
        if wire.outside:
            host.default_route(GATEWAY)


# --- making it -------------------------------------------------------------------------------------------


def _namespaces() -> tuple[int, int]:
    """Descriptors of a new user and a new network namespace with a bridge in it."""
    import socket

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            ours.close()
            users.enter(sc.CLONE_NEWUSER | sc.CLONE_NEWNET)
            sc.loopback_up()
            with _Netlink() as link:
                link.bridge()
            paths = ("/proc/self/ns/user", "/proc/self/ns/net")
            socket.send_fds(theirs, [b"+"], [os.open(path, os.O_RDONLY) for path in paths])
            code = 0
        except OSError as error:
            theirs.send((error.strerror or str(error)).encode()[:500] or b"?")
        finally:
            os._exit(code)
    theirs.close()
    with ours:
        data, found, _, _ = socket.recv_fds(ours, 512, 2)
    collect(child)
    if data != b"+" or len(found) != 2:
        raise OSError(1, f"a network of the job's own: {data.decode('utf-8', 'replace') or 'it ended'}")
    return found[0], found[1]


def _inside(user: int, net: int, action: object) -> str | None:
    """Do something in the job's network, in a process of its own; the reason where it fails."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            sc.setns(user, sc.CLONE_NEWUSER)
            sc.setns(net, sc.CLONE_NEWNET)
            action()  # type: ignore[operator]
        except OSError as error:
            os.write(write, (error.strerror or "?").encode()[:500])
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        reason = file.read().decode("utf-8", "replace")
    collect(child)
    return reason or None


def _plug() -> None:
    with _Netlink() as link:
        link.master(_index(TAP), _index(BRIDGE))
        # What is for a host that has ended must not go out to where its address may be somebody else's.
        link.no_flood(_index(TAP))


def _program(name: str) -> str | None:
    for directory in (*os.environ.get("PATH", os.defpath).split(os.pathsep), "/usr/sbin", "/sbin"):
        path = os.path.join(directory, name)
        if directory and os.access(path, os.X_OK):
            return path
    return None


def _slirp(program: str, user: int, net: int) -> tuple[str | None, int]:
    """Start slirp4netns for the job's network: (the reason where it fails, its process)."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            sc.prctl(sc.PR_SET_PDEATHSIG, signal.SIGKILL)
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            for descriptor in (write, user, net):
                os.set_inheritable(descriptor, True)
            options = ["--netns-type=path", f"--userns-path=/proc/self/fd/{user}", f"--cidr={CIDR}"]
            options += [f"--mtu={MTU}", "--disable-host-loopback", f"--ready-fd={write}"]
            os.execv(program, [program, *options, f"/proc/self/fd/{net}", TAP])
        finally:
            os._exit(127)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        ready = file.read(1)
    return (None if ready else "slirp4netns could not be started"), child


# --- rtnetlink -------------------------------------------------------------------------------------------


_UNSPECIFIED, _INET = 0, 2


def _index(name: str) -> int:
    import socket  # late: it takes a job on one host longer to import than it needs it

    return socket.if_nametoindex(name)


def _bytes(address: str) -> bytes:
    return bytes(map(int, address.split(".")))


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def _name(name: str) -> bytes:
    return _attribute(_IFNAME, name.encode() + b"\0")


def _link(index: int = 0, *, up: bool = False) -> bytes:
    flags = _UP if up else 0
    return struct.pack("BxHiII", _UNSPECIFIED, 0, index, flags, flags)


def _info(kind: str, data: bytes) -> bytes:
    inner = _attribute(_KIND, kind.encode() + b"\0") + _attribute(_DATA, data)
    return _attribute(_LINKINFO, inner)


class _Netlink:
    """A conversation with the kernel about the network namespace that it was opened in."""

    def __init__(self) -> None:
        import socket

        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)

    def __enter__(self) -> _Netlink:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _ask(self, what: str, kind: int, body: bytes, flags: int = 0) -> None:
        header = struct.pack("IHHII", 16 + len(body), kind, _REQUEST | _ACK | flags, 1, 0)
        self._socket.send(header + body)
        answer = self._socket.recv(65536)
        (number,) = struct.unpack_from("i", answer, 16)
        if struct.unpack_from("H", answer, 4)[0] == _ERROR and number:
            raise OSError(-number, f"{what}: {os.strerror(-number)}")

    def bridge(self) -> None:
        forever = _attribute(_BRIDGE_AGEING, struct.pack("I", AGEING))
        mtu = _attribute(_MTU, struct.pack("I", MTU))
        body = _link(up=True) + _name(BRIDGE) + mtu + _info("bridge", forever)
        self._ask("bridge", _NEWLINK, body, _CREATE | _EXCL)

    def cable(self, name: str, bridge: int, net: int) -> None:
        """A pair of interfaces: ``name`` at the bridge, and ``eth0`` in the namespace ``net``."""
        mtu = _attribute(_MTU, struct.pack("I", MTU))
        far = _link() + _name(INTERFACE) + mtu + _attribute(_NET_NS_FD, struct.pack("i", net))
        near = _link(up=True) + _name(name) + mtu + _attribute(_MASTER, struct.pack("I", bridge))
        self._ask("veth", _NEWLINK, near + _info("veth", _attribute(_PEER, far)), _CREATE | _EXCL)

    def up(self, index: int) -> None:
        self._ask("interface", _SETLINK, _link(index, up=True))

    def master(self, index: int, bridge: int) -> None:
        body = _link(index, up=True) + _attribute(_MASTER, struct.pack("I", bridge))
        self._ask("bridge port", _SETLINK, body)

    def no_flood(self, index: int) -> None:
        """Send nothing through a port of the bridge but what is for an address that was seen there."""
        flood = _attribute(_PORT_FLOOD, b"\0")
        header = struct.pack("BxHiII", _AF_BRIDGE, 0, index, 0, 0)
        self._ask("bridge port", _SETLINK, header + _attribute(_PROTINFO | _NESTED, flood))

    def address(self, index: int, text: str) -> None:
        data = _bytes(text)
        body = struct.pack("BBBBi", _INET, PREFIX, 0, 0, index)
        self._ask("address", _NEWADDR, body + _attribute(1, data) + _attribute(2, data), _CREATE | _EXCL)

    def default_route(self, gateway: str) -> None:
        # main table, static, universe, unicast
        body = struct.pack("BBBBBBBBI", _INET, 0, 0, 0, 254, 4, 0, 1, 0)
        self._ask("route", _NEWROUTE, body + _attribute(5, _bytes(gateway)), _CREATE)
