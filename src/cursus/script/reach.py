"""Which functions and modules of a source run, from the entry point along imports and calls."""

from __future__ import annotations

import ast
from pathlib import Path

from cursus.script.evaluation import unrolled
from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.hyperparameters import commands
from cursus.script.source.modules import Source, resolve_relative
from cursus.script.syntax.bodies import Body, CallSite
from cursus.script.syntax.nodes import dataclass_fields, everything_given, is_call, last_name, string

COMMANDS = frozenset({"tyro.cli", "typer.run", "fire.Fire"})
"""What calls a function with the arguments of the command line."""


class Reach:
    """Follows one source along imports and calls: which bodies run."""

    def __init__(self, source: Source, entry: Path) -> None:
        self.source = source
        self.entry = entry
        self.evaluator = Evaluator(self.resolve_import, str(source.root))
        self.reached: dict[int, tuple[Body, bool]] = {}
        self.edges: set[tuple[int, int, bool]] = set()
        self.pending: list[tuple[Body, bool]] = []
        self.methods: dict[str, list[Body]] = {}
        """What a class has that is made, by name, and nothing was seen to call yet."""
        self.mentioned: set[str] = set()
        self.names_made_up = False

    # -- imports ----------------------------------------------------------------------------------

    def resolve_import(self, node: ast.AST, name: str, body: Body) -> v.Value:
        """What an import statement binds ``name`` to."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                if bound == name:
                    dotted = alias.name if alias.asname else bound
                    local = self._local(dotted, body)
                    return v.LocalModule(local) if local is not None else v.Ref(dotted)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return self._member(node, alias.name, body)
        return v.UNKNOWN

    def _member(self, node: ast.ImportFrom, name: str, body: Body) -> v.Value:
        module = self._module(node, body)
        if module is not None and name in module.bindings:
            return self.evaluator.member(module, name)
        inner = self._local(f"{node.module}.{name}" if node.module else name, body, node.level)
        if inner is not None:
            return v.LocalModule(inner)
        if module is not None or node.level:
            return v.UNKNOWN
        dotted = f"{node.module}.{name}"
        return v.Special("environ") if dotted == "os.environ" else v.Ref(dotted)

    def _module(self, node: ast.ImportFrom, body: Body) -> Body | None:
        return self._local(node.module or "", body, node.level) if node.module or node.level else None

    def _local(self, dotted: str, body: Body, level: int = 0) -> Body | None:
        base = self.entry.parent
        if level:
            start = resolve_relative(Path(body.module), level, self.source.root)
            if start is None:
                return None
            base = start
        path = self.source.find(dotted, base)
        return self.source.load(path, entry=path == self.entry) if path is not None else None

    # -- reachability -----------------------------------------------------------------------------

    def follow(self, module: Body) -> None:
        """Find every body that runs, from the entry point on, and whether it runs each time."""
        self.visit(module, True)
        rounds = 0
        while self.pending and rounds < 5000:
            rounds += 1
            body, sure = self.pending.pop(0)
            self._expand(body, sure)
            self._mention(body)
        self.evaluator.bodies = self.source.bodies
        self.evaluator.changed = unrolled.changed_names(self.source.bodies)
        self.evaluator.replaced = unrolled.replaced_keys(self.evaluator, self.source.bodies)

    def visit(self, body: Body, sure: bool) -> None:
        """Note that ``body`` runs."""
        known = self.reached.get(id(body))
        if known is None or (sure and not known[1]):
            self.reached[id(body)] = (body, sure)
            self.pending.append((body, sure))

    def _mention(self, body: Body) -> None:
        """Visit the methods that a body may call: those whose names stand in it, all where it makes up the name."""
        found = {name for node in body.nodes if (name := last_name(node) or string(node) or "")}
        self.names_made_up |= any(
            is_call(site.node, "getattr") and string(site.node.args[1]) is None
            for site in body.calls
            if len(site.node.args) > 1
        )
        for name in list(self.methods) if self.names_made_up else sorted(found & self.methods.keys()):
            for method in self.methods.pop(name):
                self.visit(method, False)
        self.mentioned |= found

    def _methods(self, klass: Body, *, handed: bool = False) -> None:
        """Note the methods of a class, which a library may call where it has the class, or gets it (``handed``)."""
        known = not (handed or self.names_made_up or getattr(klass.owner, "decorator_list", []))
        known = known and not self._foreign(klass)
        for method in klass.defined.values():
            plain = isinstance(method.owner, (ast.FunctionDef, ast.AsyncFunctionDef))
            hidden = (
                known and plain and not method.name.startswith("__") and method.name not in self.mentioned
            )
            if not hidden or getattr(method.owner, "decorator_list", []):
                self.visit(method, False)
            elif method not in (waiting := self.methods.setdefault(method.name, [])):
                waiting.append(method)

    def _foreign(self, klass: Body, depth: int = 0) -> bool:
        """True for a class that has a base from outside the source, or one that is not known."""
        above = self.evaluator.classes_above(klass)
        known = len(above) == len(getattr(klass.owner, "bases", [])) and depth < v.LIMIT
        return not known or any(self._foreign(one, depth + 1) for one in above)

    def _expand(self, body: Body, sure: bool) -> None:
        for node, certain in body.imports:
            for module in self._imported(node, body):
                self.visit(module, sure and certain)
        for inner in body.defined.values():
            if isinstance(inner.owner, ast.ClassDef):
                self.visit(inner, False)
                self._methods(inner)
            elif commands.click_decorators(inner):
                self.evaluator.command_functions.add(id(inner.owner))
            elif getattr(inner.owner, "decorator_list", []):
                self.visit(inner, False)
        for site in body.calls:
            self._call(site, sure and site.sure)

    def _imported(self, node: ast.Import | ast.ImportFrom, body: Body) -> list[Body]:
        found: list[Body | None] = []
        if isinstance(node, ast.Import):
            found.extend(self._local(alias.name, body) for alias in node.names)
        else:
            found.append(self._module(node, body))
            for alias in node.names:
                dotted = f"{node.module}.{alias.name}" if node.module else alias.name
                found.append(self._local(dotted, body, node.level))
        return [module for module in found if module is not None]

    def _call(self, site: CallSite, sure: bool) -> None:
        callee = self.evaluator.evaluate(site.node.func, site.body, site.order)
        alone = len(callee.values) == 1
        for value in callee.values:
            if isinstance(value, v.Func):
                self._edge(site, value.body, sure and alone, value.bound)
            elif isinstance(value, v.Klass):
                self.evaluator.note_made(value.body)
                if dataclass_fields(value.body.owner):
                    self.evaluator.add_site(value.body.owner, site, sure and alone, False)
                for inner in value.body.defined.values():
                    if isinstance(inner.owner, ast.Lambda):  # default_factory=lambda: …
                        self.visit(inner, sure and alone and not everything_given(site.node))
                    if inner.name == "__init__":
                        self._edge(site, inner, sure and alone, True)
        for given in everything_given(site.node):
            if isinstance(given, (ast.Name, ast.Lambda, ast.Attribute)):
                value = self.evaluator.value(given, site.body)
                if isinstance(value, v.Func):
                    self.visit(value.body, False)
                    if isinstance(callee.only, v.Ref) and callee.only.name in COMMANDS:
                        self.evaluator.command_functions.add(id(value.body.owner))
                elif isinstance(value, (v.Klass, v.Instance)) and not isinstance(
                    callee.only, (v.Func, v.Klass)
                ):
                    self._methods(value.body, handed=True)

    def _edge(self, site: CallSite, body: Body, sure: bool, bound: bool) -> None:
        edge = (id(site.node), id(body.owner), sure)
        if edge not in self.edges:
            self.edges.add(edge)
            if (edge[0], edge[1], True) not in self.edges or sure:
                self.evaluator.add_site(body.owner, site, sure, bound)
        self.visit(body, sure)
