"""Files that a script writes to its working directory and leaves there.

Each finding is a ``Habit`` of the kind ``left-behind``: a call that writes a file under a plain relative name, which
stands nowhere else in the source. ``event-folder`` is where TensorBoard's events are written.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.data.paths import OPENS, positions
from cursus.script.evaluation.conditions import around
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import FUNCTIONS, last_name, string, word

NAME = re.compile(r"(?![/~.])(?:[\w-]+/)*[\w-]*\w\.(?!(?:log|tmp|lock|py|sh|lst|names?)$)[A-Za-z]\w*")
"""A file in the working directory that was written to be kept, as it seems."""
BOARDS = frozenset({"tensorflow", "keras", "torch", "tensorboardX"})
WRITERS = {"TensorBoard": "logs", "SummaryWriter": "runs"}
"""What writes TensorBoard's events, and the folder where none is given."""
METHODS = frozenset(
    {"to_csv", "to_parquet", "to_json", "to_pickle", "savefig", "save_model", "save_weights", "dump_model"}
)
"""Methods that take the path of a file, and put nothing before it."""


def read_left_behind(
    evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]], modules: Iterable[Body]
) -> Iterator[Habit]:
    """Everything of this kind among ``calls``."""
    found = [(site, name) for site, _ in calls if (name := _written(evaluator, site))]
    if not found:
        return
    nodes = [node for body in modules for node in body.all_nodes]
    texts = [text for node in nodes if (text := string(node))]
    own = {node.name for node in nodes if isinstance(node, FUNCTIONS)}
    for site, name in found:
        last = name.rpartition("/")[2]
        if last_name(site.node.func) not in own and sum(last in text for text in texts) == 1:
            tests = around(evaluator, site)
            yield Habit("left-behind", None, name, True, place(site.node, site.body), tests=tests)


def _written(evaluator: Evaluator, site: CallSite) -> str:
    """The plain name that a call writes a file under; an empty text for any other call."""
    node = site.node
    names = [text for given in node.args[:2] if (text := string(given)) and NAME.fullmatch(text)]
    if not names:
        return ""
    called = evaluator.called(node, site.body)
    if called in OPENS:
        mode = string(word(node, "mode") or (node.args[1] if len(node.args) > 1 else None)) or ""
        return names[0] if mode[:1] in ("w", "x") and string(node.args[0]) == names[0] else ""
    at = positions("writes").get(called)
    if at is not None:
        return names[0] if len(node.args) > at and string(node.args[at]) == names[0] else ""
    method = isinstance(node.func, ast.Attribute) and last_name(node.func) in METHODS
    return names[0] if method and string(node.args[0]) == names[0] else ""


def read_event_folders(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """The folders of Keras' TensorBoard callback and PyTorch's SummaryWriter; without a text where one is not known."""
    for site, sure in calls:
        name = evaluator.called(site.node, site.body)
        default = WRITERS.get(name.rpartition(".")[2]) if name.partition(".")[0] in BOARDS else None
        if default is not None:
            given = word(site.node, "log_dir", "logdir") or (site.node.args[0] if site.node.args else None)
            value = Text((default,)) if given is None else evaluator.value(given, site.body)
            where = place(site.node, site.body)
            folder = value if isinstance(value, Text) else None
            yield Habit("event-folder", folder, name.rpartition(".")[2], sure, where)
