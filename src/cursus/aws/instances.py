"""SageMaker's instance types: what each is for, and the hardware of those that train.

The facts are those of ``data/instances.json``.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html and
https://aws.amazon.com/ec2/instance-types/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from cursus.aws import schema_store
from cursus.aws.tables import table

LATE = 3
"""Generations after which a family of EC2's that SageMaker has not taken up stays out."""
NAME = r"ml\.([a-z][a-z-]*[0-9][a-z0-9-]*)\.([a-z0-9-]+)"


@dataclass(frozen=True, slots=True)
class Gpu:
    """A kind of GPU: memory of one in GiB, and its CUDA compute capability."""

    kind: str
    memory: float
    capability: float


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance type that trains.

    ``memory`` is GiB, ``nvme`` the size of its local storage in GB (0 where it has none and trains on an EBS
    volume); both are None where the data does not have them. ``neuron_devices`` and ``neuron_cores`` are
    those of Trainium. ``efa`` is True where hosts may meet over an Elastic Fabric Adapter. ``uses`` are what
    else SageMaker has it for (``hosting``, ``processing``, …).
    """

    name: str
    family: str
    size: str
    vcpus: int
    memory: float | None
    nvme: int | None = 0
    gpus: int = 0
    gpu: Gpu | None = None
    neuron_devices: int = 0
    neuron_cores: int = 0
    efa: bool = False
    architecture: str = "x86_64"
    uses: tuple[str, ...] = ()
    successor: str | None = None

    @property
    def processor(self) -> str:
        """What an image for it computes on: ``cpu``, ``gpu`` or ``neuron``."""
        if self.gpus:
            return "gpu"
        return "neuron" if self.neuron_devices else "cpu"

    @property
    def accelerators(self) -> int:
        """How many processes a launcher starts on it: one a GPU or Neuron core, one on a CPU instance."""
        return self.gpus or self.neuron_cores or 1

    @property
    def burstable(self) -> bool:
        """True for a family whose full speed is paid by credits."""
        return self.family[:1] == "t" and self.family[1:2].isdigit()  # and no Trainium


@lru_cache(maxsize=512)
def find(name: str | None) -> Instance | None:
    """The training instance type of this name (``ml.m5.xlarge``), or None where there is none."""
    entry = table("instances")["training"].get(name)
    if name is None or entry is None:
        return None
    _, family, size = name.split(".")
    kind = entry.get("gpu")
    gpu = table("instances")["gpus"].get(kind)
    return Instance(
        name=name,
        family=family,
        size=size,
        vcpus=entry["vcpus"],
        memory=entry["memory"],
        nvme=entry["nvme"],
        gpus=entry.get("gpus", 0),
        gpu=Gpu(kind, gpu["memory"], gpu["capability"]) if gpu else None,
        neuron_devices=entry.get("neuron", 0),
        neuron_cores=entry.get("neuron_cores", 0),
        efa=entry.get("efa", False),
        architecture=entry.get("architecture", "x86_64"),
        uses=tuple(entry["uses"]),
        successor=table("instances")["previous"].get(family),
    )


def is_refused(name: str) -> bool:
    """True for a type that the service model has for training, and the service in no known region."""
    return name in table("instances")["refused"]


@cache
def names() -> tuple[str, ...]:
    """Every training instance type."""
    return tuple(table("instances")["training"])


def other_uses(name: str) -> tuple[str, ...]:
    """What a type that does not train is for: ``("hosting", "notebook")``.

    Empty where the data has no such type.
    """
    return tuple(table("instances")["others"].get(name, ()))


@cache
def all_names() -> frozenset[str]:
    """Every instance type of SageMaker, whatever it is for."""
    return frozenset(table("instances")["training"]) | frozenset(table("instances")["others"])


@cache
def is_size(size: str) -> bool:
    """True where some instance type has this size, or may have it."""
    return re.fullmatch(r"[1-9]\d*xlarge", size) is not None or any(
        name.endswith(f".{size}") for name in all_names()
    )


@cache
def of_use(use: str) -> frozenset[str]:
    """Every instance type for a use: ``training``, ``hosting``, ``processing``, ``transform`` …."""
    known = table("instances")
    listed = {name: entry["uses"] for name, entry in known["training"].items()} | known["others"]
    return frozenset(name for name, uses in listed.items() if use in uses)


def is_new(name: str, use: str) -> bool:
    """True for a type that the user's own service model has for a use, and that is newer than our facts."""
    return name in schema_store.index().get("instances", {}).get(use, ())


@cache
def families() -> dict[str, tuple[str, ...]]:
    """Family → the sizes of it that train."""
    found: dict[str, list[str]] = {}
    for name in names():
        _, family, size = name.split(".")
        found.setdefault(family, []).append(size)
    return {family: tuple(sizes) for family, sizes in found.items()}


@cache
def other_families() -> frozenset[str]:
    """Families that SageMaker has, of which no size trains."""
    return frozenset(name.split(".")[1] for name in table("instances")["others"]) - families().keys()


def is_past(family: str) -> bool:
    """True for a name that no new family will have.

    A plain one of an older generation than the newest known (``g4``), or one with letters (``m5a``) that is ``LATE``
    generations behind it.
    """
    found = re.fullmatch(r"([a-z]+)(\d+)([a-z-]*)", family)
    if found is None:
        return False
    newest = max(
        (int(each[2]) for each in map(_generation, families()) if each and each[1] == found[1]), default=0
    )
    return int(found[2][:9]) <= newest - (LATE if found[3] else 1)


def _generation(family: str) -> re.Match[str] | None:
    return re.match(r"([a-z]+)(\d+)", family)


def split(name: str) -> tuple[str, str] | None:
    """(family, size) of a name of the right form, known or not; None for any other text."""
    found = re.fullmatch(NAME, name)
    return (found[1], found[2]) if found else None


def limit(name: str) -> int:
    """A limit of training jobs in seconds, such as ``max_runtime``."""
    return int(table("instances")["limits"][name])


def precisions() -> dict[str, float]:
    """Number format (``fp16``, ``bf16``, ``tf32``, ``fp8``) → the CUDA compute capability that it needs."""
    found: dict[str, float] = table("instances")["precisions"]
    return found


def cuda_range(capability: float) -> tuple[float | None, float | None]:
    """The first and the last CUDA version that know a GPU architecture; None where there is no such bound."""
    known = table("instances")["cuda"]
    first, last = known.get(str(capability)) or known.get(str(int(capability)), (None, None))
    return first, last


def retired(family: str, framework: str | None) -> str | None:
    """The first version of a framework that no longer runs on a family; None where there is none."""
    found: str | None = table("instances")["retired"].get(family, {}).get(framework)
    return found


@cache
def regions() -> frozenset[str]:
    """The regions that ``is_absent`` has been told of."""
    return frozenset(table("offerings")["regions"])


def is_absent(name: str, region: str) -> bool:
    """True where EC2 never had the hardware of an instance type in a region, as of the date of the offerings."""
    known = table("offerings")
    family = name.split(".")[1] if name.count(".") == 2 else name
    return region in known["families"].get(family, ()) or region in known["types"].get(name, ())


@lru_cache(maxsize=1024)
def beside(instance: Instance, region: str) -> str | None:
    """The training instance type nearest to one, with the same kind of processor, that a region has."""
    found = [find(name) for name in names()]
    wanted = (instance.successor or "").split(" or ")
    near = [
        each
        for each in found
        if each is not None
        and each.processor == instance.processor
        and each.architecture == instance.architecture
        and each.successor is None
        and not each.burstable
        and not is_absent(each.name, region)
    ]
    if not near:
        return None
    return min(
        near,
        key=lambda each: (
            each.family not in wanted,
            abs(each.gpus - instance.gpus),
            abs(each.vcpus - instance.vcpus),
            each.family[:1] != instance.family[:1],
        ),
    ).name
