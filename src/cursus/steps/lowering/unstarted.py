"""The inputs of an estimator, trainer or tuner that nobody has started: whoever starts its job gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cursus.aws import algorithms
from cursus.aws.members import text
from cursus.model import Finding, SourceCode
from cursus.steps.answers import DRIVERS
from cursus.steps.lowering.channel_names import named_channels, to_request
from cursus.steps.lowering.draft import Draft
from cursus.steps.lowering.hooks import Hooks

OF_THE_SDK = frozenset({"code", DRIVERS})
"""The channels that the SDK's ModelTrainer adds itself."""
BUCKET = "made-up-inputs"
_READ = re.compile(r"\bSM_CHANNEL_([A-Z0-9_]+)|/opt/ml/input/data/([A-Za-z0-9][\w.-]*)")


def open_inputs(draft: Draft, hooks: Hooks) -> None:
    """Add the channels of the hook to those of an estimator, which whoever starts its job gives it.

    They are no promise about the request, and so the list of them has no origin of its own.
    """
    name = "get_training_inputs"
    found = draft.get("InputDataConfig") or []
    known = [one.get("ChannelName") for one in found if isinstance(one, Mapping)]
    inputs = hooks.values.get(name)
    more = [one for one in named_channels(inputs, {}) if one.name not in known] if inputs else []
    if not more or not isinstance(found, list):
        return
    draft.body["InputDataConfig"] = [*found, *(to_request(one) for one in more)]
    draft.filled.append(name)
    for index, one in enumerate(more, len(found)):
        draft.origins[draft.place(("InputDataConfig", index))] = replace(hooks.origin(name), inside=one.path)


def made_up_inputs(draft: Draft, source: SourceCode | None) -> tuple[Finding, ...]:
    """Add the channels that the script reads, or the built-in algorithm requires, where no input is known.

    Gives the finding that says so.
    """
    found = draft.get("InputDataConfig") or []
    known = [one.get("ChannelName") for one in found if isinstance(one, Mapping)]
    if not isinstance(found, list) or any(name not in OF_THE_SDK for name in known):
        return ()
    names = [name for name in _wanted(draft, source) if name not in OF_THE_SDK]
    if not names:
        return ()
    made = named_channels({name: f"s3://{BUCKET}/{name}/" for name in names}, {})
    draft.body["InputDataConfig"] = [*found, *(to_request(one) for one in made)]
    return (
        Finding(
            rule="STP098",
            severity="info",
            message="an estimator has no inputs before its job is started; made up, as its code wants them: "
            f"{', '.join(map(repr, names))}.",
            remedy="To have the real ones checked, name a function that starts it, which sends nothing: "
            "def job(): estimator.fit(…)",
            area="step",
        ),
    )


def _wanted(draft: Draft, source: SourceCode | None) -> list[str]:
    if source is None:
        image = text(draft.mapping("AlgorithmSpecification"), "TrainingImage")
        algorithm = algorithms.of_request(image) if image is not None else None
        return sorted(algorithm.required_channels) if algorithm is not None else []
    try:
        script = Path(source.directory, source.entry_point).read_text("utf-8", "replace")
    except (OSError, ValueError):
        return []
    return sorted({variable.lower() or folder for variable, folder in _READ.findall(script)})
