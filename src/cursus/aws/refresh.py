"""The service model of the user's own botocore, distilled into the user's data directory.

``cursus refresh`` calls ``refresh``. Later checks use the result wherever it is newer than the model
that ships with cursus (``schema.model_date`` says which is in use).
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cursus.aws import distill, instances, schema_store
from cursus.errors import CursusError

USES = {
    "training": "TrainingInstanceType",
    "processing": "ProcessingInstanceType",
    "transform": "TransformInstanceType",
}
"""The enums of instance types in the model, by use."""


def installed_model() -> tuple[str, dict[str, Any]]:
    """The installed botocore's version and its model of SageMaker. Raises CursusError without botocore."""
    try:
        import botocore
        from botocore.loaders import Loader
    except ImportError:
        raise CursusError(
            "no botocore is installed here to take the service model from; install it with "
            "`pip install botocore`"
        ) from None
    model = Loader().load_service_model("sagemaker", "service-2")
    return str(botocore.__version__), model


def refresh(directory: Path | None = None) -> str:
    """Distil the installed botocore's model into ``directory`` (the user's data directory unless given).

    Returns one sentence on what was written; nothing is, where cursus ships the same model or a newer one.
    Raises CursusError where botocore is missing, has no model of SageMaker that can be read, or the
    directory cannot be written.
    """
    target = directory or schema_store.user_directory()
    if target is None:
        raise CursusError("there is no home directory to keep the model in; set XDG_DATA_HOME to a folder")
    version, model = installed_model()
    source = f"botocore {version}, sagemaker 2017-07-24"
    if not schema_store.is_newer(source):
        return f"botocore {version} has no newer service model than the one that cursus ships: nothing was written"
    # An installed package does not know when it was released: the latest day on which it was current here.
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    try:
        documents = distill.distill(model, source, today)
        documents["index"]["instances"] = _new_instances(model)
    except (KeyError, TypeError, ValueError) as error:
        raise CursusError(f"botocore {version} has a model that cannot be distilled: {error!r}") from error
    try:
        write(documents, target)
    except OSError as error:
        raise CursusError(f"cannot write the service model to {target}: {error.strerror or error}") from error
    schema_store.forget()
    return f"service model of botocore {version} written to {target}"


def _new_instances(model: Mapping[str, Any]) -> dict[str, list[str]]:
    """The instance types of each use that are newer than our facts: all that is known of them is that they exist."""
    found = {}
    for use, shape in USES.items():
        names = model["shapes"].get(shape, {}).get("enum", ())
        found[use] = sorted({name for name in names if name.startswith("ml.")} - instances.of_use(use))
    return found


def write(documents: Mapping[str, Mapping[str, Any]], target: Path) -> None:
    """Write each document as ``NAME.json``; the index comes last, so that half a set is never used."""
    target.mkdir(parents=True, exist_ok=True)
    (target / "index.json").unlink(missing_ok=True)
    for name in sorted(documents, key=lambda name: name == "index"):
        part = target / f".{name}.json.{os.getpid()}"
        part.write_text(dump(documents[name]), encoding="utf-8")
        part.replace(target / f"{name}.json")


def dump(document: Mapping[str, Any]) -> str:
    """A document as it stands in its file: JSON in as few bytes as its lines allow to be compared."""
    parts = [
        f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in document.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"
