"""The ways of distributed training that framework images launch, and what supports each.

The facts are those of ``data/distribution.json``.
https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-training.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from cursus.aws.images import order
from cursus.aws.tables import table
from cursus.suggest import closest

PROCESSES_PER_HOST = "sagemaker_mpi_num_of_processes_per_host"
MODEL_PARALLEL = "mp_parameters"
STRATEGIES: Mapping[str, str | None] = {
    # A builder's word for a strategy → the switch that its framework has for it; None is a plain script.
    "dataparallel": None,
    "modelparallel": None,
    "parameterserver": "parameter_server",
    "horovod": "mpi",
    "mpi": "mpi",
    "torchdistributed": "torch_distributed",
    "smdataparallel": "smdistributed.dataparallel",
    "smmodelparallel": "smdistributed.modelparallel",
}


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way of distributed training, as an SDK's ``distribution`` argument names it.

    Attributes:
        name: such as ``smdistributed.dataparallel``, ``torch_distributed``, ``mpi``.
        title: for messages.
        page: the page that says what supports it.
        versions: framework → versions that support it, oldest first.
        neuron_versions: the PyTorch versions on Trainium, where they differ.
        open_ended: every version from the oldest on supports it.
        instance_types: rows of (from this version, framework or None, types); empty where any type of the
            right
            processor will do. The last row that fits counts.
        declining: types that work, and are no longer developed for.
        excluded_tags: beginnings of image tags (a space: their end) that lack it, though their version has it.
        processors: kinds of processor that it can use.
        unsupported_processors: kinds that AWS does not support, on which it runs all the same.
        single_gpu: it uses one GPU of each host.
        several_hosts: it does something only on more than one host.
    """

    name: str
    title: str
    page: str
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    neuron_versions: tuple[str, ...] = ()
    open_ended: bool = False
    instance_types: tuple[tuple[str, str | None, tuple[str, ...]], ...] = ()
    declining: tuple[str, ...] = ()
    excluded_tags: tuple[str, ...] = ()
    processors: tuple[str, ...] = ()
    unsupported_processors: tuple[str, ...] = ()
    single_gpu: bool = False
    several_hosts: bool = False

    def supports(self, framework: str, version: str | None, *, neuron: bool = False) -> bool | None:
        """Whether a framework's version supports it; None where the data cannot say (a newer version.

        No version).
        """
        known = self.versions.get(framework)
        if known is None:
            return False
        if neuron and self.neuron_versions:
            known = self.neuron_versions
        if version is None:
            return None
        wanted = order(version)
        if any(order(each)[: len(wanted)] == wanted for each in known):
            return True
        ordered = sorted(order(each) for each in known)
        if self.open_ended:
            return wanted >= ordered[0]
        return None if wanted > ordered[-1] else False

    def types_for(self, framework: str | None, version: str | None) -> tuple[str, ...]:
        """The instance types that support it with this framework and version; empty where any type does."""
        found: tuple[str, ...] = ()
        for first, of, types in self.instance_types:
            fits = of is None or of == framework
            if fits and (first == "0" or (version is not None and order(version) >= order(first))):
                found = types
        return found


@cache
def strategies() -> Mapping[str, Strategy]:
    """Every strategy, by name."""
    return {name: _strategy(name, entry) for name, entry in table("distribution")["strategies"].items()}


def _strategy(name: str, entry: Mapping[str, Any]) -> Strategy:
    return Strategy(
        name=name,
        title=entry["title"],
        page=entry["page"],
        versions={framework: tuple(found) for framework, found in entry["versions"].items()},
        neuron_versions=tuple(entry.get("neuron_versions", ())),
        open_ended=entry.get("open_ended", False),
        instance_types=tuple(
            (row["from"], row.get("framework"), tuple(row["types"]))
            for row in entry.get("instance_types", ())
        ),
        declining=tuple(entry.get("declining", ())),
        excluded_tags=tuple(entry.get("excluded_tags", ())),
        processors=tuple(entry["processors"]),
        unsupported_processors=tuple(entry.get("unsupported_processors", ())),
        single_gpu=entry.get("single_gpu", False),
        several_hosts=entry.get("several_hosts", False),
    )


OFF = frozenset({"false", "0", "0.0", "null", '""', "{}", "[]", ""})


def is_on(value: object) -> bool:
    """True where a switch in the hyperparameters is on, as the training toolkit reads it.

    It decodes the text as JSON, and takes what is no JSON for a text, which is true: also ``False``.
    """
    return isinstance(value, str) and value.strip() not in OFF


def switched_on(hyperparameters: Mapping[str, Any]) -> dict[str, Strategy]:
    """Hyperparameter → strategy, for every strategy that a request's hyperparameters switch on."""
    found: dict[str, Strategy] = {}
    for name in hyperparameters:
        if not isinstance(name, str):
            continue
        if name.startswith("sagemaker_") and name.endswith("_enabled") and is_on(hyperparameters[name]):
            strategy = table("distribution")["switches"].get(name)
            if strategy is not None:
                found[name] = strategies()[strategy]
        elif (
            name == MODEL_PARALLEL
            and isinstance(hyperparameters[name], str)
            and hyperparameters[name] not in ("", "{}")
        ):
            found[name] = strategies()["smdistributed.modelparallel"]
    return found


@cache
def switches_not_for(processor: str) -> frozenset[str]:
    """The hyperparameters that switch on what does not run on this processor: ``cpu``, ``gpu`` or ``neuron``."""
    found = table("distribution")
    others = {name for name, entry in found["strategies"].items() if processor not in entry["processors"]}
    switches = {switch for switch, name in found["switches"].items() if name in others}
    return frozenset(switches if processor == "gpu" else {*switches, found["training_compiler"]["switch"]})


@lru_cache(maxsize=1024)
def setting_meant(name: str) -> str | None:
    """The training toolkit's setting that a hyperparameter is almost called like; None for a name of its own."""
    from difflib import SequenceMatcher

    prefix = "sagemaker_"
    facts = table("distribution")
    known = [one.removeprefix(prefix) for one in (*facts["switches"], *facts["settings"])]
    bare = name.removeprefix(prefix)
    near = None if bare in known else closest(bare, known)
    plain = bare.lower().replace("-", "_")
    if near is not None and (near.startswith(plain) or SequenceMatcher(None, near, plain).ratio() > 0.9):
        return prefix + near
    return None  # other programs' settings may be called a little like these


def named(word: str) -> Strategy | None:
    """The strategy that a builder's ``DistributionStrategy`` stands for.

    None for a plain one and an unknown word.
    """
    name = STRATEGIES.get("".join(letter for letter in word.lower() if letter.isalnum()))
    return None if name is None else strategies()[name]


def is_strategy_name(word: str) -> bool:
    """True where ``word`` is a ``DistributionStrategy`` that builders may use."""
    return "".join(letter for letter in word.lower() if letter.isalnum()) in STRATEGIES
