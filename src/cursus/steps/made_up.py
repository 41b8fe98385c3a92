"""What stands in a request for the user's own account where there is none."""

from __future__ import annotations

import os

from cursus.aws.places import partition_of

ACCOUNT = "246813579024"
"""The account that answers name: nobody's in particular."""
ROLE = "CursusOffline"
FALLBACK_REGION = "us-east-1"


def given(region: str | None = None) -> dict[str, str]:
    """What is given to arguments of these names; SageMaker's project templates call them so."""
    region = region or _region()
    role = f"arn:{partition_of(region) or 'aws'}:iam::{ACCOUNT}:role/{ROLE}"
    return {
        **dict.fromkeys(("region", "region_name", "aws_region"), region),
        **dict.fromkeys(("role", "role_arn", "execution_role", "execution_role_arn", "sagemaker_role"), role),
        **dict.fromkeys(("bucket", "default_bucket", "s3_bucket"), f"sagemaker-{region}-{ACCOUNT}"),
        "pipeline_name": "Pipeline",
        "model_package_group_name": "Models",
        "base_job_prefix": "job",
    }


def _region() -> str:
    return os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or FALLBACK_REGION
