"""Recognises requests whose members were met often, in one call, without taking them apart.

The *form* of such a request is written as a JSON Schema: the containers of the outline and their members, the types of the
values that belong to it, and for every open text that it satisfies the service model and that nothing can be suspected of
it, but for those of which something was: these are looked at each time. In a request that fits, the values of the outline stand where they stood in all others of the form.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cursus.aws import places, schema, schema_store
from cursus.checks.outlines.outline import ARCHIVES, READ, WRITTEN, Outline, Shape, group_of
from cursus.checks.outlines.walk import Suspects
from cursus.checks.texts import (
    HINTED,
    HYPERPARAMETERS,
    NAME,
    NAMES,
    harmless,
    names_a_script,
    of_places,
    suspicions,
)
from cursus.model import NO_PROMISES, Path, Step

if TYPE_CHECKING:
    from jsonschema_rs import Draft4Validator

OFTEN = 12
"""Requests after which their form is worth the millisecond or two that it takes to write and compile."""
MAX_FORMS = 32
"""Each takes up to a megabyte, most of it for its patterns."""
MAX_ALIKE = 4
"""Forms that are tried for one request, each of which takes about as long as to validate it."""

Place = tuple[int, Any]
"""A container of a request, by its number, and the name of one of its members."""


class Form:
    """Requests that have the same shapes, all of whose open texts are harmless but for those that are ``watched``.

    ``inner`` are the containers after the first, each by the one that it lies in; ``read``, ``written`` and ``scripts`` are
    open texts that are looked at together (``outline.Shape``). ``inside`` is the region or partition that nothing may lie
    outside of, where a bucket's name tells its own.
    """

    __slots__ = ("checker", "closed", "inner", "inside", "read", "scripts", "shapes", "watched", "written")

    def __init__(self, shapes: tuple[Shape, ...]) -> None:
        self.shapes = shapes
        self.checker: Draft4Validator | None = None
        self.closed = [(shape.closed, number) for number, shape in enumerate(shapes) if shape.closed]
        self.inner: list[Place] = []
        self.read: list[Place] = []
        self.written: list[Place] = []
        self.watched: list[tuple[str, int, Any, Path]] = []
        self.scripts: list[tuple[str, int, Any]] = []
        self.inside: str | None = None


class Met:
    """A request that fits a form."""

    __slots__ = ("_containers", "_form", "key")

    def __init__(self, form: Form, request: dict[str, Any]) -> None:
        containers: list[Any] = [request]
        for number, name in form.inner:
            containers.append(containers[number][name])
        closed: list[Any] = []
        for pick, number in form.closed:
            closed += pick(containers[number])
        self.key = form.shapes, tuple(closed)
        """That of its outline."""
        self._form = form
        self._containers = containers

    def suspects(self, inside: str) -> Suspects | None:
        """The open texts that are suspected of anything where nothing may lie outside of a region or partition.

        None where the form does not tell.
        """
        form, containers = self._form, self._containers
        if form.inside is not None and form.inside != inside:
            return None
        found: Suspects = {}
        for holder, number, name, path in form.watched:
            value = containers[number][name]
            for suspicion in suspicions(holder, name, value, inside):
                found.setdefault(suspicion, []).append((path, value))
        return found

    def kinds(self) -> list[str]:
        """What its S3 locations and scripts are suspected of together."""
        form, containers = self._form, self._containers
        read = [containers[number][name] for number, name in form.read]
        found = of_places(read, [containers[number][name] for number, name in form.written])
        for start, number, name in form.scripts:
            if not names_a_script(start, containers[number][name]):
                found.append("script")
        return found


_FORMS: dict[tuple[Any, ...], list[Form]] = {}


def forget() -> None:
    """Drop all forms."""
    _FORMS.clear()


schema_store.on_forget(forget)


def met(step: Step) -> Met | None:
    """The request of a step that is nothing but a request, where it fits a form."""
    request = step.request
    if not _FORMS or type(request) is not dict or not _bare(step):
        return None
    try:
        forms = _FORMS.get((step.operation, *request))
        if forms is None:
            return None
        marshal.dumps(request)  # the quickest way to learn that nothing in it is of a class of the user's own
        for form in forms:
            if form.checker is not None and form.checker.is_valid(request):
                return Met(form, request)
    except (TypeError, ValueError, RecursionError):  # no JSON
        pass
    return None


def learn(step: Step, outline: Outline, paths: Sequence[Path], inside: str, suspects: Suspects) -> None:
    """Write the form of a step's request, which has this outline, its containers at these ``paths``.

    Nothing else is suspected where nothing may lie outside of the region or partition ``inside``.
    """
    if not _bare(step):
        return
    key = (step.operation, *step.request)
    try:
        form = _form(step, outline, paths, inside, suspects)
    except ValueError:  # a text, or a pattern of the model, cannot be described
        return
    alike = _FORMS.pop(key, [])[1 - MAX_ALIKE :]
    while sum(map(len, _FORMS.values())) + len(alike) >= MAX_FORMS:
        del _FORMS[next(iter(_FORMS))]  # what nobody learnt of for longest
    _FORMS[key] = [*alike, form]


def _bare(step: Step) -> bool:
    return step.source is None and not step.origins and step.promises is NO_PROMISES and not step.in_pipeline


def _form(step: Step, outline: Outline, paths: Sequence[Path], inside: str, suspects: Suspects) -> Form:
    """Raises ValueError where the request cannot be described, or is none of its own form."""
    from jsonschema_rs import Draft4Validator  # to the drafts after it 1.0 is an integer

    model = schema.document(step.operation) or {}
    suspected = {path for found in suspects.values() for path, _ in found}
    form = Form(outline.shapes)
    nodes: list[dict[str, Any]] = []
    for number, (shape, container, path) in enumerate(
        zip(outline.shapes, outline.containers(), paths, strict=True)
    ):
        form.inner += [(number, name) for name, _ in shape.inner]
        form.scripts += [(start, number, name) for name, start in shape.scripts]
        members: dict[Any, Any] = {name: _TYPED[type(container[name])] for name in shape.picked}
        for name in shape.open:
            place = (*path, name)
            group = group_of(shape.holder, name)
            if group in (READ, WRITTEN):
                (form.read if group == READ else form.written).append((number, name))
            value, quoted = container[name], shape.holder in HYPERPARAMETERS
            wanted = [{"type": "string", **_modelled(schema.at(model, place) or {})}]
            alone = ([], [value]) if quoted else ([value], [])
            if name in shape.watched or place in suspected or not harmless(*alone, inside):
                form.watched.append((shape.holder, number, name, place))
                wanted += [{"not": {"pattern": ARCHIVES}}] if quoted else []
            elif shape.holder or name not in NAMES:
                bucket = _bucket(value)
                form.inside = inside if bucket and places.bucket(bucket) else form.inside
                wanted.append(_faultless(bucket, quoted=quoted))
            members[name] = {"allOf": wanted}
        nodes.append(_container(container, members))
    for node, (number, name) in zip(nodes[1:], form.inner, strict=True):
        outer = nodes[number]
        if outer["type"] == "array":
            outer["items"][name] = node
        else:
            outer["properties"][name] = node
    form.checker = Draft4Validator(nodes[0])
    if not form.checker.is_valid(step.request):
        raise ValueError("no request of its own form")
    return form


def _container(container: Any, members: dict[Any, Any]) -> dict[str, Any]:
    """A container that has as many members, the same ones; those that are containers themselves are put in later."""
    size = len(container)
    if type(container) is list:
        node = {"type": "array", "minItems": size, "maxItems": size}
        return node | {"items": [members.get(i, {}) for i in range(size)]} if size else node
    node = {"type": "object", "maxProperties": size, "properties": members}
    return node | {"required": list(container)} if size else node


_TYPED: dict[type, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number", "not": {"multipleOf": 1}},
}
"""Values of the outline. One of another type is never equal to them, as 1.0 would be to 1 and to True."""


def _bucket(value: str) -> str:
    """The bucket of a text that is an S3 URI, empty for any other."""
    bare = value.strip('"')
    return bare[5:].partition("/")[0] if bare.startswith("s3://") else ""


_REGION = "-[a-z]+-[0-9]"
"""What the name of each region ends with."""


def _faultless(bucket: str, *, quoted: bool) -> dict[str, Any]:
    """What keeps a text from being suspected of anything, as ``texts.harmless`` has it, and a little more."""
    text, hints = "[A-Za-z0-9_.=+:,/ -]*", f'{HINTED}|^"?(s3:|http|arn:| )| "?$'
    if bucket:
        hints = HINTED
        if (
            re.search(_REGION, bucket) is None
        ):  # nor does any other name without such a part tell where it lies
            bucket, hints = NAME, f"{HINTED}|s3://[^/]*{_REGION}"
        text = f"s3://{bucket}(/[A-Za-z0-9_.=+-]+)*/?"
    either = f'({text}|"{text}")' if quoted else text
    return {"pattern": f"^{either}$", "not": {"pattern": _in_any_case(hints)}}


def _modelled(model: Mapping[str, Any]) -> dict[str, Any]:
    """What the service model wants of a text, with the code points in its pattern as that draft writes them."""
    wanted = {name: value for name, value in model.items() if name in ("minLength", "maxLength")}
    if "pattern" in model:
        wanted["pattern"] = re.sub(
            r"\\x\{([0-9a-fA-F]+)\}", lambda found: f"\\u{int(found[1], 16):04x}", model["pattern"]
        )
    return wanted


def _in_any_case(pattern: str) -> str:
    """The pattern with both cases of each letter: JSON Schema's have no flags."""
    inside = False
    made = []
    for char in pattern:
        inside = char == "[" or (inside and char != "]")
        both = char + char.upper() if char.isalpha() else char
        made.append(f"[{both}]" if len(both) > 1 and not inside else both)
    return "".join(made)
