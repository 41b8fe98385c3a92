"""Tables that are made of botocore's service model: what its documentation states."""

from __future__ import annotations

import gzip
import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tables


@dataclass(frozen=True)
class Model:
    """The SageMaker service model of an installed botocore."""

    shapes: dict[str, Any]
    version: str
    date: str

    @staticmethod
    def load() -> Model:
        """Read the model of the botocore that is installed."""
        import botocore

        folder = Path(botocore.__file__).parent / "data" / "sagemaker"
        latest = max(entry.name for entry in folder.iterdir())
        path = folder / latest / "service-2.json"
        raw = path.read_bytes() if path.exists() else gzip.decompress(Path(f"{path}.gz").read_bytes())
        return Model(json.loads(raw)["shapes"], botocore.__version__, latest)

    def shape(self, name: str) -> dict[str, Any]:
        """One shape of the model."""
        found = self.shapes[name]
        assert isinstance(found, dict)
        return found

    def html(self, shape: str, member: str | None = None) -> str:
        """The documentation of a shape or of one of its members, as the model has it."""
        found = self.shape(shape)
        if member is not None:
            found = found["members"][member]
        return str(found.get("documentation", ""))

    def text(self, shape: str, member: str | None = None) -> str:
        """The same without markup."""
        return html.unescape(re.sub(r"<[^>]+>", "", self.html(shape, member)))

    def stated(self, pattern: str, shape: str, member: str | None = None) -> str:
        """What the documentation states where ``pattern`` has its group."""
        found = re.search(pattern, self.text(shape, member))
        if found is None:
            raise SystemExit(f"{shape}.{member} no longer states {pattern}")
        return found[1]

    def expect(self, words: list[str], shape: str, member: str | None = None) -> list[str]:
        """The words, all of which have to stand in the documentation."""
        documentation = self.text(shape, member)
        missing = [word for word in words if word not in documentation]
        if missing:
            raise SystemExit(f"{shape}.{member} no longer names {', '.join(missing)}")
        return words


def write(name: str, model: Model, page: str, facts: dict[str, Any], more: str = "") -> None:
    """Write a table with its source and the date of the model."""
    source = f"botocore {model.version}, sagemaker/{model.date}{more}; {page}"
    tables.write(name, {"source": source, "date": tables.today(), **facts})
