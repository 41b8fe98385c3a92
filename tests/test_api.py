"""The two functions that everybody imports."""

from __future__ import annotations

import re
from typing import Any

import pytest

import cursus
from cursus.errors import ConfigurationError, RunError, TargetError


class Raises:
    def create_step(self) -> Any:
        raise ValueError("no bucket today")


class Lacks:
    pass


@pytest.mark.parametrize(
    ("builder", "why"), [(Raises, "ValueError: no bucket today"), (Lacks, "Lacks has no create_step")]
)
def test_a_builder_without_a_step_cannot_run_and_the_error_says_why(builder: type, why: str) -> None:
    for target in (builder, builder()):
        if isinstance(target, Lacks):
            continue  # an instance without the hook is no target at all
        with pytest.raises(RunError, match=re.escape(why)):
            cursus.run(target)


def test_what_is_no_training_job_cannot_run() -> None:
    with pytest.raises(RunError, match="CreateAutoMLJob"):
        cursus.run({"AutoMLJobName": "a", "InputDataConfig": [], "OutputDataConfig": {}, "RoleArn": "x"})


@pytest.mark.parametrize("option", ["select", "ignore"])
@pytest.mark.parametrize("id", ["CHN999", "channels", "", 5])
def test_a_rule_that_there_is_not_is_refused(option: str, id: Any) -> None:
    options: Any = {option: [id]}
    with pytest.raises(ConfigurationError, match=option):
        cursus.check({"TrainingJobName": "churn"}, **options)
    assert cursus.check({"TrainingJobName": "churn"}, select=["CHN"]).ok


def test_a_folder_with_several_unreadable_files_names_them_all(tmp_path: Any) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text('{"TrainingJobName": ')
    with pytest.raises(TargetError, match=r"(?s)a\.json.*\n.*b\.json"):
        cursus.check(tmp_path)


@pytest.mark.parametrize("option", ["region", "kind", "entry_point", "parameters"])
def test_an_option_of_another_type_is_refused_at_the_door(option: str) -> None:
    options: Any = {option: 5}
    with pytest.raises(TypeError, match=f"{option} takes a "):
        cursus.check({"TrainingJobName": "churn"}, **options)


def test_parameters_that_nobody_reads_are_named() -> None:
    assert "epochs" in cursus.check({"TrainingJobName": "churn"}, parameters={"epochs": 3}).notes[0]


def test_a_kind_has_its_article() -> None:
    target: Any = 5
    with pytest.raises(TargetError, match="5 is an int, "):
        cursus.check(target)
