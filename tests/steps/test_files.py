"""JSON and YAML files: data, positions, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cursus.errors import TargetError
from cursus.model import Pipeline, Step
from cursus.steps import load
from cursus.steps.reading import files
from cursus.steps.reading.documents import Document
from cursus.steps.reading.yaml_files import parse_yaml


def write(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def places(document: Document) -> dict[tuple[str | int, ...], tuple[int | None, int | None]]:
    found = {}
    for path, origin in document.origins.items():
        assert origin.location is not None and origin.location.file == document.path
        found[path] = (origin.location.line, origin.location.column)
    return found


def test_json_positions(tmp_path: Path) -> None:
    text = '{"a": 1,\n "b": [true, {"c \\"]": "x{"}],\n\t"d": {}}'
    document = files.read(write(tmp_path, "request.json", text))
    assert document.data == json.loads(text)
    assert places(document) == {
        (): (1, 1),
        ("a",): (1, 7),
        ("b",): (2, 7),
        ("b", 0): (2, 8),
        ("b", 1): (2, 14),
        ("b", 1, 'c "]'): (2, 24),
        ("d",): (3, 7),
    }


def test_yaml_positions_and_merge(tmp_path: Path) -> None:
    text = "base: &base\n  x: 1\n  y: 2\nown:\n  <<: *base\n  y: 3\nlist: [a, *base]\n"
    document = files.read(write(tmp_path, "request.yaml", text))
    base = {"x": 1, "y": 2}
    assert document.data == {"base": base, "own": {"x": 1, "y": 3}, "list": ["a", base]}
    found = places(document)
    assert found["own", "x"] == (2, 6)
    assert found["own", "y"] == (6, 6)
    assert found["list", 1, "y"] == (3, 6)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("30", 30),
        ("-7", -7),
        ("1.50", 1.5),
        ("'30'", "30"),
        ('"true"', "true"),
        ("1e-4", "1e-4"),
        ("012", "012"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2020-01-31", "2020-01-31"),
        ("2020-01-31T10:00:00Z", "2020-01-31T10:00:00Z"),
        ("0x1F", "0x1F"),
        ("yes", "yes"),
        ("!!str 5", "5"),
        ("s3://bucket/key", "s3://bucket/key"),
    ],
)
def test_yaml_scalars_mean_what_json_means(tmp_path: Path, text: str, value: Any) -> None:
    document = files.read(write(tmp_path, "a.yml", f"value: {text}\n"))
    assert document.data == {"value": value}
    assert type(document.data["value"]) is type(value)


def test_keys_are_texts(tmp_path: Path) -> None:
    data = files.read(write(tmp_path, "a.yaml", "1: a\non: b\nnull: c\n2020-01-01: d\n")).data
    assert data == {"1": "a", "on": "b", "null": "c", "2020-01-01": "d"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "", "a.json:1:1: this is no JSON.*empty"),
        ("a.json", '{"a": 1,}', r"a.json:1:\d: this is no JSON.*comma"),
        ("a.json", "{// no\n}", "JSON has no comments"),
        ("a.json", "{'a': 1}", "double quotes"),
        ("a.json", '{"a":\n NaN}', "a.json:2: NaN is no JSON number"),
        ("a.json", '{"a": -Infinity}', "Infinity is no JSON number"),
        ("a.json", '{"a": ' + "9" * 5000 + "}", "thousands of digits"),
        ("a.json", "[" * 100_000 + "]" * 100_000, "nested deeper than 200"),
        ("a.json", b'{"a": "\xe9"}', "a.json:1:8: this is not UTF-8"),
        ("a.json", b" " * (files.MAX_BYTES + 1), "larger than 4 MiB"),
        ("a.json", '{"a": 1}\n{"a": 2}\n', "a.json:2:1: .* several requests are a list"),
        ("a.json", '{"a": 1}'.encode("utf-16-le"), "Save it as UTF-8"),
        ("a.yaml", "a:\n\tb: 1\n", "a.yaml:2:1: this is no YAML.*spaces, not tabs"),
        ("a.yaml", "a: [1, 2\nb: 3", "this is no YAML"),
        ("a.yaml", "a: &a [*a]\n", "contains itself"),
        ("a.yaml", "[" * 100_000, "nested deeper than 200"),
        ("a.yaml", "- " * 100_000 + "x", "nested deeper than 200"),
        ("a.yaml", "\n".join(" " * i + "a:" for i in range(2_000)), "nested deeper than 200"),
        ("a.yaml", "RoleArn: !Ref Role\n", "a.yaml:1:10: !Ref is a CloudFormation function"),
        ("a.yaml", "RoleArn: !GetAtt Role.Arn\n", "!GetAtt is a CloudFormation function"),
        ("a.yaml", "a: !mine x\n", "the tag !mine has no meaning"),
        ("a.yaml", "a: !!python/object:os.system x\n", "has no form in JSON"),
        ("a.yaml", "a: !!binary aGk=\n", "!!binary has no form in JSON"),
        ("a.yaml", "a: .nan\n", "no JSON number"),
        ("a.yaml", "a: -.inf\n", "no JSON number"),
        ("a.yaml", "? [a]\n: b\n", "a key must be a text"),
        ("a.yaml", "é: 1\na: \x00\n", "a.yaml:2:4: this is no YAML"),
        ("a.yaml", "a: " + "9" * 5000, "a number of this length"),
        ("a.yaml", b"a: \xff\n", "this is not UTF-8"),
    ],
)
def test_refused_with_place_and_reason(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(TargetError, match=f"(?s){message}"):
        files.read(write(tmp_path, name, content))


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(TargetError, match="written out, make more than 1,000,000"):
        files.read(write(tmp_path, "bomb.yaml", "\n".join(lines)))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_read(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "a.json", '{"TrainingJobName": "ü"}'.encode(encoding))
    assert files.read(path).data == {"TrainingJobName": "ü"}


@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_duplicate_keys_are_findings(tmp_path: Path, name: str) -> None:
    text = '{"TrainingJobName": "a",\n "Environment": {"K": "1",\n  "K": "2"}}'
    path = write(tmp_path, name, text)
    (step,) = load(path)
    (problem,) = step.problems
    assert (problem.rule, problem.path, problem.line, problem.column) == ("STP095", "Environment.K", 3, 3)
    assert "line 2" in problem.message


def test_yaml_switches_are_warned_of(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", "TrainingJobName: a\nEnableNetworkIsolation: Yes\nOther: 'no'\n")
    (step,) = load(path)
    (problem,) = step.problems
    assert (problem.rule, problem.severity, problem.path) == ("STP096", "warning", "EnableNetworkIsolation")


def test_yaml_keys_that_are_no_text_to_others_are_warned_of(tmp_path: Path) -> None:
    text = "TrainingJobName: a\nHyperParameters:\n  1: '2'\n  '3': b\n  a1: c\n  true: d\n  1.5: e\n"
    (step,) = load(write(tmp_path, "a.yaml", text))
    assert [(one.rule, one.path, one.line) for one in step.problems] == [
        ("STP096", f"HyperParameters.{key}", line) for key, line in (("1", 3), ("true", 6), ("1.5", 7))
    ]


def test_lone_surrogates_and_huge_numbers_are_left_to_the_check(tmp_path: Path) -> None:
    data = files.read(write(tmp_path, "a.json", '{"a": "\\ud800", "b": 123456789012345678901234}')).data
    assert data == {"a": "\ud800", "b": 123456789012345678901234}


def test_yaml_documents_and_json_lists(tmp_path: Path) -> None:
    many = write(tmp_path, "a.yaml", "TrainingJobName: a\n---\nTrainingJobName: b\n")
    assert [step.name for step in load(many)] == ["a", "b"]
    gaps = write(
        tmp_path, "b.yaml", "---\n---\nTrainingJobName: a\n---\n# nothing\n---\nTrainingJobName: b\n---\n"
    )
    assert [step.name for step in load(gaps)] == ["a", "b"]
    listed = write(tmp_path, "a.json", '[{"TrainingJobName": "a"},\n {"TrainingJobName": "b"}]')
    steps = load(listed)
    assert [step.name for step in steps] == ["a", "b"]
    assert isinstance(steps[1], Step)
    origin = steps[1].origin(("TrainingJobName",))
    assert origin and origin.location and origin.location.line == 2


@pytest.mark.parametrize("content", ["", "[]", "5", '"text"', '{"colour": "red"}'])
def test_file_without_request_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(TargetError):
        load(write(tmp_path, "a.json", content))
    with pytest.raises(TargetError):
        load(write(tmp_path, "a.yaml", content))


def test_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="no such file"):
        load(str(tmp_path / "none.json"))
    with pytest.raises(TargetError, match=r"package\.module:Builder"):
        load("package.module")


def test_folder_takes_requests_and_passes_over_the_rest(tmp_path: Path) -> None:
    write(tmp_path, "one.json", '{"TrainingJobName": "a", "RoleArn": "r"}')
    write(tmp_path, "deep/two.yaml", "TrainingJobName: b\nRoleArn: r\n")
    write(tmp_path, "pipeline.json", '{"Version": "2020-12-01", "Steps": []}')
    write(tmp_path, "package.json", '{"name": "x", "steps": ["a"], "containers": []}')
    write(tmp_path, "stack.yaml", "Resources: {Role: !GetAtt R.Arn}\n")
    write(tmp_path, ".hidden/three.json", '{"TrainingJobName": "c", "RoleArn": "r"}')
    write(tmp_path, "node_modules/x/four.json", '{"TrainingJobName": "d", "RoleArn": "r"}')
    write(tmp_path, "helper.py", "raise SystemExit('a file without builders is not imported')\n")
    found = load(tmp_path)
    assert sorted(step.name for step in found) == ["a", "b", "pipeline"]
    assert sum(isinstance(step, Pipeline) for step in found) == 1


def test_folder_with_broken_request(tmp_path: Path) -> None:
    write(tmp_path, "a.json", '{"TrainingJobName": "a", "RoleArn": "r"}')
    write(tmp_path, "b.json", '{"TrainingJobName": "b",')
    with pytest.raises(TargetError, match=r"b\.json:1"):
        load(tmp_path)
    errors: list[TargetError] = []
    assert [step.name for step in load(tmp_path, errors=errors)] == ["a"]
    assert len(errors) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_may_not_be_looked_into_is_told(tmp_path: Path) -> None:
    write(tmp_path, "a/request.json", '{"TrainingJobName": "a", "RoleArn": "r"}')
    (tmp_path / "b").mkdir(mode=0)
    with pytest.raises(TargetError, match=r"b: cannot be read: Permission denied\.$"):
        load(str(tmp_path))


def test_a_link_to_nowhere_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "request.json").symlink_to("moved.json")
    with pytest.raises(
        TargetError, match=r"no such file\. It is a link to 'moved\.json', which is not there"
    ):
        load(str(tmp_path / "request.json"))


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="no request, definition or registered builder"):
        load(tmp_path)


def test_thousand_requests_have_lazy_positions(tmp_path: Path) -> None:
    for index in range(1_000):
        write(tmp_path, f"{index:04}.json", '{"TrainingJobName": "a", "RoleArn": "r"}')
    assert len(load(tmp_path)) == 1_000


def test_a_folder_with_a_pipe_in_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "request.json")
    path = write(tmp_path, "train.json", "{}")
    assert list(files.candidates(tmp_path)) == [path]


def test_a_doubled_key_among_many_is_found_at_once(tmp_path: Path) -> None:
    members = ",".join(f'"k{number}": 1' for number in range(60_000))
    document = files.read(write(tmp_path, "a.json", f'{{{members}, "k59999": 2}}'))
    assert [finding.rule for finding in document.problems] == ["STP095"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("010", True),
        ("1_000", True),
        ("1:30", True),
        ("012345670123", True),
        ('"010"', False),
        ("012345678901", False),
        ("0.10", False),
        ("2020-01-01", False),
        ("1-2", False),
        ("s3://a:1/2", False),
    ],
)
def test_a_number_of_older_readers_is_kept_as_text_and_named(value: str, told: bool) -> None:
    (document,) = parse_yaml(f"Tags: [{{Key: a, Value: {value}}}]\n", "a.yaml")
    assert [(one.rule, one.severity) for one in document.problems] == (
        [("STP096", "warning")] if told else []
    )
    if told:
        assert document.data["Tags"][0]["Value"] == value


def test_what_is_no_request_among_others_has_its_place(tmp_path: Path) -> None:
    file = write(tmp_path, "a.yaml", "TrainingJobName: a\nRoleArn: b\n---\nfoo: 1\n")
    with pytest.raises(TargetError, match=r"a\.yaml:4:1: neither request nor"):
        load(str(file))
    file = write(tmp_path, "a.json", '[{"TrainingJobName": "a", "RoleArn": "b"}, 5]')
    with pytest.raises(TargetError, match=r"a\.json:1:44: neither request nor"):
        load(str(file))
