"""Shell scripts that hand everything on to one Python program, which is read in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursus.model import SourceCode
from cursus.script import read_source
from cursus.script.source.wrapper import handed_on

HANDS_ON = [
    "python train.py $@\n",
    '#!/bin/bash\nexec python train.py "$@"\n',
    '#!/bin/bash\nset -euo pipefail\necho "it begins"\nnvidia-smi\npython3 -u ./train.py "${@}"\nexit $?\n',
    'export NCCL_DEBUG=INFO\npython \\\n  /opt/ml/code/train.py \\\n  "$@"\n',
]
IN_PART = [
    'python train.py --data_dir $SM_CHANNEL_TRAIN --out "/opt/ml/model" "$@"\n',
    "python train.py\n",
    "set -e\npython3 train.py --epochs 3\n",
]
LAUNCHES = [
    'torchrun train.py "$@"\n',
    'pip install -q -r ./requirements.txt\ntorchrun --nproc_per_node=$SM_NUM_GPUS --standalone train.py "$@"\n',
    'accelerate launch --config_file fsdp.yaml --num_processes 4 train.py "$@"\n',
]
DOES_MORE = [
    'cd src\npython train.py "$@"\n',
    'pip install x\npython train.py "$@"\n',
    'python train.py "$@" | tee log\n',
    'python prepare.py "$@"\npython train.py "$@"\n',
    'if [ -n "$A" ]; then\n  python train.py "$@"\nfi\n',
    'export SM_CHANNEL_TRAIN=/tmp/x\npython train.py "$@"\n',
    'export A=$(date)\npython train.py "$@"\n',
    'run() {\n  python train.py "$@"\n}\nrun "$@"\n',
    'python ../train.py "$@"\n',
    'deepspeed train.py "$@"\n',
    'pip install -r other.txt\npython train.py "$@"\n',
]


@pytest.mark.parametrize("text", HANDS_ON)
def test_what_hands_everything_on(text: str) -> None:
    found = handed_on(text)
    assert found is not None
    assert (found.program, found.whole) == ("train.py", True)


@pytest.mark.parametrize("text", IN_PART)
def test_what_gets_other_arguments_too_or_none(text: str) -> None:
    found = handed_on(text)
    assert found is not None
    assert (found.program, found.whole) == ("train.py", False)


@pytest.mark.parametrize("text", LAUNCHES)
def test_what_a_launcher_starts(text: str) -> None:
    found = handed_on(text)
    assert found is not None
    assert (found.program, found.launched, "RANK" in found.exports) == ("train.py", True, True)


@pytest.mark.parametrize("text", DOES_MORE)
def test_what_does_more_is_left_alone(text: str) -> None:
    assert handed_on(text) is None


def test_many_options_are_read_at_once() -> None:
    assert handed_on("torchrun " + "--a b --c " * 90 + "(") is None


def test_the_program_is_read_in_the_place_of_the_shell_script(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/train.py").write_text(
        "import os\nprint(os.environ['MODE'])\nopen('/opt/ml/input/data/a/b')\n"
    )
    (tmp_path / "go.sh").write_text('export MODE=fast\npython src/train.py "$@"\n')
    facts = read_source(SourceCode(str(tmp_path), "go.sh"))
    assert (facts.readable, facts.shell, facts.entry) == (True, True, f"{tmp_path}/src/train.py")
    assert "MODE" in facts.env_writes
    assert [use.location.file for use in facts.paths] == [f"{tmp_path}/src/train.py"]


def test_a_program_that_is_not_there_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "go.sh").write_text('#!/bin/bash\npython trian.py "$@"\n')
    faults = read_source(SourceCode(str(tmp_path), "go.sh")).faults
    assert [(one.kind, one.detail, one.location.line) for one in faults] == [
        ("started-missing", "trian.py", 2)
    ]
