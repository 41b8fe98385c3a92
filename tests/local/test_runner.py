"""A step is carried out as SageMaker would: files, variables, arguments, status, reason, artifacts."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.checks.examples import BASES
from cursus.errors import RunError
from cursus.local.runner import run_step
from tests.local.conftest import MakeStep, Run, channel


def left(job: Any, name: str) -> Any:
    """JSON that the script left in its model directory."""
    return json.loads((job.folder / "hosts/algo-1/ml/model" / name).read_text())


def test_script_mode_sees_the_contract(run: Run) -> None:
    script = """
import json, os, socket, sys
facts = dict(argv=sys.argv, cwd=os.getcwd(), path0=sys.path[0], host=socket.gethostname(), uid=os.getuid(),
             address=socket.gethostbyname("algo-1"), environment=dict(os.environ),
             config=sorted(os.listdir("/opt/ml/input/config")), tree=sorted(os.listdir("/opt/ml/output")),
             data=open(os.environ["SM_CHANNEL_TRAIN"] + "/data.csv").read(),
             hyperparameters=json.load(open("/opt/ml/input/config/hyperparameters.json")))
json.dump(facts, open("/opt/ml/model/facts.json", "w"))
"""
    job = run(script, {"HyperParameters": {"lr": "0.1", "k": '"a b"'}, "Environment": {"MINE": "1"}})
    assert job.status == "Completed", job.logs()
    facts = left(job, "facts.json")
    assert facts["argv"] == ["train.py", "-k", "a b", "--lr", "0.1"]
    assert facts["cwd"] == facts["path0"] == "/opt/ml/code"
    assert facts["host"] == "algo-1"
    assert facts["uid"] == 0
    assert facts["data"] == "1,2\n"
    assert facts["hyperparameters"] == {"lr": "0.1", "k": '"a b"'}
    assert {"hyperparameters.json", "resourceconfig.json", "inputdataconfig.json"} <= set(facts["config"])
    assert facts["tree"] == ["data", "metrics", "profiler", "tensorboard"]
    environment = facts["environment"]
    assert environment["TRAINING_JOB_NAME"] == "churn-2026-01-31"
    assert environment["SM_HPS"] == '{"k":"a b","lr":0.1}'
    assert environment["MINE"] == "1"
    assert "AWS_ACCESS_KEY_ID" not in environment


def test_description_is_of_the_job(run: Run) -> None:
    job = run(
        "print('loss=0.5'); open('/opt/ml/model/m', 'w').write('1')",
        {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]}},
    )
    told = job.describe()
    assert told["TrainingJobStatus"] == told["SecondaryStatus"] == "Completed"
    assert [step["Status"] for step in told["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert all(step["StartTime"] <= step["EndTime"] for step in told["SecondaryStatusTransitions"])
    assert told["FinalMetricDataList"][0]["Value"] == 0.5
    uri = told["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == "s3://example-bucket/models/churn-2026-01-31/output/model.tar.gz"
    assert (job.folder.parents[1] / "s3" / uri.removeprefix("s3://")).is_file()
    assert told["CreationTime"] <= told["TrainingStartTime"] <= told["TrainingEndTime"]


@pytest.mark.parametrize("end", ["", "raise SystemExit(3)", "import time; time.sleep(9)"])
def test_description_has_the_shape_that_aws_publishes(run: Run, end: str) -> None:
    pytest.importorskip("botocore", reason="botocore is not installed: its model holds the output shape")
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
    from botocore.validate import ParamValidator

    model = ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")
    shape = model.operation_model("DescribeTrainingJob").output_shape
    job = run(
        f"print('loss=1')\n{end}",
        {
            "AlgorithmSpecification": {"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]},
            "StoppingCondition": {"MaxRuntimeInSeconds": 1},
            "CheckpointConfig": {"S3Uri": "s3://example-bucket/checkpoints/"},
        },
        grace=0.05,
    )
    told = job.describe()
    assert ParamValidator().validate(told, shape).generate_report() == ""
    assert set(told) <= set(shape.members)


def test_failing_script(run: Run) -> None:
    job = run("def f():\n    raise ValueError('bad thing')\nf()")
    told = job.describe()
    assert told["TrainingJobStatus"] == "Failed"
    assert told["FailureReason"].startswith(
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "
    )
    assert "ValueError: bad thing" in told["FailureReason"]
    assert told["FailureReason"].endswith(", exit code: 1")
    assert job.evidence.exit_codes == {"algo-1": 1}
    assert "FRM090" in {finding.rule for finding in job.findings}


def test_failing_script_of_the_xgboost_container_says_its_command_alone(run: Run) -> None:
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    job = run(
        "import sys\nprint(__name__, sys.argv[1:])\nraise KeyError('churned')\n",
        {"AlgorithmSpecification": {"TrainingImage": image}, "HyperParameters": {"eta": "0.2"}},
    )
    assert job.logs().startswith("__main__ ['--eta', '0.2'")
    told = str(job.failure_reason)
    assert told.startswith('AlgorithmError: ExecuteUserScriptError:\nCommand "')
    assert "-m train " in told and "churned" not in told
    found = next(finding for finding in job.findings if finding.rule == "FRM090")
    assert "KeyError: 'churned'" in found.message


def test_failure_file_of_the_script_stays_and_is_cut(run: Run) -> None:
    job = run("open('/opt/ml/output/failure', 'w').write('x' * 3000)\nraise SystemExit(1)")
    assert job.describe()["FailureReason"] == ("AlgorithmError: " + "x" * 1024 + ", exit code: 1")[:1024]


@pytest.mark.parametrize(("number", "code"), [(6, 134), (9, 137), (11, 139), (15, 143)])
def test_script_ended_by_a_signal(run: Run, number: int, code: int) -> None:
    job = run(f"import os; os.kill(os.getpid(), {number})")
    assert f"ExitCode -{number}\n" in job.describe()["FailureReason"]
    assert job.evidence.script_exit_codes == {"algo-1": code}
    assert job.evidence.exit_codes == {"algo-1": 1}


def test_own_command_is_the_first_process(run: Run) -> None:
    job = run(
        "import os, sys; print(os.getpid(), sys.argv); os._exit(9)",
        {
            "AlgorithmSpecification": {
                "ContainerEntrypoint": ["python", "train.py"],
                "ContainerArguments": ["--a", "b"],
            }
        },
    )
    assert job.logs() == "1 ['train.py', '--a', 'b']\n"
    assert job.evidence.exit_codes == {"algo-1": 9}
    assert job.describe()["FailureReason"] == "AlgorithmError: , exit code: 9"


def test_own_command_that_is_not_there(run: Run) -> None:
    job = run(None, {"AlgorithmSpecification": {"ContainerEntrypoint": ["no-such-program"]}})
    assert 'exec: "no-such-program": executable file not found' in job.describe()["FailureReason"]
    assert job.evidence.exit_codes == {"algo-1": 127}


def test_shell_entry_point(run: Run) -> None:
    job = run(
        '#!/bin/sh\necho "$@"; pwd', {"HyperParameters": {"name": '"two words"'}}, entry_point="train.sh"
    )
    assert job.logs() == "--name two words\n/opt/ml/code\n"


def test_user_source_is_not_touched(run: Run, tmp_path: Path) -> None:
    job = run(
        "open('helper.py', 'a').write('# more'); open('new.txt', 'w').write('1')",
        files={"helper.py": "x = 1\n"},
    )
    assert job.status == "Completed", job.logs()
    assert sorted(path.name for path in (tmp_path / "source").iterdir()) == ["helper.py", "train.py"]
    assert (tmp_path / "source/helper.py").read_text() == "x = 1\n"
    assert {file.path for file in job.evidence.stray_files} == {
        "/opt/ml/code/helper.py",
        "/opt/ml/code/new.txt",
    }


def test_artifacts_and_checkpoints(run: Run) -> None:
    script = """
import os
for name in ("model/a/b.txt", "output/data/o.txt", "checkpoints/c.txt"):
    os.makedirs(os.path.dirname("/opt/ml/" + name), exist_ok=True)
    open("/opt/ml/" + name, "w").write(name)
"""
    patch = {"CheckpointConfig": {"S3Uri": "s3://example-bucket/ck"}}
    job = run(
        script,
        patch,
        expected=("a/b.txt", "model.tar.gz", "output.tar.gz", "output/data/o.txt", "checkpoints/c.txt"),
    )
    assert [finding for finding in job.findings if finding.rule.startswith("ART09")] == []
    assert job.model_artifact is not None
    with tarfile.open(job.model_artifact) as archive:
        assert archive.getnames() == ["a", "a/b.txt"]
    assert job.output_artifact is not None
    root = job.folder.parents[1]
    assert (root / "s3/example-bucket/ck/c.txt").read_text() == "checkpoints/c.txt"
    again = run("import os; print(os.listdir('/opt/ml/checkpoints'))", {**patch, "TrainingJobName": "second"})
    assert again.logs() == "['c.txt']\n"


def test_uncompressed_model(run: Run) -> None:
    job = run(
        "open('/opt/ml/model/m.txt', 'w').write('1')", {"OutputDataConfig": {"CompressionType": "NONE"}}
    )
    uri = job.describe()["ModelArtifacts"]["S3ModelArtifacts"]
    assert (job.folder.parents[1] / "s3" / uri.removeprefix("s3://") / "m.txt").read_text() == "1"


def test_empty_model_directory_completes(run: Run) -> None:
    job = run("print(1)")
    assert (job.status, job.model_artifact) == ("Completed", None)
    assert "ART050" in {finding.rule for finding in job.findings}


def test_secrets_stay_in_the_run(run: Run) -> None:
    secret = "hunter2-hunter2"
    script = f"import os, sys\nassert {secret!r} == os.environ['MY_API_KEY'] in sys.argv\nraise SystemExit(1)"
    job = run(script, {"Environment": {"MY_API_KEY": secret}, "HyperParameters": {"db_password": secret}})
    assert "ExitCode 1" in job.describe()["FailureReason"]
    for path in job.folder.rglob("*"):
        if path.is_file() and "code" not in path.parts:
            assert secret.encode() not in path.read_bytes(), path
    assert secret not in json.dumps(job.describe(), default=str)


def test_a_secret_that_is_a_number_is_not_told(run: Run) -> None:
    with pytest.raises(RunError, match="takes text only") as refused:
        run("", {"HyperParameters": {"db_password": 12345678901}})
    assert "12345678901" not in str(refused.value)


def test_name_in_use(run: Run) -> None:
    run()
    with pytest.raises(RunError, match="already used"):
        run()


def test_events_in_order(run: Run) -> None:
    events: list[Any] = []
    run("print('one'); print('two', end='')", on_event=events.append)
    assert [event.data["secondary"] for event in events if event.kind == "status"] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert [event.text for event in events if event.kind == "log"] == ["one", "two"]


REFUSED: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "tuning": ({}, "only a training job", {"operation": "CreateHyperParameterTuningJob"}),
    "no host": ({"ResourceConfig": {"InstanceCount": 0}}, "no instance", {}),
    "image only": ({}, "the code is in the image", {"source": None}),
    "launcher": (
        {"HyperParameters": {"sagemaker_pytorch_xla_multi_worker_enabled": "true"}},
        "PyTorch XLA",
        {},
    ),
    "variable": ({"HyperParameters": {"lr": {"Get": "Parameters.Lr"}}}, "pipeline variable", {}),
    "number": ({"HyperParameters": {"lr": 3}}, "text only", {}),
    "not a list": ({"InputDataConfig": {"a": 1}}, "InputDataConfig", {}),
    "name": ({"TrainingJobName": "../x"}, "no job name", {}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_run_is_refused(make_step: MakeStep, tmp_path: Path, case: str) -> None:
    import dataclasses

    patch, message, members = REFUSED[case]
    with pytest.raises(RunError, match=message):
        run_step(dataclasses.replace(make_step("", patch), **members), root=tmp_path / "root")
    assert not (tmp_path / "root").exists()


def test_unknown_channel_is_named(make_step: MakeStep, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no channel 'trian'"):
        run_step(make_step(""), root=tmp_path / "root", channels={"trian": tmp_path})


def test_missing_entry_point_fails_as_on_sagemaker(make_step: MakeStep, tmp_path: Path) -> None:
    step = make_step("")
    (tmp_path / "source/train.py").unlink()
    job = run_step(step, root=tmp_path / "root")
    assert job.status == "Failed"
    assert "ExecuteUserScriptError" in job.describe()["FailureReason"]
    assert "FRM050" in {finding.rule for finding in job.findings if finding.severity == "error"}


def test_missing_data_fails_as_on_sagemaker(run: Run) -> None:
    job = run("", {"InputDataConfig": [channel("valid", "s3://example-bucket/none/")]}, channels={})
    assert job.describe()["FailureReason"] == (
        "ClientError: Data download failed:S3 key: s3://example-bucket/none/ matched no files on s3"
    )
    assert [step["Status"] for step in job.describe()["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Failed",
    ]


DRIVERS = {
    "AlgorithmSpecification": {
        "ContainerEntrypoint": ["/bin/bash"],
        "ContainerArguments": ["-c", "sh /opt/ml/input/data/sm_drivers/sm_train.sh"],
    },
    "InputDataConfig": [channel("code"), channel("sm_drivers")],
}


def test_request_with_the_sdks_drivers_runs_as_it_is(run: Run) -> None:
    drivers = {"sm_drivers": {"sm_train.sh": "cd /opt/ml/input/data/code && python train.py"}}
    job = run("import os; print(os.getcwd())", DRIVERS, channels=drivers)
    assert job.logs() == "/opt/ml/input/data/code\n"


def test_request_without_the_sdks_drivers_says_what_is_missing(run: Run) -> None:
    with pytest.raises(RunError, match="sm_drivers"):
        run("print(1)", DRIVERS, channels={})


@pytest.mark.parametrize(
    "command", [None, ["/opt/ml/code/train"], ["sh", "train"], ["sh", "/opt/ml/code/train"]]
)
def test_an_images_own_train_program(
    command: list[str] | None, tmp_path: Path, levels: dict[str, str]
) -> None:
    if levels["unshare"] and levels["bubblewrap"]:
        pytest.skip(f"{levels['unshare']}; {levels['bubblewrap']}")
    source = tmp_path / "container"
    source.mkdir()
    for name in ("predictor.py", "wsgi.py"):
        (source / name).write_text("raise SystemExit(1)")
    (source / "train").write_text(
        '#!/bin/sh\ntest -z "$SM_HPS$*" && cp /opt/ml/input/config/hyperparameters.json /opt/ml/model/h && exit 7\n'
    )
    (source / "train").chmod(0o755)
    request = dict(BASES["CreateTrainingJob"], HyperParameters={"depth": "5"}, InputDataConfig=[])
    request["AlgorithmSpecification"] = {
        "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/trees:1",
        "TrainingInputMode": "File",
        **({"ContainerEntrypoint": command} if command else {}),
    }
    job = cursus.run(request, source_dir=source, root=tmp_path / "root")
    assert job.evidence is not None
    assert job.evidence.exit_codes == {"algo-1": 7}, job.logs()
    assert left(job, "h") == {"depth": "5"}
    assert job.describe()["FailureReason"] == "AlgorithmError: , exit code: 7"


def test_the_output_of_a_pipelines_step_gets_a_place_here(run: Run) -> None:
    joined = {
        "Std:Join": {"On": "/", "Values": ["s3://example-bucket/models", {"Get": "Execution.StartDateTime"}]}
    }
    job = run(
        "open('/opt/ml/model/m', 'w').write('1')",
        {
            "OutputDataConfig": {"S3OutputPath": joined},
            "DebugHookConfig": {"S3OutputPath": {"Get": "Steps.Ask.OutputParameters['place']"}},
        },
    )
    assert job.status == "Completed", job.describe().get("FailureReason")
    assert job.describe()["OutputDataConfig"]["S3OutputPath"].startswith(
        "s3://example-bucket/models/Execution"
    )
    assert any(
        "OutputDataConfig.S3OutputPath: a pipeline fills it in" in one for one in job.evidence.not_reproduced
    )
