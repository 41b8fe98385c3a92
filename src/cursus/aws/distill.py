"""Distils the service model that botocore carries into one small JSON Schema an operation.

``scripts/make_schema.py`` does it for the pinned botocore whose result ships with cursus, ``cursus
refresh`` for the one that the user has installed. A distilled schema keeps every constraint of the
model (required members, types, enums, patterns, lengths, ranges, counts, unions) and drops the
documentation. Three things are changed on purpose:

- AWS's patterns are Java's, have no anchors and mean a full match: ``translate`` writes them for the
  regex engine of jsonschema-rs; ``awsPattern`` keeps AWS's own text for messages.
- The enum of instance types is left out: the list ages, and a rule with more facts looks after it.
- An integer gets the bounds of its 32 or 64 bits, which the service enforces while reading the request.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

REQUESTS = (
    "CreateTrainingJob",
    "CreateHyperParameterTuningJob",
    "CreateAutoMLJob",
    "CreateAutoMLJobV2",
    "CreateProcessingJob",
    "CreateTransformJob",
    "CreateModel",
    "CreateModelPackage",
    "CreatePipeline",
    "UpdateTrainingJob",
    "StopTrainingJob",
    "ListTrainingJobs",
)
"""Operations whose requests are distilled."""

OF_STEPS: dict[str, tuple[str, ...]] = {
    "CreateEndpointConfig": ("EndpointConfigName",),
    "CreateEndpoint": ("EndpointName",),
    "CreateInferenceComponent": ("InferenceComponentName",),
    "CreateJob": ("JobName",),
    "CreateAction": (),
    "CreateArtifact": (),
    "CreateContext": (),
}
"""Operations that are read as steps of a pipeline alone, and the required members that it may fill in."""

OF_OTHER_SERVICES: dict[str, tuple[str, tuple[str, ...]]] = {
    "RunJobFlow": ("emr", ("Name",)),
    "StartJobRun": ("emr-serverless", ("applicationId", "executionRoleArn")),
    "CreateApplication": ("emr-serverless", ()),
    "CreateCustomModel": ("bedrock", ("modelName",)),
    "CreateCustomModelDeployment": ("bedrock", ("modelDeploymentName",)),
    "CreateModelImportJob": ("bedrock", ("jobName", "importedModelName")),
    "CreateProvisionedModelThroughput": ("bedrock", ("provisionedModelName",)),
}
"""The same of other services: each with the service. They are distilled for the package alone."""

DESCRIPTIONS = (
    "DescribeTrainingJob",
    "DescribeHyperParameterTuningJob",
    "DescribeAutoMLJob",
    "DescribeAutoMLJobV2",
    "DescribeProcessingJob",
    "DescribeTransformJob",
    "DescribeModel",
    "DescribeModelPackage",
    "DescribePipeline",
    "DescribeEndpoint",
    "DescribeEndpointConfig",
    "DescribeInferenceComponent",
    "DescribeJob",
)
"""Operations whose responses are distilled, all into one document."""

INT_BITS = {"integer": 31, "long": 63}

_EVERY = r"[\x{0}-\x{10FFFF}]"
_ANY = frozenset({r"[\s\S]*", r"[\S\s]*"})
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\x0B\f\r"}
_PROPERTIES = {"Alnum": "A-Za-z0-9", "Alpha": "A-Za-z", "Digit": "0-9", "Upper": "A-Z", "Lower": "a-z"}
_PROPERTY = re.compile(r"\\p\{(\w+)\}")


def translate(pattern: str) -> str | None:
    r"""Write one of AWS's (Java) patterns as an anchored one with the same meaning for Rust's regex engine.

    Java's ``\d``, ``\w``, ``\s`` and POSIX classes are ASCII, its dot excludes five line ends, and a
    surrogate pair in a class is one character above the basic plane. None where the pattern allows
    every text.
    """
    if pattern in _ANY:
        return None
    text = pattern.replace(r"[\s\S]", _EVERY).replace(r"[\S\s]", _EVERY)
    for pairs in (r"\uD800\uDC00-\uDBFF\uDFFF", r"\uD800\uDBFF-\uDC00\uDFFF"):  # EMR writes the second
        text = text.replace(pairs, r"\x{10000}-\x{10FFFF}")
    text = re.sub(r"\\u([0-9A-Fa-f]{4})", r"\\x{\1}", text)
    out: list[str] = []
    in_class = False
    i = 0
    while i < len(text):
        char = text[i]
        if char == "\\":
            piece, width = _escape(text, i, in_class)
            out.append(piece)
            i += width
            continue
        if char == "[":
            # Java would nest a bracket inside a class; AWS's models have none.
            in_class = True
            out.append(char)
        elif char == "]":
            in_class = False
            out.append(char)
        elif char == "." and not in_class:
            out.append(r"[^\n\r\x{85}\x{2028}\x{2029}]")
        elif char == "$" and text.startswith("${", i):
            # `${1,128}` repeats an assertion that consumes nothing: once is the same.
            out.append("$")
            i = text.index("}", i)
        else:
            out.append(char)
        i += 1
    return f"^(?:{_non_space(''.join(out))})$"


def _escape(text: str, at: int, in_class: bool) -> tuple[str, int]:
    """The translation of the escape at ``at`` and how many characters it took."""
    found = _PROPERTY.match(text, at)
    if found:
        posix = _PROPERTIES.get(found[1])
        if posix is None:
            return found[0], len(found[0])
        return (posix if in_class else f"[{posix}]"), len(found[0])
    letter = text[at + 1 : at + 2]
    if letter in _CLASSES:
        return (_CLASSES[letter] if in_class else f"[{_CLASSES[letter]}]"), 2
    if letter == "S":
        return (r"\S" if in_class else r"[^ \t\n\x0B\f\r]"), 2
    if letter in "/:=@ ":
        return letter, 2
    if letter == "_":
        return "_", 2
    return text[at : at + 2], 2


def _non_space(pattern: str) -> str:
    r"""``[\S]`` in Java is everything but six ASCII characters; Rust's would exclude more."""
    return pattern.replace(r"[\S]", r"[^ \t\n\x0B\f\r]")


_COUNT = re.compile(r"(?<=\])\{([01]),(\d{4,})\}")


def _uncounted(pattern: str, longest: int | None) -> str:
    """The same without a large count that the text's own greatest length implies: it would not compile."""

    def shorten(found: re.Match[str]) -> str:
        if longest is None or int(found[2]) < longest:
            return found[0]
        return "*" if found[1] == "0" else "+"

    return _COUNT.sub(shorten, pattern)


class _Distiller:
    """One walk over a service model. ``output`` loosens what only matters in a request."""

    def __init__(self, shapes: Mapping[str, Any], output: bool) -> None:
        self.shapes = shapes
        self.output = output
        self.uses: Counter[str] = Counter()
        self.defs: dict[str, Any] = {}
        self.open: set[str] = set()

    def count(self, name: str) -> None:
        """Count how often each shape is used, to know which are worth a definition of their own."""
        self.uses[name] += 1
        if self.uses[name] > 1:
            return
        shape = self.shapes[name]
        for member in shape.get("members", {}).values():
            self.count(member["shape"])
        for part in ("member", "key", "value"):
            if part in shape:
                self.count(shape[part]["shape"])

    def use(self, name: str) -> dict[str, Any]:
        """The schema of a shape where it is used: a reference, or the schema itself where that is as good."""
        shape = self.shapes[name]
        small = shape["type"] not in ("structure", "list", "map") and len(shape.get("enum", ())) < 4
        if self.uses[name] < 2 or (small and "pattern" not in shape):
            return self.make(name)
        if name in self.open:  # a shape that holds itself: who walks a schema comes to an end
            return {"type": "array" if shape["type"] == "list" else "object"}
        if name not in self.defs:
            self.open.add(name)
            self.defs[name] = self.make(name)
            self.open.remove(name)
        return {"$ref": f"#/$defs/{name}"}

    def make(self, name: str) -> dict[str, Any]:
        """The schema of a shape, written out."""
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            return self._bounds(
                {"type": "array", "items": self.use(shape["member"]["shape"])}, shape, "minItems", "maxItems"
            )
        if kind == "map":
            keys = self.make(shape["key"]["shape"])
            keys.pop("type", None)
            made: dict[str, Any] = {"type": "object"}
            if keys:
                made["propertyNames"] = keys
            made["additionalProperties"] = self.use(shape["value"]["shape"])
            return self._bounds(made, shape, "minProperties", "maxProperties")
        if kind == "string":
            return self._string(name, shape)
        return self._scalar(kind, shape)

    def _structure(self, shape: Mapping[str, Any]) -> dict[str, Any]:
        members = shape.get("members", {})
        made: dict[str, Any] = {
            "type": "object",
            "properties": {member: self.use(ref["shape"]) for member, ref in members.items()},
        }
        required = [r for r in shape.get("required", ()) if not members[r].get("idempotencyToken")]
        if required:
            made["required"] = required
        made["additionalProperties"] = False
        if shape.get("union"):
            made.update({"minProperties": 1, "maxProperties": 1, "union": True})
        return made

    def _string(self, name: str, shape: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "string"}
        if "enum" in shape and not name.endswith(("InstanceType", "InstanceTypes")):
            made["enum"] = list(shape["enum"])
        self._bounds(made, shape, "minLength", "maxLength")
        if "pattern" in shape:
            pattern = translate(shape["pattern"])
            if pattern is not None:
                made["pattern"] = _uncounted(pattern, shape.get("max"))
                made["awsPattern"] = shape["pattern"]
        return made

    def _scalar(self, kind: str, shape: Mapping[str, Any]) -> dict[str, Any]:
        if kind == "boolean":
            return {"type": "boolean"}
        if kind in INT_BITS:
            made = self._bounds({"type": "integer"}, shape, "minimum", "maximum", keep_zero=True)
            made.setdefault("minimum", -(2 ** INT_BITS[kind]))
            made.setdefault("maximum", 2 ** INT_BITS[kind] - 1)
            return made
        if kind in ("float", "double"):
            return self._bounds({"type": "number"}, shape, "minimum", "maximum", keep_zero=True)
        if kind == "timestamp":
            return {"type": ["number", "string"], "timestamp": True}
        if kind == "blob":
            return {"type": "string"}
        raise ValueError(f"a shape of the unknown type {kind!r}")

    def _bounds(
        self, made: dict[str, Any], shape: Mapping[str, Any], low: str, high: str, keep_zero: bool = False
    ) -> dict[str, Any]:
        if "min" in shape and (shape["min"] or keep_zero):
            made[low] = shape["min"]
        if "max" in shape:
            made[high] = shape["max"]
        return made


def request_schema(
    model: Mapping[str, Any], operation: str, filled_in: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The JSON Schema of one operation's request; what is ``filled_in`` may be missing."""
    walk = _Distiller(model["shapes"], output=False)
    name = model["operations"][operation]["input"]["shape"]
    walk.count(name)
    made: dict[str, Any] = {"title": operation, **walk.make(name)}
    if filled_in:
        made["required"] = [member for member in made["required"] if member not in filled_in]
    if walk.defs:
        made["$defs"] = dict(sorted(walk.defs.items()))
    return made


def with_capitals(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A request as a pipeline spells it whose members begin small at the service; what is below them is left open."""
    members = {}
    for name, member in schema["properties"].items():
        shape = schema["$defs"][member["$ref"].rpartition("/")[2]] if "$ref" in member else member
        nested = shape["type"] in ("object", "array")
        members[name[0].upper() + name[1:]] = {"type": shape["type"]} if nested else shape
    required = [name[0].upper() + name[1:] for name in schema.get("required", ())]
    made = {key: value for key, value in schema.items() if key != "$defs"}
    return {**made, "properties": members, "required": required}


def response_schemas(model: Mapping[str, Any]) -> dict[str, Any]:
    """One document with the responses of many operations, by name, over shared ``$defs``."""
    walk = _Distiller(model["shapes"], output=True)
    names = {
        operation: model["operations"][operation]["output"]["shape"]
        for operation in DESCRIPTIONS
        if operation in model["operations"]
    }
    for name in names.values():
        walk.count(name)
    made = {operation: walk.make(name) for operation, name in names.items()}
    return {"operations": made, "$defs": dict(sorted(walk.defs.items()))}


def distill(model: Mapping[str, Any], source: str, date: str) -> dict[str, dict[str, Any]]:
    """Every document made from one service model, by file name without its ending.

    ``source`` says which package and version the model came from, ``date`` is that package's
    (``YYYY-MM-DD``). Operations that the model does not have are left out.
    """
    stamp = {"source": source, "date": date}
    documents = {
        operation: {**stamp, **request_schema(model, operation, OF_STEPS.get(operation, ()))}
        for operation in (*REQUESTS, *OF_STEPS)
        if operation in model["operations"]
    }
    documents["descriptions"] = {**stamp, **response_schemas(model)}
    documents["index"] = {**stamp, "operations": [name for name in documents if name != "descriptions"]}
    return documents
