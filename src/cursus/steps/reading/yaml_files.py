"""YAML files, read as JSON with positions.

Plain scalars mean what JSON means by them. Where YAML 1.1 readers (PyYAML, Ruby) would make something else
of one, such as a date or a number to base 60, the text is kept, since no request has a use for the other.
``yes``, ``no``, ``on`` and ``off``, ``010``, ``1_000`` and ``1:30`` are kept as text with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from yaml.reader import ReaderError

from cursus.errors import TargetError
from cursus.model import Finding, Location, Origin, Path, format_path
from cursus.steps.plain import MAX_VALUES
from cursus.steps.reading.documents import MAX_DEPTH, Document, duplicate_key
from cursus.steps.reading.origins import LazyOrigins

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
# A point is demanded: PyYAML takes 1e-4 for a text, and so does who writes it as a hyperparameter.
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)?\.[0-9]*([eE][-+]?[0-9]+)?\Z")
# Octal, with underscores, to base 60.
_NUMBER_OF_1_1 = re.compile(r"[-+]?(0[0-7_]+|[1-9][0-9]*_[0-9_]*|[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)\Z")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_SWITCHES = frozenset(
    form for word in ("yes", "no", "on", "off") for form in (word, word.capitalize(), word.upper())
)
_STANDARD = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(
    {
        None,
        "",
        "!",
        "?",
        *(_STANDARD + name for name in "str int float bool null seq map timestamp merge value".split()),  # noqa: SIM905
    }
)


def parse_yaml(text: str, name: str) -> list[Document]:
    """Read the text of a YAML file, one Document for each of its documents.

    Raises TargetError, with line and column, for what is no YAML and for what JSON cannot say: tags such as
    ``!Ref``, recursive anchors, endless nesting, NaN.
    """
    nodes = _composed(text, name)
    documents = [_Reader(name).document(node) for node in nodes]
    # An empty one is what a --- too many leaves.
    return [one for one in documents if one.data is not None] or [Document(name, None)]


def as_pyyaml(text: str, name: str) -> Any:
    """The one document of a YAML text with the types that ``yaml.safe_load`` gives its values.

    Raises TargetError for what ``parse_yaml`` refuses, but for numbers that JSON has not, and where there are several
    documents.
    """
    nodes = _composed(text, name)
    if len(nodes) > 1:
        raise TargetError(f"{name}: {len(nodes)} YAML documents in one file; one was expected.")
    if not nodes:
        return None
    _Bounded(name).value(nodes[0], ())
    try:
        return yaml.constructor.SafeConstructor().construct_document(nodes[0])
    except (yaml.YAMLError, ValueError) as error:
        raise TargetError(f"{name}: this is no YAML: {' '.join(str(error).split())}.") from None


def _composed(text: str, name: str) -> list[Any]:
    """The nodes of each document."""
    try:
        if _may_be_deep(text):
            _check_depth(text, name)
        return list(yaml.compose_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = error.problem or error.context or "cannot be read"
        if "nesting depth" in problem:  # libyaml's own limit, which is a wider one
            raise TargetError(f"{place}: nested deeper than {MAX_DEPTH} levels; no request is.") from None
        raise TargetError(f"{place}: this is no YAML: {problem}.{_hint(text, mark)}") from None
    except ReaderError as error:  # a control character
        found = error.character
        before = text[: text.find(found if isinstance(found, str) else chr(found))]
        place = f"{name}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        raise TargetError(f"{place}: this is no YAML: {str(error).splitlines()[0]}.") from None
    except RecursionError:
        raise TargetError(f"{name}: nested too deeply; no request is.") from None


class _Reader:
    """Makes plain data of the nodes of one document."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Finding] = []
        self.made: dict[int, Any] = {}
        self.sizes: dict[int, int] = {}
        self.open: set[int] = set()

    def document(self, node: Any) -> Document:
        data = self.value(node, ())
        name = self.name
        return Document(name, data, LazyOrigins(lambda: _positions(node, name)), tuple(self.problems))

    def value(self, node: Any, path: Path) -> Any:
        """The data of a node. One that an alias repeats is made once and counted each time."""
        key = id(node)
        if key in self.made:
            return self.made[key]
        if key in self.open:
            raise self.error(node, "an anchor that contains itself has no end; JSON cannot hold it")
        if len(path) > MAX_DEPTH:
            raise self.error(node, f"nested deeper than {MAX_DEPTH} levels; no request is")
        if node.tag not in _PLAIN_TAGS:
            raise self.error(node, _about_tag(node.tag))
        self.open.add(key)
        size = 1
        made: Any
        if isinstance(node, yaml.ScalarNode):
            made = self.scalar(node, path)
        elif isinstance(node, yaml.SequenceNode):
            made = [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
            size += sum(self.sizes[id(child)] for child in node.value)
        else:
            made = self.mapping(node, path)
            size += sum(self.sizes[id(child)] for _, child in node.value)
        if size > MAX_VALUES:
            raise self.error(node, f"its aliases, written out, make more than {MAX_VALUES:,} values")
        self.open.discard(key)
        self.made[key] = made
        self.sizes[key] = size
        return made

    def scalar(self, node: Any, path: Path) -> Any:
        text: str = node.value
        if node.style or node.tag == _STANDARD + "str":  # quoted, or nothing but a text
            return text
        try:
            return _WORDS[text]
        except KeyError:
            pass
        if _INTEGER.match(text):
            if len(text) > 400:
                raise self.error(node, "a number of this length is no request's")
            return int(text)
        if text[-1] in "0123456789." and any(c in "0123456789" for c in text) and _NUMBER.match(text):
            return float(text)
        if _NOT_FINITE.match(text):
            raise self.error(node, f"{text} is no JSON number; SageMaker takes none")
        if text in _SWITCHES:
            meaning = str(text.lower() in ("yes", "on"))
            self.problems.append(_otherwise(text, meaning, path, self.location(node)))
        elif text[0] in "-+0123456789" and len(text) < 100 and _NUMBER_OF_1_1.match(text):
            self.problems.append(_otherwise(text, "a number", path, self.location(node)))
        return text

    def mapping(self, node: Any, path: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.error(key_node, "a key must be a text, not a list or mapping")
            key = key_node.value
            if _is_merge(key_node):
                inner = self.value(value_node, path)
                for part in inner if isinstance(inner, list) else [inner]:
                    if not isinstance(part, dict):
                        raise self.error(value_node, "<< takes a mapping, or a list of them")
                    merged = {**part, **merged}
                continue
            if key in lines:
                place = self.location(key_node)
                self.problems.append(duplicate_key(key, format_path((*path, key)), place, lines[key]))
            lines[key] = key_node.start_mark.line + 1
            if not key_node.style and (
                key in _WORDS or key in _SWITCHES or _INTEGER.match(key) or _NUMBER.match(key)
            ):
                self.problems.append(_key(key, (*path, key), self.location(key_node)))
            made[key] = self.value(value_node, (*path, key))
        return {**merged, **made} if merged else made

    def location(self, node: Any) -> Location:
        mark = node.start_mark
        return Location(self.name, mark.line + 1, mark.column + 1)

    def error(self, node: Any, message: str) -> TargetError:
        return TargetError(f"{self.location(node)}: {message}.")


def _positions(root: Any, name: str) -> Mapping[Path, Origin]:
    """The place of every value; what an alias or ``<<`` repeats has the place where it is written."""
    found: dict[Path, Origin] = {}
    pending: list[tuple[Path, Any]] = [((), root)]
    while pending and len(found) < MAX_VALUES:
        path, node = pending.pop()
        if path not in found:
            mark = node.start_mark
            found[path] = Origin(name, Location(name, mark.line + 1, mark.column + 1))
        if isinstance(node, yaml.SequenceNode):
            pending.extend(((*path, i), child) for i, child in enumerate(node.value))
        elif isinstance(node, yaml.MappingNode):
            # What is written out comes before what << brings in: the end of the list is read first.
            pending.extend((path, part) for part in reversed(_merged(node)))
            pending.extend(((*path, key.value), child) for key, child in node.value if not _is_merge(key))
    return found


def _is_merge(key: Any) -> bool:
    return key.value == "<<" and not key.style


def _merged(node: Any) -> list[Any]:
    found: list[Any] = []
    for key, child in node.value:
        if _is_merge(key):
            found.extend(child.value if isinstance(child, yaml.SequenceNode) else [child])
    return found


class _Bounded(_Reader):
    """Refuses what has no end, and takes every scalar."""

    def scalar(self, node: Any, path: Path) -> Any:
        return node.value


def _otherwise(text: str, meaning: str, path: Path, location: Location) -> Finding:
    """A plain text that is something else to other readers."""
    truth = f"{meaning.lower()} or " if text in _SWITCHES else ""
    return Finding(
        rule="STP096",
        severity="warning",
        message=f"plain {text} is a text here, but readers of YAML 1.1 such as PyYAML take it for {meaning}",
        path=format_path(path),
        remedy=f'Write {truth}"{text}".',
        area="step",
        location=location,
    )


def _key(text: str, path: Path, location: Location) -> Finding:
    return Finding(
        rule="STP096",
        severity="warning",
        message=f"the plain key {text} is a text here, but readers such as PyYAML take it for something else, and "
        "boto3 takes no key but a text",
        path=format_path(path),
        remedy=f'Write "{text}".',
        area="step",
        location=location,
    )


def _about_tag(tag: str) -> str:
    if tag.startswith(_STANDARD):
        return f"!!{tag.removeprefix(_STANDARD)} has no form in JSON; write a plain value"
    name = tag if tag.startswith("!") else f"!<{tag}>"
    intrinsic = name[1:] in ("Ref", "Sub", "Join", "ImportValue") or name.startswith(
        ("!Fn", "!GetAtt", "!Select")
    )
    if intrinsic or name in ("!If", "!FindInMap", "!Split", "!Base64", "!Cidr", "!Equals", "!Condition"):
        return (
            f"{name} is a CloudFormation function, which only CloudFormation can work out; "
            "write the value that it stands for"
        )
    return f"the tag {name} has no meaning in a request; write the plain value"


def _hint(text: str, mark: Any) -> str:
    lines = text.split("\n")
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    return " YAML is indented by spaces, not tabs." if "\t" in line[: len(line) - len(line.lstrip())] else ""


def _may_be_deep(text: str) -> bool:
    """True where a text could nest deeply: many brackets, a deep indent, or many dashes in a line."""
    return (
        text.count("[") + text.count("{") > MAX_DEPTH
        or " " * MAX_DEPTH in text
        or "- " * MAX_DEPTH in text
        or "? " * MAX_DEPTH in text
        or "-\t" * 8 in text
    )


def _check_depth(text: str, name: str) -> None:
    """Refuse deep nesting from the stream of events, before the composer recurses into it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                mark = event.start_mark
                place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
                raise TargetError(f"{place}: nested deeper than {MAX_DEPTH} levels; no request is.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
