"""Recognises requests whose members were met before, without taking them apart.

The *form* of such a request knows its containers and their members, in order. In a request that fits, all stands where it
stood in others of the form: the values of the outline and the open texts are picked from their places.
"""

from __future__ import annotations

from typing import Any

from cursus.aws import schema
from cursus.checks.outlines.outline import (
    READ,
    WRITTEN,
    Outline,
    Shape,
    Watched,
    are_leaves,
    are_texts,
    group_of,
    suspected_together,
    tells_an_algorithm,
)
from cursus.checks.outlines.picking import Picker, Place, Places
from cursus.checks.texts import HYPERPARAMETERS, NAMES, harmless
from cursus.model import NO_PROMISES, Step

MAX_FORMS = 512
"""Members and hyperparameters of requests whose forms are known (``_key``)."""
MAX_ALIKE = 4
"""Forms with the same ones."""

MANY = 8
"""Requests of a form after which more are expected."""
MOST = 1_000
"""Places of a form for which a function is written then."""


class Form:
    """Requests that have the same shapes.

    ``places`` are those of its containers, the values of the outline, the open texts that are looked at together, and those of
    hyperparameters among them; ``pick`` takes what stands there. ``read`` and ``written`` are S3 locations, ``watched`` are
    looked at one by one, and ``scripts`` for their ending (``outline.Shape``). Of a mapping as long as another each member is
    picked, or is in both. ``fitted`` counts the requests.
    """

    __slots__ = ("fitted", "pick", "places", "read", "scripts", "shapes", "watched", "written")

    def __init__(self, outline: Outline, inside: str) -> None:
        """The form of the requests with this outline.

        Its open texts are held against the region or partition ``inside``: those that are not harmless are watched.
        """
        self.shapes = outline.shapes
        self.read: list[Place] = []
        self.written: list[Place] = []
        self.watched: list[Watched] = []
        self.scripts: list[tuple[str, int, Any]] = []
        inner: list[Place] = []
        closed: list[Place] = []
        texts: list[Place] = []
        values: list[Place] = []
        for number, (shape, container) in enumerate(zip(outline.shapes, outline.containers, strict=True)):
            closed += [(number, name) for name in shape.picked]
            inner += [(number, name) for name, _ in shape.inner]
            self.scripts += [(start, number, name) for name, start in shape.scripts]
            quoted = shape.holder in HYPERPARAMETERS
            (values if quoted else texts).extend(self._open(number, shape, container, inside, quoted))
        kinds, sizes = [*map(type, outline.containers)], [*map(len, outline.containers)]
        self.places = Places(tuple(inner), kinds, sizes, (tuple(closed), tuple(texts), tuple(values)))
        self.pick: Picker = self.places.pick
        self.fitted = 0

    def _open(self, number: int, shape: Shape, container: Any, inside: str, quoted: bool) -> list[Place]:
        together: list[Any] = []
        for name in shape.open:
            value, group = container[name], group_of(shape.holder, name)
            if group == READ:
                self.read.append((number, name))
            elif group == WRITTEN:
                self.written.append((number, name))
            if not shape.holder and name in NAMES:
                continue
            alone = ([], [value]) if quoted else ([value], [])
            if name not in shape.watched and harmless(*alone, inside):
                together.append((number, name))
            else:
                self.watched.append((shape.holder, number, name))
        return together


_FORMS: dict[tuple[Any, ...], list[Form]] = {}


def forget() -> None:
    """Drop all forms."""
    _FORMS.clear()


def met(step: Step) -> Outline | None:
    """The outline of a step that is nothing but a request, where it fits a form and satisfies the service model."""
    request = step.request
    if not _FORMS or type(request) is not dict or not _bare(step):
        return None
    try:
        alike = _FORMS.get(_key(step), ())
    except (AttributeError, TypeError):  # nothing like a request
        return None
    for form in alike:
        try:
            found = _fitting(form, request)
        except (IndexError, KeyError, TypeError):  # other members
            continue
        if found is not None:
            return found if schema.satisfied(step.operation, request) else None
    return None


def _fitting(form: Form, request: dict[str, Any]) -> Outline | None:
    taken = form.pick(request)
    if taken is None:
        return None
    containers, closed, texts, values = taken
    if not (are_leaves(closed) and are_texts(texts, values)):
        return None
    form.fitted += 1
    if form.fitted == MANY and sum(map(len, form.places.groups)) <= MOST:
        form.pick = form.places.written()
    for _, number, name in form.watched:
        value = containers[number][name]
        if type(value) is not str or tells_an_algorithm(value):
            return None
    kinds = suspected_together(
        [containers[number][name] for number, name in form.read],
        [containers[number][name] for number, name in form.written],
        [(start, containers[number][name]) for start, number, name in form.scripts] if form.scripts else (),
    )
    return Outline(form.shapes, containers, closed, kinds, texts, values, form.watched)


def learn(step: Step, outline: Outline, inside: str) -> None:
    """Remember the form of a step's request, which has this outline."""
    if not _bare(step):
        return
    key = _key(step)
    alike = _FORMS.pop(key, [])[1 - MAX_ALIKE :]
    while len(_FORMS) >= MAX_FORMS:
        del _FORMS[next(iter(_FORMS))]  # what nobody learnt of for longest
    _FORMS[key] = [*alike, Form(outline, inside)]


def _key(step: Step) -> tuple[Any, ...]:
    """What is looked at to choose among the forms; requests of one form have it in common."""
    request = step.request
    job = request.get("TrainingJobDefinition", request)
    values = job.get("HyperParameters") or job.get("StaticHyperParameters") or ()
    return (step.operation, *request, len(job.get("InputDataConfig", ())), *values)


def _bare(step: Step) -> bool:
    return step.source is None and not step.origins and step.promises is NO_PROMISES and not step.in_pipeline
