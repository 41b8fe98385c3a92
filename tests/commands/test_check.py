"""``cursus check``: formats, selection, targets, and every kind of bad input."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.commands.conftest import Cursus


def test_sound_request(cursus: Cursus, good: dict[str, Any]) -> None:
    done = cursus("check", "good.json")
    assert done.code == 0 and done.err == ""
    assert done.out.startswith("no errors") and "in 1 step (service model of " in done.out


def test_fault_with_place_rule_and_remedy(cursus: Cursus, twice: dict[str, Any]) -> None:
    done = cursus("check", "twice.json")
    assert done.code == 1
    first, remedy = [line for line in done.out.splitlines() if "CHN001" in line or "own name" in line]
    assert first.startswith("twice.json:") and "error[CHN001] InputDataConfig[1].ChannelName: " in first
    assert first.split(":")[1:3] != ["", ""] and all(part.isdigit() for part in first.split(":")[1:3])
    assert remedy.startswith("    ")
    assert "hunter2" not in done.out


def test_targets_whose_findings_stand_in_a_shared_file_are_named(
    cursus: Cursus, twice: dict[str, Any], folder: Path
) -> None:
    (folder / "shared.py").write_text(
        "import json\n\ndef made():\n    return json.load(open('twice.json'))\n"
    )
    for name in ("one", "other"):
        (folder / f"{name}.py").write_text(
            "from shared import made\n\nclass Builder:\n    create_step = lambda self: made()\n"
        )
    done = cursus("check", "one.py:Builder", "other.py:Builder", "twice.json")
    assert [line for line in done.out.splitlines() if line.startswith("== ")] == [
        "== one.py:Builder",
        "== other.py:Builder",
    ]
    assert "== " not in cursus("check", "one.py:Builder").out


def test_json(cursus: Cursus, twice: dict[str, Any]) -> None:
    data = cursus("check", "twice.json", "--format", "json").json()
    assert (data["schema_version"], data["command"], data["ok"]) == (1, "check", False)
    assert data["sections"][0]["operation"] == "CreateTrainingJob"
    found = next(one for one in data["findings"] if one["rule"] == "CHN001")
    assert found["severity"] == "error" and found["path"] == "InputDataConfig[1].ChannelName"
    assert found["file"] == "twice.json" and found["line"] > 1 and found["column"] > 1


def test_jsonl(cursus: Cursus, twice: dict[str, Any]) -> None:
    records = [
        json.loads(line) for line in cursus("check", "twice.json", "--format", "jsonl").out.splitlines()
    ]
    assert "CHN001" in {one.get("rule") for one in records}
    assert records[-1]["kind"] == "summary" and records[-1]["ok"] is False


def test_sarif_junit_and_github(cursus: Cursus, twice: dict[str, Any]) -> None:
    sarif = cursus("check", "twice.json", "--format", "sarif").json()
    results = sarif["runs"][0]["results"]
    assert "CHN001" in {one["ruleId"] for one in results}
    suites = ElementTree.fromstring(cursus("check", "twice.json", "--format", "junit").out)
    assert suites.get("failures") == "1"
    github = cursus("check", "twice.json", "--format", "github").out
    assert "::error title=CHN001 InputDataConfig[1].ChannelName,file=twice.json,line=" in github


def test_selection(cursus: Cursus, twice: dict[str, Any]) -> None:
    assert cursus("check", "twice.json", "--ignore", "CHN").code == 0
    assert (
        cursus("check", "twice.json", "--ignore", "ART001,CHN001=both read the same data, for once").code == 0
    )
    assert cursus("check", "twice.json", "--select", "ART,MON").code == 0
    assert cursus("check", "twice.json", "--select", "CHN001").code == 1


def test_an_ignore_of_the_command_line_that_ignores_nothing(cursus: Cursus, twice: dict[str, Any]) -> None:
    done = cursus("check", "twice.json", "--ignore", "CHN", "--ignore", "RES=paid for", "--format", "json")
    told = [one["message"] for one in done.json()["findings"] if one["rule"] == "STP080"]
    assert done.code == 0
    assert told == ["the ignore of RES (paid for) ignores nothing"]


def test_strict_and_explain(cursus: Cursus, folder: Path, good: dict[str, Any]) -> None:
    (folder / "train.py").write_text("print(1)  # cursus: ignore[CHN001]\n")
    arguments = ("check", "good.json", "--source", ".", "--entry-point", "train.py", "--select", "STP08")
    assert cursus(*arguments).code == 0
    done = cursus(*arguments, "--strict", "--explain")
    assert done.code == 1
    assert "train.py:1:11: warning[STP081]" in done.out and "What it does:" in done.out


def test_unused_ignores_are_named_wherever_they_stand(
    cursus: Cursus, folder: Path, good: dict[str, Any]
) -> None:
    (folder / "train.py").write_text("print(1)  # cursus: ignore[CHN001] old\n")
    (folder / "requests").mkdir()
    (folder / "requests" / "a.yaml").write_text(json.dumps(good) + "  # cursus: ignore[CHN001] gone\n")
    (folder / "idle_builder.py").write_text(
        f"class B:\n  def create_step(self):\n    return {good!r}  # cursus: ignore[CHN001] done\n"
    )
    for target, place in (("requests", "requests/a.yaml:1:"), ("idle_builder:B", "idle_builder.py:3:")):
        assert f"{place}" in (out := cursus("check", target).out) and "info[STP080]" in out
    script = ("--source", ".", "--entry-point", "train.py")
    assert (
        "train.py:1:11: info[STP080] the ignore of CHN001 (old)" in cursus("check", "good.json", *script).out
    )


def test_used_ignores_are_not_named(cursus: Cursus, folder: Path, twice: dict[str, Any]) -> None:
    (folder / "used_builder.py").write_text(
        f"class B:\n  def create_step(self):\n    return {twice!r}  # cursus: ignore[CHN001,STP049] both\n"
    )
    (folder / "train.py").write_text("print(nowhere)  # cursus: ignore[FRM070] the caller defines it\n")
    script = ("--source", ".", "--entry-point", "train.py")
    for arguments in (("used_builder.py:B",), ("used_builder:B",), ("good.json", *script)):
        done = cursus("check", *arguments)
        assert done.code == 0 and "STP080" not in done.out, done.out
    (folder / "train.py").write_text("print(nowhere)\n")
    assert "error[FRM070]" in cursus("check", "good.json", *script).out


def test_strict_says_why_it_fails(cursus: Cursus, folder: Path, good: dict[str, Any]) -> None:
    (folder / "odd.json").write_text(json.dumps({**good, "HyperParameters": {"api_key": "abcdefgh"}}))
    assert (plain := cursus("check", "odd.json")).code == 0 and "--strict" not in plain.out
    assert (done := cursus("check", "odd.json", "--strict")).code == 1
    assert "1 warning in 1 step; with --strict" in done.out


def test_half_a_character_says_what_to_write(cursus: Cursus, folder: Path, good: dict[str, Any]) -> None:
    for part in ({"TrainingJobName": "a\ud800"}, {"Environment": {"\ud800": "a"}}):
        (folder / "half.json").write_text(json.dumps({**good, **part}))
        assert "write the whole character in its place" in cursus("check", "half.json").out


def test_what_may_be_newer_is_allowed_as_the_remedy_says(
    cursus: Cursus, folder: Path, good: dict[str, Any]
) -> None:
    good["ResourceConfig"]["InstanceType"] = "ml.m9z.xlarge"
    (folder / "new.json").write_text(json.dumps(good))
    said = cursus("check", "new.json", "--strict")
    option = re.search(r"\((--allow \S+)\)", said.out)
    assert said.code == 1 and option is not None
    assert cursus("check", "new.json", "--strict", *option[1].split()).code == 0


@pytest.mark.parametrize(("region", "meant"), [("us-esat-1", "us-east-1"), ("eu-centrla-1", "eu-central-1")])
def test_a_misspelt_region_is_refused(cursus: Cursus, good: dict[str, Any], region: str, meant: str) -> None:
    done = cursus("check", "good.json", "--region", region)
    assert done.code == 2 and f"there is no region {region!r}. Did you mean {meant!r}?" in done.err
    assert cursus("check", "good.json", "--region", "us-east-9", "--select", "STP001").code == 0
    assert "such as eu-central-1" in cursus("check", "good.json", "--region", "Frankfurt").err
    Path("cursus.toml").write_text(f'region = "{region}"')
    done = cursus("check", "good.json")
    assert done.code == 2 and f"cursus.toml:1: there is no region {region!r}" in done.err


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("godo.json", "good.json"),
        ("requets/", "requests"),
        ("buidler.py:B", "builder.py"),
        ("buidler:B", "builder"),
        ("churn-trian", "churn-train"),
    ],
)
def test_targets_that_are_nearly_there(
    cursus: Cursus, folder: Path, good: dict[str, Any], target: str, meant: str
) -> None:
    (folder / "requests").mkdir()
    (folder / "builder.py").write_text("")
    (folder / "cursus.toml").write_text('[[steps]]\ntarget = "good.json"\nname = "churn-train"\n')
    done = cursus("check", target)
    assert done.code == 2 and f"Did you mean {meant!r}?" in done.out, done.out


def test_several_targets(cursus: Cursus, good: dict[str, Any], twice: dict[str, Any]) -> None:
    done = cursus("check", "good.json", "twice.json", "nowhere.json")
    assert done.code == 2
    assert "nowhere.json: unreadable: there is no such file" in done.out
    assert "error[CHN001]" in done.out and "in 2 steps of 3 targets; 1 could not be read" in done.out


def test_a_file_that_cannot_be_read_is_named_once_with_the_place(cursus: Cursus, folder: Path) -> None:
    (folder / "jobs").mkdir()
    (folder / "jobs" / "a.json").write_text('{"TrainingJobName":\n]')
    for target in ("jobs", "jobs/a.json"):
        done = cursus("check", target)
        assert done.out.startswith("jobs/a.json:2:1: unreadable: this is no JSON"), done.out


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Puts bytes on standard input."""
    return lambda data: monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    )


def test_standard_input(cursus: Cursus, twice: dict[str, Any], give: Callable[[bytes], None]) -> None:
    give(json.dumps(twice, indent=1).encode())
    lines = json.dumps(twice, indent=1).splitlines()
    second = [number for number, line in enumerate(lines, 1) if "ChannelName" in line][1]
    done = cursus("check", "-")
    assert done.code == 1 and f"<stdin>:{second}:" in done.out and "error[CHN001]" in done.out
    give(b"TrainingJobName: a\nRoleArn: x\nResourceConfig: {}\n---\nTrainingJobName: b\nRoleArn: y\n")
    done = cursus("check", "-")
    assert done.code == 1 and "<stdin>:2:10: error[" in done.out and "<stdin>:6:10: error[" in done.out
    give(b'{"TrainingJobName": "a", "TrainingJobName": "b"}')
    assert "error[STP095]" in cursus("check", "-").out


def test_standard_input_is_read_like_a_file(
    cursus: Cursus, twice: dict[str, Any], give: Callable[[bytes], None]
) -> None:
    give(json.dumps(twice).encode("utf-16"))
    assert "error[CHN001]" in cursus("check", "-").out
    give(b"x" * 5_000_000)
    done = cursus("check", "-")
    assert done.code == 2 and "<stdin>: unreadable: larger than 4 MiB" in done.out
    give(b'{"a": "\xff"}')
    assert "<stdin>:1:8: unreadable: this is not UTF-8" in cursus("check", "-").out


def test_color_is_chosen(cursus: Cursus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" in cursus("check", "twice.json", "--color", "always").out
    assert "\x1b[" not in cursus("check", "twice.json").out
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" not in cursus("check", "twice.json", "--color", "never").out
    assert "\x1b[" in cursus("check", "twice.json").out


def test_show_request_hides_secrets(cursus: Cursus, twice: dict[str, Any]) -> None:
    done = cursus("check", "twice.json", "--show-request")
    assert done.code == 1 and "CHN001" in done.err
    shown = done.json()
    assert shown["Environment"] == {"DB_PASSWORD": "***"}
    assert shown["ResourceConfig"] == twice["ResourceConfig"]


def test_output_to_a_dash_is_standard_output(cursus: Cursus, good: dict[str, Any]) -> None:
    done = cursus("check", "good.json", "--format", "json", "--output", "-")
    assert done.json()["ok"] is True and done.err == "" and not Path("-").exists()


def test_output_file(cursus: Cursus, folder: Path, twice: dict[str, Any]) -> None:
    done = cursus("check", "twice.json", "--format", "json", "--output", "report.json")
    assert done.code == 1 and done.out == ""
    assert json.loads((folder / "report.json").read_text())["ok"] is False
    assert [path.name for path in folder.iterdir() if "report" in path.name] == ["report.json"]
    assert done.err.startswith("cursus: 1 error") and "; written to report.json" in done.err
    (folder / "latest.json").symlink_to("report.json")
    assert cursus("check", "good.json", "--format", "json", "--output", "latest.json").code == 0
    assert (folder / "latest.json").is_symlink()
    assert json.loads((folder / "report.json").read_text())["ok"] is True


def test_a_pattern_is_expanded_where_no_shell_did(
    cursus: Cursus, folder: Path, good: dict[str, Any], twice: dict[str, Any]
) -> None:
    done = cursus("check", "*.json")
    assert done.code == 1 and "twice.json:" in done.out and "in 2 steps of 2 targets" in done.out
    (folder / "odd[1].json").write_text(json.dumps(good))
    assert cursus("check", "odd[1].json").code == 0
    (folder / "cursus.toml").write_text('steps = ["**/t*.json"]\n')
    assert cursus("check").code == 1
    done = cursus("check", "none/*.json")
    assert done.code == 2 and "no file matches none/*.json" in done.err


BUILDER = """
print("building is loud")
class Builder:
    def __init__(self, config=None):
        self.config = config or {}
    def create_step(self):
        import json
        return json.load(open("good.json"))
    def get_expected_artifacts(self):
        return ["model.tar.gz"]
class Quits:
    def create_step(self):
        raise SystemExit(0)
"""


def test_builder_that_prints(cursus: Cursus, folder: Path, good: dict[str, Any]) -> None:
    (folder / "loud.py").write_text(BUILDER)
    done = cursus("check", "loud.py:Builder", "--format", "json")
    assert done.code == 0, done.out
    assert done.json()["sections"][0]["operation"] == "CreateTrainingJob"
    assert "building is loud" in done.err


def test_builder_in_a_module(cursus: Cursus, folder: Path, good: dict[str, Any]) -> None:
    (folder / "module_of_this_test.py").write_text(BUILDER)
    assert cursus("check", "module_of_this_test:Builder").code == 0


def test_builder_that_ends_python(cursus: Cursus, folder: Path, good: dict[str, Any]) -> None:
    (folder / "quits.py").write_text(BUILDER + "\nraise SystemExit(0)\n")
    assert cursus("check", "quits.py:Builder").code == 2


def test_configured_steps_and_ignores(cursus: Cursus, folder: Path, twice: dict[str, Any]) -> None:
    (folder / "cursus.toml").write_text(
        'steps = ["good.json", { target = "twice.json", name = "twice",'
        ' ignore = [{ rule = "CHN001", reason = "both are read", path = "InputDataConfig" }] }]\n'
        'ignore = [{ rule = "DST", reason = "no reason any more" }]\n'
    )
    done = cursus("check")
    assert done.code == 0 and "CHN001" not in done.out
    assert cursus("check", "twice").code == 0
    data = cursus("check", "--format", "json").json()
    unused = [one for one in data["findings"] if one["rule"] == "STP080"]
    assert unused and all("(no reason any more)" in one["message"] for one in unused)
    (folder / "cursus.toml").write_text(
        'ignore = [{ rule = "CHN001", reason = "old" }]\nsteps = ["good.json"]\n'
    )
    done = cursus("check")
    assert (
        done.code == 0
        and "cursus.toml:1: info[STP080] the ignore of CHN001 (old) ignores nothing" in done.out
    )


def test_ignore_comment_in_yaml(cursus: Cursus, folder: Path, twice: dict[str, Any]) -> None:
    import yaml

    text = yaml.safe_dump(json.loads(json.dumps(twice)), sort_keys=False)
    (folder / "twice.yaml").write_text(text)
    assert cursus("check", "twice.yaml").code == 1
    text = text.replace(
        "InputDataConfig:", "InputDataConfig:  # cursus: ignore[CHN001] read twice on purpose"
    )
    (folder / "twice.yaml").write_text(text)
    done = cursus("check", "twice.yaml")
    assert done.code == 0 and "CHN001" not in done.out


def test_folder(cursus: Cursus, folder: Path, twice: dict[str, Any]) -> None:
    done = cursus("check", ".")
    assert done.code == 1 and "twice.json:" in done.out and "in 2 steps" in done.out
    (folder / "empty").mkdir()
    done = cursus("check", "empty")
    assert done.code in (1, 2) and "empty" in done.out
    (folder / "broken.json").write_text('{"TrainingJobName": ')
    done = cursus("check", ".")
    assert done.code == 2 and "broken.json" in done.out and "error[CHN001]" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a TARGET"),
        (("nowhere.json",), "there is no such file"),
        (("broken.json",), "broken.json:1:"),
        (("latin.json",), "UTF-8"),
        (("list.json",), "neither request nor"),
        (("broken.yaml",), "broken.yaml"),
        (("deep.json",), "nested"),
        (("nan.json",), "NaN"),
        (("nowhere:Builder",), "nowhere"),
        (("raises.py:Builder",), "raises.py"),
        (("raises.py:Missing",), "Missing"),
        (("good.json", "--format", "xml"), "xml"),
        (("good.json", "--selct", "CHN"), "--selct"),
        (("good.json", "--select", "CHX001"), "there is no rule 'CHX001'. Did you mean 'CHN001'?"),
        (("good.json", "--ignore", "nothing"), "there is no rule 'nothing'"),
        (("good.json", "--format", "jsn"), "Did you mean 'json'?"),
        (("good.json", "--kind", "CreateTrainigJob"), "Did you mean 'CreateTrainingJob'?"),
        (("good.json", "--ignore", "CHX001=why"), "there is no rule 'CHX001'. Did you mean 'CHN001'?"),
        (("good.json", "--ignore", "CHN001="), "gives no reason"),
        (("good.json", "--ignore", "=why"), "names no rule"),
        (("good.json", "--parameter", "x"), "NAME=VALUE"),
        (("good.json", "--parameter", "x=1", "--parameter", "x=2"), "given twice"),
        (("good.json", "--config", "nowhere.toml"), "nowhere.toml: cannot be read"),
        (("good.json", "--output", "no/such/folder/x"), "cannot be written"),
        (("good.json", "--output", "."), "cannot be written"),
        (("good.json", "--output", "./good.json"), "it was not written over"),
        ((".", "--output", "good.json"), "it was not written over"),
        (("raises.py:Builder", "--output", "raises.py", "--format", "json"), "it was not written over"),
        (("good.json", "--kind", "CreateTrainingJub"), "CreateTrainingJub"),
        (("good.json", "--source", "nowhere"), "nowhere"),
    ],
)
def test_bad_input(
    cursus: Cursus, folder: Path, good: dict[str, Any], arguments: tuple[str, ...], said: str
) -> None:
    (folder / "broken.json").write_text("{,}")
    (folder / "latin.json").write_bytes(b'{"a": "\xe4"}')
    (folder / "list.json").write_text("[1]")
    (folder / "broken.yaml").write_text("a: [")
    (folder / "deep.json").write_text("[" * 50_000)
    (folder / "nan.json").write_text('{"a": NaN}')
    (folder / "raises.py").write_text("raise RuntimeError('not today')\n")
    done = cursus("check", *arguments)
    assert done.code == 2, done
    assert said in done.out + done.err
    assert "Traceback" not in done.out + done.err


PIPELINE = """
Version: "2020-12-01"
Parameters:
  - {Name: Count, Type: Integer, DefaultValue: 1}
  - {Name: Type, Type: String, DefaultValue: ml.m5.xlarge}
Steps:
  - Name: Train
    Type: Training
    Arguments:
      AlgorithmSpecification:
        TrainingImage: 123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4
        TrainingInputMode: File
      RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
      OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
      ResourceConfig:
        InstanceType: {Get: Parameters.Type}
        InstanceCount: {Get: Parameters.Count}
        VolumeSizeInGB: 30
      StoppingCondition: {MaxRuntimeInSeconds: 3600}
"""


@pytest.mark.parametrize(
    ("parameter", "code", "said"),
    [
        ("Count=2", 0, "no errors"),
        ("Count=0", 1, "InstanceCount"),
        ("Count=two", 1, "two"),
        ("Type=ml.m5.xlrge", 1, "the value given for the parameter 'Type'"),
        ("Cuont=2", 1, "Did you mean 'Count'?"),
    ],
)
def test_pipeline_parameters(cursus: Cursus, folder: Path, parameter: str, code: int, said: str) -> None:
    (folder / "pipeline.yaml").write_text(PIPELINE)
    done = cursus("check", "pipeline.yaml", "--parameter", parameter)
    assert done.code == code and said in done.out, done


def test_a_bug_on_one_target_costs_no_other(
    cursus: Cursus, twice: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cursus import engine

    real = engine.check_step

    def breaks(step: Any, *arguments: Any, **more: Any) -> Any:
        if len(step.request["InputDataConfig"]) == 1:
            raise ZeroDivisionError("unforeseen")
        return real(step, *arguments, **more)

    monkeypatch.setattr(engine, "check_step", breaks)
    done = cursus("check", "good.json", "twice.json")
    assert done.code == 3 and "good.json: a bug of ours: ZeroDivisionError: unforeseen" in done.out
    assert "error[CHN001]" in done.out


def test_parameter_that_nobody_reads(cursus: Cursus, good: dict[str, Any]) -> None:
    done = cursus("check", "good.json", "--parameter", "epochs=3")
    assert done.code == 0 and "nobody reads the parameters epochs" in done.err
