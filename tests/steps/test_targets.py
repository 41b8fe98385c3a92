"""Targets named in text: modules, files, attributes; and what the errors say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cursus.errors import TargetError
from cursus.model import Pipeline, Step
from cursus.steps import load

BUILDER = """\
from cursus.steps.discovery import step_builder

REQUEST = {"TrainingJobName": "request", "RoleArn": "r"}
PIPELINE = {"Version": "2020-12-01", "Steps": []}


class Builder:
    def __init__(self, config=None):
        self.job = (config or {}).get("role", "none")

    def create_step(self):
        return {"TrainingJobName": self.job, "AlgorithmSpecification": {}}


@step_builder(type="Training", name="registered")
class Registered(Builder):
    pass


class Group:
    inner = Builder({"role": "inner"})


def make():
    return Builder({"role": "made"})


def make_with(argument):
    return Builder()


def make_none():
    return None


instance = Builder({"role": "instance"})
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "churn_builder.py"
    path.write_text(BUILDER)
    return str(path)


@pytest.mark.parametrize(
    ("name", "job"),
    [
        ("Builder", "configured"),
        ("instance", "instance"),
        ("make", "made"),
        ("Group.inner", "inner"),
        ("REQUEST", "request"),
    ],
)
def test_object_of_a_file(file: str, name: str, job: str) -> None:
    (step,) = load(f"{file}:{name}", config={"role": "configured"})
    assert isinstance(step, Step) and step.name == job


def test_definition_and_registered_builders_of_a_file(file: str) -> None:
    (pipeline,) = load(f"{file}:PIPELINE")
    assert isinstance(pipeline, Pipeline)
    (step,) = load(file, config={"role": "r"})
    assert step.name == "r"
    (same,) = load(str(Path(file).parent), config={"role": "r"})
    assert same.name == "r"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Bilder", "Did you mean 'Builder'"),
        ("Nothing", "has no 'Nothing'. It has '"),
        ("Group.other", "has no 'Group.other'"),
        ("make_with", "takes arguments"),
        ("make_none", "returned None"),
        ("sys", "has no 'sys'"),
    ],
)
def test_names_that_are_no_builder(file: str, name: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        load(f"{file}:{name}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_module_at_all\n", r"builder\.py:1: ModuleNotFoundError"),
        ("\n\nraise ValueError('bucket')\n", r"builder\.py:3: ValueError: bucket"),
        ("def f(:\n", r"builder\.py:1: SyntaxError"),
        ("raise SystemExit(3)\n", "SystemExit"),
        ("import json\n\ndef f():\n    json.loads('{')\n\nf()\n", r"builder\.py:4: JSONDecodeError"),
        (
            "class Properties: ...\n\n's3://' + Properties()\n",
            r"builder\.py:3: TypeError: .* Join\(on=.* PipelineSession",
        ),
    ],
)
def test_import_that_fails_names_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "builder.py"
    path.write_text(text)
    with pytest.raises(TargetError, match=message):
        load(f"{path}:Builder")


TEMPLATE = """
def get_session(region):
    return None

def get_pipeline(region, role=None{more}):
    return {{"Version": "2020-12-01", "Metadata": {{"region": region}}, "Steps": []}}

def main():
    raise ValueError
"""


def test_the_pipeline_of_a_project_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pipeline.py"
    path.write_text(TEMPLATE.format(more=""))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    for target, region in ((str(path), None), (f"{path}:get_pipeline", "eu-north-1")):
        (made,) = load(target, region=region)
        assert isinstance(made, Pipeline)
        assert made.definition["Metadata"] == {"region": region or "eu-west-3"}


def test_role_and_bucket_of_a_project_template_are_made_up(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.py"
    head = "def get_pipeline(region, pipeline_name, role_arn=None, default_bucket=None, count=None, prefix='p'):\n"
    held = "{'region': region, 'role': role_arn, 'name': pipeline_name, 'bucket': default_bucket, 'count': count}"
    path.write_text(f"{head}    return {{'Version': '2020-12-01', 'Metadata': {held}, 'Steps': []}}\n")
    (made,) = load(str(path), region="cn-north-1")
    assert isinstance(made, Pipeline)
    role, bucket = made.definition["Metadata"]["role"], made.definition["Metadata"]["bucket"]
    assert role.startswith("arn:aws-cn:iam::") and bucket.startswith("sagemaker-cn-north-1-")
    assert made.definition["Metadata"]["name"] == "Pipeline" and made.definition["Metadata"]["count"] is None


def test_a_pipeline_that_needs_more_than_a_region(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.py"
    path.write_text(TEMPLATE.format(more=", *, bucket, prefix"))
    with pytest.raises(TargetError, match=r"return get_pipeline\(region=…, bucket=…, prefix=…\)$"):
        load(str(path))


def test_file_that_changed_is_imported_anew(tmp_path: Path) -> None:
    path = tmp_path / "request.py"
    path.write_text("REQUEST = {'TrainingJobName': 'one'}\n")
    assert load(f"{path}:REQUEST")[0].name == "one"
    path.write_text("REQUEST = {'TrainingJobName': 'second'}\n")
    assert load(f"{path}:REQUEST")[0].name == "second"


def test_file_beside_a_sibling_and_in_a_package(tmp_path: Path) -> None:
    (tmp_path / "cursus_test_sibling.py").write_text("NAME = 'sibling'\n")
    (tmp_path / "own.py").write_text(
        "from cursus_test_sibling import NAME\nREQUEST = {'TrainingJobName': NAME}\n"
    )
    assert load(f"{tmp_path}/own.py:REQUEST")[0].name == "sibling"
    package = tmp_path / "cursus_test_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "names.py").write_text("NAME = 'package'\n")
    (package / "steps.py").write_text("from .names import NAME\nREQUEST = {'TrainingJobName': NAME}\n")
    assert load(f"{package}/steps.py:REQUEST")[0].name == "package"
    assert load("cursus_test_package.steps:REQUEST")[0].name == "package"


def test_module_that_is_not_there() -> None:
    with pytest.raises(TargetError, match="no module 'cursus_no_such_thing'"):
        load("cursus_no_such_thing:Builder")
    with pytest.raises(TargetError, match="there is no such file"):
        load("none/builder.py:Builder")
    with pytest.raises(TargetError, match="there is no such file"):
        load("none/builder:Builder")
    for path in ("C:\\jobs\\request.json", "C:/jobs/request.json"):  # where a drive stands before the colon
        with pytest.raises(TargetError, match="there is no such file"):
            load(path)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("s3://example-bucket/request.json", "nothing is read from the network"),
        ("https://example.com:8080/request.json", "nothing is read from the network"),
        ("pipeline.json:Train", "a name after a colon is that of a Python object"),
    ],
)
def test_what_only_looks_like_a_python_object_is_not_imported(target: str, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        load(target)


def test_a_notebook_and_a_training_script_say_what_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "churn.ipynb").write_text('{"cells": [], "nbformat": 4}')
    with pytest.raises(TargetError, match="this is a notebook: put what makes the job into a function"):
        load(str(tmp_path / "churn.ipynb"))
    (tmp_path / "train.py").write_text("import os\nprint(os.environ.get('SM_MODEL_DIR'))\n")
    with pytest.raises(
        TargetError, match=rf"training script\. .*--source {tmp_path} --entry-point train\.py\."
    ):
        load(str(tmp_path / "train.py"))


def test_module_whose_import_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "cursus_test_broken.py").write_text("\n1 / 0\n")
    with pytest.raises(TargetError, match=r"cursus_test_broken\.py:2: ZeroDivisionError"):
        load("cursus_test_broken:Builder")
    assert "cursus_test_broken" not in sys.modules
    (tmp_path / "cursus_test_broken.py").write_text('raise ValueError("1 validation error for A\\nrole")\n')
    with pytest.raises(TargetError, match="ValueError: 1 validation error for A role"):
        load("cursus_test_broken:Builder")


def test_python_file_without_a_clear_builder(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    path.write_text("class A:\n    def create_step(self): ...\nclass B(A): ...\n")
    with pytest.raises(TargetError, match="which of its builders"):
        load(str(path))
    path.write_text("VALUE = 1\n")
    with pytest.raises(TargetError, match="no builder in it"):
        load(str(path))


def test_python_file_with_several_builders_says_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    path.write_text("class A:\n    def create_step(self): ...\nclass B(A): ...\n")
    with pytest.raises(TargetError, match=rf"Write {path}:A or {path}:B, or register"):
        load(str(path))


PIPELINES = """\
import json

class Pipeline:
    steps = []
    parameters = []
    def __init__(self, name):
        self.name = name
    def definition(self):
        return json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": []})

Pipeline.__module__ = "sagemaker.workflow.pipeline"
SECOND = pipeline = Pipeline("one")
other = Pipeline("two")
"""


def test_python_file_stands_for_the_pipelines_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.py"
    path.write_text(PIPELINES)
    found = load(str(path))
    assert [one.name for one in found if isinstance(one, Pipeline)] == ["one", "two"]


def test_python_file_whose_last_call_fails_stands_for_its_pipelines_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.py"
    upsert = "class Calls(Pipeline):\n    def upsert(self, role_arn):\n        self.definition()\n"
    path.write_text(f"{PIPELINES}{upsert}Calls.__module__ = Pipeline.__module__\nother = Calls('two')\n")
    whole = path.read_text()
    path.write_text(whole + "other.upsert(role='r')\n")
    errors: list[TargetError] = []
    found = load(str(path), errors=errors)
    assert [one.name for one in found if isinstance(one, Pipeline)] == ["one", "two"]
    assert [str(one).rpartition("TypeError")[0] for one in errors] == [
        f"importing {path} failed at {path}:{len(whole.splitlines()) + 1}: "
    ]
    for target in (str(path), f"{path}:other"):
        with pytest.raises(TargetError, match="unexpected keyword argument 'role'"):
            load(target)
    path.write_text(whole + "other.name.upsert()\n")  # not the pipeline's own
    with pytest.raises(TargetError, match="has no attribute 'upsert'"):
        load(str(path), errors=errors)
    path.write_text(whole.replace("json.dumps", "json.dump") + "other.upsert('r')\n")
    with pytest.raises(TargetError, match=r"py:\d+: TypeError"):  # told where it is, not of the call
        load(str(path), errors=[])


def test_pipeline_without_a_definition_names_the_step_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.py"
    broken = PIPELINES.replace(
        "        return json", "        self.steps[0].to_request()\n        return json"
    )
    step = "class Train:\n    name, step_type, count = 'Fit', 'Training', None\n    def to_request(self):\n"
    path.write_text(broken + step + "        self.count > 1\n\nPipeline.steps = [Train()]\n")
    with pytest.raises(
        TargetError, match=r"'NoneType' and 'int', in step 'Fit' at .*py:\d+: self\.count > 1\.$"
    ):
        load(str(path))


def test_python_file_with_only_functions_says_how_one_is_written(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.py"
    path.write_text(
        "from os import getcwd\n\ndef churn_pipeline():\n    return None\n\ndef main(): ...\n\ndef _own(): ...\n"
    )
    with pytest.raises(TargetError, match=rf"no name stands for a pipeline.* such as {path}:churn_pipeline"):
        load(str(path))


def test_python_file_with_a_method_that_makes_a_pipeline_says_how_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.py"
    made = "    def __init__(self, role, bucket=None): ...\n    def build(self, name):\n        return Pipeline(name)\n"
    path.write_text(f"def get_pipeline_tags(): ...\n\nclass Churn:\n{made}")
    with pytest.raises(TargetError, match=r"def checked\(\): return Churn\(role=…\)\.build\(name=…\)\.$"):
        load(str(path))
    path.write_text(
        "def get_pipeline_tags(): ...\n\ndef churn():\n    return Pipeline()\n\ndef main(): ...\n"
    )
    with pytest.raises(TargetError, match=rf"such as {path}:churn\.$"):
        load(str(path))


def test_import_that_starts_a_job_says_what_makes_steps(tmp_path: Path, no_network: None) -> None:
    pytest.importorskip("boto3")
    path = tmp_path / "pipeline.py"
    path.write_text(
        "import boto3\n\nclient = boto3.client('sagemaker')\n"
        "client.create_transform_job(TransformJobName='t', ModelName='m', TransformInput={'DataSource': "
        "{'S3DataSource': {'S3DataType': 'S3Prefix', 'S3Uri': 's3://b/i'}}}, "
        "TransformOutput={'S3OutputPath': 's3://b/o'}, "
        "TransformResources={'InstanceType': 'ml.m5.large', 'InstanceCount': 1})\n"
    )
    message = r"would start a job at .*pipeline\.py:4: CreateTransformJob .*PipelineSession"
    with pytest.raises(TargetError, match=message):
        load(f"{path}:pipeline")


def test_model_of_a_transformer_is_answered_without_credentials(tmp_path: Path, no_network: None) -> None:
    pytest.importorskip("boto3")
    path = tmp_path / "pipeline.py"
    path.write_text(
        "import boto3\n\nmodel = boto3.client('sagemaker').describe_model(ModelName='m')\n"
        "REQUEST = {'TrainingJobName': model['PrimaryContainer']['Image'].partition('/')[2]}\n"
    )
    (step,) = load(f"{path}:REQUEST")
    assert step.name == "model:1"


def test_a_document_that_is_no_request_does_not_hide_the_others(tmp_path: Path) -> None:
    file = tmp_path / "jobs.yaml"
    file.write_text(
        'Version: "2020-12-01"\nSteps: []\n---\nkind: ConfigMap\n---\nVersion: "2020-12-01"\nSteps: []\n'
    )
    odd: list[TargetError] = []
    assert len(load(str(file), errors=odd)) == 2
    (error,) = odd
    assert f"{file}:4:1: neither request nor pipeline definition" in str(error)
    with pytest.raises(TargetError, match="neither request nor"):
        load(str(file))
