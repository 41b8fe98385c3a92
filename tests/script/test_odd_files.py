"""Pipes and links that lead nowhere, in a source directory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cursus

CODE = (
    "import cursus, sys; print(*(f.rule for f in cursus.check({request!r}, source_dir=sys.argv[1]).findings))"
)
REQUEST = {
    "TrainingJobName": "churn",
    "HyperParameters": {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://example-bucket/s.tar.gz",
    },
}


def rules(folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(request=REQUEST), str(folder)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.split()


@pytest.mark.parametrize("name", ["train.py", "helper.py", "requirements.txt", "data"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text("import helper\n")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    assert ("FRM050" in rules(tmp_path)) == (name == "train.py")


def test_links_that_lead_to_themselves_are_passed_by(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b.py").symlink_to("b.py")
    (tmp_path / "b").symlink_to("a")
    assert "FRM050" not in rules(tmp_path)


def test_an_entry_point_that_leads_to_itself_is_not_suggested(tmp_path: Path) -> None:
    (tmp_path / "train.py").symlink_to("train.py")
    (found,) = [f for f in cursus.check(REQUEST, source_dir=tmp_path).findings if f.rule == "FRM050"]
    assert "no regular file" in found.message
    assert "mean" not in found.message + found.remedy


def told(folder: Path, text: str | bytes) -> dict[str, str]:
    """What the rules on files say of an entry point, by rule: the severity."""
    (folder / "train.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    found = cursus.check(REQUEST, source_dir=folder).findings
    return {one.rule: one.severity for one in found if one.rule.startswith("FRM05")}


@pytest.mark.parametrize(
    "text",
    [
        "import os\nx = " + " + ".join([f"os.environ['A{i}']" for i in range(600)]) + "\nopen(x)\n",
        "x = " + "-" * 5000 + "1\n",
        "if x:\n    pass\n" + "elif x:\n    pass\n" * 2000,
        "x = 0x" + "f" * 10_000 + "\nprint(x)\n",
        "#\n" * 1_100_000,
    ],
    ids=["terms", "signs", "branches", "digits", "size"],
)
def test_what_is_too_much_to_be_read_is_no_fault_of_the_script(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text) == {"FRM051": "info"}


@pytest.mark.parametrize("text", [b"x = 1\n\0", b'x = "\xe4"\n', b"# coding: klingon\n"])
def test_what_python_refuses_is_an_error(tmp_path: Path, text: bytes) -> None:
    assert told(tmp_path, text) == {"FRM051": "error"}


@pytest.mark.parametrize(
    ("entry", "text", "refused"),
    [
        ("train.py", b"# gr\xfc\xdfe\n", True),
        ("train.py", b"import os\n\nprint(os.name)  # gr\xfc\xdfe\n", True),
        ("train.py", b"# -*- coding: latin-1 -*-\n# gr\xfc\xdfe\n", False),
        ("train.py", b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n# gr\xfc\xdfe\n", False),
        ("train.py", "# gr\u00fc\u00dfe\n".encode(), False),
        ("helper.py", b"# gr\xfc\xdfe\n", False),
    ],
)
def test_comments_as_python_reads_them(tmp_path: Path, entry: str, text: bytes, refused: bool) -> None:
    (tmp_path / "train.py").write_text("import helper\n")
    (tmp_path / "helper.py").write_text("")
    (tmp_path / entry).write_bytes(text)
    started = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, check=False)
    assert (started.returncode != 0) == refused
    assert ("FRM051" in rules(tmp_path)) == refused


def test_numbers_that_no_list_can_have(tmp_path: Path) -> None:
    assert "FRM051" not in told(
        tmp_path, "for i in range(10**9):\n    pass\nfor i in range(1, " + "9" * 30 + "): pass\n"
    )


SHAPES = {
    "set-again": "".join(f"    if b == {i}:\n        a = a + '{i}'\n" for i in range(800)) + "    open(a)\n",
    "one-in-another": "".join(
        f"{' ' * (i + 4)}if b > {i}:\n" + f"{' ' * (i + 5)}open(a + '{i}')\n" * 8 for i in range(90)
    ),
    "read-and-split": "".join(f"    x{i} = open(a + '{i}').read().split()[{i}]\n" for i in range(900)),
    "started": "".join(f"    p{i} = Process(target=run)\n    p{i}.start()\n" for i in range(800)),
    "chosen": "".join(
        f"    if b > {i}:\n        x{i} = b\n    else:\n        y{i} = x{i}\n" for i in range(500)
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_long_scripts_are_read_in_time(tmp_path: Path, shape: str) -> None:
    """Each took most of a minute when every look went over the whole script: ``rules`` waits for no more than that."""
    head = "import sys\nfrom multiprocessing import Process\n\n\ndef run(a, b):\n"
    (tmp_path / "train.py").write_text(head + SHAPES[shape] + "\n\nrun(sys.argv[1], int(sys.argv[2]))\n")
    assert "FRM051" not in rules(tmp_path)


SETTINGS = {
    "brackets": "[" * 90_000,
    "dashes": "- " * 40_000 + "x",
    "indents": "".join(f"{' ' * depth}a:\n" for depth in range(400)),
    "aliases": "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}' if i else 'x'] * 9)}]\n" for i in range(20)),
    "itself": "a: &a [*a]\n",
}


@pytest.mark.parametrize("shape", SETTINGS)
def test_settings_that_nest_without_end(tmp_path: Path, shape: str) -> None:
    (tmp_path / "conf.yaml").write_text(SETTINGS[shape])
    (tmp_path / "train.py").write_text(
        'import yaml\nconf = yaml.safe_load(open("conf.yaml"))\nopen(conf["a"])\n'
    )


@pytest.mark.parametrize("name", ["a" * 300 + ".py", "../" * 2000 + "x.py", "\0.py", "\ud800.py"])
def test_an_entry_point_that_no_file_system_takes(tmp_path: Path, name: str) -> None:
    words = {"sagemaker_program": name, "sagemaker_submit_directory": "s3://example-bucket/s.tar.gz"}
    found = cursus.check({"TrainingJobName": "churn", "HyperParameters": words}, source_dir=tmp_path).findings
    assert {"FRM050", "STP006", "STP010"} & {one.rule for one in found}


def test_modules_and_lines_that_no_file_system_takes(tmp_path: Path) -> None:
    long = "a" * 300
    (tmp_path / "requirements.txt").write_text(f"-r {long}\n-e {long}\npandas=={'9' * 5000}\n")
    script = f"import {long}\nfrom {long} import b\nprint('{{²}}'.format(1))\n"
    assert "FRM051" not in told(tmp_path, script)


def test_one_package_on_thousands_of_lines(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")
    (tmp_path / "requirements.txt").write_text("".join(f"pandas>={i}\n" for i in range(10_000)))
    assert "FRM051" not in rules(tmp_path)
