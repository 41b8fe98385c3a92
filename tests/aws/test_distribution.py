"""The ways of distributed training, and what supports each."""

from __future__ import annotations

import pytest

from cursus.aws import distribution

SMDDP = "smdistributed.dataparallel"


@pytest.mark.parametrize(
    ("value", "on"),
    [
        ("true", True),
        ("True", True),
        ('"true"', True),
        ("1", True),
        ("false", False),
        ("null", False),
        ("0", False),
        ("False", True),
        ("no", True),
        ("", False),
        (True, False),
        (None, False),
    ],
)
def test_switches_are_read_as_the_toolkit_reads_them(value: object, on: bool) -> None:
    assert distribution.is_on(value) is on


@pytest.mark.parametrize(
    ("strategy", "framework", "version", "supported"),
    [
        (SMDDP, "pytorch", "1.13.1", True),
        (SMDDP, "pytorch", "2.1.0", True),
        (SMDDP, "pytorch", "2.1", True),
        (SMDDP, "tensorflow", "2.11.0", True),
        (SMDDP, "tensorflow", "2.12.0", None),
        (SMDDP, "mxnet", "1.9.0", False),
        (SMDDP, "pytorch", None, None),
        ("torch_distributed", "pytorch", "1.12.1", False),
        ("torch_distributed", "pytorch", "2.9.0", True),
        ("torch_distributed", "tensorflow", "2.11.0", False),
        ("parameter_server", "pytorch", "2.1.0", False),
    ],
)
def test_framework_support(
    strategy: str, framework: str, version: str | None, supported: bool | None
) -> None:
    assert distribution.strategies()[strategy].supports(framework, version) is supported


def test_trainium_has_its_own_versions() -> None:
    torch = distribution.strategies()["torch_distributed"]
    assert torch.supports("pytorch", "1.11.0", neuron=True)
    assert not torch.supports("pytorch", "1.11.0")


def test_p3_is_dropped_with_version_2() -> None:
    library = distribution.strategies()[SMDDP]
    assert "ml.p3.16xlarge" in library.types_for("pytorch", "1.13.1")
    assert "ml.p3.16xlarge" not in library.types_for("pytorch", "2.1.0")
    assert "ml.p3.16xlarge" in library.types_for("tensorflow", "2.11.0")
    assert "ml.p5.48xlarge" not in library.types_for("pytorch", "2.1.0")


def test_builders_words() -> None:
    assert distribution.is_strategy_name("DataParallel")
    assert distribution.named("DataParallel") is None
    horovod = distribution.named("Horovod")
    assert horovod is not None
    assert horovod.name == "mpi"
    assert not distribution.is_strategy_name("DataParalel")


def test_model_parallel_is_switched_on_by_its_parameters() -> None:
    on = distribution.switched_on({"mp_parameters": '{"partitions": 2}', "epochs": "3"})
    assert [strategy.name for strategy in on.values()] == ["smdistributed.modelparallel"]
