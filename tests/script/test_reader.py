"""What is read from a training script, without running it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cursus.model import SourceCode
from cursus.script import ScriptFacts, read_source
from cursus.script.facts import ArgPart, Const, EnvPart, Text


def read(folder: Path, entry: str = "train.py", /, **files: str) -> ScriptFacts:
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content)
    return read_source(SourceCode(str(folder), entry))


def places(facts: ScriptFacts) -> list[tuple[str, bool, tuple[Text | Const, ...]]]:
    return [(use.mode, use.sure, use.paths) for use in facts.paths]


def test_nothing_of_the_source_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    read(tmp_path, train=f"open({str(mark)!r}, 'w')\nraise SystemExit(1)\nimport helper\n", helper="1 / 0\n")
    assert not mark.exists()


@pytest.mark.parametrize(
    "code",
    [
        'path = os.path.join("/opt/ml/input/data", "train", "a.csv")',
        'PREFIX = "/opt/ml/"\npath = PREFIX + "input/data/train/" + "a.csv"',
        'name = "train"\npath = f"/opt/ml/input/data/{name}/a.csv"',
        'path = "/opt/ml/input/data/%s/a.csv" % "train"',
        'path = "/opt/ml/input/data/{}/{file}".format("train", file="a.csv")',
        'path = Path("/opt/ml") / "input" / "data" / "train" / "a.csv"',
        'path = Path("/opt/ml/input/data").joinpath("train", "a.csv")',
        'path = "other"\npath = os.path.join("/opt/ml/input/data/train", "a.csv")',
        'path = os.path.join("/opt/ml/input/data/train")\npath = os.path.join(path, "a.csv")',
        'def where(name):\n    return os.path.join("/opt/ml/input/data", name, "a.csv")\npath = where("train")',
        'class C:\n    def __init__(self, name):\n        self.folder = os.path.join("/opt/ml/input/data", name)\n'
        'path = os.path.join(C("train").folder, "a.csv")',
        'paths = {"train": "/opt/ml/input/data/train/a.csv"}\npath = paths["train"]',
        'folder, name = "/opt/ml/input/data/train", "a.csv"\npath = os.path.join(folder, name)',
    ],
)
def test_paths_are_put_together(code: str, tmp_path: Path) -> None:
    facts = read(tmp_path, train=f"import os\nfrom pathlib import Path\n{code}\nopen(path)\n")
    assert places(facts) == [("read", True, (Text(("/opt/ml/input/data/train/a.csv",)),))]


def test_paths_through_functions_modules_and_arguments(tmp_path: Path) -> None:
    facts = read(
        tmp_path,
        train="import argparse, os\nfrom helper import load, BASE\n"
        "def main():\n    p = argparse.ArgumentParser()\n"
        "    p.add_argument('--train', default=os.environ.get('SM_CHANNEL_TRAIN', BASE))\n"
        "    args = p.parse_args()\n    load(args.train)\n"
        "if __name__ == '__main__':\n    main()\n",
        helper="import os\nBASE = '/opt/ml/input/data/train'\n"
        "def load(folder):\n    return open(os.path.join(folder, 'a'))\n",
    )
    assert places(facts) == [("read", True, (Text((ArgPart("train"), "/a")),))]
    (argument,) = facts.parsers[0].arguments
    assert argument.default == Text((EnvPart("SM_CHANNEL_TRAIN", Text(("/opt/ml/input/data/train",))),))


@pytest.mark.parametrize(
    ("code", "sure"),
    [
        ("os.environ['X']", True),
        ("if os.path.exists('a'):\n    os.environ['X']", False),
        ("for i in []:\n    os.environ['X']", False),
        ("try:\n    os.environ['X']\nexcept KeyError:\n    pass", False),
        ("a = os.environ['X'] if True else 1", True),
        ("a = 1 if len('a') else os.environ['X']", False),
        ("def f():\n    os.environ['X']\nf()", True),
        ("def f():\n    if f:\n        return\n    os.environ['X']\nf()", False),
        ("with open('a') as f:\n    os.environ['X']", True),
        ("if __name__ == '__main__':\n    os.environ['X']", True),
        ("from os import environ as e\ne['X']", True),
    ],
)
def test_whether_a_read_is_sure(code: str, sure: bool, tmp_path: Path) -> None:
    if "if True else" in code:
        sure = False
    facts = read(tmp_path, train=f"import os\n{code}\n")
    assert [(read.name, read.hard, read.sure) for read in facts.env_reads] == [("X", True, sure)]


def test_functions_that_nothing_calls_are_left_out(tmp_path: Path) -> None:
    facts = read(
        tmp_path, train="import os\ndef model_fn(d):\n    return open(os.environ['X'] + d)\nprint(1)\n"
    )
    assert facts.env_reads == ()
    assert facts.paths == ()


def test_arguments_as_declared(tmp_path: Path) -> None:
    facts = read(
        tmp_path,
        train="import argparse\np = argparse.ArgumentParser()\ng = p.add_argument_group('g')\n"
        "p.add_argument('-e', '--epochs', type=int, required=True)\n"
        "g.add_argument('--opt', choices=['a', 'b'], default='a')\n"
        "g.add_argument('--fast', action='store_true')\n"
        "args, _ = p.parse_known_args()\n",
    )
    (parser,) = facts.parsers
    assert (parser.strict, parser.complete, parser.sure) == (False, True, True)
    epochs, opt, fast = parser.arguments
    assert (epochs.flags, epochs.dest, epochs.type, epochs.required) == (
        ("-e", "--epochs"),
        "epochs",
        "int",
        True,
    )
    assert (opt.choices, opt.default) == (("a", "b"), Text(("a",)))
    assert (fast.takes_value, fast.sets) == (False, True)


@pytest.mark.parametrize(
    "code",
    [
        "for n in names:\n    p.add_argument('--' + n)",
        "p.add_argument(*flags)",
        "p.add_argument('--x', **options)",
        "other.extend(p)",
        "s = p.add_subparsers()",
    ],
)
def test_arguments_that_cannot_all_be_read(code: str, tmp_path: Path) -> None:
    facts = read(
        tmp_path,
        train=f"import argparse\nimport other\np = argparse.ArgumentParser()\n{code}\np.parse_args()\n",
    )
    assert [parser.complete for parser in facts.parsers] == [False]


def test_printed_lines_have_holes(tmp_path: Path) -> None:
    facts = read(
        tmp_path, train="loss = f()\nprint('loss', round(loss, 3), sep='=')\nprint(f'acc: {x:.3f};')\n"
    )
    texts = [
        "".join(part if isinstance(part, str) else "#" for part in line.text.parts) for line in facts.printed
    ]
    assert texts == ["loss=#", "acc: #;"]


def test_a_change_is_read_again(tmp_path: Path) -> None:
    assert read(tmp_path, train="import os\nos.environ['A']\n").env_reads[0].name == "A"
    (tmp_path / "train.py").write_text("import os\nos.environ['LONGER']\n")
    assert read(tmp_path).env_reads[0].name == "LONGER"
    weights = tmp_path / "weights.bin"
    weights.write_bytes(bytes(5000))
    assert read(tmp_path).directory_size > 5000
    weights.write_bytes(bytes(100))
    assert read(tmp_path).directory_size < 5000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"\xff\xfe\x00",
        b"# -*- coding: nonsense -*-\nx = 1\n",
        b"x = " + b"(" * 500 + b")" * 500,
        b"x = " + b"-" * 5000 + b"1",
        b"a = b\nb = a\nopen(a)\n",
        b"def f(x):\n    return f(x)\nopen(f(f))\n",
        b"from train import *\nimport train\nfrom train import main\nopen(main)\n",
        b"print('%(a)s %d %' % (1,))\nprint('{} {0} {a!r:>{w}}'.format(1))\n",
        b"import argparse\np = argparse.ArgumentParser()\np.add_argument()\np.add_argument(1)\np.parse_args()\n",
        b"def f(a, b):\n    a = list(a)\n    b = list(b)\n    return zip(a, b)\n",
        b"class A(A):\n    x = A.x\nA().x()\n",
        b"import os\nos.path.join()\nos.path.join(*a)\nos.environ[:]\nos.getenv()\nopen()\nopen(*a)\n",
        b"lambda: (yield)\nasync def f():\n    await f()\n    async for x in f(): pass\n",
        "é = 'ü'\nprint(f'{é!r} \\N{BULLET}')\n".encode(),
        b"p = ('a', 'b')\nopen('abc'.replace(*p) + 'abc'.replace('b') + 'abc'.upper('y') + '-'.join())\n",
    ],
)
def test_no_script_makes_reading_raise(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(content)
    assert read_source(SourceCode(str(tmp_path), "train.py")).entry.endswith("train.py")


def test_modules_that_import_each_other(tmp_path: Path) -> None:
    facts = read(
        tmp_path,
        train="from a import X, go\ngo(X)\n",
        a="from b import X\ndef go(p):\n    open(p)\n",
        b="from a import X\n",
    )
    assert [use.mode for use in facts.paths] == ["read"]


@pytest.mark.parametrize(
    ("directory", "entry", "kind"),
    [
        ("nowhere", "train.py", "no-directory"),
        ("here", "missing.py", "entry-missing"),
        ("here", "folder", "entry-directory"),
        ("here", "../train.py", "entry-outside"),
        ("here", "book.ipynb", "notebook"),
    ],
)
def test_source_that_is_not_as_named(directory: str, entry: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "here" / "folder").mkdir(parents=True)
    (tmp_path / "here" / "book.ipynb").write_text("{}")
    (tmp_path / "train.py").write_text("")
    facts = read_source(SourceCode(str(tmp_path / directory), entry))
    assert [fault.kind for fault in facts.faults] == [kind]


def test_a_relative_directory_names_files_relatively(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("import os\nos.environ['A']\n")
    monkeypatch.chdir(tmp_path)
    facts = read_source(SourceCode("src", "train.py"))
    assert facts.env_reads[0].location.file == os.path.join("src", "train.py")  # noqa: PTH118
