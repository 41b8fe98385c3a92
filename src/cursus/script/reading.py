"""Reads a script without running it: from the entry point along imports and calls."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cursus.aws.tables import entries
from cursus.script import habits
from cursus.script.checkpoints import best, first_start, newest, resuming
from cursus.script.data import downloads, keras_files, left_behind, links, paths, rows
from cursus.script.distributed import processes, spawned, workers
from cursus.script.ends import endings, exits, prompts, signals
from cursus.script.evaluation import unrolled
from cursus.script.evaluation import values as v
from cursus.script.evaluation.calls import PROCESS_GROUP, backend_of
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import (
    ArgvRead,
    EnvRead,
    Exit,
    Habit,
    Imported,
    KeyRead,
    Parser,
    PrintedLine,
    ScriptFacts,
    Swallowed,
    Text,
    Used,
)
from cursus.script.hyperparameters import (
    arguments,
    argv,
    command_libraries,
    commands,
    filled,
    numbers,
    settings,
    subcommands,
)
from cursus.script.lines import library_prints, prints
from cursus.script.python import classes, library_words, misfits, signatures, slips, unbound, undefined
from cursus.script.source import circles
from cursus.script.source.files import FolderFacts
from cursus.script.source.modules import Source, resolve_relative
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import dataclass_fields, everything_given, last_name, receiver
from cursus.script.training import sequence, torch_code

ENVIRONMENT_LOADERS = frozenset(
    {"os.environ.update", "dotenv.load_dotenv", "load_dotenv", "os.putenv", "environ.update"}
)
ARCHIVES = frozenset({"shutil.unpack_archive", "tarfile", "zipfile"})
OUTSIDE = frozenset({"subprocess", "os.system", "os.popen", "urllib", "requests", "boto3"})
ENDS = frozenset({"sys.exit", "exit", "quit", "os._exit"})
LOGGING_LEVELS = frozenset({"setLevel", "dictConfig", "fileConfig", "level", "disable"})


class Reading:
    """One reading of one source: which bodies run, and what they do."""

    def __init__(self, source: Source, entry: Path) -> None:
        self.source = source
        self.entry = entry
        self.evaluator = Evaluator(self.resolve_import, str(source.root))
        self.reached: dict[int, tuple[Body, bool]] = {}
        self.edges: set[tuple[int, int, bool]] = set()
        self.pending: list[tuple[Body, bool]] = []

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
        self.evaluator.bodies = self.source.bodies
        self.evaluator.changed = unrolled.changed_names(self.source.bodies)
        self.evaluator.replaced = unrolled.replaced_keys(self.evaluator, self.source.bodies)

    def visit(self, body: Body, sure: bool) -> None:
        """Note that ``body`` runs."""
        known = self.reached.get(id(body))
        if known is None or (sure and not known[1]):
            self.reached[id(body)] = (body, sure)
            self.pending.append((body, sure))

    def _expand(self, body: Body, sure: bool) -> None:
        for node, certain in body.imports:
            for module in self._imported(node, body):
                self.visit(module, sure and certain)
        for inner in body.defined.values():
            if isinstance(inner.owner, ast.ClassDef):
                self.visit(inner, False)
            elif commands.click_decorators(inner):
                self.evaluator.command_functions.add(id(inner.owner))
            elif getattr(inner.owner, "decorator_list", []) or isinstance(body.owner, ast.ClassDef):
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
                if dataclass_fields(value.body.owner):
                    self.evaluator.add_site(value.body.owner, site, sure and alone, False)
                for inner in value.body.defined.values():
                    if inner.name == "__init__":
                        self._edge(site, inner, sure and alone, True)
                    else:
                        self.visit(inner, False)
        for given in everything_given(site.node):
            if isinstance(given, (ast.Name, ast.Lambda, ast.Attribute)):
                value = self.evaluator.value(given, site.body)
                if isinstance(value, v.Func):
                    self.visit(value.body, False)

    def _edge(self, site: CallSite, body: Body, sure: bool, bound: bool) -> None:
        edge = (id(site.node), id(body.owner), sure)
        if edge not in self.edges:
            self.edges.add(edge)
            if (edge[0], edge[1], True) not in self.edges or sure:
                self.evaluator.add_site(body.owner, site, sure, bound)
        self.visit(body, sure)

    # -- facts ------------------------------------------------------------------------------------

    def facts(self, base: ScriptFacts, folder: FolderFacts) -> ScriptFacts:
        """Read the entry point, follow it, and put together what was found."""
        self.evaluator.settings = folder.texts_by_name
        module = self.source.load(self.entry, entry=True)
        if module is None:
            return replace(base, faults=(*base.faults, *self.source.faults))
        self.follow(module)
        strings, self.evaluator.named, tops = self._mentions()
        attributes = self.evaluator.mentioned = frozenset(self.evaluator.named)
        self.evaluator.memo.clear()
        self.evaluator.steps = 0
        calls: list[tuple[CallSite, bool]] = []
        for body, sure in self.reached.values():
            calls.extend((site, sure and site.sure) for site in body.calls)
        names = self._names(calls)
        parsers, opaque = self._all_parsers(calls, tops)
        env_reads, key_reads = self._reads(calls)
        conversions = numbers.conversions(self.evaluator, calls)
        modules = list(self.source.modules.values())
        uses = [use for site, sure in calls for use in paths.path_uses(self.evaluator, site, sure)]
        return replace(
            base,
            readable=True,
            files=tuple(body.file for body in self.source.modules.values()),
            parsers=parsers,
            opaque_arguments=opaque or argv.uses_argv(modules),
            reads_hyperparameters=_reads_hyperparameters(strings, tops),
            hyperparameters_whole=_reads_hyperparameters(strings, tops)
            and settings.used_whole(self.evaluator, self.reached.values()),
            env_reads=(*env_reads, *numbers.demanded(conversions, env_reads)),
            env_writes=self._env_writes(calls),
            env_open=bool({used.name for used in names} & ENVIRONMENT_LOADERS) or "load_dotenv" in attributes,
            key_reads=key_reads,
            paths=tuple(uses),
            printed=tuple(self._printed(calls, tops)),
            swallowed=self._swallowed(),
            exits=self._exits(calls),
            argv_reads=self._argv(),
            text_as_number=numbers.texts_as_numbers(self.evaluator, calls),
            conversions=conversions,
            imports=self._imports(),
            top_imports=tops,
            used=tuple(names),
            calls=frozenset(used.name for used in names),
            attributes=attributes,
            strings=base.strings | strings,
            outside_effects=bool((outside := tops | {used.name for used in names}) & (OUTSIDE | ARCHIVES)),
            outside_reads=bool(outside & OUTSIDE)
            or bool(
                outside & ARCHIVES
                and attributes & paths.UNPACKS.keys()
                and not any(use.mode == "unpack" for use in uses)
            ),
            plain_output=library_prints.plain_output(tops, self.source),
            logging_configured=bool(attributes & LOGGING_LEVELS),
            does_nothing=exits.does_nothing(module),
            habits=(*self._habits(tops), *self._habits_of_calls(calls, tops, parsers)),
            unread=habits.unread_arguments(modules, [a.dest for p in parsers for a in p.arguments]),
            faults=(*base.faults, *dict.fromkeys(self.source.faults)),
        )

    def _all_parsers(
        self, calls: list[tuple[CallSite, bool]], tops: frozenset[str]
    ) -> tuple[tuple[Parser, ...], bool]:
        """The parsers of the source and of libraries, and whether it may read its arguments in another way."""
        parsers, opaque = arguments.read_parsers(self.evaluator, calls)
        foreign = {top for top in tops if not self.source.find(top, self.entry.parent)}
        known = command_libraries.read_libraries(self.evaluator, calls, foreign)
        elsewhere = tops & entries("libraries", "opaque_modules") - {parser.kind for parser in known}
        parsers = (*parsers, *commands.read_commands(self.evaluator, calls), *known)
        return parsers, opaque or bool(elsewhere)

    def _printed(self, calls: list[tuple[CallSite, bool]], tops: frozenset[str]) -> Iterator[PrintedLine]:
        for site, _ in calls:
            yield from prints.printed(self.evaluator, site)
            if "xgboost" in tops:
                yield from library_prints.boosted(self.evaluator, site)
            if "tqdm" in tops:
                yield from library_prints.bars(self.evaluator, site)

    def _habits(self, tops: frozenset[str]) -> tuple[Habit, ...]:
        reached, modules = self.reached.values(), self.source.modules.values()
        return (
            *habits.read_habits(self.evaluator, reached),
            *habits.ordered(modules),
            *rows.read_rows(self.evaluator, reached),
            *settings.read_settings(self.evaluator, reached),
            *newest.read_newest(modules),
            *resuming.read_resuming(modules),
            *first_start.read_first_start(self.evaluator, reached),
            *first_start.read_later_starts(modules),
            *sequence.read_sequence(modules),
            *sequence.read_intervals(self.evaluator, reached),
            *slips.read_slips(modules),
            *best.read_best(modules),
            *unbound.read_unbound(self.evaluator, reached),
            *classes.read_classes(self.evaluator, reached, self.source.bodies, self.evaluator.mentioned),
            *undefined.read_undefined(self.evaluator, reached, self.entry, self._local, self._member),
            *circles.read_circles(self.source.modules[str(self.entry)], self._local),
            *subcommands.read_subcommands(self.source.modules[str(self.entry)]),
            *endings.swallowing_decorators(modules),
            *(
                spawned.read_spawned(self.source.modules[str(self.entry)])
                if tops & {"multiprocessing", "torch"}
                else ()
            ),
            *endings.swallowing_contexts(modules),
            *(signals.read_signals(modules) if "signal" in tops else ()),
            *(workers.read_workers(modules) if tops & workers.MODULES else ()),
            *(processes.read_processes(self.evaluator, modules, reached) if tops & processes.MODULES else ()),
            *(torch_code.read_torch(modules) if tops & {"torch", "transformers"} else ()),
        )

    def _habits_of_calls(
        self, calls: list[tuple[CallSite, bool]], tops: frozenset[str], parsers: tuple[Parser, ...]
    ) -> tuple[Habit, ...]:
        evaluator, reached = self.evaluator, self.reached.values()
        return (
            *signatures.read_calls(evaluator, calls),
            *prints.log_configs(evaluator, calls),
            *library_prints.log_formats(evaluator, calls),
            *(
                library_prints.read_trainers(evaluator, calls, evaluator.mentioned)
                if tops & {"transformers", "trl"}
                else ()
            ),
            *(paths.spark_paths(evaluator, calls) if "pyspark" in tops else ()),
            *links.read_links(evaluator, calls, reached),
            *(keras_files.read_keras(evaluator, calls) if tops & keras_files.MODULES else ()),
            *(
                keras_files.read_measures(evaluator, calls, self.source.modules.values())
                if tops & keras_files.MODULES
                else ()
            ),
            *left_behind.read_left_behind(evaluator, calls, list(self.source.modules.values())),
            *(library_words.read_library_words(evaluator, calls) if tops & library_words.MODULES else ()),
            *misfits.read_misfits(evaluator, reached, calls),
            *prompts.read_prompts(evaluator, calls),
            *filled.read_filled(evaluator, calls),
            *(downloads.read_downloads(evaluator, calls) if tops & downloads.MODULES else ()),
            *(processes.read_launches(evaluator, calls) if tops & {"subprocess", "os"} else ()),
            *undefined.read_options(evaluator, reached, self.entry, parsers, evaluator.mentioned),
        )

    def _names(self, calls: list[tuple[CallSite, bool]]) -> list[Used]:
        found = []
        for site, sure in calls:
            name = self.evaluator.called(site.node, site.body)
            if not name and isinstance(site.node.func, ast.Attribute):
                name = "." + site.node.func.attr
            if name:
                backend = backend_of(self.evaluator, site) if name == PROCESS_GROUP else None
                found.append(Used(name, sure, place(site.node, site.body), backend))
        return found

    def _reads(self, calls: list[tuple[CallSite, bool]]) -> tuple[tuple[EnvRead, ...], tuple[KeyRead, ...]]:
        environment: list[EnvRead] = []
        keys: list[KeyRead] = []
        for body, sure in self.reached.values():
            for node, _, certain in body.reads:
                kind = self.evaluator.value(node.value, body)
                index = self.evaluator.evaluate(node.slice, body)
                for value in index.values:
                    literal = value.literal if isinstance(value, Text) else None
                    if literal is None or not isinstance(kind, v.Special):
                        continue
                    where = place(node, body)
                    certainly = sure and certain and index.sure
                    if kind.kind == "environ":
                        environment.append(EnvRead(literal, True, certainly, where))
                    else:
                        keys.append(KeyRead(literal, True, certainly, where))
        for site, sure in calls:
            self._get(site, sure, environment, keys)
        return tuple(environment), tuple(keys)

    def _get(self, site: CallSite, sure: bool, environment: list[EnvRead], keys: list[KeyRead]) -> None:
        if not site.node.args:
            return
        mapping = receiver(site.node, ("get", "pop", "setdefault"))
        is_getenv = self.evaluator.called(site.node, site.body) == "os.getenv"
        if mapping is None and not is_getenv:
            return
        base = v.UNKNOWN if mapping is None else self.evaluator.value(mapping, site.body)
        where = place(site.node, site.body)
        keys_read = self.evaluator.evaluate(site.node.args[0], site.body)
        for key in keys_read.values:
            literal = key.literal if isinstance(key, Text) else None
            if literal is None:
                continue
            if is_getenv or base == v.Special("environ"):
                given = everything_given(site.node)[1:]
                bare = not given or (isinstance(given[0], ast.Constant) and given[0].value is None)
                bare = bare and last_name(site.node.func) != "setdefault"
                environment.append(EnvRead(literal, False, sure and keys_read.sure, where, bare))
            elif isinstance(base, v.Special):
                keys.append(KeyRead(literal, False, sure and keys_read.sure, where))

    def _env_writes(self, calls: list[tuple[CallSite, bool]]) -> frozenset[str]:
        found = set()
        for body, _ in self.reached.values():
            for node in body.stores:
                if isinstance(self.evaluator.value(node.value, body), v.Special):
                    key = self.evaluator.value(node.slice, body)
                    found.add(key.literal or "*" if isinstance(key, Text) else "*")
        for site, _ in calls:
            if site.node.args and receiver(site.node, ("setdefault",)) is not None:
                key = self.evaluator.value(site.node.args[0], site.body)
                if isinstance(key, Text) and key.literal:
                    found.add(key.literal)
        return frozenset(found)

    def _mentions(self) -> tuple[frozenset[str], Counter[str], frozenset[str]]:
        strings: set[str] = set()
        attributes: Counter[str] = Counter()
        tops: set[str] = set()
        for body in self.source.modules.values():
            for node in body.all_nodes:
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    strings.add(node.value)
                elif isinstance(node, ast.Attribute):
                    attributes[node.attr] += 1
                elif isinstance(node, ast.Name):
                    attributes[node.id] += 1
                elif isinstance(node, ast.keyword) and node.arg:
                    attributes[node.arg] += 1
                elif isinstance(node, ast.Import):
                    tops.update(alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    tops.add(node.module.partition(".")[0])
        return frozenset(strings), attributes, frozenset(tops)

    def _exits(self, calls: list[tuple[CallSite, bool]]) -> tuple[Exit, ...]:
        found = []
        for site, sure in calls:
            if not site.node.args or self.evaluator.called(site.node, site.body) not in ENDS:
                continue
            status = self.evaluator.evaluate(site.node.args[0], site.body, site.order)
            shown = exits.failing(status.only)
            if shown is not None:
                found.append(Exit(shown, sure and status.sure, place(site.node, site.body)))
        return tuple(found)

    def _argv(self) -> tuple[ArgvRead, ...]:
        found = []
        for body, sure in self.reached.values():
            for node, _, certain in body.reads:
                index = node.slice.value if isinstance(node.slice, ast.Constant) else None
                if isinstance(index, int) and self.evaluator.value(node.value, body) == v.Ref("sys.argv"):
                    found.append(ArgvRead(index, sure and certain, place(node, body)))
        return tuple(found)

    def _swallowed(self) -> tuple[Swallowed, ...]:
        found = []
        for body, _ in self.reached.values():
            for node, _ in body.tries:
                for where, zero, around in exits.swallowing(body, node):
                    found.append(Swallowed(where, zero, around))
        return tuple(found)

    def _imports(self) -> tuple[Imported, ...]:
        found: list[Imported] = []
        for body, sure in self.reached.values():
            for node, certain in body.imports:
                where = place(node, body)
                if isinstance(node, ast.Import):
                    found.extend(Imported(a.name, 0, sure and certain, where) for a in node.names)
                else:
                    names = tuple(alias.name for alias in node.names)
                    found.append(Imported(node.module or "", node.level, sure and certain, where, names))
        return tuple(
            one
            for one in found
            if one.level
            or (
                not self.source.find(one.module.partition(".")[0], self.entry.parent)
                and not self.source.is_package(one.module.partition(".")[0], self.entry.parent)
            )
        )


def _reads_hyperparameters(strings: frozenset[str], tops: frozenset[str]) -> bool:
    if tops & {"sagemaker_training", "sagemaker_containers", "sagemaker", "sagemaker_algorithm_toolkit"}:
        return True
    words = ("hyperparameters.json", "SM_HP", "SM_USER_ARGS", "input/config", "hyperparam")
    return any(word in string for string in strings for word in words)
