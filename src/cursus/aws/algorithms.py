"""Amazon SageMaker's built-in algorithms: what each takes, and where it runs.

The facts are those of ``data/algorithms.json``: the developer guide's tables, and for XGBoost the tables
that its open container holds a job against. https://docs.aws.amazon.com/sagemaker/latest/dg/algos.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Literal

from cursus.aws import images
from cursus.aws.hyperparameters import Bound, Condition, Given, Hyperparameter, Idle, Inside, matches
from cursus.aws.tables import table

__all__ = ["Algorithm", "Condition", "Hyperparameter", "find", "matches", "names", "of_request"]

Direction = Literal["Minimize", "Maximize"]
NOTHING: Mapping[str, Any] = MappingProxyType({})
MAX_KNOWN = 256


@dataclass(frozen=True, slots=True)
class Unfit:
    """Instance families on which a model of at least so many billion parameters does not train, under a condition."""

    when: Condition
    families: tuple[str, ...]
    billions: float


@dataclass(frozen=True, slots=True)
class Files:
    """How the files of channels end, under a condition."""

    when: Condition
    channels: tuple[str, ...]
    endings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Algorithm:
    """A built-in algorithm, in one version.

    Attributes:
        name: such as ``linear-learner``, ``xgboost``.
        version: of XGBoost such as ``1.7-1``, else ``1``.
        exact: False where the version is not in the data, or not said (a digest): this is the newest that is.
        hyperparameters: by name.
        later: names that only later versions know.
        script: it is a script of JumpStart's in an image for scripts: SageMaker knows nothing of its hyperparameters.
        ignores_unknown: it trains with hyperparameters that it does not know, and uses none of them.
        aliases: other spellings, to the name they stand for.
        conditions: hyperparameters that depend on each other.
        at_most: hyperparameters that are no greater than another one, by name.
        below: those of them that are less than the other one.
        at_most_when: of some of those, the values of others with which it holds ("" stands for an absent one).
        forms: (regular expression that the whole of a text has to match, a text that does), by name.
        idle: hyperparameters that have an effect only with certain values of others.
        in_vain: numbers that have one only below another one.
        inside: numbers that lie between two others where a third one has certain values.
        channels: name → True where required.
        content_types: of its data channels; what follows a semicolon is left out.
        pipe_content_types: those that Pipe mode takes.
        default_content_type: what a channel without ContentType is taken for.
        content_types_as_written: it compares the whole of ContentType, with what follows a semicolon, as it stands.
        requests, responses: what its server reads and answers with, where published; ``no_requests`` and
            ``no_responses``: what it fails on for certain.
        unfit: on which instances a model does not train with certain values. ``files_when``: the endings of a channel's
            files with certain values.
        folders: channels of which it reads folders inside.
        content_channels: by content type, the channels that this type of data makes required beside the rest.
        channels_when: hyperparameters that make channels (``needs``) required.
        dask_content_types: those that XGBoost's training with Dask reads.
        manifest_content_type: what an augmented manifest needs as ContentType.
        manifest_attributes: how many AttributeNames an augmented manifest has to have.
        input_modes: TrainingInputMode values (FastFile works where File does).
        metrics: name → direction; the objective metrics of a tuning job.
        metrics_when: metrics, without the channel's name, that are computed only with certain values of others.
        stops_early: the metrics, so named, that early stopping of a tuning job works with; None for all.
        cpu, gpu: whether it trains on instances of that kind. ``gpu_wasteful``: it runs there, and uses none.
        gpu_families: the GPU instance families that the guide names.
        multi_instance: it trains on several instances. ``multi_instance_when``: only with these values
            ("" stands for an absent one).
        one_gpu_when: hyperparameter values with which it uses one GPU of an instance; None where it uses all.
        batch_per_gpu: the hyperparameter whose value is shared out among an instance's GPUs.
        cpu_only_when: hyperparameter values with which it trains on CPU instances only.
        checkpoints: it writes checkpoints, so that a spot job can go on after an interruption.
        tunable: a tuning job can use it.
        source: the page that says so.
        known: what ``given`` has found.
    """

    name: str
    version: str = "1"
    exact: bool = True
    hyperparameters: Mapping[str, Hyperparameter] = field(default_factory=dict)
    later: tuple[str, ...] = ()
    script: bool = False
    ignores_unknown: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    at_most: Mapping[str, str] = field(default_factory=dict)
    below: tuple[str, ...] = ()
    at_most_when: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    forms: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    idle: tuple[Idle, ...] = ()
    in_vain: tuple[Bound, ...] = ()
    inside: tuple[Inside, ...] = ()
    channels: Mapping[str, bool] = field(default_factory=dict)
    content_types: tuple[str, ...] = ()
    pipe_content_types: tuple[str, ...] = ()
    default_content_type: str | None = None
    content_types_as_written: bool = False
    requests: tuple[str, ...] = ()
    no_requests: tuple[str, ...] = ()
    responses: tuple[str, ...] = ()
    no_responses: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    unfit: tuple[Unfit, ...] = ()
    files_when: tuple[Files, ...] = ()
    content_channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    channels_when: tuple[Condition, ...] = ()
    dask_content_types: tuple[str, ...] = ()
    manifest_content_type: str | None = None
    manifest_attributes: int | None = None
    input_modes: tuple[str, ...] = ("File",)
    metrics: Mapping[str, Direction] = field(default_factory=dict)
    metrics_when: tuple[Idle, ...] = ()
    stops_early: tuple[str, ...] | None = None
    cpu: bool = True
    gpu: bool = True
    gpu_wasteful: bool = False
    gpu_families: tuple[str, ...] = ()
    multi_instance: bool = True
    multi_instance_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    one_gpu_when: Mapping[str, tuple[str, ...]] | None = None
    batch_per_gpu: str | None = None
    cpu_only_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    checkpoints: bool = False
    tunable: bool = True
    source: str = ""
    known: dict[tuple[str, ...], Given] = field(default_factory=dict, compare=False, repr=False)

    def given(self, names: Iterable[str]) -> Given:
        """What is to be held against the hyperparameters of these names."""
        key = tuple(names)
        found = self.known.get(key)
        if found is None:
            found = _given(self, key)
            if len(self.known) < MAX_KNOWN:
                self.known[key] = found
        return found

    def hyperparameter(self, name: str) -> Hyperparameter | None:
        """The hyperparameter of this name or alias."""
        return self.hyperparameters.get(self.aliases.get(name, name))

    @property
    def required_channels(self) -> tuple[str, ...]:
        """Names of the channels that a job has to have."""
        return tuple(name for name, required in self.channels.items() if required)


def _given(algorithm: Algorithm, names: tuple[str, ...]) -> Given:
    numbers: list[tuple[str, Callable[[str], float], float, float]] = []
    others: list[tuple[str, Hyperparameter]] = []
    for name in names:
        known = algorithm.hyperparameter(name)
        if known is not None and known.inside is not None:
            numbers.append((name, int if known.type == "Integer" else float, *known.inside))
        elif known is not None:
            others.append((name, known))
    conditions = tuple(each for each in algorithm.conditions if each.is_about(names))
    looked_at = {name for each in conditions for name in (*each.when, *each.values, *each.excludes)}
    bounded = {*algorithm.at_most, *algorithm.forms, *(each.name for each in algorithm.inside)}
    return Given(
        names,
        tuple(numbers),
        tuple(others),
        conditions,
        tuple(name for name in names if name in looked_at),
        tuple(each for each in algorithm.idle if each.is_about(names)),
        tuple(each for each in algorithm.in_vain if each.name in names and each.other in names),
        not bounded.isdisjoint(names),
    )


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
    image = images.amazon_image(image_or_name)
    if image is None:
        return None
    name = _repositories().get(image.repository)
    return None if name is None else _algorithm(name, image.version or image.digest)


def of_request(
    image: str | None, hyperparameters: Mapping[str, Any] = NOTHING, code: str = ""
) -> Algorithm | None:
    """The built-in algorithm that a definition runs; None where it runs a script or an own image.

    ``hyperparameters`` are the definition's own (HyperParameters or StaticHyperParameters). Amazon's tabular
    algorithms are told by the archive that ``sagemaker_submit_directory`` names; in an isolated network that is a file
    in the channel ``code``, from the S3 URI ``code``.
    """
    if image is None:
        return None
    if "sagemaker_program" in hyperparameters or "sagemaker_submit_directory" in hyperparameters:
        directory = hyperparameters.get("sagemaker_submit_directory")
        if not isinstance(directory, str):
            return None
        return _of_archive(code if CODE_CHANNEL in directory else directory)
    return find(image)


CODE_CHANNEL = "/opt/ml/input/data/code/"
"""Where the archive is in a job with EnableNetworkIsolation, as the SageMaker SDK sets it up (``Framework``)."""


_ARCHIVE = r"s3://jumpstart-(?:private-)?cache-[a-z0-9-]+/source-directory-tarballs/(?:training/)?([a-z0-9-]+/)(?:transfer_learning/([a-z0-9]*)|prepack/|v\d)"


@lru_cache(maxsize=256)
def _of_archive(directory: str) -> Algorithm | None:
    found = re.match(_ARCHIVE, directory.strip('"'))
    if found is None:
        return None
    place = found[1] + (found[2] or "")  # lightgbm/classification, tensorflow/ic
    for name, entry in _document()["algorithms"].items():
        begins = entry.get("source_directory", "-")
        if place.startswith(begins if isinstance(begins, str) else tuple(begins)):
            return _algorithm(name, None)
    return None


def names() -> tuple[str, ...]:
    """Names of every algorithm in the data."""
    return tuple(_document()["algorithms"])


@cache
def media_types() -> tuple[str, ...]:
    """What the servers of all algorithms read and answer with."""
    found: dict[str, None] = {}
    for entry in _document()["algorithms"].values():
        for part in (entry, *entry.get("versions", {}).values()):
            found.update(dict.fromkeys((*part.get("requests", ()), *part.get("responses", ()))))
    return tuple(each for each in found if "/" in each)


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


def later_version(algorithm: Algorithm, hyperparameter: str) -> str | None:
    """The first later version of an algorithm, such as ``1.5-1``, that has a hyperparameter; None where none has."""
    versions = _document()["algorithms"].get(algorithm.name, {}).get("versions", {})
    names = list(versions)
    own = names.index(algorithm.version) if algorithm.version in versions else -1
    return next(
        (each for each in names[own + 1 :] if hyperparameter in versions[each]["hyperparameters"]), None
    )


def _build(
    name: str, entry: Mapping[str, Any], own: Mapping[str, Any], version: str, *, exact: bool
) -> Algorithm:
    """The algorithm of an entry in the data, ``own`` being what its version has of its own."""

    def holds(member: str) -> list[Mapping[str, Any]]:
        return [each for each in entry.get(member, ()) if _since(each, version)]

    members = Algorithm.__dataclass_fields__
    known = {key: _FORMS.get(key, _same)(value) for key, value in entry.items() if key in members}
    gpu = own.get("gpu", True)
    wasteful = entry.get("gpu_severity") == "warning"
    families = entry.get("gpu_families_when", {})
    known.update(
        name="xgboost" if name.startswith("xgboost") else name,
        version=version,
        exact=exact,
        hyperparameters={key: _hyperparameter(key, spec) for key, spec in own["hyperparameters"].items()},
        script="source_directory" in entry,
        aliases=own.get("aliases", {}),
        conditions=tuple(map(_condition, holds("conditions"))),
        idle=tuple(map(_idle, holds("idle"))),
        pipe_content_types=known.get("pipe_content_types", known.get("content_types", ())),
        metrics=own["metrics"],
        gpu=gpu or wasteful,
        gpu_wasteful=not gpu and wasteful,
        gpu_families=tuple(
            one for one in entry.get("gpu_families", ()) if _since(families.get(one, {}), version)
        ),
        multi_instance_when=_tuples(
            {key: values for each in holds("multi_instance_when") for key, values in each["when"].items()}
        ),
        tunable=entry.get("tunable_job", True),
    )
    return Algorithm(**known)


def _same(value: Any) -> Any:
    return value


def _tuples(lists: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in lists.items()}


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
        is_list=bool(spec.get("list")),
        bare=spec.get("list") == "bare",
        thresholds=tuple(spec.get("thresholds", ())),
        tunable=spec.get("tunable", False),
        tunable_type=spec.get("tunable_type"),
        recommended=tuple(spec.get("recommended", ())),
    )


def _condition(spec: Mapping[str, Any]) -> Condition:
    return Condition(
        _tuples(spec["when"]),
        tuple(spec.get("needs", ())),
        _tuples(spec.get("values", {})),
        _tuples(spec.get("excludes", {})),
        spec.get("doubtful", False),
    )


def _idle(spec: Mapping[str, Any]) -> Idle:
    (other, options), *_ = spec["with"].items()
    names = (name.partition("=") for name in spec["names"])
    return Idle({name: default for name, _, default in names}, other, tuple(options))


def _bound(text: str) -> Bound:
    name, sign, other = text.split()
    return Bound(name, other, equal=sign == ">=")


def _inside(spec: Mapping[str, Any]) -> Inside:
    return Inside(spec["name"], spec["low"], spec["high"], _condition({"when": spec["with"]}))


_FORMS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("later", "below", "input_modes", "stops_early", "content_types"), tuple),
    **dict.fromkeys(("pipe_content_types", "dask_content_types"), tuple),
    **dict.fromkeys(("requests", "no_requests", "responses", "no_responses", "folders"), tuple),
    **dict.fromkeys(("content_channels", "one_gpu_when", "cpu_only_when"), _tuples),
    "channels": lambda found: {name: need == "required" for name, need in found.items()},
    "channels_when": lambda found: tuple(map(_condition, found)),
    "inside": lambda found: tuple(map(_inside, found)),
    "in_vain": lambda found: tuple(map(_bound, found)),
    "unfit": lambda found: tuple(
        Unfit(_condition(each), tuple(each["families"]), each["billions"]) for each in found
    ),
    "files_when": lambda found: tuple(
        Files(_condition(each), tuple(each["channels"]), tuple(each["endings"])) for each in found
    ),
    "metrics_when": lambda found: tuple(_idle({**each, "names": each["metrics"]}) for each in found),
}
"""How a member of an algorithm is made of its JSON, where that is not the same."""


def _since(spec: Mapping[str, Any], version: str) -> bool:
    since, until = spec.get("since"), spec.get("until")
    numbers = _numbers(version)
    return (since is None or numbers >= _numbers(since)) and (until is None or numbers <= _numbers(until))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
