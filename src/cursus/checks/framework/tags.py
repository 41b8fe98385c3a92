"""What is wrong with the name of an image that Amazon publishes, wherever a request names one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws import images, places
from cursus.aws.tables import dated, table
from cursus.checks.rules import Problem
from cursus.checks.views import Settings
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import slip

LISTED = 8
NAMED_TAGS = ("sagemaker-rl-", "smdistributed-modelparallel")
"""How repositories begin that have tags of other forms too."""


WORDS = frozenset({*images.PROCESSORS, "sagemaker"})


def listed(values: tuple[str, ...] | list[str]) -> str:
    """The last few of many values, for a message."""
    shown = values[-LISTED:]
    return ("…, " if len(shown) < len(values) else "") + ", ".join(shown)


def allowed(settings: Settings, image: images.Image, version: str) -> bool:
    """True where the user allows this version, in any of the ways in which one would write it."""
    allow = settings.allow
    spellings = (
        image.uri,
        version,
        f"{image.framework} {version}",
        f"{image.framework}:{version}",
        f"{image.framework}=={version}",
        f"{image.repository}:{version}",
        f"{image.repository}:{image.tag}",
        image.repository,
    )
    return bool(allow) and any(each in allow for each in spellings)


def version_faults(
    image: images.Image, path: Path, settings: Settings, serves: bool = False
) -> Iterator[Problem]:
    """The version in the tag does not exist. ``serves``: the image is there to serve a model."""
    if image.version is None or image.tag == "latest" or allowed(settings, image, image.version):
        return
    if images.resolve(image.repository, image.version) is not None:
        yield from _base_faults(image, path)
        return
    known = images.versions(image.repository)
    name = images.title(image.framework or image.repository)
    later = images.moved_to(image.repository, image.version, serves)
    if later is not None:
        yield Problem(
            f"No image {image.repository} has {name} {image.version} (tag {image.tag!r}): that version is in {later}.",
            path,
            f"Write {_moved(image, later)}.",
        )
        return
    if images.newer_than_known(image.repository, image.version):
        yield Problem(
            f"{name} {image.version} is above the newest version that has {_purpose(image)} image in the data of "
            f"{dated('images')}, {known[-1]}.",
            path,
            f"Check that the image exists, then allow it (--allow {image.version}); or use {known[-1]}.",
            severity="warning",
            allowable=image.version,
        )
        return
    near = [each for each in known if each.startswith((f"{image.version}-", f"{image.version}."))]
    minor = ".".join(image.version.split(".")[:2])
    near = near or [each for each in known if each.startswith(f"{minor}.") or each == minor]
    hint = f" Did you mean {near[-1]!r}?" if near else ""
    yield Problem(
        f"No image {image.repository} has {name} {image.version} (tag {image.tag!r}).{hint}",
        path,
        f"Use one of the versions that have an image: {listed(near or list(known))}.",
        # of images that only serve, the data may lack a patch
        severity="warning" if near and not image.trains else None,
        allowable=image.version if near and not image.trains else None,
    )


def _purpose(image: images.Image) -> str:
    return "a training" if image.trains else "an inference" if "inference" in image.scopes else "a processing"


def _moved(image: images.Image, repository: str) -> str:
    """The name of the image of the same version in another repository."""
    version = images.resolve(repository, image.version or "") or ""
    facts = images.facts(repository, version)
    python = (
        image.python_version
        if image.python_version in facts["python"]
        else next(reversed(facts["python"]), None)
    )
    tag = "-".join(part for part in (version, image.processor, python) if part)
    registry = next(iter(sorted(images.accounts(repository, image.region))), None)
    if registry is None:
        return f"{repository}:{tag}, in the registry of its region"
    return f"{registry}.dkr.ecr.{image.region}.{image.suffix}/{repository}:{tag}"


def _base_faults(image: images.Image, path: Path) -> Iterator[Problem]:
    """The framework below Transformers has another version, or is written short where Transformers is not."""
    bases = other_bases(image)
    if bases:
        yield Problem(
            f"No image has Transformers {image.version} on {images.title(image.base or '')} {image.base_version} "
            f"(tag {image.tag!r}).",
            path,
            f"Write {' or '.join(bases)} at the beginning of the tag.",
        )
        return
    whole = [each for each in _bases(image) if each.startswith(f"{image.base_version}.")]
    if whole and image.version in images.versions(image.repository):
        yield Problem(
            f"The tag {image.tag!r} shortens {images.title(image.base or '')} to {image.base_version}, and "
            f"{image.repository} has no such tag.",
            path,
            f"Write {' or '.join(whole)} at the beginning of the tag.",
        )


def _bases(image: images.Image) -> tuple[str, ...]:
    found: tuple[str, ...] = tuple(
        images.facts(image.repository, image.version or "").get("base_versions", ())
    )
    return found


def other_bases(image: images.Image) -> tuple[str, ...]:
    """The frameworks' versions that the image's Transformers has images on, where its tag names none of them."""
    bases, below = _bases(image), image.base_version
    if not below or any(each == below or each.startswith(f"{below}.") for each in bases):
        return ()
    return bases


def python_faults(image: images.Image, path: Path, settings: Settings) -> Iterator[Problem]:
    """The version has no image with the Python in the tag."""
    if image.version is None or image.python_version is None:
        return
    pythons = images.facts(image.repository, image.version).get("python")
    if not pythons or images.is_built_for(image.repository, image.version, image.python_version):
        return
    if other_bases(image) or allowed(settings, image, image.version):
        return
    shown = [each for each in pythons if len(each) > 3] or pythons
    name = images.title(image.framework or image.repository)
    told = f"it is built for {' and '.join(shown)}"
    remedy = f"Write {shown[-1]} in the tag"
    if image.python_version != "py3":
        others = [
            each
            for each in images.versions(image.repository)
            if image.python_version in images.facts(image.repository, each).get("python", ())
        ]
        if others:
            remedy += f", or use a version of {name} that has {image.python_version}: {listed(others)}"
        told = f"No image of {name} {image.version} has Python {image.python_version!r}; {told}"
    else:
        gone = any(each.startswith("py3") for each in pythons)
        told = f"No image of {name} {image.version} has 'py3' in its tag{', but the whole version' if gone else ''}; {told}"
    yield Problem(f"{told} (tag {image.tag!r}).", path, f"{remedy}.")


def tag_faults(image: images.Image, path: Path, has_command: bool) -> Iterator[Problem]:
    """The tag cannot exist, or is of an image without SageMaker's toolkit. ``has_command``: it gets one of its own."""
    if image.digest is not None:
        return
    if image.version is None:
        if image.tag == "latest" and image.repository == "xgboost":
            return  # as the first algorithms, the first XGBoost is there under this tag too
        written = "no tag" if image.tag is None else f"the tag {image.tag!r}"
        yield Problem(
            f"The image {image.repository!r} has {written}; Amazon publishes none such.",
            path,
            f"Write a whole tag, such as {_example(image.repository)!r}.",
            severity="warning" if image.repository.startswith(NAMED_TAGS) else None,
        )
        return
    facts = images.facts(image.repository, image.version)
    if not facts:
        return  # version_faults says so
    # XGBoost's images from 1.2 on name no processor, and are for GPUs too.
    known = facts["processors"] or (("cpu",) if image.framework == "xgboost" else ())
    if image.processor is not None and known and image.processor not in known:
        yield Problem(
            f"{images.title(image.framework or '')} {image.version} has no image for {image.processor!r}, only for "
            f"{' and '.join(known)} (tag {image.tag!r}).",
            path,
            f"Write {known[-1]} in the tag.",
        )
    elif _is_short(image) and facts["python"] and known:
        missing = "processor" if image.processor is None else "Python version"
        yield Problem(
            f"The tag {image.tag!r} names no {missing}; {image.repository} has no such tag.",
            path,
            f"Write a whole tag, such as {_example(image.repository)!r}.",
        )
    elif image.tag is not None and "-ec2" in image.tag and not has_command:
        yield Problem(
            f"The tag {image.tag!r} is of an image made for EC2, without SageMaker's training toolkit."
            if image.trains
            else f"The tag {image.tag!r} is of an image made for EC2, not for SageMaker.",
            path,
            f"Write {image.tag.replace('-ec2', '-sagemaker')!r}.",
        )
    elif (stray := _stray(image)) is not None:
        yield Problem(
            f"The tag {image.tag!r} has {stray[0]!r}, which no tag of {image.repository} has.",
            path,
            f"Write {stray[1]} there." if stray[1] else "Leave it out.",
        )
    elif not other_bases(image):
        for name, value in (("cuda", image.cuda), ("systems", image.system)):
            if value is not None and value not in facts.get(name, (value,)):
                yield Problem(
                    f"The data of {dated('images')} knows no image {image.repository} {image.version} with {value}.",
                    path,
                    f"Write {' or '.join(facts[name])} in the tag.",
                    # A newer version may get another one yet.
                    severity="warning" if images.versions(image.repository)[-1] == image.version else None,
                )
                return


def _stray(image: images.Image) -> tuple[str, str] | None:
    """(word, what to write) of a tag's word that is a word of such tags misspelt: in capitals, with a dot, or a slip."""
    words = (image.tag or "").split("-")[1:] if image.python_version is not None else []
    for i, word in enumerate(words):
        if word != word.lower():
            return word, word.lower()
        if re.fullmatch(r"cu\d+\.\d+", word):
            return word, word.replace(".", "")
        if image.processor == "cpu" and re.fullmatch(r"cu\d{2,3}", word):
            return word, ""
        near = next((each for each in (*images.PROCESSORS, "sagemaker") if slip(word, each)), None)
        if near is not None and len(near) > 3 and word not in WORDS:
            return word, near
        if i and words[i - 1] == image.python_version and re.fullmatch(r"\d+\.\d+", word):
            return word, f"v{word}" if len(words) > i + 1 else ""
    return None


def _is_short(image: images.Image) -> bool:
    """True for a tag without the processor or the Python version, of a repository that has no such tags."""
    if image.framework == "sklearn" or (image.framework == "tensorflow" and not image.trains):
        return False  # the list names short tags of the first, and the servers of the other have them
    return image.processor is None or image.python_version is None


def _example(repository: str) -> str:
    newest = images.versions(repository)[-1]
    facts = images.facts(repository, newest)
    named = next(iter(facts.get("tag_prefixes", ())), newest)
    parts = (named, next(iter(facts["processors"]), ""), next(iter(reversed(facts["python"])), ""))
    return f"{repository}:" + "-".join(part for part in parts if part)


def registry_faults(
    image: images.Image, path: Path, settings: Settings, region: str | None
) -> Iterator[Problem]:
    """The image is in a registry that does not have it."""
    if image.framework is None or settings.allow & {image.uri, image.account, image.region}:
        return
    if region and image.region != region:
        return  # the image of another region is FRM017's to report
    right = images.accounts(image.repository, image.region)
    if image.account in right:
        return
    if not right:
        if image.amazon and places.partition_of(image.region):  # of a region that there is not STP033 speaks
            yield Problem(
                f"The data of {dated('images')} knows no registry of {image.repository!r} in {image.region}.",
                path,
                f"Check that the image is there, then allow it (--allow {image.region}).",
                severity="warning",
                allowable=image.region,
            )
        return
    typo = any(_one_off(image.account, account) for account in right)
    if image.amazon or typo or image.account in images.amazon_accounts():
        yield Problem(
            f"In {image.region} the image {image.repository!r} is not in the registry {show(image.account)}.",
            path,
            f"Write {' or '.join(sorted(right))} in place of {image.account}.",
            severity="warning" if _has_newer(image) else None,
        )


def _has_newer(image: images.Image) -> bool:
    """True where the registry has newer images of the same framework in that region, and may have older ones."""
    own = images.order(images.versions(image.repository)[-1])
    return image.tag != "latest" and any(  # a tag that these registries do not have
        facts["framework"] == image.framework
        and image.account in images.accounts(name, image.region)
        and images.order(images.versions(name)[-1]) > own
        for name, facts in table("images")["repositories"].items()
    )


def _one_off(one: str, other: str) -> bool:
    """True where two accounts differ in one digit, or in two neighbours that were swapped."""
    differences = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(differences) == 2 and differences[1] == differences[0] + 1:
        first, second = differences
        return one[first] == other[second] and one[second] == other[first]
    return len(differences) == 1
