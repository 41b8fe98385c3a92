"""Which framework a step trains with: from its image, its algorithm, or what the builder says of itself."""

from __future__ import annotations

from cursus.checks.views import text
from cursus.validation.builders.trial import Trial

CUSTOM = "custom"


def detect_framework(trial: Trial) -> str | None:
    """``pytorch``, ``xgboost``, ``tensorflow``, ``sklearn``, another framework that AWS has images for.

    ``custom`` for an image or algorithm of the user's own, None where nothing tells.
    """
    if trial.step is None:
        return None
    image = trial.view.image if trial.view is not None else None
    found = _of_image(image) if image is not None else None
    if found is None and trial.step.promises.framework:
        from cursus.aws import images

        named = trial.step.promises.framework
        found = images.canonical(named) or named.lower()
    if found is not None:
        return found
    if trial.view is None:
        return None
    return CUSTOM if image is not None or text(trial.view.algorithm, "AlgorithmName") else None


def _of_image(image: str) -> str | None:
    """The framework or built-in algorithm of an image that AWS publishes, also where it is mirrored."""
    from cursus.aws import images

    known = images.parse_image(image)
    return known.framework if known is not None else None
