"""The built-in algorithms' demands."""

from __future__ import annotations

from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES, merge
from tests.checks import made
from tests.checks.made import TUNING, XGBOOST, broken, findings_of

REGISTRY = ".dkr.ecr.us-east-1.amazonaws.com/"
LINEAR = f"382416733822{REGISTRY}linear-learner:1"
IMAGES = f"811284229777{REGISTRY}image-classification:1"


def channel(name: str, content: str | None = "text/csv", **members: Any) -> dict[str, Any]:
    return made.channel(name, **({"ContentType": content} if content else {}), **members)


def job(image: str, hyperparameters: dict[str, str], *channels: dict[str, Any]) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": image},
        "HyperParameters": hyperparameters,
        "InputDataConfig": list(channels) or [channel("train")],
        "ResourceConfig": {"InstanceType": "ml.p3.2xlarge" if image == IMAGES else "ml.m5.xlarge"},
    }


CLASSES = {"num_round": "10", "objective": "binary:logistic"}
RANKED = {"num_round": "10", "objective": "multi:softprob", "num_class": "3"}


@pytest.mark.parametrize(
    ("hyperparameters", "rules"),
    [
        ({"num_round": "10"}, set()),
        ({"objective": "binary:logistic"}, {"HPO038"}),
        ({"num_round": "10", "objective": "binary:logistics"}, {"HPO040"}),
        ({"num_round": "10", "eta": "0.1", "max_dept": "3"}, {"HPO039"}),
        ({"num_round": "10", "_tuning_objective_metric": "validation:rmse", "_kfold": "5"}, set()),
        ({"num_round": "10", "__FLYTE_ENTRYPOINT_SELECTOR__": "SAGEMAKER"}, {"HPO039"}),
        ({"num_round": "ten"}, {"HPO040"}),
        ({"num_round": '"10"'}, {"HPO040"}),
        ({"num_round": "10", "booster": ""}, {"HPO040"}),
        ({"num_round": "10", "objective": "multi:softprob"}, {"HPO041"}),
        ({"num_round": "10", "objective": "multi:softprob", "num_class": "3"}, set()),
        ({"num_round": "10", "objective": "reg:squarederror", "num_class": "3"}, {"HPO041"}),
        (
            {"num_round": "10", "objective": "multi:softmax", "num_class": "3", "eval_metric": "rmse"},
            {"HPO041"},
        ),
        (
            {
                "num_round": "10",
                "objective": "multi:softmax",
                "num_class": "3",
                "eval_metric": "mlogloss,merror",
            },
            set(),
        ),
        ({"num_round": "10", "objective": "binary:logistic", "eval_metric": "logloss,merror"}, {"HPO041"}),
        ({**RANKED, "eval_metric": "map"}, {"HPO041"}),
        ({**CLASSES, "eval_metric": "auc,error"}, set()),
        ({**CLASSES, "eval_metric": "error@0.7"}, set()),
        *(
            ({**CLASSES, "eval_metric": each}, {"HPO040"})
            for each in ('["auc"]', "['auc']", '"auc"', "auc, error")
        ),
        ({"num_round": "10", "process_type": "update", "updater": "refresh,prune"}, set()),
        ({"num_round": "10", "process_type": "update", "updater": "grow_histmaker,prune"}, {"HPO041"}),
        ({"num_round": "10", "tree_method": "gpu_hist"}, {"HPO042"}),
        ({"num_round": "10", "_tuning_objective_metric": "validation:auc"}, set()),
    ],
)
def test_xgboost(hyperparameters: dict[str, str], rules: set[str]) -> None:
    assert broken(findings_of(job(XGBOOST, hyperparameters))) == rules


@pytest.mark.parametrize(
    ("version", "hyperparameters", "rules"),
    [
        ("0.90-2-cpu-py3", {"eval_metric": "rmse"}, set()),
        ("1.0-1-cpu-py3", {"eval_metric": "rmse"}, set()),
        ("1.2-1", {"eval_metric": "rmse"}, {"HPO041"}),
        ("1.0-1-cpu-py3", {"eval_metric": "auc"}, {"HPO041"}),
        ("1.5-1", {"sampling_method": "gradient_based"}, set()),
        ("1.5-1", {"sampling_method": "gradient_based", "subsample": "0.5"}, {"HPO041"}),
    ],
)
def test_what_xgboost_wants_together_depends_on_its_version(
    version: str, hyperparameters: dict[str, str], rules: set[str]
) -> None:
    image = XGBOOST.rpartition(":")[0] + f":{version}"
    assert broken(findings_of(job(image, {"num_round": "10", **hyperparameters}))) == rules


@pytest.mark.parametrize(
    ("loss", "severity"), [("absolute_loss", "warning"), ("huber_loss", "error"), ("logistic", None)]
)
def test_what_examples_of_amazon_do_against_the_guide_is_a_warning(loss: str, severity: str | None) -> None:
    given = {"predictor_type": "binary_classifier", "loss": loss, "feature_dim": "784"}
    found = findings_of(job(LINEAR, given), "HPO041")
    assert [one.severity for one in found] == ([severity] if severity else [])


@pytest.mark.parametrize(("samples", "severity"), [("1", "warning"), ("20", "error")])
def test_a_bound_of_one_stands_for_a_number_to_be_filled_in(samples: str, severity: str) -> None:
    given = {**IMAGES_HAS, "num_training_samples": samples, "mini_batch_size": "32"}
    assert [one.severity for one in findings_of(job(IMAGES, given), "HPO044")] == [severity]


def test_a_quoted_value_is_told_to_be_bare() -> None:
    (found,) = findings_of(job(XGBOOST, {"num_round": '"10"'}), "HPO040")
    assert found.remedy == "write it bare: 10"


def test_a_script_in_the_same_image_takes_what_it_likes() -> None:
    script = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://example-bucket/code.tar.gz",
        "depth": "3",
    }
    rules = broken(findings_of(job(XGBOOST, script, channel("anything", "application/json"))))
    assert not {rule for rule in rules if rule.startswith(("HPO", "CHN"))}


def test_an_own_image_of_that_name_is_not_amazons() -> None:
    own = f"123456789012{REGISTRY}sagemaker-xgboost:1.7-1"
    assert not broken(findings_of(job(own, {"depth": "3"}, channel("anything", "application/json"))))


@pytest.mark.parametrize(
    ("channels", "rules"),
    [
        ([channel("train")], set()),
        ([channel("training")], {"CHN031"}),
        ([channel("train"), channel("valid")], {"CHN031"}),
        ([channel("train"), channel("val")], {"CHN031"}),
        ([channel("train", "text/csv;label_size=1")], set()),
        ([channel("train", "text/csv;label_size=0")], {"CHN037"}),
        ([channel("train", "text/CSV")], {"CHN032"}),
        ([channel("train", "text/csv; charset=utf-8")], {"CHN032"}),
        ([channel("train", "application/json")], {"CHN032"}),
        ([channel("train", InputMode="FastFile")], set()),
    ],
)
def test_channels_of_xgboost(channels: list[dict[str, Any]], rules: set[str]) -> None:
    assert broken(findings_of(job(XGBOOST, {"num_round": "10"}, *channels))) == rules


def test_linear_learner() -> None:
    ok = {"predictor_type": "regressor", "loss": "absolute_loss", "feature_dim": "auto"}
    assert not broken(findings_of(job(LINEAR, ok)))
    assert broken(findings_of(job(LINEAR, {**ok, "predictor_type": "multiclass_classifier"}))) == {"HPO041"}


def test_a_value_without_its_capitals_is_a_warning() -> None:
    deepar = f"522234722520{REGISTRY}forecasting-deepar:1"
    needed = {"time_freq": "D", "context_length": "30", "prediction_length": "30", "epochs": "10"}

    def severities(likelihood: str) -> list[str]:
        patch = job(deepar, {**needed, "likelihood": likelihood}, channel("train", "json"))
        return [f.severity for f in findings_of(patch, "HPO040")]

    assert severities("student-T") == []
    assert severities("student-t") == ["warning"]
    assert severities("Gaussian") == ["error"]
    assert severities("poisson") == ["error"]


def test_image_lists() -> None:
    hyperparameters = {"num_classes": "3", "num_training_samples": "900"}
    files = [channel(name, "application/x-image") for name in ("train", "validation")]
    found = findings_of(job(IMAGES, hyperparameters, *files), "CHN030")
    assert {f.message.rpartition(" for ")[0].rpartition(" ")[2] for f in found} == {
        "'train_lst'",
        "'validation_lst'",
    }
    records = [channel(name, "application/x-recordio") for name in ("train", "validation")]
    assert not broken(findings_of(job(IMAGES, hyperparameters, *records)))


def test_a_tuned_hyperparameter_is_not_missing() -> None:
    eta = {"Name": "num_round", "MinValue": "1", "MaxValue": "50"}
    patch = {
        "HyperParameterTuningJobConfig": {
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
            "ParameterRanges": {"ContinuousParameterRanges": None, "IntegerParameterRanges": [eta]},
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {"TrainingImage": XGBOOST, "MetricDefinitions": None},
            "StaticHyperParameters": {"objective": "binary:logistic"},
            "InputDataConfig": [channel("train"), channel("validation")],
        },
    }
    assert not findings_of(patch, "HPO038", operation=TUNING)


DETECTION = f"811284229777{REGISTRY}object-detection:1"
FOREST = f"382416733822{REGISTRY}randomcutforest:1"


def manifest(name: str, *attributes: str, **members: Any) -> dict[str, Any]:
    found = channel(name, "application/x-recordio", InputMode="Pipe", RecordWrapperType="RecordIO", **members)
    source = {"S3DataType": "AugmentedManifestFile", "S3Uri": f"s3://example-bucket/{name}.manifest"}
    found["DataSource"] = {"S3DataSource": {**source, "AttributeNames": list(attributes)}}
    return found


@pytest.mark.parametrize(
    ("attributes", "wrapper", "rules"),
    [
        (("source-ref", "boxes"), "RecordIO", set()),
        (("source-ref",), "RecordIO", {"CHN034"}),
        ((), "RecordIO", {"CHN034"}),
        (("source-ref", "boxes"), "None", {"CHN034"}),
    ],
)
def test_augmented_manifests(attributes: tuple[str, ...], wrapper: str, rules: set[str]) -> None:
    hyperparameters = {"num_classes": "3", "num_training_samples": "900"}
    channels = [manifest(name, *attributes) for name in ("train", "validation")]
    channels[0]["RecordWrapperType"] = wrapper
    patch = job(DETECTION, hyperparameters, *channels)
    patch["ResourceConfig"] = {"InstanceType": "ml.p3.2xlarge"}
    assert broken(findings_of(patch)) == rules


def test_a_manifest_brings_its_annotations() -> None:
    image = DETECTION.replace("object-detection", "semantic-segmentation")
    channels = [manifest(name, "source-ref", "mask-ref") for name in ("train", "validation")]
    patch = job(image, {"num_classes": "3", "num_training_samples": "900"}, *channels)
    assert not findings_of(patch, "CHN030")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("monotone_constraints", "(1, 0, -1)", False),
        ("monotone_constraints", "1,0", False),
        ("monotone_constraints", "(1,)*3", False),
        ("monotone_constraints", "(2,0)", True),
        ("monotone_constraints", "increasing", True),
        ("interaction_constraints", "[[1, 2], [3]]", False),
        ("interaction_constraints", "[[0, 1]]", True),
        ("interaction_constraints", "[1, 2]", True),
    ],
)
def test_constraints_of_xgboost(name: str, value: str, told: bool) -> None:
    given = {"num_round": "10", "tree_method": "hist", name: value}
    found = findings_of(job(XGBOOST, given), "HPO044")
    assert [f.path for f in found] == [f"HyperParameters.{name}"] * told


def test_random_cut_forest() -> None:
    def forest(content: str, distribution: str) -> dict[str, Any]:
        train = channel("train", content)
        train["DataSource"]["S3DataSource"]["S3DataDistributionType"] = distribution
        return job(FOREST, {"feature_dim": "3"}, train)

    assert findings_of(forest("text/csv;label_size=0", "ShardedByS3Key")) == []
    assert broken(findings_of(forest("text/csv;label_size=0", "FullyReplicated"))) == {"CHN036"}
    assert [f.severity for f in findings_of(forest("text/csv", "ShardedByS3Key"), "CHN037")] == ["warning"]


@pytest.mark.parametrize(("hosts", "severities"), [(1, []), (2, ["warning"])])
def test_a_validation_channel_is_whole_on_each_host(hosts: int, severities: list[str]) -> None:
    validation = channel("validation")
    validation["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    patch = job(LINEAR, {"predictor_type": "regressor"}, channel("train"), validation)
    patch["ResourceConfig"] |= {"InstanceCount": hosts}
    assert [f.severity for f in findings_of(patch, "CHN036")] == severities


KNN = f"382416733822{REGISTRY}knn:1"
DEEPAR = f"522234722520{REGISTRY}forecasting-deepar:1"
OBJECT2VEC = f"382416733822{REGISTRY}object2vec:1"
BLAZING = f"811284229777{REGISTRY}blazingtext:1"
KNN_HAS = {"feature_dim": "100", "k": "10", "sample_size": "1000", "predictor_type": "classifier"}
DEEPAR_HAS = {"time_freq": "D", "context_length": "30", "prediction_length": "30", "epochs": "20"}
IMAGES_HAS = {"num_classes": "3", "num_training_samples": "900", "use_pretrained_model": "1"}
ENCODER = {"enc0_vocab_size": "20", "enc0_max_seq_len": "9", "enc1_max_seq_len": "9"}


@pytest.mark.parametrize(
    ("image", "hyperparameters", "rules"),
    [
        (KNN, {**KNN_HAS, "index_type": "faiss.IVFPQ", "index_metric": "COSINE"}, {"HPO041"}),
        (KNN, {**KNN_HAS, "index_type": "faiss.IVFPQ", "index_metric": "L2"}, set()),
        (
            KNN,
            {**KNN_HAS, "dimension_reduction_type": "sign", "dimension_reduction_target": "150"},
            {"HPO044"},
        ),
        (KNN, {**KNN_HAS, "index_type": "faiss.IVFFlat", "faiss_index_ivf_nlists": "2000"}, {"HPO044"}),
        (KNN, {**KNN_HAS, "index_type": "faiss.IVFFlat", "faiss_index_ivf_nlists": "auto"}, set()),
        (DEEPAR, {**DEEPAR_HAS, "test_quantiles": "0.1,0.5,0.9"}, {"HPO044"}),
        (DEEPAR, {**DEEPAR_HAS, "time_freq": "10S"}, {"HPO044"}),
        (DEEPAR, {**DEEPAR_HAS, "test_quantiles": "[0.1, 0.5, 0.9]", "cardinality": "[2, 3]"}, set()),
        (IMAGES, {**IMAGES_HAS, "image_shape": "3,150,250", "top_k": "1"}, set()),
        (IMAGES, {**IMAGES_HAS, "image_shape": "3, 224, 224", "resize": "256"}, set()),
        (IMAGES, {**IMAGES_HAS, "image_shape": "3,224,224", "resize": "128"}, {"HPO044"}),
        (IMAGES, {**IMAGES_HAS, "num_layers": "20"}, {"HPO041"}),
        (IMAGES, {**IMAGES_HAS, "lr_scheduler_step": "10;20"}, {"HPO044"}),
        (OBJECT2VEC, {**ENCODER, "enc1_vocab_size": "30"}, {"HPO044"}),
        (OBJECT2VEC, {**ENCODER, "enc1_vocab_size": "30", "enc1_network": "bilstm"}, set()),
        (BLAZING, {"mode": "supervised", "early_stopping": "True"}, {"CHN030"}),
        (BLAZING, {"mode": "supervised", "early_stopping": "False"}, set()),
    ],
)
def test_what_goes_together(image: str, hyperparameters: dict[str, str], rules: set[str]) -> None:
    content = {DEEPAR: "json", IMAGES: "application/x-recordio", BLAZING: "text/plain"}.get(
        image, "application/jsonlines" if image == OBJECT2VEC else "text/csv"
    )
    names = ["train", "validation"] if image == IMAGES else ["train"]
    found = findings_of(job(image, hyperparameters, *(channel(name, content) for name in names)))
    assert broken(found) == rules


@pytest.mark.parametrize(
    ("image", "hyperparameters", "told"),
    [
        (XGBOOST, {"num_round": "100", "early_stopping_rounds": "100"}, True),
        (XGBOOST, {"num_round": "100", "early_stopping_rounds": "99"}, False),
        (DEEPAR, {**DEEPAR_HAS, "early_stopping_patience": "20"}, True),
        (DEEPAR, {**DEEPAR_HAS, "early_stopping_patience": "10"}, False),
        (BLAZING, {"mode": "skipgram", "subwords": "True", "min_char": "8", "max_char": "6"}, True),
        (BLAZING, {"mode": "skipgram", "subwords": "True", "min_char": "6", "max_char": "6"}, False),
        (IMAGES, {**IMAGES_HAS, "epochs": "20", "lr_scheduler_step": "20,40"}, True),
        (IMAGES, {**IMAGES_HAS, "epochs": "20", "lr_scheduler_step": "10,40"}, False),
        (IMAGES, {**IMAGES_HAS, "epochs": "20", "checkpoint_frequency": "20"}, False),
    ],
)
def test_what_never_comes(image: str, hyperparameters: dict[str, str], told: bool) -> None:
    found = [f for f in findings_of(job(image, hyperparameters)) if f.rule == "HPO046"]
    assert [f.severity for f in found] == ["warning"] * told


def test_blazingtext_reads_its_lines_under_any_name_of_text() -> None:
    found = {
        content: len(findings_of(job(BLAZING, {"mode": "supervised"}, channel("train", content)), "CHN032"))
        for content in ("text/plain", "text/csv", "application/json")
    }
    assert found == {"text/plain": 0, "text/csv": 0, "application/json": 1}


def test_lines_of_an_augmented_manifest_come_as_recordio() -> None:
    part = channel("train", "application/x-recordio") | {"InputMode": "Pipe"}
    assert findings_of(job(BLAZING, {"mode": "supervised"}, part), "CHN032")
    part["DataSource"]["S3DataSource"]["S3DataType"] = "AugmentedManifestFile"
    assert not findings_of(job(BLAZING, {"mode": "supervised"}, part), "CHN032")


def test_channels_of_one_job_hold_one_kind_of_data() -> None:
    request = job(XGBOOST, {"num_round": "10"}, channel("train"), channel("validation", None))
    assert broken(findings_of(request)) == {"CHN032"}
    request = job(XGBOOST, {"num_round": "10"}, channel("train", "libsvm"), channel("validation", None))
    assert not broken(findings_of(request))


def test_a_misspelt_hyperparameter_is_one_mistake() -> None:
    found = findings_of(job(XGBOOST, {"num_rounds": "10"}))
    assert [(f.rule, f.path) for f in found if f.severity == "error"] == [
        ("HPO039", "HyperParameters.num_rounds")
    ]


def test_manifests_in_file_mode_are_one_mistake() -> None:
    channels = [channel(name, "application/x-recordio") for name in ("train", "validation")]
    for each in channels:
        each["DataSource"]["S3DataSource"].update(
            S3DataType="AugmentedManifestFile",
            S3Uri="s3://example-bucket/labels/all.manifest",
            AttributeNames=["source-ref", "label"],
        )
        each["RecordWrapperType"] = "RecordIO"
    request = job(IMAGES, {"num_classes": "3", "num_training_samples": "900"}, *channels)
    request["AlgorithmSpecification"]["TrainingInputMode"] = "File"
    found = [f for f in findings_of(request) if f.severity == "error"]
    assert [f.rule for f in found] == ["CHN006"]
    assert "'train'" in found[0].message
    assert "'validation'" in found[0].message


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({}, set()),
        ({"tree_method": "hist"}, {"HPO041"}),
        ({"content": "text/libsvm"}, {"CHN038"}),
        ({"content": None}, {"CHN038"}),
        ({"mode": "Pipe"}, {"CHN038"}),
        ({"spread": "ShardedByS3Key"}, {"CHN038"}),
    ],
)
def test_training_with_dask(change: dict[str, str], rules: set[str]) -> None:
    values = {
        "num_round": "10",
        "use_dask_gpu_training": "true",
        "tree_method": change.get("tree_method", "gpu_hist"),
    }
    data = channel("train", change.get("content", "text/csv"))
    data["DataSource"]["S3DataSource"]["S3DataDistributionType"] = change.get("spread", "FullyReplicated")
    request = job(XGBOOST, values, data)
    request["AlgorithmSpecification"]["TrainingInputMode"] = change.get("mode", "File")
    request["ResourceConfig"] = {"InstanceType": "ml.p3.8xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30}
    assert broken(findings_of(request)) == rules


def test_an_old_version_does_not_know_what_later_ones_do() -> None:
    old = f"811284229777{REGISTRY}xgboost:1"
    assert broken(findings_of(job(old, {"num_round": "10", "monotone_constraints": "(1,0)"}))) == {"HPO039"}
    for image, version in (
        (old, "1.0-1"),
        (f"683313688378{REGISTRY}sagemaker-xgboost:0.90-1-cpu-py3", "1.0-1"),
    ):
        found = findings_of(job(image, {"num_round": "10", "monotone_constraints": "(1,0)"}))
        assert f"use version {version} of the algorithm" in found[0].remedy
    assert not broken(findings_of(job(old, {"num_round": "10", "num_parallel_tree": "4"})))


@pytest.mark.parametrize("name", ["objective", "eval_metric", "updater"])
def test_a_hyperparameter_that_is_null(name: str) -> None:
    values = {"num_round": "5", "objective": "binary:logistic"}
    request = merge(BASES["CreateTrainingJob"], job(XGBOOST, values))
    request["HyperParameters"][name] = None
    found = cursus.check(request).findings
    assert [f.path for f in found if f.severity == "error"] == [f"HyperParameters.{name}"]


def test_a_hyperparameter_that_image_classification_does_not_use_is_no_error() -> None:
    given = {"num_classes": "2", "num_training_samples": "100", "use_lr_scheduler": "1"}
    channels = [channel(name, "application/x-recordio") for name in ("train", "validation")]
    found = [finding for finding in findings_of(job(IMAGES, given, *channels)) if finding.rule == "HPO039"]
    assert [(one.severity, one.path) for one in found] == [("warning", "HyperParameters.use_lr_scheduler")]
    given = {"num_class": "2", "num_training_samples": "100"}
    assert broken(findings_of(job(IMAGES, given, *channels))) == {"HPO039"}


def test_an_algorithms_image_with_a_command_of_ones_own_runs_no_algorithm() -> None:
    image = {"TrainingImage": XGBOOST, "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/train.py"]}
    channels = [channel("code"), channel("train")]
    found = findings_of({"AlgorithmSpecification": image, "HyperParameters": {}, "InputDataConfig": channels})
    assert not broken(found)
