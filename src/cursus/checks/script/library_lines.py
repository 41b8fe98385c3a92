"""Metric definitions against the lines that transformers' Trainer and Keras print."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws import images
from cursus.checks.script.request import habits
from cursus.checks.views import TrainingView
from cursus.script.facts import PrintedLine, Text


def words_in(value: str) -> frozenset[str]:
    """The words of a line, or of the literal text of a regular expression."""
    plain = re.sub(r"\\[a-zA-Z]|\[[^\]]*\]|\([^)]*\)", " ", value)
    return frozenset(re.findall(r"[a-z]{3,}|[a-z]+[0-9]+", plain.lower()))


def of_libraries(view: TrainingView, regex: str, pattern: re.Pattern[str]) -> PrintedLine | None:
    """A line of a library's, where the expression looks for such a number in another form."""
    return _of_trainer(view, regex, pattern) or _of_keras(view, regex, pattern)


def _of_trainer(view: TrainingView, regex: str, pattern: re.Pattern[str]) -> PrintedLine | None:
    """A line as transformers' Trainer prints it, where the expression looks for such a number in another form."""
    habit = next(habits(view, "trainer-log"), None)
    name = TRAINER_KEYS.search(regex) if habit is not None else None
    measures = (
        [key for key in habit.key.split(",") if key and re.search(rf"\b{re.escape(key)}\b", regex)]
        if habit
        else []
    )
    if habit is None or not (name or measures):
        return None
    key = name[0] if name else f"eval_{measures[0]}"
    shown = [f"{{'{key}': {number}, 'epoch': 1.0}}" for number in ("0.8765", "'0.8765'")]
    matched = any(pattern.search(one) for one in (*shown, *(f"{{'x': 1, {one[1:]}" for one in shown)))
    return None if matched else PrintedLine(Text((shown[0],)), "", habit.location)


TRAINER_KEYS = re.compile(r"(?:eval|train)_[a-z0-9_]+|(?<![a-z_])(?:loss|learning_rate|grad_norm)(?![a-z_])")


def _of_keras(view: TrainingView, regex: str, pattern: re.Pattern[str]) -> PrintedLine | None:
    """``loss: 0.8765 - val_loss: 0.8765`` as the second Keras and the third print it after each epoch."""
    habit, image = next(habits(view, "keras-log"), None), view.framework
    if (
        habit is None
        or image is None
        or image.framework != "tensorflow"
        or images.order(image.version or "0") < (2,)
    ):
        return None  # the first TensorFlow calls some of them otherwise
    wanted, keys = _measure(regex), habit.key.split(",")
    meant = [key for key in keys if _measure(key) in (wanted, wanted - {"val"})]  # where nothing is held out
    if not meant or any(pattern.search(line) for line in _keras_lines(keys)):
        return None
    return PrintedLine(Text((f"{meant[-1]}: 0.8765",)), "", habit.location)


def _measure(text: str) -> frozenset[str]:
    return frozenset(KERAS_WORDS.get(word, word) for word in words_in(text)) - {""}


KERAS_WORDS = {"acc": "accuracy", "validation": "val", "train": "", "training": ""}
"""Words of its measures as people write them; it puts none before those of the training data."""


def _keras_lines(keys: list[str]) -> Iterator[str]:
    """What may stand at the end of a line: the second version begins with the loss, the third sorts its measures."""
    others = [key for key in keys if key != "loss"]
    for names in (("loss", *others), (*others, "loss"), sorted(keys)):
        for number in ("0.8765", "8.7650e-05", "12.3456"):
            shown = " - ".join(f"{name}: {number}" for name in names)
            yield f"10/10 - 1s - {shown} - 1s/epoch - 99ms/step"
            yield f"\x08\x0810/10 [==============================] - 1s 99ms/step - {shown} - lr: 0.0010"
            yield f"10/10 ━━━━━━━━━━━━━━━━━━━━ 1s 99ms/step - {shown} - learning_rate: 0.0010"
            yield f"10/10 - 1s - 99ms/step - {shown}"
