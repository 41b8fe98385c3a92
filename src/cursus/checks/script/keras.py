"""Names under which models of Keras are saved: which endings its version takes, and which folders are served."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.aws import images
from cursus.aws.tables import entries, table
from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import MODEL_DIR, UNKNOWN, habits, readable, resolve, script_of
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.script.facts import Habit


@rule("ART073", scope="script")
def keras_name_refused(view: TrainingView) -> Iterator[Problem]:
    """A model of Keras is saved under a name that Keras refuses, or that is not served.

    What it does:
        In images of TensorFlow: reads the names that ``model.save``, ``save_weights`` and ``ModelCheckpoint`` are given, from 2.16 on, where Keras
        is the third; and the folders of SavedModels in the model directory, of which none is a number (a warning).
    Why:
        Keras 3 takes ``.keras`` and ``.h5`` for a model and ``.weights.h5`` for weights, and raises ``ValueError`` for any other: a folder is made
        by ``model.export``. TensorFlow Serving loads ``<number>/saved_model.pb`` only.
    Example:
          AlgorithmSpecification: {TrainingImage: "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.18.0-cpu-py310"}
          files:
            train.py: |
              import os
              import tensorflow as tf
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
        -     model.save(os.path.join(os.environ["SM_MODEL_DIR"], "1"))
        +     model.export(os.path.join(os.environ["SM_MODEL_DIR"], "1"))
    Source:
        https://keras.io/guides/migrating_to_keras_3/; https://keras.io/api/callbacks/model_checkpoint/;
        https://github.com/aws/sagemaker-tensorflow-training-toolkit/pull/171
    """
    facts, image = readable(view), view.framework
    if facts is None or image is None or image.framework != "tensorflow" or image.version is None:
        return
    third = images.order(image.version) >= images.order(table("libraries")["since"]["keras 3"])
    places = [(habit, _place(view, habit)) for habit in habits(view, "keras-file", "saved-model")]
    if third and not legacy_keras(view):
        for habit, place in places:
            wanted = tuple(table("libraries")["keras_endings"].get(habit.detail, ()))
            if wanted and place and not place.endswith(wanted):
                yield Problem(
                    f"Keras 3, which TensorFlow {image.version} has, does not save a {habit.detail} as {show(place)}: ValueError",
                    remedy=f"end the name with {wanted[0]!r}"
                    + (", or call model.export for a folder" * (habit.detail == "model")),
                    severity=None if habit.sure else "warning",
                    location=habit.location,
                )
    folders = [
        (habit, place)
        for habit, place in places
        if place.startswith(MODEL_DIR)
        and (habit.kind == "saved-model" or (not third and _is_folder(habit, place)))
    ]
    if folders and not any(place.rstrip("/").rpartition("/")[2].isdigit() for _, place in folders):
        habit, place = folders[0]
        yield Problem(
            f"the SavedModel goes to {show(place)}, and TensorFlow Serving loads it from a folder that is called by a number",
            remedy="save it below a number: os.path.join(model_dir, '1')",
            severity="warning",
            location=habit.location,
        )


def _place(view: TrainingView, habit: Habit) -> str:
    """Where it is saved; empty where the end of the name is not known."""
    found = resolve(view, habit.text)
    return found if isinstance(found, str) and not found.endswith(UNKNOWN) else ""


def _is_folder(habit: Habit, place: str) -> bool:
    """True for a model that the second Keras saves as a SavedModel."""
    return habit.detail == "model" and UNKNOWN not in place and "." not in place.rpartition("/")[2]


def legacy_keras(view: TrainingView) -> bool:
    """True where the second Keras may be in use all the same."""
    facts = script_of(view)
    asked = {one.name.lower().replace("_", "-") for one in facts.requirements}
    return (
        "TF_USE_LEGACY_KERAS" in view.environment
        or any("TF_USE_LEGACY_KERAS" in text for text in facts.strings)
        or "tf_keras" in facts.top_imports
        or bool(asked & entries("libraries", "other_keras"))
    )
