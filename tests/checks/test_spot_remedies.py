"""What to do about a spot job without checkpoints depends on who would write them."""

from __future__ import annotations

import pytest

from tests.checks.made import XGBOOST, findings_of

KMEANS = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"
OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:1"


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (KMEANS, "writes no checkpoints"),
        (XGBOOST, "the algorithm goes on from the checkpoints"),
        (OWN, "let the script resume from /opt/ml/checkpoints"),
    ],
)
def test_spot_without_checkpoints(image: str, said: str) -> None:
    patch = {
        "AlgorithmSpecification": {"TrainingImage": image},
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxWaitTimeInSeconds": 7200},
    }
    (found,) = findings_of(patch, "STP025")
    assert found.path == "EnableManagedSpotTraining"  # where an ignore comment has its place
    assert said in found.remedy


def test_a_job_of_less_than_an_hour_is_soon_made_again() -> None:
    patch = {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 900, "MaxWaitTimeInSeconds": 7200},
    }
    assert findings_of(patch, "STP025") == []
