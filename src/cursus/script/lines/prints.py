"""The lines that a script prints, as texts with holes."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable

from cursus.script.evaluation import values as v
from cursus.script.evaluation.conditions import around
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Const, Habit, Hole, Part, PrintedLine, Text
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import bare_name, everything_given, last_name, receiver, word

LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "critical", "exception", "fatal"})
NUMBER_NAME = re.compile(
    r"loss|acc|mse|mae|rmse|auc|f1|score|epoch|step|lr|rate|error|precision|recall|perplexity|bleu|reward"
    r"|batch|iter|time|r2|metric_value|total|count|correct",
    re.IGNORECASE,
)
DUMPS = frozenset({"dump", "safe_dump", "pprint", "pp", "writer", "DictWriter", "print_exc"})
NUMBER_OF = re.compile(r"\.item\(|\bfloat\(|\.numpy\(|\.tolist\(")
"""What makes a number of a tensor."""
MANY = 20
"""Places at which one name is set; where there are more, it is not looked at."""
STREAM = re.compile(r"(?:sys\.)?(?:__)?std(?:out|err)(?:__)?")
SEVERAL = re.compile(r"(?:scores|losses|accuracies|results|history|values|errors)$|\.items\(\)|asdict\(")
WHOLE_LINE = re.compile(
    r"json|msg|message|text|line|str\(|join|log|report|summary|name|dict|metrics\b", re.IGNORECASE
)


def printed(evaluator: Evaluator, site: CallSite) -> Iterable[PrintedLine]:
    """The line that one call prints, where it prints one."""
    node = site.node
    name = evaluator.called(node, site.body)
    where, tests = place(node, site.body), around(evaluator, site)
    if name == "print":
        file = word(node, "file")
        if file is not None and not STREAM.search(ast.unparse(file)):
            return
        for text in _print(evaluator, site):
            yield PrintedLine(text, "", where, tests)
    elif name in ("sys.stdout.write", "sys.stderr.write") and node.args:
        for text in _texts(evaluator, site, node.args[0]):
            yield PrintedLine(text, "", where, tests)
    elif name.rpartition(".")[2] in DUMPS and any(
        STREAM.fullmatch(ast.unparse(one)) for one in everything_given(node)
    ):
        yield PrintedLine(Text((Hole(),)), "", where, tests)  # as json.dump(found, sys.stdout) does
    elif node.args:
        logger = receiver(node, LEVELS)
        if logger is not None and (name.startswith("logging.") or "log" in ast.unparse(logger).lower()):
            level = last_name(node.func) if last_name(node.func) in ("debug", "info") else "warning"
            for text in _logged(evaluator, site):
                yield PrintedLine(text, level, where, tests)


def log_configs(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterable[Habit]:
    """Where logging is set up, in the order of the source: ``log-config``, with the file that ``text`` names.

    And ``log-level``, where a level of loggers is set, ``text``; ``key`` is ``other`` for one of a written name.
    """
    for site, sure in calls:
        level = _level_set(evaluator, site)
        if level is not None:
            tests = around(evaluator, site)
            key = "other" if _of_another(site) else ""
            yield Habit("log-level", level, "", sure, place(site.node, site.body), key=key, tests=tests)
        if evaluator.called(site.node, site.body) == "logging.basicConfig":
            name = word(site.node, "filename")
            value = None if name is None else v.as_path(evaluator.value(name, site.body))
            text = value if isinstance(value, Text) else None if name is None else Text((Hole(),))
            where = place(site.node, site.body)
            yield Habit("log-config", text, "", sure, where, tests=around(evaluator, site))


def _level_set(evaluator: Evaluator, site: CallSite) -> Text | None:
    """The level that a call gives to loggers: ``basicConfig(level=…)``, ``setLevel(…)``."""
    node = site.node
    given = word(node, "level") if last_name(node.func) == "basicConfig" else None
    if last_name(node.func) == "setLevel" and node.args:
        given = node.args[0]
    if given is None:
        return None
    levels: list[Part] = []
    for value in evaluator.evaluate(given, site.body, site.order).values:
        known = value.name.removeprefix("logging.") if isinstance(value, v.Ref) else None
        known = NUMBERED.get(str(value.value)) if isinstance(value, Const) else known
        levels += [known] if known else v.parts_of(value) if isinstance(value, Text) else []
    return Text((levels[0],)) if len(levels) == 1 else Text((Hole(),))


NUMBERED = {"10": "DEBUG", "20": "INFO", "30": "WARNING", "40": "ERROR", "50": "CRITICAL"}


def _of_another(site: CallSite) -> bool:
    """True for ``logging.getLogger("urllib3").setLevel(…)``, also by a name."""
    base = receiver(site.node, ("setLevel",))
    made = site.body.only(base.id) or site.body.top.only(base.id) if isinstance(base, ast.Name) else base
    return (
        isinstance(made, ast.Call)
        and last_name(made.func) == "getLogger"
        and any(isinstance(one, ast.Constant) for one in made.args)
    )


def _print(evaluator: Evaluator, site: CallSite) -> list[Text]:
    node = site.node
    given = word(node, "sep")
    separator = str(given.value) if isinstance(given, ast.Constant) else " "
    rows: list[list[Part]] = [[]]
    for i, argument in enumerate(node.args):
        if isinstance(argument, ast.Starred):
            texts = [Text((Hole(),))]
        else:
            texts = _texts(evaluator, site, argument)
            if _is_tensor(site.body, argument):
                texts = [Text(("tensor(", Hole(True), ")"))]
        lead: list[Part] = [separator] if i else []
        rows = [[*row, *lead, *text.parts] for row in rows for text in texts][: v.LIMIT]
    return [v.merge(row) for row in rows]


def _is_tensor(body: Body, node: ast.expr) -> bool:
    """True for a name whose value learns by ``backward``, which ``print`` shows as ``tensor(0.5, grad_fn=…)``."""
    name = bare_name(node)
    bound = body.bindings.get(name, []) if name else []
    made = [ast.unparse(one.node) for one in bound[: MANY + 1] if one.node is not None]
    return (
        0 < len(bound) <= MANY
        and name in body.once(_learning)
        and not any(NUMBER_OF.search(one) for one in made)
    )


def _learning(body: Body) -> set[str]:
    return {bare_name(receiver(one, ("backward",))) for one in body.nodes}


def _texts(evaluator: Evaluator, site: CallSite, node: ast.expr) -> list[Text]:
    dumped = isinstance(node, ast.Call) and evaluator.called(node, site.body) == "json.dumps"
    written = (
        node.args[0] if isinstance(node, ast.Call) and dumped and not node.keywords and node.args else node
    )
    if isinstance(written, ast.Dict):
        return [v.merge(row) for row in _mapping(evaluator, site, written, json.dumps if dumped else repr)]
    found = evaluator.evaluate(node, site.body, site.order)
    return [v.merge([_named(part, node) for part in v.parts_of(value)]) for value in found.values]


def _mapping(
    evaluator: Evaluator, site: CallSite, node: ast.Dict, quoted: Callable[[object], str]
) -> list[list[Part]]:
    """The texts of a mapping that is written where it is printed, by ``repr`` or ``json.dumps``."""
    rows: list[list[Part]] = [["{"]]
    for i, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
        lead: list[Part] = [", "] if i else []
        if key is None:  # **others
            held: list[list[Part]] = [[] if _gets_nothing(evaluator, site.body, value) else [*lead, Hole()]]
            lead = []
        else:
            lead += [quoted(key.value) if isinstance(key, ast.Constant) else Hole(), ": "]
            held = _held(evaluator, site, value, quoted)
        rows = [[*row, *lead, *one] for row in rows for one in held][: v.LIMIT]
    return [[*row, "}"] for row in rows]


def _held(
    evaluator: Evaluator, site: CallSite, value: ast.expr, quoted: Callable[[object], str]
) -> list[list[Part]]:
    """What stands for a value of a mapping."""
    if isinstance(value, ast.Constant):
        return [[quoted(value.value)]]
    if isinstance(value, ast.Dict):
        return _mapping(evaluator, site, value, quoted)
    found = [_plain(one) for one in evaluator.evaluate(value, site.body, site.order).values]
    if isinstance(value, ast.Name) and ... not in found:
        return [[quoted(one)] for one in found]
    texts = _texts(evaluator, site, value)
    if isinstance(value, ast.JoinedStr):
        return [[quoted("")[0], *(texts[0].parts if len(texts) == 1 else (Hole(),)), quoted("")[0]]]
    known = [part for text in texts for part in text.parts]
    only = known[0] if len(known) == 1 and isinstance(known[0], Hole) else Hole()
    return [[_named(only, value)]]


def _plain(value: v.Value) -> object:
    """A constant or a text; ``...`` for anything else."""
    if isinstance(value, Const):
        return value.value
    literal = value.literal if isinstance(value, Text) else None
    return ... if literal is None else literal


def _gets_nothing(evaluator: Evaluator, body: Body, node: ast.expr) -> bool:
    """True for the ``**extra`` of a function that no call gives anything for."""
    owner = body.owner
    if not isinstance(owner, ast.FunctionDef) or owner.args.kwarg is None:
        return False
    own = {one.arg for one in (*owner.args.args, *owner.args.kwonlyargs)}
    sites = evaluator.sites.get(id(owner), [])
    return bool(bare_name(node) == owner.args.kwarg.arg and sites) and all(
        word.arg in own for site, _, _ in sites for word in site.node.keywords
    )


def _named(part: Part, node: ast.expr) -> Part:
    """A hole with the source of what fills it, and whether that is a number as far as its name says."""
    if not isinstance(part, Hole):
        return part
    name = part.name or ast.unparse(node)
    number = part.number or v.is_number_spec(part.spec)
    several = isinstance(node, (ast.Dict, ast.DictComp, ast.List, ast.ListComp, ast.Tuple)) or SEVERAL.search(
        name
    )
    if not number and not several and NUMBER_NAME.search(name) and not WHOLE_LINE.search(name):
        number = True
    return Hole(number, part.spec, name)


def _logged(evaluator: Evaluator, site: CallSite) -> list[Text]:
    node = site.node
    texts = _texts(evaluator, site, node.args[0])
    if len(node.args) == 1:
        return texts
    rows = []
    for text in texts:
        literal = text.literal
        if literal is None:
            rows.append(text)
            continue
        given: list[list[Text]] = [[]]
        for argument in node.args[1:]:
            values = _texts(evaluator, site, argument)
            known = values if len(values) == 1 or all(one.literal for one in values) else [Text((Hole(),))]
            given = [[*row, value] for row in given for value in known][: v.LIMIT]
        rows += [_fill(literal, row) for row in given]
    return rows


def _fill(template: str, given: list[Text]) -> Text:
    filled = v.format_percent(template, v.Items(tuple(given)))
    holes = iter([text.only for text in given if text.only is not None])
    parts: list[Part] = []
    for part in filled.parts:
        if isinstance(part, Hole) and not part.name:
            source = next(holes, None)
            if isinstance(source, Hole):
                part = Hole(source.number or part.number, part.spec, source.name)
        parts.append(part)
    return v.merge(parts)
