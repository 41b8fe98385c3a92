"""What ``schema.validate`` says of single values, and where the model in use comes from."""

from __future__ import annotations

import copy
import datetime
import decimal
import enum
import json
import math
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.aws import distill, instances, places, refresh, schema, schema_store
from cursus.checks.examples import BASES
from cursus.errors import CursusError

BASE = BASES["CreateTrainingJob"]


def with_values(**members: Any) -> dict[str, Any]:
    return {**copy.deepcopy(BASE), **members}


def found(request: Any, operation: str = "CreateTrainingJob", **options: bool) -> list[tuple[Any, str]]:
    return [(violation.path, violation.kind) for violation in schema.validate(operation, request, **options)]


@pytest.mark.parametrize("operation", [name for name in BASES if name != "Pipeline"])
def test_base_requests_satisfy_the_model(operation: str) -> None:
    assert schema.validate(operation, BASES[operation]) == []


def test_every_request_of_the_model_compiles() -> None:
    for operation in (*distill.REQUESTS, *distill.OF_STEPS, *distill.OF_OTHER_SERVICES):
        assert schema.document(operation) is not None
        schema.validate(operation, {})


def test_a_shape_that_holds_itself_comes_to_an_end() -> None:
    shapes = {
        "Configuration": {"type": "structure", "members": {"Inner": {"shape": "Configurations"}}},
        "Configurations": {"type": "list", "member": {"shape": "Configuration"}},
    }
    model = {"shapes": shapes, "operations": {"Run": {"input": {"shape": "Configuration"}}}}
    inner = distill.request_schema(model, "Run")
    for _ in range(10):
        found = schema.at(inner, ("Inner", 0))
        if found is None:
            break
        inner = {**found, "$defs": inner.get("$defs", {})}
    else:
        pytest.fail("the schema has no end")


def test_a_missing_member_is_reported_at_the_member() -> None:
    request = with_values()
    del request["RoleArn"]
    assert found(request) == [(("RoleArn",), "required")]


def test_a_pipeline_makes_the_name() -> None:
    for operation, name in schema.JOB_NAMES.items():
        missing = {path for path, kind in found({}, operation) if kind == "required"}
        in_pipeline = {path for path, kind in found({}, operation, in_pipeline=True) if kind == "required"}
        assert missing - in_pipeline == ({(name,)} & missing)


def test_null_is_a_member_left_out_only_in_a_pipeline() -> None:
    request = with_values(MlflowConfig=None)
    assert found(request) == [(("MlflowConfig",), "type")]
    assert found(request, in_pipeline=True) == []
    assert found({**request, "RoleArn": None}, in_pipeline=True) == [(("RoleArn",), "required")]


@pytest.mark.parametrize(
    "reference",
    [
        {"Get": "Parameters.X"},
        {"Std:Join": {"On": "/", "Values": ["a", {"Get": "b"}]}},
        {"Std:JsonGet": {"PropertyFile": {}}},
    ],
)
def test_pipeline_variables_are_of_the_right_type_everywhere(reference: dict[str, Any]) -> None:
    for member in BASE:
        assert found(with_values(**{member: reference})) == []
    assert found(with_values(HyperParameters={"a": reference}, Environment={"B": reference})) == []
    deep = with_values()
    deep["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = reference
    deep["ResourceConfig"]["InstanceCount"] = reference
    assert found(deep) == []


class Mode(str, enum.Enum):
    FILE = "File"


class Text(str):
    pass


@pytest.mark.parametrize(
    "members",
    [
        {"AlgorithmSpecification": OrderedDict(TrainingImage="x", TrainingInputMode=Mode.FILE)},
        {"AlgorithmSpecification": {"TrainingImage": Text("x"), Text("TrainingInputMode"): Text("File")}},
        {"Tags": ({"Key": "größe", "Value": ""},)},
        {"HyperParameters": {"7": "1", "007": "2", "a/b~c": "3"}},
    ],
)
def test_what_boto_takes_for_json_is_taken(members: dict[str, Any]) -> None:
    assert found(with_values(**members)) == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"x", "not_json"),
        (datetime.date(2026, 1, 31), "not_json"),
        (datetime.datetime(2026, 1, 31), "not_json"),
        ({1, 2}, "not_json"),
        (decimal.Decimal(1), "not_json"),
        (math.nan, "not_json"),
        (math.inf, "not_json"),
        (object(), "not_json"),
        ("\ud800", "not_json"),
        (1, "type"),
        (1.0, "type"),
        (True, "type"),
        (None, "type"),
        ([], "type"),
        ({}, "type"),
        ("", "length"),
        ("two\nlines", "pattern"),
        ("trailing\n", "pattern"),
        ("-", "pattern"),
        ("a" * 64, "length"),
        ("a_" * 64, "length"),
    ],
)
def test_one_violation_for_one_wrong_name(value: Any, kind: str) -> None:
    assert found(with_values(TrainingJobName=value)) == [(("TrainingJobName",), kind)]


@pytest.mark.parametrize("value", [3600.0, True, "3600", None, math.nan, 0, -1, 2**31, 2**70, 10**400])
def test_a_whole_number_is_a_whole_number(value: Any) -> None:
    place = ("StoppingCondition", "MaxRuntimeInSeconds")
    assert [path for path, _ in found(with_values(StoppingCondition={"MaxRuntimeInSeconds": value}))] == [
        place
    ]


def test_keys_are_told_from_positions() -> None:
    request = with_values(HyperParameters={"7": 1, "007": 2, "0": "fine"})
    assert {path for path, _ in found(request)} == {("HyperParameters", "7"), ("HyperParameters", "007")}


def test_keys_that_are_no_text() -> None:
    request = with_values(Environment={1: "a", None: "b", b"c": "d", ("e",): "f", "\udfff": "g"})
    assert [kind for _, kind in found(request)] == ["not_json"] * 5


def test_unknown_members_name_the_right_ones() -> None:
    request = with_values(ResourceConfig={**BASE["ResourceConfig"], "VolumeSizeInGb": 1})
    (violation,) = schema.validate("CreateTrainingJob", request)
    assert violation.path == ("ResourceConfig", "VolumeSizeInGb")
    assert "VolumeSizeInGB" in violation.options


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", ["", "größe ٣ /=+-@"], ["~", "a\nb"]),
        (r"arn:[\p{Alnum}\-]+:x", ["arn:aws-cn:x"], ["arn:äws:x", "arn::x", "arn:aws:x "]),
        (r".*", ["", "a b", "a\tb"], ["a\nb", "a\r", "\u2028"]),
        (r"[\S]+", ["a", "\u00a0", "ü"], ["", "a b", "a\x0b"]),
        (r"[\s\S]+", ["a\nb", "\u2003"], [""]),
        (r"\d+", ["12"], ["٣", "1\n"]),
        (r"\w+", ["a_1"], ["ä"]),
        (r"([a-z]*)${1,128}", ["abc"], ["ABC"]),
        (r"[a-z]*(?<!-)", ["a"], ["a-"]),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", ["a\t\U0001f600"], ["\x01", "\n"]),
        (r"a|b", ["a", "b"], ["ab", "bb", "xa"]),
    ],
)
def test_patterns_mean_what_java_means(pattern: str, right: list[str], wrong: list[str]) -> None:
    from jsonschema_rs import Draft202012Validator

    translated = distill.translate(pattern)
    checker = Draft202012Validator({} if translated is None else {"pattern": translated})
    for text in right:
        assert checker.is_valid(text), text
    for text in wrong:
        assert translated is None or not checker.is_valid(text), text


def test_endless_and_huge_requests_are_answered() -> None:
    endless: dict[str, Any] = {}
    endless["Environment"] = endless
    assert ("Environment", "Environment") in {path for path, _ in found(with_values(Environment=endless))}
    knot: list[Any] = []
    knot.extend([knot, knot, knot])
    assert found(with_values(Tags=knot))
    bomb: list[Any] = ["x"] * 10
    for _ in range(40):
        bomb = [bomb] * 10
    assert found(with_values(Tags=bomb))
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(50_000):
        inner["a"] = {}
        inner = inner["a"]
    assert found(with_values(HyperParameters={"a": deep})) == [(("HyperParameters", "a"), "type")]
    assert len(found(with_values(HyperParameters={str(i): 1 for i in range(100_000)}))) <= 1_001


@pytest.mark.parametrize("request_", [None, 5, "x", [], b"", object()])
def test_what_is_no_mapping_is_one_violation(request_: Any) -> None:
    assert [path for path, _ in found(request_)] == [()]


def test_an_operation_without_a_model_is_not_looked_at() -> None:
    assert schema.validate("CreateNothing", {}) == []


def test_places_of_the_model() -> None:
    document = schema.document("CreateTrainingJob")
    assert document is not None
    output = schema.at(document, ("OutputDataConfig", "S3OutputPath"))
    assert output is not None
    assert output["type"] == "string"
    assert schema.at(document, ("InputDataConfig", 0, "ChannelName")) is not None
    assert schema.at(document, ("HyperParameters", "anything")) is not None
    assert schema.at(document, ("OutputConfig",)) is None


def test_instance_types_are_left_to_the_catalog() -> None:
    request = with_values()
    request["ResourceConfig"]["InstanceType"] = "ml.z99.xlarge"
    assert found(request) == []


def test_the_model_names_its_date_and_source() -> None:
    assert schema.model_date() == "2026-11-17"
    assert schema.model_source().startswith("botocore 1.44.5")


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    schema_store.forget()
    yield tmp_path / "cursus" / "schema"
    monkeypatch.undo()
    schema_store.forget()


def test_refresh_distils_the_installed_botocore(own_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest.importorskip("botocore"), "__version__", "99.0.1")
    said = refresh.refresh()
    assert str(own_data) in said
    assert schema.model_source().startswith("botocore 99.0.1,")
    index = json.loads((own_data / "index.json").read_text())
    assert set(index["operations"]) >= set(schema.JOB_NAMES)
    assert schema.validate("CreateTrainingJob", BASE) == []


def test_an_instance_type_of_the_newer_model_is_known(
    own_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, model = refresh.installed_model()
    names = {**model["shapes"]["TrainingInstanceType"]}
    names["enum"] = [*names["enum"], "ml.m9.xlarge"]
    newer = {**model, "shapes": {**model["shapes"], "TrainingInstanceType": names}}
    monkeypatch.setattr(refresh, "installed_model", lambda: ("99.0.1", newer))
    assert version and not instances.is_new("ml.m9.xlarge", "training")
    refresh.refresh()
    assert instances.is_new("ml.m9.xlarge", "training")
    assert not instances.is_new("ml.m9.xlarge", "processing")
    resources = {**BASE["ResourceConfig"], "InstanceType": "ml.m9.xlarge"}
    assert [
        f for f in cursus.check(with_values(ResourceConfig=resources)).findings if f.rule == "RES001"
    ] == []


@pytest.mark.parametrize("version", ["1.0.0", schema_store.packaged_index()["source"].split()[1].rstrip(",")])
def test_refresh_writes_nothing_that_is_not_newer(
    own_data: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(pytest.importorskip("botocore"), "__version__", version)
    assert "nothing was written" in refresh.refresh()
    assert not own_data.exists()


def test_a_newer_model_of_the_user_is_used(own_data: Path) -> None:
    own_data.mkdir(parents=True)
    document = json.loads((schema_store.PACKAGED / "CreateTrainingJob.json").read_text())
    document["properties"]["BrandNew"] = {"type": "string"}
    (own_data / "CreateTrainingJob.json").write_text(json.dumps(document))
    (own_data / "index.json").write_text(json.dumps({"source": "botocore 99.1.0", "date": "2031-01-01"}))
    schema_store.forget()
    assert schema.model_date() == "2031-01-01"
    assert found(with_values(BrandNew="x")) == []
    assert schema.validate("CreateAutoMLJob", BASES["CreateAutoMLJob"]) == []


@pytest.mark.parametrize(
    "index", ["", "{}", '{"source": "botocore 1.0.0", "date": "2020-01-01"}', "[1]", "\x00"]
)
def test_an_older_or_damaged_model_of_the_user_is_not(own_data: Path, index: str) -> None:
    own_data.mkdir(parents=True)
    (own_data / "index.json").write_text(index)
    schema_store.forget()
    assert schema.model_date() == "2026-11-17"


def test_a_model_of_the_user_that_is_no_schema_is_left_aside(own_data: Path) -> None:
    own_data.mkdir(parents=True)
    (own_data / "CreateTrainingJob.json").write_text(
        '{"type": "object", "properties": {"A": {"pattern": "("}}}'
    )
    (own_data / "index.json").write_text(json.dumps({"source": "botocore 99.1.0", "date": "2031-01-01"}))
    schema_store.forget()
    assert schema.validate("CreateTrainingJob", BASE) == []
    assert schema.model_date() == "2026-11-17"


def test_refresh_says_where_it_cannot_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest.importorskip("botocore"), "__version__", "99.0.1")
    (tmp_path / "file").write_text("")
    with pytest.raises(CursusError, match="cannot write"):
        refresh.refresh(tmp_path / "file" / "schema")


def test_user_directory_without_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("HOME", "/somewhere")
    assert schema_store.user_directory() == Path("/somewhere/.local/share/cursus/schema")
    monkeypatch.delenv("HOME")
    directory = schema_store.user_directory()
    assert directory is None or directory.is_absolute()


def test_places() -> None:
    assert places.partition_of("cn-north-1") == "aws-cn"
    assert places.partition_of("us-gov-west-1") == "aws-us-gov"
    assert places.partition_of("nowhere") == ""
    image = places.image("387376663083.dkr.ecr.cn-northwest-1.amazonaws.com.cn/xgboost:1")
    assert image == places.Place("aws-cn", "cn-northwest-1", "387376663083")
    assert places.image("churn-trainer:latest") is None
    assert places.bucket("sagemaker-eu-west-1-123456789012") == ("eu-west-1", True)
    assert places.bucket("my-data-eu-west-1") == ("eu-west-1", False)
    assert places.bucket("my-data") is None
