"""``boto3.client("sagemaker")`` for training jobs, on this machine.

Every method takes and gives what the API takes and gives, and fails as it fails; a job runs detached, so that it
outlives the process that created it. https://docs.aws.amazon.com/sagemaker/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from cursus.aws.members import value_at
from cursus.errors import NameInUseError, RunError
from cursus.local import contract
from cursus.local.boto.errors import (
    NOT_FOUND,
    Exceptions,
    client_error,
    metadata,
    validation_error,
)
from cursus.local.boto.listing import page
from cursus.local.boto.waiters import Paginator, Waiter
from cursus.local.jobs import folders, record

if TYPE_CHECKING:
    from cursus.aws.schema import Violation

METHODS = {
    "create_training_job": "CreateTrainingJob",
    "delete_training_job": "DeleteTrainingJob",
    "describe_training_job": "DescribeTrainingJob",
    "list_tags": "ListTags",
    "list_training_jobs": "ListTrainingJobs",
    "stop_training_job": "StopTrainingJob",
    "update_training_job": "UpdateTrainingJob",
}
REFUSED = (
    *("STP020", "STP021", "STP022", "STP023", "STP024", "STP026", "STP027", "STP031", "STP034", "STP042"),
    *("CHN001", "CHN003", "CHN004", "CHN005", "CHN006", "CHN007", "CHN008", "CHN009", "CHN010", "CHN014"),
    *("CHN015", "MON001", "RES001"),
)
"""Rules on what CreateTrainingJob itself refuses beyond the service model; what others find fails the job."""


class Client:
    """A SageMaker client whose training jobs run here.

    Args:
        root: the folder of jobs and of the local S3; ``CURSUS_ROOT``, or ``.cursus`` in the current folder.
        region: the region that jobs believe to run in; without it the one that a request names.
        source_dir: the training script's directory, for requests that name none on this machine.
        entry_point: the training script in it; without it the hyperparameter ``sagemaker_program``.
        channels: local paths by channel name; a channel without one is read from the local S3.
        grace: seconds between SIGTERM and SIGKILL; ``CURSUS_STOP_GRACE``, or 120.
        level: the isolation level to use; ``CURSUS_ISOLATION``, or the best that there is.
        engine: ``podman`` or ``docker``: hosts are containers of a request's TrainingImage. One that is not here is
            pulled by create_training_job, which then takes as long as that.
        image: the image of this machine that stands in for every request's.
        engine_arguments: options that the engine gets for every container.

    Methods raise ``botocore.exceptions.ClientError`` with AWS's codes and texts, or a class of the same shape
    where botocore is not installed; ``client.exceptions`` names them. Where a request cannot be run here for
    a reason that is not the request's, create_training_job raises ``cursus.errors.RunError``.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        region: str | None = None,
        source_dir: str | os.PathLike[str] | None = None,
        entry_point: str | None = None,
        channels: Mapping[str, str | os.PathLike[str]] | None = None,
        grace: float | None = None,
        level: str | None = None,
        engine: str | None = None,
        image: str | None = None,
        engine_arguments: Sequence[str] = (),
    ) -> None:
        from cursus.local.options import Options
        from cursus.local.runner import default_root

        self.root = os.path.abspath(os.fspath(root) if root is not None else default_root())
        self.source_dir = None if source_dir is None else os.path.abspath(os.fspath(source_dir))
        self.entry_point = entry_point
        self.channels = {
            name: os.path.abspath(os.fspath(path)) for name, path in dict(channels or {}).items()
        }
        self.options = Options(
            grace=grace, level=level, engine=engine, image=image, engine_arguments=tuple(engine_arguments)
        )
        self.region = region
        known = region or contract.region_of({}, None)
        self.meta = SimpleNamespace(
            region_name=known,
            partition=contract.partition_of(known),
            endpoint_url=f"file://{self.root}",
            method_to_api_mapping=dict(METHODS),
        )
        self._exceptions: Exceptions | None = None

    def __repr__(self) -> str:
        return f"cursus.local.Client({self.root!r})"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"cursus.local.Client has no {name!r}: it carries out training jobs, with {', '.join(METHODS)}, "
            "get_waiter and get_paginator"
        )

    @property
    def exceptions(self) -> Exceptions:
        """The error classes, as ``client.exceptions`` of boto has them."""
        if self._exceptions is None:
            self._exceptions = Exceptions()
        return self._exceptions

    def close(self) -> None:
        """Nothing is open; jobs go on."""

    # --- jobs -------------------------------------------------------------------------------------

    def create_training_job(self, **request: Any) -> dict[str, Any]:
        """Start a training job; returns at once with its ARN.

        Raises:
            ClientError: ValidationException, ResourceInUse.
            cursus.errors.RunError: it cannot be run on this machine, with the reason.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
        """
        operation = "CreateTrainingJob"
        from cursus import steps
        from cursus.aws import schema
        from cursus.local.runner import run_step
        from cursus.model import Step

        violations = schema.validate(operation, request)
        if violations:
            raise validation_error(violations, operation)
        (step,) = steps.load(
            request,
            kind="training",
            region=self.region,
            source_dir=self.source_dir,
            entry_point=self.entry_point,
        )
        assert isinstance(step, Step)
        _refuse(step, operation)
        present = contract.channels(request)
        try:
            job = run_step(
                step,
                root=self.root,
                channels={name: path for name, path in self.channels.items() if name in present},
                detach=True,
                options=self.options,
            )
        except NameInUseError as error:
            arn = contract.job_arn(request, contract.region_of(request, self.region))
            raise client_error(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a training job with "
                f"this name already exists ({arn})",
                operation,
            ) from error
        return {"TrainingJobArn": record.load(str(job.folder))["arn"], "ResponseMetadata": metadata()}

    def describe_training_job(self, **request: Any) -> dict[str, Any]:
        """The job as it is now.

        Raises ClientError: ValidationException, also where there is no such job.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
        """
        from cursus.local.jobs.describe import description

        state = self._find("DescribeTrainingJob", request)
        return {**description(state), "ResponseMetadata": metadata()}

    def stop_training_job(self, **request: Any) -> dict[str, Any]:
        """SIGTERM to the job's first processes, the grace period, SIGKILL. Returns at once.

        Raises ClientError: ValidationException where there is no such job, or where it has ended.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
        """
        from cursus.local.jobs.job import TrainingJob

        operation = "StopTrainingJob"
        state = self._find(operation, request)
        name = request["TrainingJobName"]
        if state["status"] == "InProgress":
            try:
                TrainingJob(folders.folder_of(self.root, name)).stop()
            except RunError:  # it ended in between
                state = self._find(operation, request)
        if state["status"] in record.FINAL:
            text = f"The request was rejected because the training job is in status {state['status']}."
            raise client_error("ValidationException", text, operation)
        return {"ResponseMetadata": metadata()}

    def update_training_job(self, **request: Any) -> dict[str, Any]:
        """Change ProfilerConfig, ProfilerRuleConfigurations, RemoteDebugConfig or KeepAlivePeriodInSeconds.

        The first three are echoed by describe_training_job, as nothing is profiled here; the period is the warm pool's.

        Raises ClientError: ValidationException, also where there is no such job or it is past what can be changed.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateTrainingJob.html
        """
        from cursus.aws import schema
        from cursus.local.jobs import updates

        operation = "UpdateTrainingJob"
        violations = schema.validate(operation, request)
        if violations:
            raise validation_error(violations, operation)
        name = request["TrainingJobName"]
        state = self._find(operation, {"TrainingJobName": name})
        refusal = updates.refuse(state, request)
        if refusal is not None:
            raise client_error("ValidationException", refusal, operation)
        updates.keep(folders.folder_of(self.root, name), request)
        return {"TrainingJobArn": state["arn"], "ResponseMetadata": metadata()}

    def delete_training_job(self, **request: Any) -> dict[str, Any]:
        """Forget a job that has ended: its name is free again, what it stored in S3 stays.

        Raises ClientError: ResourceInUse where it has not ended, ValidationException where there is none.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteTrainingJob.html
        """
        operation = "DeleteTrainingJob"
        state = self._find(operation, request)
        pool = (state.get("warm_pool") or {}).get("Status")
        if state["status"] not in record.FINAL or pool == "Available":
            what = "retains a warm pool" if state["status"] in record.FINAL else f"is {state['status']}"
            text = f"The training job {request['TrainingJobName']} cannot be deleted because it {what}."
            raise client_error("ResourceInUse", text, operation)
        try:
            folders.remove(self.root, request["TrainingJobName"])
        except FileNotFoundError:
            raise client_error("ValidationException", NOT_FOUND, operation) from None
        return {"ResponseMetadata": metadata()}

    def list_training_jobs(self, **request: Any) -> dict[str, Any]:
        """Summaries of jobs, filtered and sorted, at most ``MaxResults`` (100) at once.

        As in the API ``StatusEquals`` beside ``MaxResults`` picks from that many jobs, and the default is
        ascending by CreationTime.

        Raises ClientError: ValidationException.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobs.html
        """
        return {**page(self.root, request), "ResponseMetadata": metadata()}

    def list_tags(self, **request: Any) -> dict[str, Any]:
        """The tags that the request of the job with this ``ResourceArn`` gave it.

        Raises ClientError: ValidationException where there is no such job.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTags.html
        """
        arn = str(request.get("ResourceArn", ""))
        state = folders.find(self.root, arn.partition(":training-job/")[2])
        if state is None or state["arn"] != arn:
            raise client_error("ValidationException", NOT_FOUND, "ListTags")
        return {"Tags": list(state["request"].get("Tags") or ()), "ResponseMetadata": metadata()}

    # --- waiters, paginators ------------------------------------------------------------------------

    waiter_names = ["training_job_completed_or_stopped"]

    def get_waiter(self, waiter_name: str) -> Waiter:
        """``training_job_completed_or_stopped``. Raises ValueError for any other."""
        if waiter_name not in self.waiter_names:
            raise ValueError(f"Waiter does not exist: {waiter_name}")
        return Waiter(self.describe_training_job)

    def can_paginate(self, operation_name: str) -> bool:
        """True for ``list_training_jobs``."""
        return operation_name == "list_training_jobs"

    def get_paginator(self, operation_name: str) -> Paginator:
        """A paginator for ``list_training_jobs``. Raises as boto does for what has no pages."""
        if not self.can_paginate(operation_name):
            try:
                from botocore.exceptions import OperationNotPageableError
            except ImportError:
                raise ValueError(f"Operation cannot be paginated: {operation_name}") from None
            raise OperationNotPageableError(operation_name=operation_name)
        return Paginator(self.list_training_jobs, "TrainingJobSummaries")

    # ------------------------------------------------------------------------------------------------

    def _find(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The state of the job that a request names, and nothing else."""
        from cursus.aws import schema

        violations = schema.validate("StopTrainingJob", request)
        if violations:
            raise validation_error(violations, operation)
        state = folders.find(self.root, request["TrainingJobName"])
        if state is None:
            raise client_error("ValidationException", NOT_FOUND, operation)
        return state


def _refuse(step: Any, operation: str) -> None:
    """Raise ValidationException for what the service refuses although its model does not say so."""
    from cursus import engine
    from cursus.checks.views import Settings
    from cursus.model import Step

    bare = Step(step.name, step.operation, step.request, region=step.region)
    for path, variable in contract.unresolved(step.request):
        text = f"Invalid type for parameter {'.'.join(map(str, path))}, value: {variable}: a pipeline fills it in"
        raise client_error("ValidationException", text, operation, in_client=True)
    findings = engine.check_step(bare, Settings(select=REFUSED))
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        return
    unknown = [_instance_type(finding, step.request) for finding in errors if finding.rule == "RES001"]
    if unknown:
        raise validation_error(unknown, operation)
    raise client_error("ValidationException", "; ".join(found.message for found in errors), operation)


def _instance_type(finding: Any, request: Mapping[str, Any]) -> Violation:
    """An instance type that does not exist, as the service's own model puts it."""
    from cursus.aws import instances
    from cursus.aws.schema import Violation

    place = re.findall(r"\w+", finding.path)
    path = tuple(int(part) if part.isdigit() else part for part in place)
    text = f"Member must satisfy enum value set: [{', '.join(instances.names())}]"
    return Violation(path, "enum", text, value_at(request, path), instances.names())
