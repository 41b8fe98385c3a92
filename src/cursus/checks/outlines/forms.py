"""Recognises requests whose members were met often, in one call, without taking them apart.

The *form* of such a request is written as a JSON Schema: the containers of the outline and their members, the types of the
values that belong to it, and for every open text that it satisfies the service model and that nothing can be suspected of
it. In a request that fits, the values of the outline stand where they stood in all others of the form.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cursus.aws import places, schema, schema_store
from cursus.checks.outlines.outline import READ, WRITTEN, Outline, Shape, group_of
from cursus.checks.texts import HINTED, HYPERPARAMETERS, NAME, NAMES, names_a_script, of_places, suspicions
from cursus.model import NO_PROMISES, Path, Step

if TYPE_CHECKING:
    from jsonschema_rs import Draft4Validator

OFTEN = 12
"""Requests after which their form is worth the millisecond or two that it takes to write and compile."""
MAX_FORMS = 64
MAX_ALIKE = 4
"""Forms that are tried for one request, each of which takes about as long as to validate it."""

Place = tuple[int, Any]
"""A container of a request, by its number, and the name of one of its members."""


class Form:
    """Requests that have the same shapes, all of whose open texts are harmless.

    ``inner`` are the containers after the first, each by the one that it lies in; ``read``, ``written``, ``watched`` and
    ``scripts`` the open texts that are looked at nevertheless (``outline.Shape``). ``inside`` is the region or partition
    that nothing may lie outside of, where a bucket's name tells its own.
    """

    __slots__ = ("checker", "closed", "inner", "inside", "read", "scripts", "shapes", "watched", "written")

    def __init__(self, shapes: tuple[Shape, ...]) -> None:
        self.shapes = shapes
        self.checker: Draft4Validator | None = None
        self.closed = [(shape.closed, number) for number, shape in enumerate(shapes) if shape.closed]
        self.inner: list[Place] = []
        self.read: list[Place] = []
        self.written: list[Place] = []
        self.watched: list[tuple[str, int, Any]] = []
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

    def kinds(self, inside: str) -> list[str] | None:
        """What its S3 locations and scripts are suspected of together, where nothing may lie outside of a region.

        None where a text is suspected of something by itself.
        """
        form, containers = self._form, self._containers
        if form.inside is not None and form.inside != inside:
            return None
        for holder, number, name in form.watched:
            if suspicions(holder, name, containers[number][name], inside):
                return None
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


def learn(step: Step, outline: Outline, paths: Sequence[Path], inside: str) -> None:
    """Write the form of a step's request, which has this outline, its containers at these ``paths``.

    Nothing is to be suspected in any open text where nothing may lie outside of the region or partition ``inside``.
    """
    if not _bare(step):
        return
    key = (step.operation, *step.request)
    alike = _FORMS.get(key, [])
    if len(alike) >= MAX_ALIKE:
        return
    try:
        form = _form(step, outline, paths, inside)
    except ValueError:  # a text, or a pattern of the model, cannot be described
        return
    if len(_FORMS) >= MAX_FORMS:
        del _FORMS[next(iter(_FORMS))]
    _FORMS[key] = [*alike, form]


def _bare(step: Step) -> bool:
    return step.source is None and not step.origins and step.promises is NO_PROMISES and not step.in_pipeline


def _form(step: Step, outline: Outline, paths: Sequence[Path], inside: str) -> Form:
    """Raises ValueError where the request cannot be described, or is none of its own form."""
    from jsonschema_rs import Draft4Validator  # to the drafts after it 1.0 is an integer

    model = schema.document(step.operation) or {}
    form = Form(outline.shapes)
    nodes: list[dict[str, Any]] = []
    for number, (shape, container, path) in enumerate(
        zip(outline.shapes, outline.containers(), paths, strict=True)
    ):
        form.inner += [(number, name) for name, _ in shape.inner]
        form.watched += [(shape.holder, number, name) for name in shape.watched]
        form.scripts += [(start, number, name) for name, start in shape.scripts]
        members: dict[Any, Any] = {
            name: _typed(container[name], schema.at(model, (*path, name))) for name in shape.picked
        }
        for name in shape.open:
            group = group_of(shape.holder, name)
            if group in (READ, WRITTEN):
                (form.read if group == READ else form.written).append((number, name))
            bucket = _bucket(container[name])
            form.inside = inside if bucket and places.bucket(bucket) else form.inside
            members[name] = _open(shape, name, bucket, schema.at(model, (*path, name)))
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


def _typed(value: Any, model: Mapping[str, Any] | None) -> dict[str, Any]:
    """A value of the outline: of the type that the service model wants."""
    kind = {str: "string", bool: "boolean", int: "integer"}.get(type(value))
    if kind is None or (model is not None and model.get("type") == "number"):
        raise ValueError("to the model 1 and 1.0 may be the same")
    return {"type": kind}


def _bucket(value: str) -> str:
    """The bucket of a text that is an S3 URI, empty for any other."""
    bare = value.strip('"')
    return bare[5:].partition("/")[0] if bare.startswith("s3://") else ""


def _open(shape: Shape, name: str, bucket: str, model: Mapping[str, Any] | None) -> dict[str, Any]:
    """An open text: what the service model wants, and what keeps it from being suspected of anything.

    The latter is what ``texts.harmless`` has, and a little more.
    """
    node = {"type": "string", **_modelled(model or {})}
    if name in shape.watched or (not shape.holder and name in NAMES):
        return node
    text, hints = "[A-Za-z0-9_.=+:,/ -]*", f'{HINTED}|^"?(s3:|http|arn:| )| "?$'
    if bucket:
        hints = HINTED
        if places.bucket(bucket) is None:  # nor does any other name tell where it lies, without such a part
            bucket, hints = NAME, rf"{HINTED}|s3://[^/]*-[a-z]+-[0-9]"
        text = f"s3://{bucket}(/[A-Za-z0-9_.=+-]+)*/?"
    either = f'({text}|"{text}")' if shape.holder in HYPERPARAMETERS else text
    faultless = {"pattern": f"^{either}$", "not": {"pattern": _in_any_case(hints)}}
    return {"allOf": [node, faultless]} if "pattern" in node else node | faultless


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
