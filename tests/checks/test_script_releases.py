"""Pinned versions against the Python that the image's tag names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.made import DLC, SCRIPT, findings_of, source

PROGRAM = """\
import os
print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
"""


def image_for(python: str) -> dict[str, Any]:
    image = f"{DLC}/pytorch-training:2.0.1-cpu-{python}-ubuntu20.04-sagemaker"
    return {"AlgorithmSpecification": {"TrainingImage": image}, "HyperParameters": SCRIPT}


@pytest.mark.parametrize(
    ("line", "python", "said"),
    [
        ("numpy==2.3.0", "py310", [("error", "it is for 3.11, 3.12, 3.13")]),
        ("numpy==2.3.0", "py311", []),
        ("numpy>=2.3", "py310", [("error", "it is for 3.11")]),
        ("numpy~=2.3.0", "py310", [("error", "it is for 3.11")]),
        ("numpy>=1.20", "py310", []),
        ("numpy>=99", "py310", []),
        ("numpy==2.3.0; python_version>='3.11'", "py310", []),
        ("tensorflow==2.4.0", "py310", [("error", "it is for 3.6, 3.7, 3.8")]),
        ("scipy==1.5.0", "py310", [("warning", "pip compiles it")]),
        ("scipy==1.5.0", "py38", []),
        ("datasets==1.0.0", "py310", []),
        ("numpy==2.3.0", "py3", []),
    ],
)
def test_a_version_for_another_python(
    tmp_path: Path, line: str, python: str, said: list[tuple[str, str]]
) -> None:
    code = source(tmp_path, PROGRAM, requirements__txt=line + "\n")
    found = findings_of(image_for(python), "FRM069", source=code)
    assert [f.severity for f in found] == [severity for severity, _ in said]
    assert all(words in f.message for f, (_, words) in zip(found, said, strict=True))
    assert all(f.location is not None and f.location.line == 1 for f in found)


@pytest.mark.parametrize(
    ("line", "python", "rules"),
    [
        ("def scale(by: float | None = None): ...", "py39", ["FRM051"]),
        ("def scale(by: float | None = None): ...", "py310", []),
        ("def scale(by: 'float | None' = None): ...", "py39", []),
        ("from __future__ import annotations\ndef scale(by: float | None = None): ...", "py39", []),
        ("from __future__ import division, annotations\ndef names() -> list[str]: ...", "py38", []),
        ("def scale():\n    by: float | None = None", "py39", []),
        ("class Line:\n    by: int | None = None", "py39", ["FRM051"]),
        ("def names() -> list[str]: ...", "py38", ["FRM051"]),
        ("def names() -> list[str]: ...", "py39", []),
        ("import tomllib", "py310", ["FRM072"]),
        ("import tomllib", "py311", []),
        ("try:\n    import tomllib\nexcept ImportError:\n    tomllib = None", "py310", []),
        ("from typing import Self", "py310", ["FRM072"]),
        ("from collections import Mapping", "py310", ["FRM072"]),
        ("from collections.abc import Mapping", "py310", []),
        ("import time\nstart = time.clock()", "py310", ["FRM072"]),
        ("import tomllib", "py3", []),
    ],
)
def test_what_the_image_has_an_older_or_newer_python_for(
    tmp_path: Path, line: str, python: str, rules: list[str]
) -> None:
    found = findings_of(image_for(python), source=source(tmp_path, f"{line}\n{PROGRAM}"))
    assert [f.rule for f in found if f.rule in ("FRM051", "FRM072")] == rules


def test_a_module_beside_the_script_is_read_as_the_image_reads_it(tmp_path: Path) -> None:
    module = "def scale(by: float | None = None) -> float: ...\n"
    code = source(tmp_path, f"import helper\n{PROGRAM}", helper__py=module)
    found = findings_of(image_for("py39"), "FRM051", source=code)
    assert [(f.severity, f.location and Path(f.location.file).name) for f in found] == [
        ("warning", "helper.py")
    ]


@pytest.mark.parametrize(("version", "severity"), [("1.2-1", ["warning"]), ("1.4-2", []), ("0.20.0", [])])
def test_the_python_of_an_image_whose_tag_does_not_name_it(
    tmp_path: Path, version: str, severity: list[str]
) -> None:
    image = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:{version}-cpu-py3"
    request = {"AlgorithmSpecification": {"TrainingImage": image}, "HyperParameters": SCRIPT}
    code = source(tmp_path, f"def names() -> list[str]: ...\n{PROGRAM}")
    assert [f.severity for f in findings_of(request, "FRM051", source=code)] == severity


def test_a_pin_of_the_framework_that_is_not_for_the_python_is_told_once(tmp_path: Path) -> None:
    code = source(tmp_path, PROGRAM, requirements__txt="torch==1.4.0\n")
    every = findings_of(image_for("py310"), source=code)
    found = [f.rule for f in every if f.location and f.location.file.endswith("requirements.txt")]
    assert found == ["FRM069"]


def test_a_key_that_is_written_where_the_job_is_started(tmp_path: Path) -> None:
    """``wandb.sagemaker_auth`` puts the key into the source before it is uploaded."""
    folder = tmp_path / "src"
    folder.mkdir()
    program = PROGRAM.replace("import os", "import os, wandb\nwandb.init(project='churn')")
    code = source(folder, program, requirements__txt="wandb\n")
    assert [f.severity for f in findings_of(image_for("py310"), "FRM073", source=code)] == ["error"]
    (tmp_path / "launch.py").write_text("import wandb\nwandb.sagemaker_auth(path='src')\n")
    assert findings_of(image_for("py310"), "FRM073", source=code) == []
