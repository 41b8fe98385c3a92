"""The files that a script reads and writes, by the calls that are known to do so."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from cursus.script import values as v
from cursus.script.bodies import CallSite, place
from cursus.script.conditions import around
from cursus.script.evaluate import Evaluator
from cursus.script.facts import Habit, PathUse, Text
from cursus.script.nodes import last_name, receiver, string, word

Mode = Literal["read", "list", "write", "make", "look", "remove"]

LOCAL_READS = {
    "numpy.load": 0,
    "numpy.loadtxt": 0,
    "numpy.genfromtxt": 0,
    "joblib.load": 0,
    "torch.load": 0,
    "PIL.Image.open": 0,
    "cv2.imread": 0,
    "zipfile.ZipFile": 0,
    "h5py.File": 0,
    "xgboost.DMatrix": 0,
    "sklearn.datasets.load_svmlight_file": 0,
    "torchvision.datasets.ImageFolder": 0,
    "datasets.load_from_disk": 0,
    "shutil.copy": 0,
    "shutil.copyfile": 0,
    "shutil.copytree": 0,
    "shutil.move": 0,
    "os.stat": 0,
    "os.path.getsize": 0,
}
REMOTE_READS = {
    "pandas.read_csv": 0,
    "pandas.read_parquet": 0,
    "pandas.read_json": 0,
    "pandas.read_excel": 0,
    "pandas.read_pickle": 0,
    "pandas.read_table": 0,
    "pandas.read_feather": 0,
    "pyarrow.parquet.read_table": 0,
    "polars.read_csv": 0,
    "polars.read_parquet": 0,
}
LISTS = {"os.listdir": 0, "os.scandir": 0, "os.chdir": 0}
LOOKS = {
    "glob.glob": 0,
    "glob.iglob": 0,
    "os.walk": 0,
    "os.path.exists": 0,
    "os.path.isfile": 0,
    "os.path.isdir": 0,
}
WRITES = {
    "torch.save": 1,
    "joblib.dump": 1,
    "numpy.save": 0,
    "numpy.savez": 0,
    "numpy.savez_compressed": 0,
    "numpy.savetxt": 0,
    "shutil.copy": 1,
    "shutil.copy2": 1,
    "shutil.copyfile": 1,
    "shutil.copytree": 1,
    "shutil.move": 1,
    "os.rename": 1,
    "os.replace": 1,
    "shutil.make_archive": 0,
    "tensorflow.saved_model.save": 1,
    "tensorflow.keras.models.save_model": 1,
    "keras.models.save_model": 1,
    "mlflow.sklearn.save_model": 1,
    "mlflow.pytorch.save_model": 1,
    "safetensors.torch.save_file": 1,
    "matplotlib.pyplot.savefig": 0,
    "onnx.save": 1,
    "torch.jit.save": 1,
    "torch.onnx.export": 2,
    "skops.io.dump": 1,
}
MAKES = {"os.makedirs": 0, "os.mkdir": 0}
REMOVES = {"shutil.rmtree": 0, "os.removedirs": 0, "os.rmdir": 0}
WRITE_METHODS = frozenset(
    [
        "save",
        "save_model",
        "save_pretrained",
        "to_csv",
        "to_parquet",
        "to_json",
        "to_pickle",
        "export",
        "export_saved_model",
        "export_savedmodel",
        "savefig",
        "dump_model",
        "save_weights",
        "save_checkpoint",
        "save_params",
        "save_parameters",
        "booster_save",
        "save_to_file",
        "to_disk",
    ]
)
PATH_WRITES = frozenset({"write_text", "write_bytes"})
PATH_READS = frozenset({"read_text", "read_bytes", "iterdir"})
PATH_LOOKS = frozenset({"exists", "is_file", "is_dir", "glob", "rglob"})
PATH_METHODS = PATH_WRITES | PATH_READS | PATH_LOOKS | {"open", "mkdir"}
OPENS = frozenset({"open", "io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "tarfile.open"})
NO_METHODS = OPENS | LOCAL_READS.keys() | REMOTE_READS.keys() | WRITES.keys()
"""Functions of a module, which are no methods of what stands before their name."""


def path_uses(evaluator: Evaluator, site: CallSite, sure: bool) -> Iterable[PathUse]:
    """Every use of a path that one call makes."""
    for use in _uses(evaluator, site, sure):
        if use.mode in ("write", "make"):
            use = replace(use, tests=around(evaluator, site))
        if use.mode == "write":
            use = replace(use, looped=_looped(evaluator, site))
        yield use


def _looped(evaluator: Evaluator, site: CallSite, depth: int = 0) -> bool:
    """True where a call is made in a loop, or by whom is not known."""
    owner = site.body.owner
    if site.body.orders.get(id(site.node), (0, ()))[1] or depth > 8:
        return True
    if isinstance(owner, ast.Module):
        return False
    callers = evaluator.sites.get(id(owner), [])
    return not callers or any(_looped(evaluator, caller, depth + 1) for caller, _, _ in callers)


def _uses(evaluator: Evaluator, site: CallSite, sure: bool) -> Iterable[PathUse]:
    node = site.node
    name = evaluator.called(node, site.body)
    yield from _library(evaluator, site, sure, name)
    if name in NO_METHODS:
        return
    if isinstance(node.func, ast.Attribute):
        yield from _method(evaluator, site, sure, node.func)


def _library(evaluator: Evaluator, site: CallSite, sure: bool, name: str) -> Iterable[PathUse]:
    if name in OPENS:
        yield from _use(evaluator, site, sure, _mode(site.node, 1), 0, name, True)
        return
    tables: tuple[tuple[dict[str, int], Mode, bool], ...] = (
        (LOCAL_READS, "read", True),
        (REMOTE_READS, "read", False),
        (LISTS, "list", True),
        (LOOKS, "look", True),
        (WRITES, "write", name.startswith(("joblib", "numpy", "shutil", "os", "torch", "safetensors"))),
        (MAKES, "make", True),
        (REMOVES, "remove", True),
    )
    for table, mode, local in tables:
        index = table.get(name)
        if index is not None:
            yield from _use(evaluator, site, sure, mode, index, name, local)


def _method(evaluator: Evaluator, site: CallSite, sure: bool, func: ast.Attribute) -> Iterable[PathUse]:
    name = func.attr
    base = evaluator.evaluate(func.value, site.body, site.order)
    texts = tuple(value for value in base.values if isinstance(value, Text))
    if texts and name in PATH_METHODS:
        if name == "open":
            mode = _mode(site.node, 0)
        elif name in PATH_WRITES:
            mode = "write"
        elif name == "mkdir":
            mode = "make"
            name = "mkdir" if word(site.node, "exist_ok") is None else "mkdir(exist_ok)"
        elif name in PATH_LOOKS:
            mode = "look"
        else:
            mode = "list" if name == "iterdir" else "read"
        yield _used(site, sure, mode, base, name, True)
    elif texts and name in ("replace", "rename") and len(site.node.args) == 1:
        target = evaluator.evaluate(site.node.args[0], site.body, site.order)
        yield _used(site, sure, "write", target, name, True)
    elif name in WRITE_METHODS:
        given = _path(site.node, 0)
        if given is not None:
            found = evaluator.evaluate(given, site.body, site.order)
            yield _used(site, sure, "write", found, name, False)


def _used(site: CallSite, sure: bool, mode: Mode, found: v.Options, name: str, local: bool) -> PathUse:
    paths = tuple(v.as_path(value) for value in found.values)
    return PathUse(mode, paths, name, sure and found.sure, local, place(site.node, site.body))


_PATH_WORDS = frozenset(
    {
        "path",
        "fname",
        "filepath",
        "path_or_buf",
        "save_directory",
        "output_dir",
        "export_dir",
        "f",
        "file",
        "fn",
    }
    | {"filepath_or_buffer", "filename", "export_dir_base", "prefix", "dst", "model_path"}
)


def _path(node: ast.Call, index: int) -> ast.expr | None:
    """The path that a call is given: by its place, or by one of the names that a path has."""
    given = node.args[index] if index < len(node.args) else word(node, *_PATH_WORDS)
    return None if isinstance(given, ast.Starred) else given


def _mode(node: ast.Call, position: int) -> Mode:
    given = word(node, "mode") or (node.args[position] if position < len(node.args) else None)
    mode = string(given)
    if given is None:
        return "read"
    return "look" if mode is None else "write" if set(mode) & set("wax") else "read"


SPARK = {
    "csv": 0,
    "json": 0,
    "parquet": 0,
    "orc": 0,
    "text": 0,
    "load": 0,
    "save": 0,
    "textFile": 0,
    "saveAsTextFile": 0,
}
"""Methods of Spark's readers and writers, and the position of their path."""


def spark_paths(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterable[Habit]:
    """Paths without a scheme that Spark is given: ``spark-path``, ``detail`` is the method."""
    for site, sure in calls:
        base = receiver(site.node, SPARK)
        chain = ast.unparse(base) if base is not None and site.node.args else ""
        if (
            ".read" in chain
            or ".write" in chain
            or last_name(site.node.func) in ("textFile", "saveAsTextFile")
        ):
            text = v.as_path(evaluator.value(site.node.args[0], site.body))
            if isinstance(text, Text):
                writes = ".write" in chain or last_name(site.node.func) == "saveAsTextFile"
                yield Habit(
                    "spark-path", text, "write" if writes else "read", sure, place(site.node, site.body)
                )


def _use(
    evaluator: Evaluator, site: CallSite, sure: bool, mode: Mode, index: int, name: str, local: bool
) -> Iterable[PathUse]:
    node = site.node
    given = _path(node, index)
    if given is None:
        return
    found = evaluator.evaluate(given, site.body, site.order)
    if all(isinstance(value, v.OpenFile) for value in found.values):
        return
    if mode == "make" and word(node, "exist_ok") is not None:
        name = f"{name}(exist_ok)"
    if name == "shutil.copytree" and word(node, "dirs_exist_ok") is not None:
        name = f"{name}(dirs_exist_ok)"
    yield _used(site, sure, mode, found, name, local)
