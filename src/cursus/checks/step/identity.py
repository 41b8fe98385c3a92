"""Rules of the area *step*: who the job is and where: images' registries, networks, keys, regions, tags."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cursus.aws import places
from cursus.checks.artifacts import key_severity, no_key
from cursus.checks.rules import Problem, rule
from cursus.checks.step.image_names import no_region, stands_for_another
from cursus.checks.text_faults import placeholder
from cursus.checks.texts import IMAGES, LINKED_ROLE, NETWORK, NOBODY, NOTHING, ROLE_NAME, place
from cursus.checks.views import RequestView, TrainingView, is_reference, listing, mapping, text
from cursus.model import Path, Severity
from cursus.redact import show
from cursus.steps.kinds import TRAINS
from cursus.steps.made_up import ACCOUNT


@rule("STP027", reads=("AlgorithmSpecification",), shared=True)
def image_registry(view: TrainingView) -> Iterator[Problem]:
    """An image outside Amazon ECR is a private registry's, and needs TrainingImageConfig and a VPC.

    What it does:
        Looks at the registry in TrainingImage, at TrainingRepositoryAccessMode, and at VpcConfig. A name that only
        stands for another, such as my-image, is a warning, and so are Amazon's own images in the public registry.
    Why:
        SageMaker takes any image that is not in ECR for one in a private Docker registry, and demands
        TrainingImageConfig with access mode Vpc. Mostly the registry was simply forgotten.
    Example:
        - AlgorithmSpecification: {TrainingImage: "churn-trainer:latest"}
        + AlgorithmSpecification: {TrainingImage: "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:latest"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/docker-containers-adapt-your-own-private-registry.html
    """
    image = view.image
    if not image or not image.strip():
        return
    config = view.algorithm.get("TrainingImageConfig")
    if config is not None and (is_reference(config) or not isinstance(config, Mapping)):
        return
    mode = config.get("TrainingRepositoryAccessMode") if config else None
    path = ("AlgorithmSpecification", "TrainingImage")
    if places.image(image) is None and mode != "Vpc":
        if isinstance(mode, Mapping):
            return
        registry = re.fullmatch(r"\d+\.dkr\.ecr\.[a-z0-9.-]+/?", image) is not None
        if not registry and placeholder(image) is not None:
            return  # left in, as another rule says
        if registry or stands_for_another(image):
            what = "is a registry without a repository" if registry else "stands for the name of an image"
            remedy = "write <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>"
            yield Problem(f"TrainingImage {show(image)} {what}", path, remedy, severity="warning")
            return
        bare = image.rpartition("://")[2].strip()  # pasted as a web address
        full = (
            bare
            if places.image(bare)
            else f"<account>.dkr.ecr.<region>.amazonaws.com/{image.rpartition('/')[2][:60]}"
        )
        yield Problem(
            f"TrainingImage {show(image)} names no ECR registry, so that SageMaker takes it for an image in a "
            "private Docker registry, for which it demands TrainingImageConfig"
            if mode is None
            else f"TrainingImage {show(image)} names no ECR registry, and with TrainingRepositoryAccessMode "
            f"{show(mode)} SageMaker takes images from Amazon ECR alone",
            path,
            f"write {full}, or add TrainingImageConfig with TrainingRepositoryAccessMode Vpc"
            if view.tuning is None
            else f"write {full}",
            # The guide of these images hands them to SageMaker so.
            severity="warning" if image.startswith("public.ecr.aws/deep-learning-containers/") else None,
        )
    elif mode == "Vpc" and not view.request.get("VpcConfig"):
        yield Problem(
            "TrainingRepositoryAccessMode is Vpc, and the job has no VpcConfig to reach the registry through",
            ("VpcConfig",),
            "add VpcConfig with subnets and security groups that reach the registry",
        )


@rule("STP028", reads=("EnableNetworkIsolation", "*.AlgorithmName", "RemoteDebugConfig"))
def network_isolation(view: TrainingView) -> Iterator[Problem]:
    """An isolated container fetches nothing, and a marketplace algorithm runs isolated.

    What it does:
        Finds script mode code in S3 in a job with network isolation, a model_dir in S3 that TensorFlow's image is given in
        one, and an algorithm of another account without network isolation. Remote debugging where nobody gets in is a
        warning: in isolation, of built-in algorithms, and of AWS Marketplace.
    Why:
        Under network isolation the container cannot call S3, so that the toolkit cannot download
        sagemaker_submit_directory and the job fails; the code has to come in a channel. TensorFlow's toolkit asks S3 for
        the region of model_dir's bucket before it starts the script. An algorithm from AWS Marketplace may only run with
        network isolation.
    Example:
          EnableNetworkIsolation: true
          HyperParameters:
        -   {sagemaker_program: '"train.py"', sagemaker_submit_directory: '"s3://example-bucket/code/sourcedir.tar.gz"'}
        +   {sagemaker_program: '"train.py"', sagemaker_submit_directory: '"/opt/ml/input/data/code/sourcedir.tar.gz"'}
        + InputDataConfig:
        +   - ChannelName: code
        +     DataSource: {S3DataSource: {S3DataType: S3Prefix, S3Uri: "s3://example-bucket/code/"}}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/train-remote-debugging.html,
        https://github.com/aws/sagemaker-python-sdk/issues/2702
    """
    isolated = view.request.get("EnableNetworkIsolation")
    source = text(view.hyperparameters, "sagemaker_submit_directory")
    if isolated is True and source and source.strip("\"' ").startswith("s3://"):
        yield Problem(
            "the job has network isolation, and its code is to be downloaded from S3 by the container, which cannot",
            (view.hyperparameters_member, "sagemaker_submit_directory"),
            "put the archive into a channel called code, and write /opt/ml/input/data/code/sourcedir.tar.gz here",
        )
    saved = text(view.hyperparameters, "model_dir")
    scripted = isolated is True and view.framework is not None and view.framework.framework == "tensorflow"
    if scripted and saved and saved.strip("\"' ").startswith("s3://"):
        yield Problem(
            "the job has network isolation, and TensorFlow's image asks S3 for the bucket of model_dir, which it cannot",
            (view.hyperparameters_member, "model_dir"),
            "write /opt/ml/model (model_dir=False in the SDK's estimator leaves it out)",
        )
    name = text(view.algorithm, "AlgorithmName")
    if mapping(view.request, "RemoteDebugConfig").get("EnableRemoteDebug") is True:
        closed = (
            "a job with network isolation"
            if isolated is True
            else f"the algorithm {view.builtin.name}"
            if view.builtin is not None and "sagemaker_program" not in view.hyperparameters
            else "an algorithm from AWS Marketplace"
            if places.sold(name or "")
            else None
        )
        if closed:
            yield Problem(
                f"remote debugging is on, and does not work for {closed}",
                ("RemoteDebugConfig", "EnableRemoteDebug"),
                "leave RemoteDebugConfig out",
                severity="warning",
            )
    if name and name.startswith("arn:") and isolated is not True and not isinstance(isolated, Mapping):
        algorithm, role = places.arn(name), places.arn(text(view.request, "RoleArn") or "")
        if algorithm and role and algorithm[1].account != role[1].account:
            yield Problem(
                f"the algorithm {show(name)} is of another account; one from AWS Marketplace runs only with network "
                "isolation",
                ("EnableNetworkIsolation",),
                "set EnableNetworkIsolation to true",
                severity=None if places.sold(name) else "warning",
            )


@rule("STP030", scope="request", suspects="vpc", shared=True)
def vpc_ids(view: RequestView) -> Iterator[Problem]:
    """Subnets are subnets and security groups are security groups.

    What it does:
        Looks at the ids in VpcConfig: sg- among the subnets, subnet- or vpc- among the groups, availability zones, the
        group called default, names of several words, and subnet- or sg- with nothing behind it. Any other text that is no
        id is a warning: it may be a sample.
    Why:
        The service refuses the request, because it finds no such subnet or group.
    Example:
        - VpcConfig: {SecurityGroupIds: [subnet-0a1b2c3d4e5f60718], Subnets: [sg-0a1b2c3d4e5f60718]}
        + VpcConfig: {SecurityGroupIds: [sg-0a1b2c3d4e5f60718], Subnets: [subnet-0a1b2c3d4e5f60718]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html,
        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html
    """
    for path, value in view.suspected("vpc"):
        member = str(path[-2])
        begins = NETWORK.get(member)
        if begins is None:  # a text where a list belongs
            continue
        level: Severity | None = None
        if value.startswith(("subnet-", "sg-", "vpc-")) and not value.startswith(begins):
            what = "no subnet" if member == "Subnets" else "no security group"
        elif value == "default":
            what = "a group's name, not an id"
        elif re.fullmatch(r"[a-z]{2,4}(?:-[a-z]+){1,2}-\d[a-f]?", value):
            what = "an availability zone or region, not an id"
        elif value == begins:
            what = "an id without its number"
        elif "-" in value and not value.startswith(begins) and placeholder(value) is None:
            what = "a name, not an id"
        elif placeholder(value) is None and value not in NOTHING:
            what, level = f"no id: behind {begins} stand 8 or 17 digits from 0 to f", "warning"
        else:
            continue
        yield Problem(
            f"{member} holds {show(value)}, which is {what}",
            path,
            f"write ids that begin with {begins}",
            severity=level,
        )


@rule("STP034", scope="request", reads=("Tags",), shared=True)
def tags(view: RequestView) -> Iterator[Problem]:
    """Tag keys are the user's own, and each is given once.

    What it does:
        Finds two tags of one key, and keys that begin with aws:.
    Why:
        Tag keys are unique per resource, and those beginning with aws: are AWS's own: the service refuses both.
    Example:
        - Tags: [{Key: team, Value: churn}, {Key: team, Value: growth}]
        + Tags: [{Key: team, Value: churn}, {Key: project, Value: growth}]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html
    """
    seen: dict[str, int] = {}
    for i, tag in enumerate(listing(view.request, "Tags")):
        key = text(tag, "Key") if isinstance(tag, Mapping) else None
        if key is None:
            continue
        path: Path = ("Tags", i, "Key")
        if key.lower().startswith("aws:"):
            yield Problem(
                f"the tag key {show(key)} is AWS's own", path, "choose one that does not begin with aws:"
            )
        elif key in seen:
            yield Problem(
                f"the tag {show(key)} is given twice, as Tags[{seen[key]}] and Tags[{i}]",
                path,
                "keep one of them",
            )
        seen.setdefault(key, i)


@rule("STP035", scope="request", suspects="place")
def one_region(view: RequestView) -> Iterator[Problem]:
    """Everything that a job names lies in the job's region and partition.

    What it does:
        Compares the regions of KMS keys, SageMaker resources and buckets that name their region, and the
        partitions of all ARNs, with the job's region; where that is not known, with the image's. Images have a
        rule of their own, FRM017.
    Why:
        SageMaker uses only its region's keys, and reads buckets of its own region. A role of another partition
        (aws-cn, aws-us-gov) cannot be assumed. The service refuses the request.
    Example:
          region: eu-central-1
          AlgorithmSpecification: {TrainingImage: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/churn-trainer:1.4"}
        - OutputDataConfig: {S3OutputPath: "s3://sagemaker-us-east-1-123456789012/churn/"}
        + OutputDataConfig: {S3OutputPath: "s3://sagemaker-eu-central-1-123456789012/churn/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    for path, problem in _elsewhere(view):
        if path[-1] not in IMAGES:
            yield problem


@rule("FRM017", scope="request", suspects="place")
def image_region(view: RequestView) -> Iterator[Problem]:
    """The image lies in the registry of the job's region.

    What it does:
        Compares the region and partition of every image with the job's region, where that is known, and the domain
        of its registry with its region.
    Why:
        SageMaker pulls images only from the ECR of its own region: "Invalid DNS suffix 'amazonaws.com' for region
        'us-east-1' in training image. Please provide the valid <region>.<dns-suffix>: 'eu-central-1.amazonaws.com'".
        The service refuses the request.
    Example:
          region: eu-central-1
        - AlgorithmSpecification: {TrainingImage: "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-trainer:1.4"}
        + AlgorithmSpecification: {TrainingImage: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/churn-trainer:1.4"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-algo-docker-registry-paths.html
        https://github.com/aws-samples/mlops-amazon-sagemaker/issues/9
    """
    for path, value in view.suspected("place"):
        suffix = places.wrong_suffix(value) if path[-1] in IMAGES else None
        if suffix:
            yield Problem(
                f"Invalid DNS suffix in {path[-1]} {show(value)}", path, f"write {suffix} after the region"
            )
    for path, problem in _elsewhere(view):
        if path[-1] in IMAGES:
            yield problem


def _elsewhere(view: RequestView) -> Iterator[tuple[Path, Problem]]:
    """What lies in another region or partition than the job, with its path."""
    found = [
        (path, value, what)
        for path, value in view.suspected("place")
        if (what := place(str(path[-1]), value)) is not None
        and (what[1].partition or not what[1].region)  # of a region that there is not STP033 speaks
        and not (path[-1] in IMAGES and no_region(what[1].region))
    ]
    if len(found) < (1 if view.region else 2):
        return
    region, because = view.region or "", "the job runs in"
    if not region:
        found = [
            one for one in found if ACCOUNT not in one[1]
        ]  # a bucket that was made up, as its region was
        sure = [(path, what) for path, _, what in found if what[2] and what[1].region]
        images = [entry for entry in sure if entry[0][-1] in ("TrainingImage", "ImageUri", "Image")]
        if images or sure:
            where_from, what = (images or sure)[0]
            region, because = what[1].region, f"{where_from[-1]} is in"
    partition = places.partition_of(region) if region else found[0][2][1].partition if found else None
    for path, value, (name, where, certain) in found:
        if where.region and region and where.region != region:
            yield (
                path,
                Problem(
                    f"{name} {show(value)} is in {where.region}; {because} {region}",
                    path,
                    f"take the one of {region}, or run the job in {where.region}",
                    severity=None if certain else "warning",
                ),
            )
        elif where.partition and partition and where.partition != partition:
            yield (
                path,
                Problem(
                    f"{name} {show(value)} is in the partition {where.partition}; {because} {region or partition}",
                    path,
                    f"take one of the partition {partition}",
                    severity=None if view.region else "warning",
                ),
            )


@rule("STP036", scope="request", suspects="key", shared=True)
def key_forms(view: RequestView) -> Iterator[Problem]:
    """A KMS key is named by its id, its ARN or an alias.

    What it does:
        Looks at the form of every KMS key in the request but that of the output, which ART001 and ART010 look at.
    Why:
        The pattern of the model takes almost any text; KMS finds a key only by its id, its ARN, or an alias with
        `alias/` before it. The job fails when the key is used. A word that only stands for a key to be filled in, such
        as my-key, is a warning.
    Example:
        - ResourceConfig: {VolumeKmsKeyId: churn-volumes}
        + ResourceConfig: {VolumeKmsKeyId: alias/churn-volumes}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    for path, value in view.suspected("key"):
        if path[-2:] == ("OutputDataConfig", "KmsKeyId") and view.step.operation in TRAINS:
            continue
        service = (places.arn(value) or ("",))[0]
        other = service not in ("", "kms")
        absent = no_key(value)
        yield Problem(
            f"{path[-1]} {show(value)} is "
            + (f"an ARN of {service}, not of KMS" if other else "no key's id, ARN or alias"),
            path,
            f"leave {path[-1]} out where no key is meant"
            if absent
            else f"write the key's id (a UUID), its ARN, or alias/{value[:40]}",
            severity=key_severity(value),
        )


@rule("STP037", scope="request", suspects="nobody", severity="warning")
def placeholder_account(view: RequestView) -> Iterator[Problem]:
    """The account in an ARN is one that cannot exist.

    What it does:
        Finds the account 000000000000 in roles, keys and images.
    Why:
        It is what local stand-ins for AWS use, and no account has it: on AWS the role cannot be assumed.
    Example:
        - RoleArn: arn:aws:iam::000000000000:role/SageMakerRole
        + RoleArn: arn:aws:iam::123456789012:role/SageMakerRole
    Source:
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
    """
    for path, value in view.suspected("nobody"):
        parsed = places.arn(value) if value.startswith("arn:") else None
        where = parsed[1] if parsed else places.image(value) if path[-1] in IMAGES else None
        if where is not None and where.account == NOBODY:
            yield Problem(
                f"{show(value)} is of the account {NOBODY}, which no one has", path, "write your own account"
            )


@rule("STP050", reads=("?role",))
def role_path(view: TrainingView) -> Iterator[Problem]:
    """A role's ARN has the role's path in it.

    What it does:
        Looks for a role that the console made, AmazonSageMaker-ExecutionRole with a time, without `service-role/`, for
        an ARN that ends where the role's name should be or names something else (`:roles/`), for a service-linked role, and
        for a name that is longer than IAM's 64 characters.
    Why:
        The console makes these roles below the path service-role. An ARN put together from the name alone names a role
        that does not exist: "SageMaker was unable to assume the role". A service-linked role is the service's own: nobody
        can pass it to a job.
    Example:
        - RoleArn: arn:aws:iam::123456789012:role/AmazonSageMaker-ExecutionRole-20180114T073202
        + RoleArn: arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole-20180114T073202
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/43,
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html,
        https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
    """
    role = view.request.get("RoleArn")
    if not isinstance(role, str):
        return
    if role.endswith("/") or ":role/" not in role:
        yield Problem(
            f"RoleArn {show(role)} names no role", ("RoleArn",), "write :role/ and the role's name at its end"
        )
    name = role.partition(":role/")[2]
    if (size := len(name) - name.rfind("/") - 1) > ROLE_NAME:
        yield Problem(
            f"RoleArn {show(role)} has a name of {size} characters; the name of a role has at most {ROLE_NAME}",
            ("RoleArn",),
            "write the ARN of the role as IAM has it",
        )
    if LINKED_ROLE in role:
        yield Problem(
            f"RoleArn {show(role)} is a service-linked role, which cannot be passed to a job",
            ("RoleArn",),
            "write the ARN of an execution role that trusts sagemaker.amazonaws.com",
        )
    if re.fullmatch(r"AmazonSageMaker-ExecutionRole-\d{8}T\d{6}", name):
        yield Problem(
            f"RoleArn {show(role)} lacks the path of the roles that the console makes: SageMaker is unable to assume it",
            ("RoleArn",),
            f"write role/service-role/{name}; `aws iam get-role` shows the whole ARN",
        )


@rule("STP031", scope="request", suspects="network", shared=True)
def repeated_ids(view: RequestView) -> Iterator[Problem]:
    """A subnet or security group is listed once.

    What it does:
        Finds the same id twice in Subnets or SecurityGroupIds.
    Why:
        It does nothing but hide that another one was meant.
    Example:
        - VpcConfig: {SecurityGroupIds: [sg-0a1b2c3d4e5f60718], Subnets: [subnet-0a1b2c3d, subnet-0a1b2c3d]}
        + VpcConfig: {SecurityGroupIds: [sg-0a1b2c3d4e5f60718], Subnets: [subnet-0a1b2c3d, subnet-1a1b2c3d]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html
    """
    seen: set[tuple[Path, str]] = set()
    for path, value in view.suspected("network"):
        if (path[:-1], value) in seen:
            yield Problem(f"{show(value)} is listed twice", path, "keep it once", severity="warning")
        seen.add((path[:-1], value))
