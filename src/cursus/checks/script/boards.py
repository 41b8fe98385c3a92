"""TensorBoard's event files, and the folder that SageMaker uploads them from."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import UNKNOWN, habits, resolve
from cursus.checks.views import TrainingView, mapping, text
from cursus.redact import show

MEMBER = "TensorBoardOutputConfig"
DEFAULT = "/opt/ml/output/tensorboard"
"""TensorBoardOutputConfig.LocalPath where none is given."""


@rule("MON053", severity="warning", scope="script", reads=(MEMBER,))
def events_elsewhere(view: TrainingView) -> Iterator[Problem]:
    """The script writes TensorBoard's events to another folder than the one that is uploaded.

    What it does:
        Holds the folders of Keras' TensorBoard callback and of PyTorch's SummaryWriter against TensorBoardOutputConfig.LocalPath.
    Why:
        SageMaker uploads what is in LocalPath while the job runs, and nothing else: S3OutputPath stays empty.
    Example:
          TensorBoardOutputConfig: {S3OutputPath: "s3://example-bucket/tensorboard/"}
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310-ubuntu20.04-sagemaker
          files:
            train.py: |
              import os
              from torch.utils.tensorboard import SummaryWriter
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     writer = SummaryWriter("runs")
        +     writer = SummaryWriter("/opt/ml/output/tensorboard")
              writer.add_scalar("loss", 0.5, 1)
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TensorBoardOutputConfig.html
    """
    kept = (text(mapping(view.request, MEMBER), "LocalPath") or DEFAULT).rstrip("/")
    found = [(habit, resolve(view, habit.text)) for habit in habits(view, "event-folder")]
    places = [place for _, place in found if isinstance(place, str) and place and UNKNOWN not in place]
    if len(places) < len(found) or any(f"{place}/".startswith(f"{kept}/") for place in places):
        return
    for habit, place in found[:1]:
        yield Problem(
            f"{habit.detail} writes its events to {show(str(place))}, and {MEMBER} uploads those in {kept}",
            (MEMBER,),
            remedy=f"write to {kept}",
            location=habit.location,
        )
