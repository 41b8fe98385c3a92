"""Findings on hooks and objects stand where what they are about is written."""

from __future__ import annotations

from pathlib import Path

import pytest

import cursus
from tests.steps.written.shapes import SHAPES
from tests.steps.written.sources import HEAD, made, where

CREATE = """
            def create_step(self):
                return request(ResourceConfig={"InstanceType": "ml.m5.large", REST})
"""
WITHOUT = """
            def create_step(self):
                return request()
"""
HOOKS = {
    "STP003 HyperParameters.depth": """
        class Builder:
            def get_hyperparameters(self):
                return {"epochs": 3, "depth": <HERE>7}
            def create_step(self):
                given = {name: value for name, value in self.get_hyperparameters().items()}
                return request(ResourceConfig={REST}, HyperParameters={**given, "epochs": "3"})
    """,
    "STP003 HyperParameters.max-depth": """
        class Builder:
            settings = dict(epochs="3", max_depth=<HERE>7)
            def create_step(self):
                given = {name.replace("_", "-"): value for name, value in self.settings.items()}
                return request(HyperParameters=given)
    """,
    "STP003 HyperParameters.lr": """
        class Builder:
            def create_step(self):
                given = {}
                for name, value in {"epochs": "3", "lr": <HERE>0.5}.items():
                    given[name] = value
                return request(HyperParameters=given)
    """,
    "MON001 AlgorithmSpecification.MetricDefinitions[1].Regex": """
        class Builder:
            def get_metrics_config(self):
                found = [{"Name": "a", "Regex": "a=([0-9.]+)"}]
                found.append({"Name": "b", "Regex": <HERE>"b=([0-9.]+"})
                found.append({"Name": "c", "Regex": "c=([0-9.]+)"})
                return found
    """
    + CREATE,
    "MON001 AlgorithmSpecification.MetricDefinitions[2].Regex": """
        FIRST = [{"Name": "a", "Regex": "a=([0-9.]+)"}, {"Name": "b", "Regex": "b=([0-9.]+)"}]
        class Builder:
            def get_metrics_config(self):
                return {"MetricDefinitions": FIRST + [{"Name": "c", "Regex": <HERE>"c=([0-9.]+"}]}
    """
    + CREATE,
    "MON001 AlgorithmSpecification.MetricDefinitions[0].Regex": """
        class Builder:
            metrics = {"a": <HERE>"a=([0-9.]+", "b": "b=([0-9.]+)"}
            def get_metrics_config(self):
                return [{"Name": name, "Regex": regex} for name, regex in self.metrics.items()]
    """
    + CREATE,
    "STP004 InputDataConfig[1].DataSource.S3DataSource.S3DataType": """
        class Builder:
            def get_training_inputs(self):
                return {
                    "train": "s3://example-bucket/train/",
                    "test": {"S3DataType": <HERE>"Prefix", "S3Uri": "s3://example-bucket/test/"},
                }
    """
    + CREATE,
    "STP005 InputDataConfig[1].ChannelName": """
        class Builder:
            def get_training_inputs(self):
                for name in ("train", <HERE>"te st"):
                    yield {"ChannelName": name, "DataSource": {"S3DataSource": {
                        "S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/" + name[:2]}}}
    """
    + CREATE,
    "CHN081 InputDataConfig[0].DataSource.S3DataSource.S3DataDistributionType": """
        class Builder:
            def get_data_distribution_config(self):
                return {"train": <HERE>"ShardedByS3Key"}
            def create_step(self):
                return request(InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": {
                    "S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/t/",
                    "S3DataDistributionType": "FullyReplicated"}}}])
    """,
    "STP034 Tags[1].Key": """
        class Builder:
            tags = {"team": "churn", <HERE>"aws:owner": "ours"}
            def create_step(self):
                return request(Tags=[{"Key": key, "Value": value} for key, value in self.tags.items()])
    """,
    "STP042 OutputDataConfig.S3OutputPath": """
        class Builder:
            def get_model_output_config(self):
                return {"S3OutputPath": <HERE>"s3://A_B/models/"}
            def create_step(self):
                made = request()
                del made["OutputDataConfig"]
                return made
    """,
    "ART099 ": """
        class Builder:
            def get_model_output_config(self):
                return {"OutputDataConfig": {"S3OutputPath": "s3://example-bucket/models/", "KmsKey": <HERE>"x"}}
    """
    + CREATE,
    "RES001 ResourceConfig.InstanceGroups[1].InstanceType": """
        class Builder:
            def is_distributed_training(self):
                return True
            def get_distributed_config(self):
                return {"MasterType": "ml.m5.large", "WorkerType": <HERE>"ml.m5.tiny", "WorkerCount": 2}
    """
    + WITHOUT,
    "RES095 ": """
        class Builder:
            def get_resource_optimization_config(self):
                config = {"instance_type": "ml.m5.large"}
                config["volumesize"] = <HERE>30
                return config
    """
    + CREATE,
    "MON095 ": """
        class Builder:
            def get_logging_config(self):
                return {"LogLevel": <HERE>"LOUD"}
    """
    + CREATE,
    "HPO001 HyperParameterTuningJobConfig.ParameterRanges.ContinuousParameterRanges[0].MinValue": """
        class Builder:
            def get_tuning_config(self):
                ranges = {"depth": {"min": 1, "max": 9}}
                ranges["lr"] = {"min": <HERE>0.5, "max": 0.1}
                return {"objective_metric": "validation:accuracy", "hyperparameter_ranges": ranges, "max_jobs": 4}
    """
    + CREATE,
    "DEP081 ": """
        class Builder:
            def get_dependencies(self):
                return {"train": {"step": "Split", "output": <HERE>"trian"}}
            def get_step_config(self):
                return {"upstream": [{"name": "Split", "outputs": ["train"]}]}
    """
    + CREATE,
    "DEP083 ": """
        class Builder:
            def get_dependencies(self):
                return {"model": {"step": <HERE>"churn", "output": "model"}}
    """
    + CREATE,
    "DEP082 ": """
        class Builder:
            def get_dependencies(self):
                return {"train": {"step": <HERE>"Split", "output": "train"}}
            def get_step_config(self):
                return {"upstream": [{"name": "Split", "outputs": ["train"], "depends_on": ["churn"]}]}
    """
    + CREATE,
    "DEP086 InputDataConfig": """
        class Builder:
            def get_dependencies(self):
                return {
                    "train": {"step": "Split", "output": "train"},
                    "test": <HERE>{"step": "Split", "output": "test"},
                }
            def create_step(self):
                return request(InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": {
                    "S3DataType": "S3Prefix", "S3Uri": "s3://example-bucket/t/"}}}])
    """,
    "DST010 ": """
        WAY = <HERE>"DataParalel"
        class Builder:
            def get_distributed_config(self):
                return {"DistributionStrategy": WAY}
    """
    + CREATE,
    "DST081 ResourceConfig": """
        class Builder:
            def is_distributed_training(self):
                if self is None:
                    return False
                return <HERE>True
    """
    + CREATE,
    "RES014 ResourceConfig.InstanceType": """
        class Builder:
            def get_gpu_optimization_config(self):
                return {"mixed_precision": <HERE>"bf16", "processes_per_host": 1}
    """
    + CREATE,
    "RES015 ResourceConfig.InstanceType": """
        class Builder:
            def get_gpu_optimization_config(self):
                return {"mixed_precision": "none", "processes_per_host": <HERE>0}
    """
    + CREATE,
    "FRM015 AlgorithmSpecification.TrainingImage": """
        class Builder:
            def get_step_config(self):
                return {"framework": "sklearn", "framework_version": <HERE>"1.0-1"}
            def create_step(self):
                made = request(ResourceConfig={"InstanceType": "ml.m5.large", REST})
                registry = "683313688378.dkr.ecr.us-east-1.amazonaws.com/"
                made["AlgorithmSpecification"]["TrainingImage"] = registry + "sagemaker-scikit-learn:1.2-1-cpu-py3"
                return made
    """,
    "STP041 InputDataConfig[1].DataSource.S3DataSource.S3Uri": """
        def channel(name, uri):
            return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
        class Builder:
            def get_training_inputs(self):
                web, s3 = "https://example-bucket.s3.amazonaws.com", "s3://example-bucket"
                return {"a": channel("a", f"{s3}/a/"), "b": channel("b", <HERE>f"{web}/b/")}
            def create_step(self):
                return request(InputDataConfig=list(self.get_training_inputs().values()))
    """,
    "ART081 ": """
        class Builder:
            def get_expected_artifacts(self):
                return ["model.tar.gz", <HERE>"/opt/ml/model/model.pkl"]
    """
    + CREATE,
    "MON080 AlgorithmSpecification.MetricDefinitions": """
        class Builder:
            def get_metrics_config(self):
                return {"MetricDefinitions": [<HERE>{"Name": "accuracy", "Regex": "a=([0-9.]+)"}]}
            def create_step(self):
                made = request(ResourceConfig={REST})
                made["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "l=([0-9.]+)"}]
                return made
    """,
}


@pytest.mark.parametrize("rule", HOOKS)
def test_hooks(tmp_path: Path, rule: str) -> None:
    target, line, column = made(tmp_path, HOOKS[rule])
    id, _, path = rule.partition(" ")
    found = [one for one in cursus.check(target).findings if (one.rule, one.path) == (id, path)]
    assert [(one.line, one.column) for one in found] == [(line, column)]


# --- what is not known ---------------------------------------------------------------------------------


def test_missing_member_stands_at_what_lacks_it(tmp_path: Path) -> None:
    target, line, column = made(
        tmp_path,
        """
        class Builder:
            def create_step(self):
                return request(ResourceConfig=<HERE>{"InstanceType": "ml.m5.large", "VolumeSizeInGB": 10})
        """,
    )
    place = where(target, "STP021")
    assert (place.line, place.column) == (line, column)


@pytest.mark.parametrize("trouble", ["gone", "broken", "huge", "nested"])
def test_source_that_cannot_be_read(tmp_path: Path, trouble: str) -> None:
    target, _, _ = made(tmp_path, SHAPES["literal"])
    from cursus.steps.imports import named_object

    file, _, name = target.rpartition(":")
    builder = named_object(file, name)
    if trouble == "gone":
        Path(file).unlink()
    else:
        text = {"broken": "def (", "huge": "#" * 3_000_000, "nested": "(" * 5_000}[trouble]
        Path(file).write_text(text)
    place = where(builder)
    assert (place.line, place.column) == (builder.create_step.__code__.co_firstlineno, None)


def test_circles_end(tmp_path: Path) -> None:
    target, _, _ = made(
        tmp_path,
        """
        class Builder:
            @property
            def kind(self):
                return self.other
            other = kind
            def helper(self, depth=0):
                return self.helper(depth + 1) if depth < 3 else "ml.m5.tiny"
            def create_step(self):
                resources = {REST}
                resources = {**resources, "InstanceType": self.helper()}
                resources = {**resources, **resources}
                return request(ResourceConfig=resources)<HERE>
        """,
    )
    assert where(target).line is not None


def test_keys_out_of_mappings_of_such_keys_end(tmp_path: Path) -> None:
    names = ("a", "b", "InstanceType")
    mappings = [f"d0 = { ({name: name for name in names}) }"]
    for number in range(1, 40):
        entries = (f"d{number - 1}['{name}']: '{name}'" for name in names)
        mappings.append(f"d{number} = {{{', '.join(entries)}}}")
    builder = """
class Builder:
    def create_step(self):
        return request(ResourceConfig={d39["InstanceType"]: "ml.m5.tiny", REST})<HERE>
"""
    target, _, _ = made(tmp_path, "\n".join(mappings) + builder)
    assert where(target).line is not None


def test_many_findings_in_a_large_builder(tmp_path: Path) -> None:
    tags = "".join(f'            {{"Key": "aws:{n}", "Value": {n}}},\n' for n in range(3000))
    file = tmp_path / "builder.py"
    file.write_text(
        f"{HEAD}\nclass Builder:\n    def create_step(self):\n        return request(Tags=[\n{tags}        ])\n"
    )
    found = [one for one in cursus.check(f"{file}:Builder").findings if one.path.startswith("Tags[")]
    lines = file.read_text().splitlines()
    assert found
    assert all(f"aws:{one.path[5:].partition(']')[0]}" in lines[(one.line or 0) - 1] for one in found)


# --- objects of a module -------------------------------------------------------------------------------

OBJECTS = {
    "builder": """
        KIND = <HERE>"ml.m5.tiny"
        builder = request(ResourceConfig={"InstanceType": KIND, REST})
    """,
    "builder of a function": """
        def builder():
            made = request(ResourceConfig={REST})
            made["ResourceConfig"]["InstanceType"] = <HERE>"ml.m5.tiny"
            return made
    """,
}


@pytest.mark.parametrize("form", OBJECTS)
def test_objects_of_a_module(tmp_path: Path, form: str) -> None:
    target, line, column = made(tmp_path, OBJECTS[form])
    place = where(target.replace(":Builder", ":builder"))
    assert (place.line, place.column) == (line, column)


PUT_IN = """
import linecache

class Named:
    def __init__(self, name, default_value):
        self.name = name
        self.default = default_value

class Pipeline:
    def __init__(self, parameters, steps):
        self.parameters = parameters
        self.steps = steps
    def definition(self):
        parameter = {"Name": "Volume", "Type": "String", "DefaultValue": "30"}
        get = {"Get": "Parameters.Volume"}
        arguments = request(ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": get})
        step = {"Name": "Train", "Type": "Training", "Arguments": arguments}
        import json
        return json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": [parameter], "Steps": [step]})

class TrainingStep:  # as attrs makes one
    SOURCE = "def __init__(self, name, volume_size_in_gb): self.volume_size_in_gb = volume_size_in_gb"
    exec(compile(SOURCE, "<attrs generated methods>", "exec"))
    linecache.cache["<attrs generated methods>"] = (len(SOURCE), None, [SOURCE], "<attrs generated methods>")

Named.__module__ = Pipeline.__module__ = TrainingStep.__module__ = "sagemaker.workflow"
volume = Named(name="Volume", default_value="30")
train = TrainingStep(name="Train", volume_size_in_gb=<HERE>volume)
Builder = Pipeline(parameters=[volume], steps=[train])
"""


def test_parameter_of_another_type_stands_where_it_is_put_in(tmp_path: Path) -> None:
    target, line, column = made(tmp_path, PUT_IN)
    place = where(target, "STP003")
    assert (place.line, place.column) == (line, column)


def test_what_hooks_left_out_stands_at_the_hook(tmp_path: Path) -> None:
    target, line, _ = made(
        tmp_path,
        """
        class Builder:
            <HERE>def get_resource_optimization_config(self):
                return {"instance_type": "ml.m5.large"}
            def create_step(self):
                return request()
        """,
    )
    place = where(target, "STP021")
    assert (place.line, place.column) == (line, None)


def test_script_that_is_not_there_stands_where_it_is_named(tmp_path: Path) -> None:
    target, line, column = made(
        tmp_path,
        """
        class Builder:
            def get_step_config(self):
                return {"source_dir": FOLDER, "entry_point": <HERE>"tran.py"}
            def create_step(self):
                return request(ResourceConfig={"InstanceType": "ml.m5.large", REST})
        """.replace("FOLDER", repr(str(tmp_path / "source"))),
    )
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text("print()")
    place = where(target, "FRM050")
    assert (place.line, place.column) == (line, column)


def test_what_an_estimator_is_made_of_is_not_looked_for_among_its_inputs(tmp_path: Path) -> None:
    source = """
        class Builder:
            def _estimator(self):
                from functools import partial
                return type("Estimator", (), {"fit": staticmethod(partial(request, HyperParameters={"a": int("1")}))})
            <HERE>def create_step(self):
                inputs = {"train": "s3://example-bucket/train/"}
                return self._estimator().fit(
                    **{name: dict(epochs=uri) for name, uri in inputs.items() if name != "train"}
                )
    """
    target, line, _ = made(tmp_path, source)
    assert where(target, "STP003").line == line


def test_what_a_function_starts_stands_where_the_estimator_is_made(tmp_path: Path) -> None:
    pytest.importorskip("boto3")
    source = """
        import boto3

        class Estimator:
            def __init__(self, **options):
                self.options = options
            def fit(self, inputs):
                kind = self.options.pop("instance_type")
                boto3.client("sagemaker").create_training_job(**request(ResourceConfig={"InstanceType": kind, REST}))

        Estimator.__module__ = "sagemaker.estimator"
        ROLE = "arn:aws:iam::123456789012:role/Role"

        def job():
            estimator = Estimator(role=ROLE, instance_type=<HERE>"ml.m5.tiny")
            print("starts", estimator)
            estimator.fit({"train": "s3://example-bucket/train/"})
    """
    target, line, column = made(tmp_path, source)
    place = where(target.replace(":Builder", ":job"))
    assert (place.line, place.column) == (line, column)
