"""Rules on runs that were repeated with other hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.evidence import of_run
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView
from cursus.redact import show


@rule("HPO090", severity="warning", scope="run", reads=("HyperParameters",))
def without_effect(view: TrainingView) -> Iterator[Problem]:
    """A hyperparameter can be changed, and the job leaves the very same.

    What it does:
        Repeats a short run with other values of each hyperparameter and compares the model, output, checkpoints, metrics and log. Names
        that are not meant to change a result (``num_workers``, ``verbose``, ``log_interval``, …) are left out.
    Why:
        The value never arrives: the script reads another name, keeps its default, sets it again, or takes every text for true.
        The job is completed, with other settings than the request's. (Or it has none in so short a run.)
    Example:
          files:
            train.py: |
              import argparse
              parser = argparse.ArgumentParser()
              parser.add_argument("--lr", dest="learning_rate", type=float, default=0.1)
              args = parser.parse_args()
              text = open("/opt/ml/input/data/train/data.csv").read()
        -     open("/opt/ml/model/model.txt", "w").write(text + str(getattr(args, "lr", 0.1)))
        +     open("/opt/ml/model/model.txt", "w").write(text + str(getattr(args, "learning_rate", 0.1)))
          HyperParameters: {lr: "0.5"}
          channels:
            train:
              data.csv: "1,2"
          run: {vary: true}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html#sagemaker-CreateTrainingJob-request-HyperParameters
    """
    evidence = of_run(view)
    left = (*evidence.model_files, *evidence.output_files, *evidence.checkpoint_files)
    if not evidence.metrics and not any(file.size for file in left):
        return  # nothing was left that could show an effect, which is the fault to be told
    if view.channels and all(evidence.opened.get(channel.name or "") == 0 for channel in view.channels):
        return  # nothing was read to train on, which CHN090 tells
    for name, values in evidence.unmoved.items():
        given = view.hyperparameters.get(name)
        shown = [str(show(value, name)) for value in values]
        others = " and ".join([*([", ".join(shown[:-1])] if shown[1:] else []), *shown[-1:]])
        yield Problem(
            f"the hyperparameter {name!r} had no effect in this run: with {others} in place of {show(given, name)} the job left the very same, but for the value itself where it is noted",
            (view.hyperparameters_member, name),
            remedy="see whether the script reads it by this name and uses what it reads; leave it out where it is not meant to matter",
        )
