"""What is odd about the file that a request came in.

These are found while the file is read (``cursus.steps.reading.files``), before there is a step to look at, and stand in
``Step.problems``. Here are their pages.
"""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.views import StepView


@rule("STP095", scope="step")
def duplicate_key(view: StepView) -> Iterator[Problem]:
    """A key stands twice in the same mapping of a file.

    What it does:
        Compares the keys of every mapping in a JSON or YAML file.
    Why:
        Readers of JSON and YAML keep one of the two and drop the other in silence: a job runs with settings that
        its author believes changed.
    Example:
        - document: |
        -   {"TrainingJobName": "churn", "TrainingJobName": "churn-2"}
        + answered: []
    Source:
        RFC 8259, section 4 (https://www.rfc-editor.org/rfc/rfc8259#section-4). What the request takes:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    yield from ()


@rule("STP096", scope="step", severity="warning")
def yaml_switch(view: StepView) -> Iterator[Problem]:
    """Plain yes, no, on, off or 010 in a YAML file, or a key such as 1, which not every reader takes for a text.

    What it does:
        Looks for the four words and for numbers such as 010, 1_000 and 1:30, unquoted, as values in YAML files, and for
        unquoted keys that are such a word or a number.
    Why:
        YAML 1.1 makes True, False, 8, 1000 and 90 of them, YAML 1.2 leaves them texts: the same file gives two requests, one of
        which SageMaker refuses. A key that is a number is one to PyYAML, and boto3 refuses it: "Invalid type for parameter".
    Example:
        - document: |
        -   TrainingJobName: churn
        -   EnableNetworkIsolation: yes
        + answered: []
    Source:
        https://yaml.org/type/bool.html; what the member takes:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    """
    yield from ()


@rule("STP097", scope="step")
def broken_definition(view: StepView) -> Iterator[Problem]:
    """The definition in a CreatePipeline request is no JSON text of a mapping.

    What it does:
        Reads PipelineDefinition as JSON.
    Why:
        CreatePipeline parses it before anything else and answers with a ValidationException.
    Example:
        - document: |
        -   {"PipelineName": "churn", "ClientRequestToken": "0123456789abcdef0123456789abcdef",
        -    "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole", "PipelineDefinition": "{'Version': '2020-12-01'}"}
        + operation: Pipeline
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html
    """
    yield from ()


@rule("STP094", scope="step")
def one_definition(view: StepView) -> Iterator[Problem]:
    """A CreatePipeline request has two definitions, or none.

    What it does:
        Looks for PipelineDefinition and PipelineDefinitionS3Location: one of the two has to be there.
    Why:
        The service model requires neither and allows both; the service refuses both cases.
    Example:
        - document: |
        -   {"PipelineName": "churn", "ClientRequestToken": "0123456789abcdef0123456789abcdef",
        -    "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole"}
        + operation: Pipeline
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html
    """
    yield from ()


@rule("STP099", scope="step")
def step_name(view: StepView) -> Iterator[Problem]:
    """The name of a pipeline's step is one that CreatePipeline takes.

    What it does:
        Looks at the name of a step that is checked without its pipeline; DEP002 looks at those in a definition.
    Why:
        A name has 1 to 64 letters, digits, hyphens and underscores. CreatePipeline refuses any other, and the SDK
        does not look.
    Example:
          document: |
            Type: Training
        -   Name: Train (v2)
        +   Name: Train-v2
            Arguments:
              AlgorithmSpecification:
                TrainingImage: "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4"
                TrainingInputMode: File
              RoleArn: "arn:aws:iam::123456789012:role/SageMakerRole"
              OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
              ResourceConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 1, VolumeSizeInGB: 30}
              StoppingCondition: {MaxRuntimeInSeconds: 3600}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-pipeline.html
    """
    yield from ()
