"""Amazon SageMaker's built-in algorithms: what each takes, and where it runs.

The facts are those of ``data/algorithms.json``: the developer guide's tables, and for XGBoost the tables
that its open container holds a job against. https://docs.aws.amazon.com/sagemaker/latest/dg/algos.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Literal

from cursus.aws import images
from cursus.aws.tables import table

Direction = Literal["Minimize", "Maximize"]
NOTHING: Mapping[str, Any] = MappingProxyType({})
MAX_KNOWN = 256


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One hyperparameter of a built-in algorithm.

    Attributes:
        name: as the algorithm spells it.
        type: ``Integer``, ``Continuous``, ``Categorical`` or ``FreeText``, as CreateAlgorithm calls them.
        required: the job fails without it.
        minimum, maximum: bounds of a number, None where there is none.
        minimum_open, maximum_open: True where the bound itself is not allowed.
        values: the values of a categorical one (for ``is_list``, those of each element); empty where any
            goes.
        words: words allowed beside numbers (``auto``).
        ignore_case: True where ``true`` and ``True`` are the same.
        is_list: True where the value is a comma-separated list.
        inside: for a plain number, bounds between which every number is allowed.
        thresholds: list elements that may be written ``name@number``.
        tunable: a tuning job may vary it.
        tunable_type: the kind of its tuning ranges (``Integer``, ``Continuous``, ``Categorical``).
        recommended: for a numeric range its lowest and highest recommended value, else the recommended
            values.
    """

    name: str
    type: str = "FreeText"
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    minimum_open: bool = False
    maximum_open: bool = False
    inside: tuple[float, float] | None = None
    values: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    ignore_case: bool = False
    is_list: bool = False
    thresholds: tuple[str, ...] = ()
    tunable: bool = False
    tunable_type: str | None = None
    recommended: tuple[Any, ...] = ()

    @property
    def expected(self) -> str:
        """What a value may be, in words: ``an integer in [1, 100]``, ``one of 'a', 'b'``."""
        if self.values:
            text = "one of " + ", ".join(map(repr, self.values))
            return f"a comma-separated list, each {text}" if self.is_list else text
        if self.type not in ("Integer", "Continuous"):
            return "text"
        text = "an integer" if self.type == "Integer" else "a number"
        if self.minimum is not None or self.maximum is not None:
            text += f" in {self.interval}"
        return text + "".join(f" or {word!r}" for word in self.words)

    @property
    def interval(self) -> str:
        """The allowed interval of a number in mathematical form, ``(0, 1]``."""
        low = "(-inf" if self.minimum is None else f"{'(' if self.minimum_open else '['}{self.minimum:g}"
        high = "inf)" if self.maximum is None else f"{self.maximum:.10g}{')' if self.maximum_open else ']'}"
        return f"{low}, {high}"

    def contains(self, number: float) -> bool:
        """True where ``number`` is inside the allowed interval."""
        if self.minimum is not None and (
            number < self.minimum or (self.minimum_open and number == self.minimum)
        ):
            return False
        return not (
            self.maximum is not None
            and (number > self.maximum or (self.maximum_open and number == self.maximum))
        )

    def problem(self, value: str) -> str | None:
        """What is wrong with ``value`` (the text in the request), or None: ``is no integer``.

        ``is not one of …``.
        """
        if self.inside is not None:  # most values are numbers well inside
            try:
                if self.inside[0] < (int(value) if self.type == "Integer" else float(value)) < self.inside[1]:
                    return None
            except ValueError:
                pass
        if self.is_list:
            return self._list_problem(value)
        if self.values:
            return None if self._listed(value) else f"is not {self.expected}"
        if self.type not in ("Integer", "Continuous") or value in self.words:
            return None
        return self._number_problem(value)

    def _listed(self, value: str) -> bool:
        if self.ignore_case:
            return value.lower() in {word.lower() for word in self.values}
        return value in self.values

    def _list_problem(self, value: str) -> str | None:
        if not self.values or value in self.words or value in self.values:
            return None
        for element in value.strip("[]").split(","):
            name, at, number = element.strip().strip("\"'").partition("@")
            if at and name in self.thresholds:
                try:
                    float(number)
                except ValueError:
                    return f"has {element!r}, whose threshold is no number"
            elif at or name not in self.values:
                return f"has {element.strip()!r}, which is not one of " + ", ".join(map(repr, self.values))
        return None

    def _number_problem(self, value: str) -> str | None:
        try:
            number = int(value) if self.type == "Integer" else float(value)
        except ValueError:
            return "is no integer" if self.type == "Integer" else "is no number"
        if number != number:
            return "is no number"
        return None if self.contains(number) else f"is not in {self.interval}"


@dataclass(frozen=True, slots=True)
class Condition:
    """Hyperparameters that depend on each other.

    Where every hyperparameter in ``when`` has one of the values given (``*`` at the end stands for any rest, and an
    empty one for an absent hyperparameter;
    for a list it is enough that one element does), each name in ``needs`` has to be present, and each in
    ``values``, where it is present, has to have one of its values; none in ``excludes`` may have one of those.
    """

    when: Mapping[str, tuple[str, ...]]
    needs: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    excludes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def is_about(self, names: Collection[str]) -> bool:
        """True where hyperparameters of these names, and no others, may break the condition."""
        if not all(name in names or "" in options for name, options in self.when.items()):
            return False
        if any(name not in names for name in self.needs):
            return True
        return any(name in names for name in (*self.values, *self.excludes))

    def applies(self, hyperparameters: Mapping[str, Any]) -> bool:
        """True where the ``when`` part holds for a request's hyperparameters."""
        for name, options in self.when.items():
            value = hyperparameters.get(name)
            if value is None and "" in options:
                continue
            if not isinstance(value, str):
                return False
            if "," not in value:
                if not matches(value.strip(), options):
                    return False
            elif not any(matches(word.strip(), options) for word in value.split(",")):
                return False
        return True


@lru_cache(maxsize=4096)
def matches(value: str, patterns: tuple[str, ...]) -> bool:
    """True where ``value`` is one of ``patterns``; a pattern that ends in ``*`` matches any rest."""
    return any(value.startswith(p[:-1]) if p.endswith("*") else value == p for p in patterns)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A built-in algorithm, in one version.

    Attributes:
        name: such as ``linear-learner``, ``xgboost``.
        version: of XGBoost such as ``1.7-1``, else ``1``.
        exact: False where the version asked for is not in the data, and this is the newest that is.
        hyperparameters: by name.
        later: names that only later versions know.
        aliases: other spellings, to the name they stand for.
        conditions: hyperparameters that depend on each other.
        at_most: hyperparameters that are no greater than another one, by name.
        at_most_when: of some of those, the values of others with which it holds ("" stands for an absent one).
        forms: regular expressions that the whole of a text has to match, by name.
        channels: name → True where required.
        content_types: of its data channels; what follows a semicolon is left out.
        pipe_content_types: those that Pipe mode takes.
        default_content_type: what a channel without ContentType is taken for.
        content_channels: by content type, the channels that this type of data makes required beside the rest.
        channels_when: hyperparameters that make channels (``needs``) required.
        dask_content_types: those that XGBoost's training with Dask reads.
        manifest_content_type: what an augmented manifest needs as ContentType.
        manifest_attributes: how many AttributeNames an augmented manifest has to have.
        input_modes: TrainingInputMode values (FastFile works where File does).
        metrics: name → direction; the objective metrics of a tuning job.
        cpu, gpu: whether it trains on instances of that kind. ``gpu_wasteful``: it runs there, and uses none.
        gpu_families: the GPU instance families that the guide names.
        multi_instance: it trains on several instances. ``multi_instance_when``: only with these values.
        multi_gpu: it uses more than one GPU of an instance.
        cpu_only_when: hyperparameter values with which it trains on CPU instances only.
        checkpoints: it writes checkpoints, so that a spot job can go on after an interruption.
        saves_when_stopped: False where a job that is stopped leaves no model.
        tunable: a tuning job can use it.
        source: the page that says so.
        known: what ``conditions_on`` has found.
    """

    name: str
    version: str = "1"
    exact: bool = True
    hyperparameters: Mapping[str, Hyperparameter] = field(default_factory=dict)
    later: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    at_most: Mapping[str, str] = field(default_factory=dict)
    at_most_when: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, bool] = field(default_factory=dict)
    content_types: tuple[str, ...] = ()
    pipe_content_types: tuple[str, ...] = ()
    default_content_type: str | None = None
    content_channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    channels_when: tuple[Condition, ...] = ()
    dask_content_types: tuple[str, ...] = ()
    manifest_content_type: str | None = None
    manifest_attributes: int | None = None
    input_modes: tuple[str, ...] = ("File",)
    metrics: Mapping[str, Direction] = field(default_factory=dict)
    cpu: bool = True
    gpu: bool = True
    gpu_wasteful: bool = False
    gpu_families: tuple[str, ...] = ()
    multi_instance: bool = True
    multi_instance_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    multi_gpu: bool = True
    cpu_only_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    checkpoints: bool = False
    saves_when_stopped: bool = True
    tunable: bool = True
    source: str = ""
    known: dict[tuple[str, ...], tuple[Condition, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def conditions_on(self, names: Iterable[str]) -> tuple[Condition, ...]:
        """The conditions that hyperparameters of these names may break, in their order."""
        given = tuple(names)
        found = self.known.get(given)
        if found is None:
            found = tuple(each for each in self.conditions if each.is_about(given))
            if len(self.known) < MAX_KNOWN:
                self.known[given] = found
        return found

    def hyperparameter(self, name: str) -> Hyperparameter | None:
        """The hyperparameter of this name or alias."""
        return self.hyperparameters.get(self.aliases.get(name, name))

    @property
    def required_channels(self) -> tuple[str, ...]:
        """Names of the channels that a job has to have."""
        return tuple(name for name, required in self.channels.items() if required)


@lru_cache(maxsize=1024)
def find(image_or_name: str) -> Algorithm | None:
    """The built-in algorithm of a training image or of a name such as ``linear-learner``, or None.

    An image counts where its registry account is Amazon's for that repository, so that a user's own
    repository of the same name does not. The XGBoost image with a script is a framework: ask ``of_request``.
    """
    if "/" not in image_or_name and "." not in image_or_name:
        return (
            _algorithm(image_or_name.lower(), None)
            if image_or_name.lower() in _document()["algorithms"]
            else None
        )
    image = images.parse_image(image_or_name)
    if image is None or not image.amazon:
        return None
    name = _repositories().get(image.repository)
    return None if name is None else _algorithm(name, image.version)


def of_request(image: str | None, hyperparameters: Mapping[str, Any] = NOTHING) -> Algorithm | None:
    """The built-in algorithm that a definition runs; None where it runs a script or an own image.

    ``hyperparameters`` are the definition's own (HyperParameters or StaticHyperParameters). Amazon's tabular
    algorithms are told by the archive that ``sagemaker_submit_directory`` names.
    """
    if image is None:
        return None
    if "sagemaker_program" in hyperparameters or "sagemaker_submit_directory" in hyperparameters:
        directory = hyperparameters.get("sagemaker_submit_directory")
        return _of_archive(directory) if isinstance(directory, str) else None
    return find(image)


_ARCHIVE = (
    r"s3://jumpstart-cache-[a-z0-9-]+/source-directory-tarballs/(?:training/)?([a-z0-9]+)/transfer_learning/"
)


@lru_cache(maxsize=256)
def _of_archive(directory: str) -> Algorithm | None:
    found = re.match(_ARCHIVE, directory.strip('"'))
    if found is None or found[1] not in _document()["algorithms"]:
        return None
    return _algorithm(found[1], None)


def names() -> tuple[str, ...]:
    """Names of every algorithm in the data."""
    return tuple(_document()["algorithms"])


def date() -> str:
    """The date of the data."""
    return str(_document()["date"])


def _document() -> dict[str, Any]:
    return table("algorithms")


@cache
def _repositories() -> dict[str, str]:
    return {e["repository"]: name for name, e in _document()["algorithms"].items() if "repository" in e}


@lru_cache(maxsize=128)
def _algorithm(name: str, version: str | None) -> Algorithm:
    entry = _document()["algorithms"][name]
    if "versions" not in entry:
        return _build(name, entry, entry, entry.get("version", "1"), exact=True)
    versions = entry["versions"]
    chosen: str = version if version is not None and version in versions else next(reversed(versions))
    merged: dict[str, Any] = {"hyperparameters": {}}
    for key, step in versions.items():
        merged = {
            **step,
            "hyperparameters": {
                **{k: v for k, v in merged["hyperparameters"].items() if k not in step["removed"]},
                **step["hyperparameters"],
            },
        }
        if key == chosen:
            break
    return _build(name, entry, merged, chosen, exact=version in versions or version is None)


def _build(
    name: str, entry: Mapping[str, Any], own: Mapping[str, Any], version: str, *, exact: bool
) -> Algorithm:
    gpu = own.get("gpu", True)
    wasteful = entry.get("gpu_severity") == "warning"
    return Algorithm(
        name="xgboost" if name.startswith("xgboost") else name,
        version=version,
        exact=exact,
        hyperparameters={key: _hyperparameter(key, spec) for key, spec in own["hyperparameters"].items()},
        later=tuple(entry.get("later", ())),
        aliases=own.get("aliases", {}),
        conditions=tuple(_condition(c) for c in entry.get("conditions", ()) if _since(c, version)),
        at_most=entry.get("at_most", {}),
        at_most_when=entry.get("at_most_when", {}),
        forms=entry.get("forms", {}),
        channels={key: need == "required" for key, need in entry["channels"].items()},
        content_types=tuple(entry.get("content_types", ())),
        pipe_content_types=tuple(entry.get("pipe_content_types", entry.get("content_types", ()))),
        default_content_type=entry.get("default_content_type"),
        content_channels={key: tuple(value) for key, value in entry.get("content_channels", {}).items()},
        channels_when=tuple(_condition(c) for c in entry.get("channels_when", ())),
        dask_content_types=tuple(entry.get("dask_content_types", ())),
        manifest_content_type=entry.get("manifest_content_type"),
        manifest_attributes=entry.get("manifest_attributes"),
        input_modes=tuple(entry["input_modes"]),
        metrics=own["metrics"],
        cpu=entry.get("cpu", True),
        gpu=gpu or wasteful,
        gpu_wasteful=not gpu and wasteful,
        gpu_families=tuple(entry.get("gpu_families", ())),
        multi_instance=entry["multi_instance"],
        multi_instance_when={key: tuple(v) for key, v in entry.get("multi_instance_when", {}).items()},
        multi_gpu=entry.get("multi_gpu", True),
        cpu_only_when={key: tuple(v) for key, v in entry.get("cpu_only_when", {}).items()},
        checkpoints=entry["checkpoints"],
        saves_when_stopped=entry.get("saves_when_stopped", True),
        tunable=entry.get("tunable_job", True),
        source=entry["source"],
    )


def _hyperparameter(name: str, spec: Mapping[str, Any]) -> Hyperparameter:
    low_open, high_open = "minimum_open" in spec, "maximum_open" in spec
    numeric = spec["type"] in ("Integer", "Continuous") and not spec.get("values") and not spec.get("list")
    low = spec.get("minimum_open" if low_open else "minimum")
    high = spec.get("maximum_open" if high_open else "maximum")
    return Hyperparameter(
        name=name,
        type=spec["type"],
        inside=(-math.inf if low is None else low, math.inf if high is None else high) if numeric else None,
        required=spec.get("required", False),
        minimum=low,
        maximum=high,
        minimum_open=low_open,
        maximum_open=high_open,
        values=tuple(spec.get("values", ())),
        words=tuple(spec.get("words", ())),
        ignore_case=spec.get("ignore_case", False),
        is_list=spec.get("list", False),
        thresholds=tuple(spec.get("thresholds", ())),
        tunable=spec.get("tunable", False),
        tunable_type=spec.get("tunable_type"),
        recommended=tuple(spec.get("recommended", ())),
    )


def _condition(spec: Mapping[str, Any]) -> Condition:
    return Condition(
        {name: tuple(values) for name, values in spec["when"].items()},
        tuple(spec.get("needs", ())),
        {name: tuple(values) for name, values in spec.get("values", {}).items()},
        {name: tuple(values) for name, values in spec.get("excludes", {}).items()},
    )


def _since(spec: Mapping[str, Any], version: str) -> bool:
    since, until = spec.get("since"), spec.get("until")
    numbers = _numbers(version)
    return (since is None or numbers >= _numbers(since)) and (until is None or numbers <= _numbers(until))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
