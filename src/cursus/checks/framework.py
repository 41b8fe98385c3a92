"""Rules of the area *framework*: whether the training image exists, and is one for training."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from cursus.aws import images
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView
from cursus.model import Path
from cursus.redact import show
from cursus.suggest import closest

IMAGE: Path = ("AlgorithmSpecification", "TrainingImage")
READS = ("AlgorithmSpecification",)
LISTED = 8


def amazon_image(view: TrainingView) -> images.Image | None:
    """The training image, where it is one that Amazon publishes."""
    if view.image is None:
        return None
    image = images.parse_image(view.image)
    return image if image is not None and image.amazon else None


def framework_image(view: TrainingView) -> images.Image | None:
    """The training image, where it is one of Amazon's that run a script."""
    return view.framework


def listed(values: tuple[str, ...] | list[str]) -> str:
    """The last few of many values, for a message."""
    shown = values[-LISTED:]
    return ("…, " if len(shown) < len(values) else "") + ", ".join(shown)


def allowed(view: TrainingView, image: images.Image, version: str) -> bool:
    """True where the user allows this version, in any of the ways in which one would write it."""
    allow = view.settings.allow
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


@rule("FRM001", area="framework", reads=READS, shared=True, of=READS)
def version(view: TrainingView) -> Iterator[Problem]:
    """The training image's version does not exist.

    What it does:
        Looks up the version in the tag of an image that Amazon publishes.
    Why:
        A tag that is not in the registry fails the request: "Cannot find repository" or "Requested image not
        found". A version above the newest that is known may simply be newer than this data, so that is a warning.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.7-cpu-py310
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Right:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://aws.github.io/deep-learning-containers/reference/available_images/
    Since:
        0.1
    """
    image = amazon_image(view)
    if image is None or not image.trains or image.version is None:
        return
    if image.tag == "latest" or allowed(view, image, image.version):
        return
    if images.resolve(image.repository, image.version) is not None:
        bases = _other_bases(image, image.version)
        if bases:
            yield Problem(
                f"No image has Transformers {image.version} on {images.title(image.base or '')} {image.base_version} "
                f"(tag {image.tag!r}).",
                IMAGE,
                f"Write {' or '.join(bases)} at the beginning of the tag.",
            )
        return
    known = images.versions(image.repository)
    name = images.title(image.framework or image.repository)
    later = images.moved_to(image.repository, image.version)
    if later is not None:
        yield Problem(
            f"No image {image.repository} has {name} {image.version} (tag {image.tag!r}): that version is in {later}.",
            IMAGE,
            f"Use {later}, in the registry of its region.",
        )
        return
    if images.newer_than_known(image.repository, image.version):
        yield Problem(
            f"{name} {image.version} is above the newest version that has a training image in the data of "
            f"{images.date()}, {known[-1]}.",
            IMAGE,
            f"Check that the image exists, then allow {image.version!r}; or use {known[-1]}.",
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
        IMAGE,
        f"Use one of the versions that have an image: {listed(near or list(known))}.",
    )


def _other_bases(image: images.Image, version: str) -> tuple[str, ...]:
    """The frameworks' versions that this version of Transformers has images on, where the tag names none of them."""
    bases: tuple[str, ...] = tuple(images.facts(image.repository, version).get("base_versions", ()))
    below = image.base_version
    if not below or any(each == below or each.startswith(f"{below}.") for each in bases):
        return ()
    return bases


@rule("FRM002", area="framework", reads=READS, shared=True, of=READS, when="framework")
def python_version(view: TrainingView) -> Iterator[Problem]:
    """The training image's version has no image with that Python.

    What it does:
        Compares the Python version in the tag of one of Amazon's framework images with those built for its version.
    Why:
        Each version of a framework is built for one Python version, seldom two. Any other tag is not in the
        registry, and the request fails.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:1.8.0-cpu-py38
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Right:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:1.8.0-cpu-py36
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://aws.github.io/deep-learning-containers/reference/available_images/
    Since:
        0.1
    """
    image = framework_image(view)
    if image is None or not image.trains or image.version is None or image.python_version is None:
        return
    pythons = images.facts(image.repository, image.version).get("python")
    if not pythons or images.has_python(pythons, image.python_version) or _other_bases(image, image.version):
        return
    if allowed(view, image, image.version):
        return
    shown = [each for each in pythons if len(each) > 3] or pythons
    name = images.title(image.framework or image.repository)
    yield Problem(
        f"No image of {name} {image.version} has Python {image.python_version!r}; it is built for "
        f"{' and '.join(shown)} (tag {image.tag!r}).",
        IMAGE,
        f"Write {shown[-1]} in the tag, or use a version of {name} that has {image.python_version}.",
    )


@rule("FRM003", area="framework", reads=READS, shared=True, of=READS)
def not_for_training(view: TrainingView) -> Iterator[Problem]:
    """The image is not one for training.

    What it does:
        Says where the training image is one of Amazon's inference, processing, monitoring or compilation images.
    Why:
        Such an image has another program in it: it starts a server, or ends at once, and the job fails or hangs
        until its time is up.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.1.0-cpu-py310
    Right:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/pre-built-containers-frameworks-deep-learning.html
    Since:
        0.1
    """
    image = amazon_image(view)
    if image is None or image.trains or not image.scopes or view.algorithm.get("ContainerEntrypoint"):
        return
    other = image.repository.replace("-inference", "-training")
    remedy = "Use an image for training."
    if other != image.repository and images.versions(other):
        remedy = f"Use the repository {other!r}."
    yield Problem(
        f"The image {image.repository!r} is for {' and '.join(image.scopes)}, not for training.",
        IMAGE,
        remedy,
    )


@rule("FRM004", area="framework", reads=READS, shared=True, of=READS, when="framework")
def tag(view: TrainingView) -> Iterator[Problem]:
    """The tag of one of Amazon's framework images cannot exist.

    What it does:
        Checks the form of the tag: it has to name the version, the processor and the Python version, and a
        processor that this version is built for. An image made for EC2 has to get a command.
    Why:
        The registries of framework images have no tag `latest` and no short forms. Images ending in `-ec2` lack
        SageMaker's training toolkit.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:latest
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Right:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://aws.github.io/deep-learning-containers/reference/available_images/
    Since:
        0.1
    """
    image = framework_image(view)
    if image is None or not image.trains or image.digest is not None:
        return
    if image.version is None:
        if image.tag == "latest" and image.repository == "xgboost":
            return  # as the first algorithms, the first XGBoost is there under this tag too
        written = "no tag" if image.tag is None else f"the tag {image.tag!r}"
        yield Problem(
            f"The image {image.repository!r} has {written}; Amazon publishes none such.",
            IMAGE,
            f"Write a whole tag, such as {_example(image.repository)!r}.",
            severity="warning" if image.repository.startswith("sagemaker-rl-") else None,
        )
        return
    facts = images.facts(image.repository, image.version)
    if not facts:
        return  # FRM001 says so
    known = facts["processors"]
    if image.processor is not None and known and image.processor not in known:
        yield Problem(
            f"{images.title(image.framework or '')} {image.version} has no image for {image.processor!r}, only for "
            f"{' and '.join(known)} (tag {image.tag!r}).",
            IMAGE,
            f"Write {known[-1]} in the tag.",
        )
    elif (
        image.framework != "xgboost"  # its oldest versions have short tags too
        and facts["python"]
        and known
        and (image.processor is None or image.python_version is None)
    ):
        missing = "processor" if image.processor is None else "Python version"
        yield Problem(
            f"The tag {image.tag!r} names no {missing}; {image.repository} has no such tag.",
            IMAGE,
            f"Write a whole tag, such as {_example(image.repository)!r}.",
        )
    elif image.tag is not None and "-ec2" in image.tag and "ContainerEntrypoint" not in view.algorithm:
        yield Problem(
            f"The tag {image.tag!r} is of an image made for EC2, without SageMaker's training toolkit.",
            IMAGE,
            f"Write {image.tag.replace('-ec2', '-sagemaker')!r}.",
        )
    elif (
        image.cuda is not None
        and image.cuda not in facts.get("cuda", (image.cuda,))
        and not _other_bases(image, image.version)
    ):
        yield Problem(
            f"The data of {images.date()} knows no image {image.repository} {image.version} with {image.cuda}.",
            IMAGE,
            f"Write {' or '.join(facts['cuda'])} in the tag.",
            # A newer version may get another CUDA yet, and one of Transformers has several frameworks below it.
            severity="warning"
            if image.framework == "huggingface" or images.versions(image.repository)[-1] == image.version
            else None,
        )


def _example(repository: str) -> str:
    newest = images.versions(repository)[-1]
    facts = images.facts(repository, newest)
    named = next(iter(facts.get("tag_prefixes", ())), newest)
    parts = (named, next(iter(facts["processors"]), ""), next(iter(reversed(facts["python"])), ""))
    return f"{repository}:" + "-".join(part for part in parts if part)


@rule("FRM005", area="framework", reads=READS, shared=True, of=READS)
def repository(view: TrainingView) -> Iterator[Problem]:
    """The registry is Amazon's, and has no such repository.

    What it does:
        Looks up the repository of an image in one of Amazon's registry accounts.
    Why:
        A repository that is not there fails the request. A name near to a known one is an error; any other may be
        newer than this data, and is a warning.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch_training:2.1.0-cpu-py310
    Right:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algos-ecr-paths.html
    Since:
        0.1
    """
    if view.image is None:
        return
    image = images.parse_image(view.image)
    if image is None or image.framework is not None or image.account not in images.amazon_accounts():
        return
    if image.repository in images.document()["unlisted"] or allowed(view, image, image.repository):
        return
    known = images.document()["repositories"]
    whole = f"{image.repository}-training"
    near = whole if whole in known else closest(image.repository, known)
    if near is not None:
        yield Problem(
            f"Amazon's registry {image.account} has no repository {image.repository!r}. Did you mean {near!r}?",
            IMAGE,
            f"Write {near!r}.",
        )
        return
    yield Problem(
        f"The data of {images.date()} knows no repository {image.repository!r} in Amazon's registry {image.account}.",
        IMAGE,
        f"Check that it exists, then allow {image.repository!r}.",
        severity="warning",
        allowable=image.repository,
    )


@rule("FRM006", area="framework", reads=READS, shared=True, of=READS)
def registry(view: TrainingView) -> Iterator[Problem]:
    """The image is in a registry that does not have it.

    What it does:
        Compares the registry account of an image that Amazon publishes with the account that it has in the
        image's region. An account that is one digit off a right one counts as mistyped; any other account that is
        not Amazon's is taken for your own mirror. The registry of the framework's newer images is a warning: it may
        hold older ones that are not listed.
    Why:
        Amazon's accounts differ by region and by kind of image. The request fails: "Cannot find repository" or
        "Access denied".
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.af-south-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Right:
        AlgorithmSpecification:
          TrainingImage: 626614931356.dkr.ecr.af-south-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/sagemaker-algos-ecr-paths.html
    Since:
        0.1
    """
    if view.image is None:
        return
    image = images.parse_image(view.image)
    if (
        image is None
        or image.framework is None
        or view.settings.allow & {image.uri, image.account, image.region}
    ):
        return
    if view.region and image.region != view.region:
        return  # the image of another region is FRM017's to report
    right = images.accounts(image.repository, image.region)
    if image.account in right:
        return
    if not right:
        if image.amazon:
            yield Problem(
                f"The data of {images.date()} knows no registry of {image.repository!r} in {image.region}.",
                IMAGE,
                f"Check that the image is there, then allow {image.region!r}.",
                severity="warning",
                allowable=image.region,
            )
        return
    typo = any(_one_off(image.account, account) for account in right)
    if image.amazon or typo or image.account in images.amazon_accounts():
        yield Problem(
            f"In {image.region} the image {image.repository!r} is not in the registry {show(image.account)}.",
            IMAGE,
            f"Write {' or '.join(sorted(right))}.",
            severity="warning" if _has_newer(image) else None,
        )


def _has_newer(image: images.Image) -> bool:
    """True where the registry has newer images of the same framework in that region."""
    own = images.order(images.versions(image.repository)[-1])
    return any(
        facts["framework"] == image.framework
        and image.account in images.accounts(name, image.region)
        and images.order(images.versions(name)[-1]) > own
        for name, facts in images.document()["repositories"].items()
    )


def _one_off(one: str, other: str) -> bool:
    """True where two accounts differ in one digit, or in two neighbours that were swapped."""
    differences = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(differences) == 2 and differences[1] == differences[0] + 1:
        first, second = differences
        return one[first] == other[second] and one[second] == other[first]
    return len(differences) == 1


@rule("FRM007", area="framework", severity="info", reads=READS, shared=True, of=READS, when="framework")
def end_of_support(view: TrainingView) -> Iterator[Problem]:
    """Amazon no longer patches the training image.

    What it does:
        Compares the end of support of a framework image's version with today's date.
    Why:
        The image goes on working, and gets no more security patches.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Right:
        AlgorithmSpecification:
          TrainingImage: 683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3
        HyperParameters:
          sagemaker_program: train.py
          sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://aws.github.io/deep-learning-containers/reference/support_policy/
    Since:
        0.1
    """
    image = framework_image(view)
    if image is None or image.engine is None or image.engine_version is None:
        return
    last = images.end_of_support(image.engine, image.engine_version)
    if last is None:
        return
    if last < _today():
        yield Problem(
            f"Amazon has not patched images of {images.title(image.engine)} {image.engine_version} since {last}.",
            IMAGE,
            "Move to a version that is supported.",
        )


@cache
def _today() -> str:
    """Today as an ISO date; taken once, so that all findings of a run agree."""
    from time import gmtime, strftime

    return strftime("%Y-%m-%d", gmtime())
