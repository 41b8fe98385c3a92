"""A processing job as its script sees it, in the form in which rules on scripts look at training jobs.

Facts: https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html and the SageMaker SDK's
``ScriptProcessor`` (uploads one file) and ``FrameworkProcessor`` (uploads the folder, starts it by ``runproc.sh``, which
installs requirements.txt). Nothing here is a rule.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cursus.aws.images import amazon_image
from cursus.checks.lazy import lazy
from cursus.checks.views import Settings, TrainingView, is_reference, listing, mapping, mappings, text
from cursus.model import Path, Step
from cursus.script.facts import ScriptFacts

COMMAND = ("ContainerEntrypoint", "ContainerArguments")
LAUNCHER = "/runproc.sh"
PLACES: Mapping[str, Path] = {
    "AlgorithmSpecification": ("AppSpecification",),
    "HyperParameters": ("AppSpecification", "ContainerArguments"),
    "InputDataConfig": ("ProcessingInputs",),
    "ResourceConfig": ("ProcessingResources", "ClusterConfig"),
    "TrainingImage": ("ImageUri",),
}
"""What the members that rules on scripts point at are in the request of a processing job."""


def place_of(path: Path) -> Path:
    """A path of the view's request in that of the processing job."""
    return tuple(part for name in path for part in PLACES.get(str(name), (name,)))


class ProcessingView(TrainingView):
    """A CreateProcessingJob request whose source code is known.

    It has the script, image, command, environment and instances of the job, and neither channels nor hyperparameters:
    there are none of the training toolkit's variables in the container.
    """

    def __init__(self, step: Step, settings: Settings | None = None) -> None:
        application = mapping(step.request, "AppSpecification")
        algorithm = {name: application[name] for name in COMMAND if name in application}
        request: dict[str, Any] = {
            "AlgorithmSpecification": {"TrainingImage": application.get("ImageUri"), **algorithm},
            "ResourceConfig": mapping(mapping(step.request, "ProcessingResources"), "ClusterConfig"),
        }
        if "Environment" in step.request:
            request["Environment"] = step.request["Environment"]
        super().__init__(step, request, (), settings)

    @lazy
    def own_image(self) -> bool:
        """True unless the image is one of Amazon's: then nobody knows what variables and files it has."""
        return amazon_image(self.image) is None

    @lazy
    def words(self) -> list[tuple[object, Path]] | None:
        """What stands behind the script on the command line, each word with its place; None where that is not known."""
        found: list[tuple[object, Path]] = []
        for member in COMMAND:
            if is_reference(self.algorithm.get(member)):
                return None
            own = listing(self.algorithm, member)
            found += [(word, ("AlgorithmSpecification", member, i)) for i, word in enumerate(own)]
        name = posixpath.basename(self.step.source.entry_point) if self.step.source is not None else ""
        for i, (word, _) in enumerate(found):
            if isinstance(word, str) and (posixpath.basename(word) == name or word.endswith(LAUNCHER)):
                return found[i + 1 :]
        return None

    def _filled(self) -> Iterator[tuple[Mapping[str, Any], object]]:
        for _, entry in mappings(self.step.request, "ProcessingInputs"):
            source = mapping(entry, "S3Input")
            yield source or mapping(entry, "DatasetDefinition"), source.get("S3Uri")

    @lazy
    def inputs(self) -> dict[str, object] | None:
        """The S3Uri of each input by its folder; None where one of them cannot be known."""
        given = listing(self.step.request, "ProcessingInputs")
        found = {text(entry, "LocalPath"): uri for entry, uri in self._filled()}
        if is_reference(self.step.request.get("ProcessingInputs")) or len(found) != len(given):
            return None
        return (
            {folder.rstrip("/"): uri for folder, uri in found.items() if folder}
            if None not in found
            else None
        )

    @lazy
    def outputs(self) -> dict[str, Path] | None:
        """The place of each output in the request by its folder; None where one of them cannot be known."""
        config = self.step.request.get("ProcessingOutputConfig")
        given = listing(mapping(self.step.request, "ProcessingOutputConfig"), "Outputs")
        found: dict[str, Path] = {}
        for i, entry in enumerate(given):
            folder = text(mapping(entry, "S3Output"), "LocalPath") if isinstance(entry, Mapping) else None
            if folder is None:
                return None
            found[folder.rstrip("/")] = ("ProcessingOutputConfig", "Outputs", i, "S3Output", "LocalPath")
        return None if is_reference(config) else found

    @lazy
    def alone(self) -> bool:
        """True where the script is uploaded by itself, without what lies beside it."""
        source = self.step.source
        name = posixpath.basename(source.entry_point) if source is not None else ""
        if source is not None and source.alone:
            return True
        return bool(name) and any(
            isinstance(uri, str) and uri.startswith("s3://") and posixpath.basename(uri) == name
            for _, uri in self._filled()
        )

    @lazy
    def joined(self) -> tuple[str, ...]:
        """What other inputs put beside a script that is uploaded by itself, from its folder."""
        folders = self.inputs or {}
        code = next((one for one, uri in folders.items() if str(uri).endswith(f"/{self._entry()}")), None)
        return tuple(one[len(code) + 1 :] for one in folders if code and one.startswith(f"{code}/"))

    @lazy
    def script(self) -> ScriptFacts | None:
        """What the script reads, parses and writes; of a script that is uploaded alone, nothing of the files beside it."""
        from cursus.script import read_source

        if self.step.source is None:
            return None
        facts = read_source(replace(self.step.source, alone=self.alone))
        brought = {one.partition("/")[0] for one in self.joined}
        imports = tuple(one for one in facts.imports if one.module.partition(".")[0] not in brought)
        return replace(facts, imports=imports) if brought else facts

    def _entry(self) -> str:
        return self.step.source.entry_point if self.step.source is not None else ""
