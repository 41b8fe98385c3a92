"""Findings on what a configuration gives stand in its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cursus
from tests.steps.written.shapes import SHAPES
from tests.steps.written.sources import made, where

CONFIGURED = """
    class Builder:
        def __init__(self, config):
            self.config = config
            self.kind = config["kind"]
        def create_step(self):
            return request(ResourceConfig={"InstanceType": <HERE>WAY, REST})
"""
FILES = {
    "config.json": '{\n  "role": "r",\n  "kind": "ml.m5.tiny"\n}\n',
    "config.yaml": 'role: r\n\nkind: "ml.m5.tiny"\n',
    "config.toml": 'role = "r"\n\nkind = "ml.m5.tiny"\n',
}


@pytest.mark.parametrize("way", ['self.config["kind"]', 'self.config.get("kind", "x")', "self.kind"])
@pytest.mark.parametrize("name", FILES)
def test_value_of_a_configuration_file(tmp_path: Path, name: str, way: str) -> None:
    from cursus.config import read_mapping

    target, line, _ = made(tmp_path, CONFIGURED.replace("WAY", way))
    file = tmp_path / name
    file.write_text(FILES[name])
    place = where(target, config=read_mapping(file))
    assert str(place) == f"{file}:3:{FILES[name].splitlines()[2].index(chr(34) + 'ml') + 1}"
    # The line of the hook counts for comments too.
    assert line in [one.line for one in place.through]
    assert where(target, config=json.loads(FILES["config.json"])).file != str(file)


@pytest.mark.parametrize(
    "start",
    [
        "config=None):\n            self.config = config",
        "config=None):\n            self.config = config or {}",
        "config=None):\n            config = config or {}\n            self.config = dict(config)",
        'config={"kind": "ml.m5.large"}):\n            self.config = config',
        "config=None):\n            if config is None:\n                config = {}\n            self.config = config",
    ],
)
def test_a_configuration_that_may_be_left_out(tmp_path: Path, start: str) -> None:
    from cursus.config import read_mapping

    source = CONFIGURED.replace("config):\n            self.config = config", start).replace(
        "WAY", 'self.config["kind"]'
    )
    target, _, _ = made(tmp_path, source.replace('            self.kind = config["kind"]\n', ""))
    file = tmp_path / "config.yaml"
    file.write_text(FILES["config.yaml"])
    assert str(where(target, config=read_mapping(file))) == f"{file}:3:7"


def test_key_of_a_configuration_file_that_fills_the_request(tmp_path: Path) -> None:
    from cursus.config import read_mapping

    target, _, _ = made(tmp_path, SHAPES["hook that is data"].replace("get_resource", "no_resource"))
    file = tmp_path / "config.yaml"
    file.write_text("role: r\ntraining_instance_type: ml.m5.tiny\ntraining_instance_tpye: x\n")
    assert str(where(target, config=read_mapping(file))) == f"{file}:2:25"
    assert str(where(target, "STP090", config=read_mapping(file))) == f"{file}:3:25"


def test_configuration_of_the_project_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from cursus.commands.check import command

    made(tmp_path, CONFIGURED.replace("WAY", "self.kind"))
    (tmp_path / "cursus.toml").write_text(
        '[[steps]]\ntarget = "builder.py:Builder"\nconfig = { role = "r", kind = "ml.m5.tiny" }\n'
    )
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command, ["--select", "RES001", "--format", "github"], standalone_mode=False)
    assert "file=cursus.toml,line=3,col=31" in result.output


def test_builder_gets_a_plain_mapping(tmp_path: Path) -> None:
    from cursus.config import read_mapping

    file = tmp_path / "config.json"
    file.write_text('{"kind": "ml.m5.large"}')
    target, _, _ = made(tmp_path, CONFIGURED.replace("WAY", "self.kind if type(config) is dict else 0"))
    source = Path(target.rpartition(":")[0])
    source.write_text(source.read_text().replace("type(config)", "type(self.config)"))
    assert not [
        one for one in cursus.check(target, config=read_mapping(file)).findings if "RES001" in one.rule
    ]
