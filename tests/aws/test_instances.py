"""The instance types: all that the service model has, with hardware that fits together."""

from __future__ import annotations

import pytest

from cursus.aws import instances

botocore_session = pytest.importorskip("botocore.session")


def enumeration(shape: str) -> set[str]:
    return set(botocore_session.get_session().get_service_model("sagemaker").shape_for(shape).enum)


def test_every_training_type_of_the_service_model_is_there() -> None:
    assert enumeration("TrainingInstanceType") <= set(instances.names())


def test_types_that_do_not_train_say_what_they_are_for() -> None:
    for name in enumeration("ProductionVariantInstanceType") - enumeration("TrainingInstanceType"):
        assert "hosting" in instances.other_uses(name)
        assert instances.find(name) is None


@pytest.mark.parametrize("name", instances.names())
def test_hardware_is_sound(name: str) -> None:
    found = instances.find(name)
    assert found is not None
    assert found.vcpus >= 2
    assert found.memory is None or found.memory >= 3
    assert (found.gpus > 0) == (found.gpu is not None)
    assert found.processor == ("gpu" if found.gpus else "neuron" if found.neuron_devices else "cpu")
    assert found.accelerators >= 1
    assert "training" in found.uses
    if found.gpu is not None:
        assert found.gpu.memory >= 12
        assert 3 <= found.gpu.capability <= 13


@pytest.mark.parametrize(
    ("name", "vcpus", "memory", "gpus", "kind", "nvme"),
    [
        ("ml.m5.xlarge", 4, 16, 0, None, 0),
        ("ml.c5.18xlarge", 72, 144, 0, None, 0),
        ("ml.r5d.24xlarge", 96, 768, 0, None, 3600),
        ("ml.p3.16xlarge", 64, 488, 8, "V100", 0),
        ("ml.p4d.24xlarge", 96, 1152, 8, "A100", 8000),
        ("ml.g5.12xlarge", 48, 192, 4, "A10G", 3800),
        ("ml.g4dn.16xlarge", 64, 256, 1, "T4", 900),
    ],
)
def test_known_hardware(name: str, vcpus: int, memory: float, gpus: int, kind: str | None, nvme: int) -> None:
    found = instances.find(name)
    assert found is not None
    assert (found.vcpus, found.memory, found.gpus, found.nvme) == (vcpus, memory, gpus, nvme)
    assert (found.gpu.kind if found.gpu else None) == kind


def test_names_are_taken_apart() -> None:
    assert instances.split("ml.m7i-flex.large") == ("m7i-flex", "large")
    assert instances.split("m5.large") is None
    assert "xlarge" in instances.families()["m5"]
    assert "m6g" in instances.other_families()
    assert "ml.m5.xlarge" in instances.of_use("processing")


@pytest.mark.parametrize(
    ("name", "has"),
    [
        ("p4d.24xlarge", True),
        ("g5.8xlarge", True),
        ("g5.4xlarge", False),
        ("p3.16xlarge", False),
        ("trn1.2xlarge", False),
    ],
)
def test_which_have_an_elastic_fabric_adapter(name: str, has: bool) -> None:
    found = instances.find(f"ml.{name}")
    assert found is not None and found.efa is has
