"""Notices, within seconds, hosts that wait for each other in vain.

On SageMaker such a job says nothing until a time limit of its library has passed, often 15 minutes or more. What each
host listens for, tries to reach and was refused is in the kernel's tables: proc_pid_net(5), proc_net_tcp.
Nothing is ended here: a host may well listen later. It is only said, while the job runs and in its report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cursus.local.monitoring.usage import IDLE

if TYPE_CHECKING:
    from cursus.local.lifecycle.hosts import Host
    from cursus.local.supervisor import Supervisor

REFUSED_SECONDS = 3.0
LONELY_SECONDS = 10.0
PAUSE_SECONDS = 60.0

_ESTABLISHED, _SYN_SENT, _LISTEN = "01", "02", "0A"
_LOOPBACK = 0x0100007F


class Tables(NamedTuple):
    """The connections of one host: ports it listens on, hosts it is connected with, (host, port) that do not answer."""

    listening: frozenset[int]
    connected: frozenset[str]
    unanswered: frozenset[tuple[str, int]]
    failures: int
    refusals: int


class Meeting:
    """Watches the hosts of one job."""

    def __init__(self, owner: Supervisor) -> None:
        from cursus.local.isolation.network import address

        self.owner = owner
        given = {one.name: address(i) for i, one in enumerate(owner.hosts)}
        if owner.cluster.joined is not None:
            given = owner.cluster.joined.addresses
        self.names = {_number(place): name for name, place in given.items()}
        self._next = 0.0
        self._before: dict[str, Tables] = {}
        self._cpu: dict[str, float] = {}
        self._since: dict[tuple[str, ...], float] = {}
        self._met: set[str] = set()

    def look(self, now: float) -> None:
        """Look at every host, at most twice a second."""
        if now < self._next:
            return
        tables = {one.name: self._tables(one) for one in self.owner.hosts if one.alive and one.first}
        seen: set[tuple[str, ...]] = set()
        for name, table in tables.items():
            if table.connected:
                self._met |= {name, *table.connected}
            seen |= self._refused(name, table, tables, now)
        seen |= self._lonely(tables, now)
        for key in [key for key in self._since if key not in seen]:
            del self._since[key]
        self._before = tables
        self._next = now + 0.5

    def _tables(self, one: Host) -> Tables:
        listening: set[int] = set()
        connected: set[str] = set()
        unanswered: set[tuple[str, int]] = set()
        for row in (*_rows(one.first, "tcp"), *_rows(one.first, "tcp6")):
            remote, port = _end(row[2])
            name = self.names.get(remote)
            if row[3] == _LISTEN and _end(row[1])[0] != _LOOPBACK:
                listening.add(_end(row[1])[1])
            elif name is not None and name != one.name:
                if row[3] == _ESTABLISHED:
                    connected.add(name)
                elif row[3] == _SYN_SENT:
                    unanswered.add((name, port))
        failures, refusals = _counters(one.first)
        return Tables(frozenset(listening), frozenset(connected), frozenset(unanswered), failures, refusals)

    def _refused(
        self, name: str, table: Tables, tables: dict[str, Tables], now: float
    ) -> set[tuple[str, ...]]:
        """Attempts of one host that come to nothing."""
        seen: set[tuple[str, ...]] = set()
        for target, port in table.unanswered:
            key = ("unanswered", name, target)
            seen.add(key)
            if now - self._since.setdefault(key, now) >= REFUSED_SECONDS:
                why = "does not answer" if target in tables else "has ended"
                self._say(f"{name} tries to connect to {target} on port {port}, which {why}")
        before = self._before.get(name)
        for target, other in tables.items():
            earlier = self._before.get(target)
            if target == name or target in table.connected or before is None or earlier is None:
                continue
            key = ("refused", name, target)
            if table.failures > before.failures and other.refusals > earlier.refusals:
                seen.add(key)
                if now - self._since.setdefault(key, now) >= REFUSED_SECONDS:
                    self._say(
                        f"{name} tries to connect to {target} again and again, and nothing listens there"
                    )
            elif key in self._since and now - self._since[key] < PAUSE_SECONDS:
                seen.add(key)  # it pauses between two attempts
        for earlier_key, since in self._since.items():
            if (
                earlier_key[:2] == ("unanswered", name)
                and now - since < PAUSE_SECONDS
                and earlier_key[2] not in table.connected
            ):
                seen.add(earlier_key)
        return seen

    def _lonely(self, tables: dict[str, Tables], now: float) -> set[tuple[str, ...]]:
        """Hosts that wait for others, while nothing is computed anywhere."""
        busy = False
        for one in self.owner.hosts:
            used = one.sampler.cpu_seconds
            busy = busy or used - self._cpu.get(one.name, used) > IDLE * 0.5
            self._cpu[one.name] = used
        seen: set[tuple[str, ...]] = set()
        for name, table in tables.items():
            key = ("lonely", name)
            if busy or not table.listening or table.connected or name in self._met:
                continue
            seen.add(key)
            if now - self._since.setdefault(key, now) >= LONELY_SECONDS:
                ended = [one.name for one in self.owner.hosts if not one.alive]
                gone = f"; {', '.join(ended)} ended" if ended else ""
                port = min(table.listening)
                self._say(
                    f"{name} listens on port {port}, no other host has connected for {LONELY_SECONDS:.0f} s, and "
                    f"no host computes anything{gone}",
                )
        return seen

    def _say(self, text: str) -> None:
        said = self.owner.facts["waits"]
        if text in said:
            return
        said.append(text)
        self.owner.record.note(f"Training: {text}")
        self.owner.tell()


def _number(address: str) -> int:
    return int.from_bytes(bytes(map(int, address.split("."))), "little")


def _end(text: str) -> tuple[int, int]:
    """(address, port) of one end as the table writes it; of IPv6 the last 32 bits, which are the IPv4 address."""
    place, _, port = text.partition(":")
    return int(place[-8:], 16), int(port, 16)


def _rows(pid: int | None, table: str) -> list[list[str]]:
    try:
        with open(f"/proc/{pid}/net/{table}") as file:
            return [line.split(None, 5) for line in file][1:]
    except OSError:
        return []


def _counters(pid: int | None) -> tuple[int, int]:
    """(attempts of this host that failed, attempts of others that it refused)."""
    try:
        with open(f"/proc/{pid}/net/snmp") as file:
            names, values = (line.split() for line in file if line.startswith("Tcp:"))
    except (OSError, ValueError):
        return 0, 0
    found = dict(zip(names, values, strict=False))
    return int(found.get("AttemptFails", 0)), int(found.get("OutRsts", 0))
