"""Configuration files: what they may say, and how each fault is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cursus import config
from cursus.errors import ConfigurationError


def load(folder: Path, text: str, name: str = "cursus.toml") -> config.Configuration:
    file = folder / name
    file.write_text(text)
    return config.load(file)


def refused(folder: Path, text: str, name: str = "cursus.toml") -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text, name)
    return str(caught.value)


FULL = """
region = "eu-central-1"
root = "work"
strict = true
allow = ["ml.new8.xlarge"]
select = ["STP"]
ignore = [{ rule = "STP080", reason = "old ones are kept", path = "InputDataConfig[0]" }]

[[steps]]
target = "churn.builder:ChurnBuilder"

[[steps]]
target = "builders.py:Fraud"
name = "fraud"
source_dir = "src"
entry_point = "train.py"
channels = { train = "data/train" }
config = { framework = "pytorch" }
expect_fail = [{ test = "distributed", reason = "one host" }]
ignore = [{ rule = "STP081", reason = "agreed" }]
"""


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    found = load(tmp_path, FULL)
    assert (found.region, found.strict, found.allow, found.select) == (
        "eu-central-1",
        True,
        ("ml.new8.xlarge",),
        ("STP",),
    )
    assert found.root == str(tmp_path / "work")
    assert found.ignore[0].path == "InputDataConfig[0]"
    assert found.ignore[0].location is not None and found.ignore[0].location.line == 7
    first, second = found.steps
    assert first.target == "churn.builder:ChurnBuilder"
    assert second.target == str(tmp_path / "builders.py") + ":Fraud"
    assert second.source_dir == str(tmp_path / "src")
    assert second.channels == {"train": str(tmp_path / "data/train")}
    assert second.config == {"framework": "pytorch"}
    assert second.expect_fail[0].test == "test_distributed_training_integration"
    assert found.entry("fraud") is second


def test_pyproject(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\n[tool.cursus]\nsteps = ["request.json"]\n'
    found = load(tmp_path, text, "pyproject.toml")
    assert [step.target for step in found.steps] == [str(tmp_path / "request.json")]
    assert found.steps[0].label == "request.json"


def test_nearest_file_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cursus.toml").write_text('region = "eu-west-1"\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "no cursus here"\n')
    monkeypatch.chdir(inner)
    assert config.load().region == "eu-west-1"
    (tmp_path / "a" / "pyproject.toml").write_text('[tool.cursus]\nregion = "eu-north-1"\n')
    assert config.load().region == "eu-north-1"


def test_broken_pyproject_of_others_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("broken = [\n")
    monkeypatch.chdir(tmp_path)
    assert config.find() != tmp_path / "pyproject.toml"


def test_builder_config_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "builder.yaml").write_text("framework: pytorch\n")
    found = load(tmp_path, 'steps = [{ target = "m:B", config = "builder.yaml" }]')
    assert found.steps[0].config == {"framework": "pytorch"}


def test_a_file_of_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "cursus.toml").write_bytes(b'\xef\xbb\xbfregion = "us-east-1"\r\nstrict = true\r\n')
    assert config.load(tmp_path / "cursus.toml").region == "us-east-1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("regoin = 'x'", "cursus.toml:1: the configuration has no key 'regoin'. Did you mean 'region'?"),
        (
            "\nsteps = [{ targt = 'm:B' }]",
            "cursus.toml:2: steps[0] has no key 'targt'. Did you mean 'target'?",
        ),
        ("steps = [{ name = 'x' }]", "has no target"),
        ("steps = 'm:B'", "steps is a list"),
        ("steps = [3]", "a target or a table, not a number"),
        ("strict = 'yes'", "strict is true or false"),
        ("region = 3", "region is a text, not a number"),
        ("allow = 'ml.p9'", "allow is a list of texts, not a text"),
        ("allow = ['ml.p9', 3]", "allow[1] is a text, not a number"),
        ("steps = [{ target = 'm:B', kind = 'Trainig' }]", "Did you mean 'Training'?"),
        ("select = ['XYZ1']", "there is no rule 'XYZ1'"),
        ("ignore = ['STP080']", "every ignore carries a reason"),
        ("ignore = [{ rule = 'STP080' }]", "the ignore of STP080 has no reason"),
        ("ignore = [{ rule = 'STP080', reason = ' ' }]", "has no reason"),
        ("ignore = [{ rule = 'STP08O', reason = 'x' }]", "Did you mean 'STP08"),
        ("ignore = [{ reason = 'x' }]", "names no rule"),
        ("steps = [{ target = 'm:B', channels = { train = 3 } }]", "channels.train is a local path"),
        ("steps = [{ target = 'm:B', config = 3 }]", "steps[0].config is a table"),
        ("steps = [{ target = 'm:B', config = 'none.json' }]", "none.json: there is no such file"),
        (
            "steps = [{ target = 'm', expect_fail = [{ test = 'data-chanels', reason = 'x' }] }]",
            "Did you mean 'data-channels'?",
        ),
        ("steps = [{ target = 'm:B', expect_fail = [{ test = 'monitoring' }] }]", "has no reason"),
        ("a = [", "broken TOML"),
        ('allow = ["x"]\nregion = "us-east-1\n', "cursus.toml:2:20: broken TOML: Illegal character"),
        (
            '[[steps]]\ntarget = "m:B"\nregion = "us-esat-1"\n',
            "cursus.toml:3: there is no region 'us-esat-1'",
        ),
        (
            '[[steps]]\ntarget = "a:B"\nkind = "CreateTraningJob"\n',
            "cursus.toml:3: 'CreateTraningJob' is no kind of request",
        ),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(tmp_path, text)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        config.load(tmp_path / "none.toml")


def test_named_pyproject_without_cursus(tmp_path: Path) -> None:
    assert "no [tool.cursus]" in refused(tmp_path, "[project]\n", "pyproject.toml")


def test_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "cursus.toml"
    file.write_bytes(b"region = '\xff'\n")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        config.load(file)


@pytest.mark.parametrize(
    ("name", "text", "project"),
    [
        ("cursus.toml", "", True),
        ("other.toml", "steps = []", True),
        ("other.toml", "[tool.cursus]", True),
        ("builder.toml", "region = 'x'\nframework = 'pytorch'", False),
        ("builder.json", "{}", False),
    ],
)
def test_project_file_or_builder_config(tmp_path: Path, name: str, text: str, project: bool) -> None:
    (tmp_path / name).write_text(text)
    assert config.is_project_file(tmp_path / name) is project


def test_values_of_yaml_are_those_that_pyyaml_gives(tmp_path: Path) -> None:
    text = "a: yes\nb: 2026-01-02\nc: &c {1: 010}\nd: {<<: *c, e: .inf}\n"
    (tmp_path / "b.yaml").write_text(text)
    assert config.read_mapping(tmp_path / "b.yaml") == yaml.safe_load(text)


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("b.json", "[1]", "is a mapping, not a list"),
        ("b.json", "{", "b.json:1:2: this is no JSON"),
        ("b.yaml", "a: [", "b.yaml:2:1: this is no YAML"),
        ("b.json", "[" * 100_000, "nested deeper"),
        ("b.yaml", "[" * 100_000, "nested deeper"),
        ("b.yaml", "a: &a [*a]", "contains itself"),
        ("b.yaml", LAUGHS, "its aliases, written out"),
        ("b.yaml", "a: 1\n---\na: 2\n", "2 YAML documents"),
        ("b.yaml", "a: !Ref x", "b.yaml:1:4: !Ref is a CloudFormation function"),
        ("b.yaml", "a: 2026-99-99", "month must be in 1..12"),
        ("b.yaml", "", "is a mapping, not a file without any"),
        ("b.json", '{"a": "' + "x" * 5_000_000 + '"}', "larger than 4 MiB"),
        ("b.toml", 'a = "' + "x" * 5_000_000 + '"', "larger than 4 MiB"),
    ],
)
def test_builder_config_that_cannot_be_read(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        config.read_mapping(tmp_path / name)
