"""Rules on what XGBoost does with its validation channel."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.algorithms.channels import base_type, form
from cursus.checks.rules import PROGRAM, Problem, hyperparameters, rule
from cursus.checks.views import TrainingView


@rule("CHN039", severity="warning", reads=("InputDataConfig",), when="builtin", shared=True, of=PROGRAM)
def one_format_for_all(view: TrainingView) -> Iterator[Problem]:
    """XGBoost reads the validation data as it reads the training data.

    What it does:
        Compares the formats that ContentType names for the channels train and validation.
    Why:
        The container takes the ContentType of train for both, and fails on data of another format: "Please ensure the
        file is in 'CSV' format." Where only the ContentType is wrong and the data is not, it trains: nothing reads it.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
          HyperParameters: {num_round: "100"}
          InputDataConfig:
            - ChannelName: train
              ContentType: text/csv
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
            - ChannelName: validation
        -     ContentType: text/libsvm
        +     ContentType: text/csv
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/validation/"}}
    Source:
        https://github.com/aws/sagemaker-xgboost-container (algorithm_mode/train.py, data_utils.py)
    """
    algorithm = view.builtin
    if algorithm is None or algorithm.name != "xgboost":
        return
    formats = {
        channel.name: (base_type(content), channel.path)
        for channel in view.channels
        if channel.name in ("train", "validation") and (content := channel.text("ContentType"))
    }
    if len(formats) < 2:
        return
    (train, _), (validation, path) = formats["train"], formats["validation"]
    known = algorithm.content_types
    if train in known and validation in known and form(train) != form(validation):
        yield Problem(
            f"the xgboost algorithm reads channel 'validation' as {train} too, the ContentType of channel 'train', and it "
            f"is {validation}",
            (*path, "ContentType"),
            f"bring the data as {train}, and write that",
        )


@rule(
    "HPO045", severity="warning", reads=hyperparameters("early_stopping_rounds"), when="builtin", shared=True
)
def early_stopping_without_validation(view: TrainingView) -> Iterator[Problem]:
    """XGBoost stops early by its validation data only.

    What it does:
        Looks for a channel validation where early_stopping_rounds is set.
    Why:
        Without one the container leaves early stopping out and says nothing: the job trains for all of num_round.
    Example:
          AlgorithmSpecification:
            TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
          HyperParameters: {num_round: "100", early_stopping_rounds: "5"}
          InputDataConfig:
            - ChannelName: train
              ContentType: text/csv
              DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/train/"}}
        +   - ChannelName: validation
        +     ContentType: text/csv
        +     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/validation/"}}
    Source:
        https://github.com/aws/sagemaker-xgboost-container (algorithm_mode/train.py, callback.py)
    """
    algorithm = view.builtin
    if algorithm is None or algorithm.name != "xgboost" or not view.channels:
        return
    if "early_stopping_rounds" in view.hyperparameters and all(c.name != "validation" for c in view.channels):
        yield Problem(
            "early_stopping_rounds has no effect: the job has no channel 'validation' to stop by",
            (view.hyperparameters_member, "early_stopping_rounds"),
            "add a channel 'validation', or leave early_stopping_rounds out",
        )
