"""Scripts that take their arguments by absl, typer, fire or Hydra: told what the library itself refuses, and no more.

The outcomes were seen with absl-py 2.5, typer 0.29, fire 0.7 and hydra-core 1.3.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import cursus
from cursus.checks.examples import BASES, merge

END = """
    print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
    open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
"""
ABSL = f"""\
import os
from absl import app, flags
flags.DEFINE_integer("epochs", 1, "")
flags.DEFINE_boolean("augment", True, "")
flags.DEFINE_enum("kind", "a", ["a", "b"], "")
flags.DEFINE_string("column", None, "")
flags.DEFINE_string("target", None, "", short_name="t")
flags.mark_flag_as_required("target")
def main(argv):{END}
if __name__ == "__main__":
    app.run(main)
"""
TYPER = f"""\
import os
from typing import Annotated, Optional
import typer
app = typer.Typer()
@app.command()
def main(
    epochs: int = 1,
    augment: bool = True,
    target: str = typer.Option(...),
    batch_size: Annotated[int, typer.Option("--batch")] = 8,
    column: Optional[str] = None,
):{END}
if __name__ == "__main__":
    app()
"""
FIRE = f"""\
import os
import fire
def main(target, epochs=1, batch_size=8):{END}
if __name__ == "__main__":
    fire.Fire(main)
"""
HYDRA = f"""\
import os
import hydra
@hydra.main(version_base=None, config_name=None)
def main(settings):{END}
if __name__ == "__main__":
    main()
"""


def told(folder: Path, script: str, given: dict[str, str]) -> list[tuple[str, str]]:
    (folder / "train.py").write_text(script)
    request = merge(BASES["CreateTrainingJob"], {"HyperParameters": given} if given else {})
    found = cursus.check(request, source_dir=folder, entry_point="train.py", region="us-east-1").findings
    return [(f.rule, f.severity) for f in found if f.severity != "info"]


@pytest.mark.parametrize(
    ("script", "given"),
    [
        (ABSL, {"target": "y", "epochs": "3", "kind": "b", "column": "x", "verbosity": "1"}),
        (ABSL, {"t": "y", "augment": "True"}),
        (TYPER, {"target": "y", "epochs": "3", "batch": "4", "column": "x"}),
        (FIRE, {"target": "y", "epochs": "three", "batch_size": "4"}),
        (FIRE, {"target": "y", "batch-size": "4"}),
        (HYDRA, {}),
    ],
)
def test_what_the_library_takes(script: str, given: dict[str, str], tmp_path: Path) -> None:
    assert told(tmp_path, script, given) == []


@pytest.mark.parametrize(
    ("script", "given", "expected"),
    [
        (ABSL, {"target": "y", "epoch": "3"}, ("HPO050", "error")),
        (ABSL, {"target": "y", "epochs": "3.5"}, ("HPO052", "error")),
        (ABSL, {"target": "y", "kind": "c"}, ("HPO052", "error")),
        (ABSL, {"epochs": "3"}, ("HPO051", "error")),
        (ABSL, {"target": "y", "augment": "False"}, ("HPO054", "warning")),
        (TYPER, {"target": "y", "epochs": "many"}, ("HPO052", "error")),
        (TYPER, {"target": "y", "augment": "True"}, ("HPO054", "error")),
        (TYPER, {"target": "y", "batch_size": "4"}, ("HPO050", "error")),
        (TYPER, {"epochs": "3"}, ("HPO051", "error")),
        (FIRE, {"target": "y", "epoch": "3"}, ("HPO050", "error")),
        (FIRE, {"epochs": "3"}, ("HPO051", "error")),
        (HYDRA, {"epochs": "3"}, ("HPO050", "error")),
    ],
)
def test_what_the_library_refuses(
    script: str, given: dict[str, str], expected: tuple[str, str], tmp_path: Path
) -> None:
    assert told(tmp_path, script, given) == [expected]


@pytest.mark.parametrize(
    "script",
    [
        ABSL.replace("import os", "import os, acme_flags"),  # a library that may define flags of its own
        ABSL.replace('"epochs", 1', "os.urandom(1).hex(), 1"),
        TYPER.replace("if __name__", "@app.command()\ndef other(): pass\nif __name__"),
        FIRE.replace("batch_size=8", "**others"),
        FIRE.replace("fire.Fire(main)", "fire.Fire()"),
        HYDRA.replace("import hydra", "import hydra, sys\nsys.argv[1:] = []"),
    ],
)
def test_what_cannot_be_known_is_left_alone(script: str, tmp_path: Path) -> None:
    assert told(tmp_path, script, {"target": "y", "unheard_of": "3"}) == []


def test_hydra_is_told_how_to_be_started(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(HYDRA)
    request = merge(BASES["CreateTrainingJob"], {"HyperParameters": {"epochs": "3"}})
    found = cursus.check(request, source_dir=tmp_path, entry_point="train.py", region="us-east-1").findings
    assert "name=value" in next(f.remedy or "" for f in found if f.rule == "HPO050")
