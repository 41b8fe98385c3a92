"""What to do about a spot job without checkpoints depends on who would write them."""

from __future__ import annotations

import pytest

import cursus
from cursus.checks.examples import BASES

KMEANS = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
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
    base = BASES["CreateTrainingJob"]
    request = {
        **base,
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
    }
    (found,) = [one for one in cursus.check(request).findings if one.rule == "STP025"]
    assert said in found.remedy
