"""Reads a script without running it: from the entry point along imports and calls."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from cursus.aws.tables import entries
from cursus.script import habits
from cursus.script.checkpoints import best, first_start, kept, newest, resuming
from cursus.script.data import (
    downloads,
    handed,
    held_out,
    keras_files,
    left_behind,
    links,
    paths,
    reports,
    rows,
)
from cursus.script.distributed import devices, processes, spawned, workers
from cursus.script.ends import endings, exits, prompts, signals
from cursus.script.evaluation import values as v
from cursus.script.evaluation.calls import PROCESS_GROUP, backend_of
from cursus.script.facts import (
    HP_FILES,
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
    unread,
)
from cursus.script.lines import keras_prints, library_prints, prints
from cursus.script.python import (
    classes,
    given_back,
    left_out,
    library_words,
    misfits,
    misread,
    signatures,
    slips,
    thrown_away,
    trainer_words,
    unbound,
    undefined,
    without_effect,
)
from cursus.script.reach import Reach
from cursus.script.source import circles
from cursus.script.source.files import FolderFacts
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import (
    everything_given,
    last_name,
    receiver,
    word,
)
from cursus.script.training import counts, lightning, losses, sequence, steps, torch_code

ENVIRONMENT_LOADERS = frozenset(
    {"os.environ.update", "dotenv.load_dotenv", "load_dotenv", "os.putenv", "environ.update"}
)
ARCHIVES = frozenset({"shutil.unpack_archive", "tarfile", "zipfile"})
OUTSIDE = frozenset({"subprocess", "os.system", "os.popen", "urllib", "requests", "boto3"})
ENDS = frozenset({"sys.exit", "exit", "quit", "os._exit"})
LOGGING_LEVELS = frozenset({"setLevel", "dictConfig", "fileConfig", "level", "disable"})


class Reading(Reach):
    """One reading of one source: which bodies run, and what they do."""

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
        self.evaluator.strings = strings
        self.evaluator.memo.clear()
        self.evaluator.steps = 0
        calls: list[tuple[CallSite, bool]] = []
        for body, sure in self.reached.values():
            calls.extend((site, sure and site.sure) for site in body.calls)
        names = tuple(self._names(calls))
        found = replace(
            base,
            readable=True,
            files=tuple(body.file for body in self.source.modules.values()),
            printed=tuple(self._printed(calls, tops)),
            swallowed=self._swallowed(),
            exits=self._exits(calls),
            imports=self._imports(),
            top_imports=tops,
            used=names,
            calls=frozenset(used.name for used in names),
            attributes=attributes,
            plain_output=library_prints.plain_output(tops, self.source),
            logging_configured=bool(attributes & LOGGING_LEVELS),
            does_nothing=exits.does_nothing(module),
        )
        found = self._with_inputs(found, calls, folder)
        found = self._with_paths(found, calls)
        kinds = (*self._habits(tops), *self._habits_of_calls(calls, tops, found.parsers))
        return replace(found, habits=kinds, faults=(*base.faults, *dict.fromkeys(self.source.faults)))

    def _with_inputs(
        self, found: ScriptFacts, calls: list[tuple[CallSite, bool]], folder: FolderFacts
    ) -> ScriptFacts:
        """What is found, with how the script takes its hyperparameters and variables."""
        tops, strings, modules = found.top_imports, self.evaluator.strings, list(self.source.modules.values())
        parsers, opaque = self._all_parsers(calls, tops)
        env_reads, key_reads = self._reads(calls)
        if tops & {"pydantic", "pydantic_settings"}:
            filled_in = list(settings.from_environment(self.evaluator, self.source.bodies))
            env_reads = (*env_reads, *(read for _, read in filled_in))
            strings = (strings - {prefix for prefix, _ in filled_in}) | {read.name for _, read in filled_in}
        whole = _reads_hyperparameters(strings, tops)
        conversions = numbers.conversions(self.evaluator, calls)
        mixed = tops & {"omegaconf", "hydra"}
        texts = folder.texts_by_name if mixed else {}
        return replace(
            found,
            strings=found.strings | strings,
            parsers=parsers,
            opaque_arguments=opaque or argv.uses_argv(modules),
            reads_hyperparameters=whole,
            hyperparameters_whole=whole and settings.used_whole(self.evaluator, self.reached.values()),
            env_reads=(
                *found.env_reads,
                *settings.interpolated(texts, found.attributes, strings, self.source.display),
                *env_reads,
                *numbers.demanded(conversions, env_reads),
            ),
            env_writes=self._env_writes(calls),
            env_open=bool(found.calls & ENVIRONMENT_LOADERS) or "load_dotenv" in found.attributes,
            key_reads=key_reads,
            argv_reads=self._argv(),
            text_as_number=numbers.texts_as_numbers(self.evaluator, calls),
            conversions=conversions,
            unread=unread.unread_arguments(modules, [a.dest for p in parsers for a in p.arguments]),
        )

    def _with_paths(self, found: ScriptFacts, calls: list[tuple[CallSite, bool]]) -> ScriptFacts:
        """What is found, with the paths that the script uses, and whether files may come from elsewhere."""
        uses = [use for site, sure in calls for use in paths.path_uses(self.evaluator, site, sure)]
        outside = found.top_imports | found.calls
        unpacks = outside & ARCHIVES and found.attributes & paths.UNPACKS.keys()
        return replace(
            found,
            paths=tuple(uses),
            outside_effects=bool(outside & (OUTSIDE | ARCHIVES)),
            outside_reads=bool(outside & OUTSIDE)
            or bool(unpacks and not any(use.mode == "unpack" for use in uses)),
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
            *unread.ordered(modules),
            *rows.read_rows(self.evaluator, reached),
            *settings.read_settings(self.evaluator, reached),
            *filled.read_keys(self.evaluator, reached),
            *filled.read_members(self.evaluator, reached),
            *newest.read_newest(modules),
            *newest.read_names(self.evaluator, reached),
            *resuming.read_resuming(modules),
            *first_start.read_first_start(self.evaluator, reached),
            *first_start.read_later_starts(modules),
            *sequence.read_sequence(modules),
            *counts.read_counts(modules),
            *held_out.read_held_out(modules),
            *sequence.read_intervals(self.evaluator, reached),
            *slips.read_slips(modules),
            *thrown_away.read_thrown_away(modules),
            *misread.read_misread(self.evaluator, modules, reached),
            *without_effect.read_without_effect(modules),
            *given_back.read_given_back(self.evaluator, reached),
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
            *(workers.read_workers(modules) if tops & workers.MODULES else ()),
            *(processes.read_processes(self.evaluator, modules, reached) if tops & processes.MODULES else ()),
            *(torch_code.read_torch(modules) if tops & {"torch", "transformers"} else ()),
            *(steps.read_steps(modules) if "torch" in tops else ()),
            *(losses.read_losses(modules) if tops & {"torch", "tensorflow", "keras"} else ()),
            *left_out.read_left_out(modules),
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
            *(
                keras_prints.read_keras_lines(calls, self.source.modules.values(), evaluator.mentioned)
                if tops & keras_files.MODULES
                else ()
            ),
            *(paths.spark_paths(evaluator, calls) if "pyspark" in tops else ()),
            *links.read_links(evaluator, calls, reached),
            *kept.read_kept(evaluator, calls, self.source.modules.values()),
            *(keras_files.read_keras(evaluator, calls) if tops & keras_files.MODULES else ()),
            *(
                keras_files.read_measures(evaluator, calls, self.source.modules.values())
                if tops & keras_files.MODULES
                else ()
            ),
            *handed.read_handed(evaluator, reached),
            *(reports.read_reports(evaluator, calls) if "json" in tops else ()),
            *(left_behind.read_event_folders(evaluator, calls) if tops & left_behind.BOARDS else ()),
            *left_behind.read_left_behind(evaluator, calls, list(self.source.modules.values())),
            *(library_words.read_library_words(evaluator, calls) if tops & library_words.MODULES else ()),
            *(library_words.read_library_names(evaluator, reached) if tops & library_words.MODULES else ()),
            *(
                trainer_words.read_trainer_words(evaluator, calls, self.source.modules.values())
                if tops & {"transformers", "trl"}
                else ()
            ),
            *misfits.read_misfits(evaluator, reached, calls),
            *(
                signals.read_signals(evaluator, calls, self.source.modules.values())
                if "signal" in tops
                else ()
            ),
            *prompts.read_prompts(evaluator, calls),
            *filled.read_filled(evaluator, calls),
            *(downloads.read_downloads(evaluator, calls) if tops & downloads.MODULES else ()),
            *(
                lightning.read_lightning(evaluator, calls, self.source.modules.values())
                if tops & lightning.MODULES
                else ()
            ),
            *(devices.read_devices(evaluator, calls) if tops & devices.MODULES else ()),
            *(devices.read_listed(reached) if "tensorflow" in tops else ()),
            *(commands.read_misheard(evaluator, calls) if "click" in tops else ()),
            *(library_words.read_probabilities(evaluator, calls) if "sklearn" in tops else ()),
            *(processes.read_launches(evaluator, calls) if tops & {"subprocess", "os"} else ()),
            *undefined.read_options(evaluator, reached, self.entry, parsers, evaluator.mentioned),
        )

    def _names(self, calls: list[tuple[CallSite, bool]]) -> list[Used]:
        found = []
        for site, sure in calls:
            callee = self.evaluator.value(site.node.func, site.body)
            name = callee.name if isinstance(callee, v.Ref) else ""
            if not name and isinstance(site.node.func, ast.Attribute):
                name = "." + site.node.func.attr
            if name:
                backend = backend_of(self.evaluator, site) if name == PROCESS_GROUP else None
                own = isinstance(callee, (v.Func, v.Klass))
                found.append(Used(name, sure, place(site.node, site.body), backend, own))
            given = word(site.node, "device") or next(iter(site.node.args), None)
            device = self.evaluator.value(given, site.body) if given is not None and name == ".to" else None
            if isinstance(device, Text) and (device.literal or "").startswith("cuda"):
                found.append(Used(".cuda", sure, place(site.node, site.body)))
        return found

    def _reads(self, calls: list[tuple[CallSite, bool]]) -> tuple[tuple[EnvRead, ...], tuple[KeyRead, ...]]:
        environment: list[EnvRead] = []
        keys: list[KeyRead] = []
        for body, sure in self.reached.values():
            for node, _, certain in body.reads:
                kind = self.evaluator.value(node.value, body)
                if not isinstance(kind, v.Special):
                    continue
                for index, always in self._indices(node, body, sure and certain):
                    literal = index.literal if isinstance(index, Text) else None
                    if literal is not None and kind.kind == "environ":
                        environment.append(EnvRead(literal, True, always, place(node, body)))
                    elif literal is not None and kind.kind in HP_FILES:
                        keys.append(KeyRead(literal, True, always, place(node, body)))
        for site, sure in calls:
            self._get(site, sure, environment, keys)
        return tuple(environment), tuple(keys)

    def _indices(self, node: ast.Subscript, body: Body, sure: bool) -> Iterator[tuple[v.Value, bool]]:
        """What stands between brackets, and whether on every run: call by call, where a parameter is in it."""
        index = self.evaluator.evaluate(node.slice, body)
        sites = self.evaluator.sites.get(id(body.owner), [])
        if index.sure or not 1 < len(sites) <= v.LIMIT:
            yield from ((value, sure and index.sure) for value in index.values)
            return
        for site, certain, _ in sites:
            with self.evaluator.at_site(body.owner, site.node):
                here = self.evaluator.evaluate(node.slice, body)
                yield from ((value, sure and certain and here.sure) for value in here.values)

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
            elif isinstance(base, v.Special) and base.kind in HP_FILES:
                keys.append(KeyRead(literal, False, sure and keys_read.sure, where))

    def _env_writes(self, calls: list[tuple[CallSite, bool]]) -> frozenset[str]:
        found = set()
        for body, _ in self.reached.values():
            for node in body.stores:
                if isinstance(self.evaluator.value(node.value, body), v.Special):
                    key = self.evaluator.value(node.slice, body)
                    found.add(key.literal or "*" if isinstance(key, Text) else "*")
            for one in body.nodes:
                if isinstance(one, ast.AugAssign) and self._is_environment(one.target, body):
                    found |= self._variables(one.value, body)
        for site, _ in calls:
            given = site.node.args
            if given and receiver(site.node, ("setdefault",)) is not None:
                key = self.evaluator.value(given[0], site.body)
                if isinstance(key, Text) and key.literal:
                    found.add(key.literal)
            elif self._is_environment(receiver(site.node, ("update",)), site.body):
                found |= {word.arg or "*" for word in site.node.keywords}
                found.update(*(self._variables(mapping, site.body) for mapping in given))
        return frozenset(found)

    def _is_environment(self, node: ast.expr | None, body: Body) -> bool:
        return node is not None and self.evaluator.value(node, body) == v.Special("environ")

    def _variables(self, node: ast.expr, body: Body) -> set[str]:
        """Names of the variables in a mapping that the environment takes in; ``*`` where it may have others."""
        found = self.evaluator.evaluate(node, body)
        tables = [one for one in found.values if isinstance(one, v.Table) and one.whole]
        open_ = not found.sure or len(tables) < max(len(found.values), 1)
        return {key for one in tables for key, _ in one.items} | ({"*"} if open_ else set())

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
                for where, zero, around in exits.swallowing(self.evaluator, body, node):
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
