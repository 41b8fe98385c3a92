"""The parts of a training that do not go together: optimizers, losses, schedules and callbacks."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import habit_problems
from cursus.checks.views import TrainingView

APART = {
    "empty-step": (
        "{} comes when the gradients are set to zero: nothing is trained",
        "in this order: zero_grad(), backward(), step()",
    ),
    "never-cleared": (
        "{} moves by the gradients of all batches so far: nothing sets them to zero",
        "call zero_grad() before backward()",
    ),
    "never-steps": (
        "{shown} never steps: gradients are worked out, and nothing is trained",
        "call step() after backward()",
    ),
    "replaced-later": (
        "{} is made anew when the optimizer has its parameters already: the new ones are not trained",
        "make the optimizer after it",
    ),
    "loss-and-output": ("{}", "let the output of the model be what its loss takes"),
    "made-unread": ("{shown} is made and reaches nothing", "hand it to what is to use it"),
    "never-fitted": (
        "{shown} is saved, and was never fitted: what tries a model out fits copies of it",
        "call fit() before it is saved",
    ),
    "never-stops": (
        "the training is to stop early by {}, and fit() measures nothing of the kind: it never stops",
        "give fit validation_data or validation_split",
    ),
    "never-called": ("no framework calls a callback's {}()", "see which methods it calls: {key}"),
}
"""What is told of each kind, and what to write instead."""


@rule("FRM076", severity="warning", scope="script")
def parts_apart(view: TrainingView) -> Iterator[Problem]:
    """The parts of a training do not go together: an optimizer without gradients, a loss of another output, a callback that nothing has.

    What it does:
        Finds, in PyTorch, steps when the gradients are zero or were never set to zero, optimizers that never step, layers that are made after the optimizer
        has the parameters; losses of logits beside an output of probabilities, and the reverse, in PyTorch and Keras; early stops, schedules
        and weights of classes that are made and not handed on, or that wait for what is not measured; and methods of callbacks that Keras or transformers does not call.
    Why:
        All of it runs without an error, and the model is not trained, or not as was meant.
    Example:
          files:
            train.py: |
              import os
              import torch
              rows = torch.load(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "rows.pt"))
              model = torch.nn.Linear(3, 1)
              optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
              for row in rows:
                  optimizer.zero_grad()
        -         optimizer.step()
                  model(row).sum().backward()
        +         optimizer.step()
              torch.save(model.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))
    Source:
        https://pytorch.org/docs/stable/optim.html; https://keras.io/api/callbacks/base_callback/
    """
    yield from habit_problems(view, APART)
