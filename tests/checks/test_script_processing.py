"""Scripts of processing jobs beside their requests: the fault that each has is seen, and sound ones are left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cursus
from cursus.checks.examples import ROLE
from cursus.model import Finding, Pipeline, SourceCode
from tests.checks.made import SCIKIT_LEARN, findings_of, pipeline, processing, processing_input, told

CODE = "/opt/ml/processing/input/code"
ALONE = processing_input("code", "s3://example-bucket/code/prepare.py", CODE)
SOUND = """\
import argparse
import json
import pandas as pd
parser = argparse.ArgumentParser()
parser.add_argument("--ratio", type=float, default=0.2)
args = parser.parse_args()
frame = pd.read_csv("/opt/ml/processing/raw/rows.csv").sample(frac=args.ratio)
frame.to_csv("/opt/ml/processing/train/rows.csv")
"""


def request(
    *arguments: Any, code: dict[str, Any] = ALONE, raw: Any = "s3://example-bucket/raw/", **more: Any
) -> Any:
    """A processing job that runs prepare.py on an input called raw, and uploads train."""
    started = f"{code['S3Input']['LocalPath']}/prepare.py"
    target = {
        "S3Uri": "s3://example-bucket/train/",
        "LocalPath": "/opt/ml/processing/train",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "AppSpecification": {
            "ImageUri": SCIKIT_LEARN,
            "ContainerEntrypoint": ["python3", started],
            **({"ContainerArguments": list(arguments)} if arguments else {}),
        },
        "ProcessingInputs": [processing_input("raw", raw), code],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "train", "S3Output": target}]},
        **more,
    }


BUNDLE = processing_input("code", "s3://example-bucket/code/sourcedir.tar.gz", CODE)


def launched(*arguments: Any) -> Any:
    """The same as a FrameworkProcessor asks for it: the whole folder, started by runproc.sh."""
    made = request(*arguments, code=BUNDLE)
    made["ProcessingInputs"].append(
        processing_input(
            "entrypoint", "s3://example-bucket/code/runproc.sh", "/opt/ml/processing/input/entrypoint"
        )
    )
    made["AppSpecification"]["ContainerEntrypoint"] = [
        "/bin/bash",
        "/opt/ml/processing/input/entrypoint/runproc.sh",
    ]
    return made


def check(folder: Path, script: str, made: Any, **files: str) -> list[Finding]:
    for name, text in {"prepare__py": script, **files}.items():
        (folder / name.replace("__", ".")).write_text(text)
    source = SourceCode(str(folder), "prepare.py")
    return told(findings_of(made, operation="CreateProcessingJob", source=source, region="us-east-1"))


WRITES = 'open("/opt/ml/processing/train/rows.csv", "w").write("1")\n'
READS = 'print(open("/opt/ml/processing/raw/rows.csv").read())\n'
MODEL = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
FAULTS: dict[str, tuple[str, Any, str, str]] = {
    "an argument that is not declared": (SOUND, request("--ratios", "0.2", "--seed", "1"), "HPO050", "error"),
    "an argument that is no number": (SOUND, request("--ratio", "a fifth"), "HPO052", "error"),
    "an argument without its value": (SOUND, request("--ratio"), "HPO052", "error"),
    "an argument that is required": (
        SOUND.replace("default=0.2", "required=True"),
        request(),
        "HPO051",
        "error",
    ),
    "a word that is not there": (
        "import sys\nprint(sys.argv[2])\n" + WRITES,
        request("a"),
        "HPO058",
        "error",
    ),
    "a variable of training jobs": (
        'import os\nprint(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))\n' + WRITES,
        request(),
        "RES053",
        "error",
    ),
    "a channel's folder": (
        READS.replace("processing/raw", "input/data/raw") + WRITES,
        request(),
        "DEP095",
        "error",
    ),
    "a folder of no input": (READS.replace("/raw/", "/input/") + WRITES, request(), "DEP095", "error"),
    "a folder as a file": (READS.replace("/rows.csv", "") + WRITES, request(), "DEP095", "error"),
    "another object": (READS + WRITES, request(raw="s3://example-bucket/raw/lines.csv"), "DEP095", "error"),
    "an archive": (
        'import joblib\njoblib.load("/opt/ml/processing/raw/model.joblib")\n' + WRITES,
        request(raw=MODEL),
        "DEP095",
        "error",
    ),
    "a folder of no output": (
        READS + 'import os\nos.makedirs("/opt/ml/model")\nopen("/opt/ml/model/a.txt", "w").write("1")\n',
        request(),
        "DEP095",
        "warning",
    ),
    "a folder that nothing makes": (
        READS + WRITES.replace("/train/", "/output/train/"),
        request(),
        "DEP095",
        "error",
    ),
    "a listing of the folder around the code": (
        'import os\nprint(os.listdir("/opt/ml/processing/input"))\n' + WRITES,
        request(),
        "DEP095",
        "warning",
    ),
    "a search in a folder of no input": (
        'import glob\nprint(glob.glob("/opt/ml/processing/data/*.csv"))\n' + WRITES,
        request(),
        "DEP095",
        "warning",
    ),
    "an output that is never named": (READS, request(), "DEP095", "warning"),
    "a folder that is there": (
        READS + 'import os\nos.makedirs("/opt/ml/processing/train")\n' + WRITES,
        request(),
        "ART055",
        "error",
    ),
    "a folder below an output": (
        READS + WRITES.replace("/train/", "/train/a/"),
        request(),
        "ART055",
        "error",
    ),
    "a path of another machine": (
        READS.replace("/opt/ml", "/home/me") + WRITES,
        request(),
        "CHN054",
        "error",
    ),
    "a folder of no input beside an archive that is unpacked": (
        'import tarfile\nwith tarfile.open("/opt/ml/processing/raw/model.tar.gz") as packed:\n'
        '    packed.extractall(path=".")\nprint(open("/opt/ml/processing/test/rows.csv").read())\n' + WRITES,
        request(raw=MODEL),
        "DEP095",
        "error",
    ),
    "an archive that is unpacked elsewhere": (
        'import shutil\nshutil.unpack_archive("/opt/ml/processing/raw/model.tar.gz", "/tmp/a")\n'
        'print(open("/opt/ml/processing/raw/model.txt").read())\n' + WRITES,
        request(raw=MODEL),
        "DEP095",
        "error",
    ),
    "an archive that nothing unpacks": (
        'import tarfile\nprint(tarfile, open("/opt/ml/processing/raw/model.txt").read())\n' + WRITES,
        request(raw=MODEL),
        "DEP095",
        "error",
    ),
    "a name that is not defined": (READS + WRITES + "print(rows)\n", request(), "FRM070", "error"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_seen(name: str, tmp_path: Path) -> None:
    script, made, rule, severity = FAULTS[name]
    found = check(tmp_path, script, made)
    assert {(one.rule, one.severity) for one in found} == {(rule, severity)}, found


@pytest.mark.parametrize(
    ("script", "made"),
    [
        (SOUND, request("--ratio", "0.2")),
        (SOUND, request("--ratio", {"Get": "Parameters.Ratio"})),
        (SOUND, launched("--ratio=0.2")),
        (SOUND.replace("type=float, default=0.2", 'action="store_true"'), request("--ratio")),
        (SOUND, request("--ratio", "-0.5")),
        ("import sys\nprint(sys.argv[2])\n" + WRITES, request("a", "b")),
        (READS + WRITES, request(raw="s3://example-bucket/raw/rows.csv")),
        (READS.replace("processing/raw", "config") + WRITES, request(Environment={"A": "b"})),
        (
            'import os\nprint(os.environ["SM_MODEL_DIR"])\n' + WRITES,
            request(Environment={"SM_MODEL_DIR": "/tmp"}),
        ),
        (
            'import joblib, tarfile\ntarfile.open("/opt/ml/processing/raw/model.tar.gz").extractall("/tmp/a")\n'
            'joblib.load("/tmp/a/model.joblib")\n' + WRITES,
            request(raw=MODEL),
        ),
        (
            'import zipfile\nwhere = open("/opt/ml/processing/raw/where.txt").read()\n'
            'zipfile.ZipFile("/opt/ml/processing/raw/a.zip").extractall(where)\n'
            'print(open("/opt/ml/processing/unpacked/rows.csv").read())\n' + WRITES,
            request(),
        ),
        (
            READS
            + WRITES
            + 'open("/opt/ml/processing/raw/b.txt", "w").write("1")\nprint(open("/opt/ml/processing/raw/b.txt"))\n',
            request(),
        ),
        (
            'import shutil\nshutil.unpack_archive("/opt/ml/processing/raw/model.tar.gz", "/opt/ml/processing/raw")\n'
            'print(open("/opt/ml/processing/raw/model.txt").read())\n' + WRITES,
            request(raw=MODEL),
        ),
        (READS + WRITES + 'open("/opt/ml/output/message", "w").write("done")\n', request()),
        (
            'import os\nfor root, _, names in os.walk("/opt/ml/processing"):\n    print(root, names)\n'
            + WRITES,
            request(),
        ),
        (
            'import os\nbase = "/opt/ml/processing"\nfor name in ("train",):\n'
            '    open(os.path.join(base, name, "a"), "w").write("1")\n',
            request(),
        ),
        (READS.replace('"/opt', '"opt') + WRITES.replace('"/opt', '"opt'), request()),
    ],
)
def test_sound_script_is_left_alone(script: str, made: Any, tmp_path: Path) -> None:
    assert check(tmp_path, script, made) == []


def test_module_beside_a_script_that_is_uploaded_alone(tmp_path: Path) -> None:
    script, files = "from tools import read\nread()\n" + WRITES, {"tools__py": "def read(): pass\n"}
    (found,) = check(tmp_path, script, request(), **files)
    assert (found.rule, found.severity, found.line) == ("FRM055", "error", 1)
    assert check(tmp_path, script, launched(), **files) == []
    assert check(tmp_path, 'import sys\nsys.path.append("/opt/tools")\n' + script, request(), **files) == []


def test_requirements_count_where_they_are_installed(tmp_path: Path) -> None:
    files = {"requirements__txt": "-e ../shared\n"}
    assert {one.rule for one in check(tmp_path, SOUND, launched(), **files)} == {"FRM052"}
    assert check(tmp_path, SOUND, request(), **files) == []


def test_own_image_may_have_files_and_variables(tmp_path: Path) -> None:
    made = request()
    made["AppSpecification"]["ImageUri"] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1"
    script = 'import os\nprint(os.environ["SM_MODEL_DIR"], open("settings.json").read(), open("/opt/ml/model/a"))\n'
    assert check(tmp_path, script + WRITES, made) == []
    assert check(tmp_path, "import prepare_in_image\nprepare_in_image.run_step()\n", made) == []


def test_a_module_that_an_input_puts_beside_the_script(tmp_path: Path) -> None:
    made, script = request(), "from search_utils import read\nread()\n" + WRITES
    assert {one.rule for one in check(tmp_path, script, made)} == {"FRM055"}
    made["ProcessingInputs"].append(
        processing_input("utils", "s3://example-bucket/utils/", CODE + "/search_utils/")
    )
    assert check(tmp_path, script, made) == []
    writes = "import search_utils\n" + READS + "search_utils.write()\n"
    assert check(tmp_path, writes, made) == []


def test_finding_stands_where_the_request_has_it(tmp_path: Path) -> None:
    (found,) = check(tmp_path, SOUND, request("--ratio", "0.2", "--seed", "1"))
    assert found.path == "AppSpecification.ContainerArguments[3]"


@pytest.mark.parametrize(("name", "rules"), [("report.json", ["DEP095"]), ("evaluation.json", [])])
def test_property_file(name: str, rules: list[str], tmp_path: Path) -> None:
    script = f'import json\njson.dump({{}}, open("/opt/ml/processing/train/{name}", "w"))\n'
    (tmp_path / "prepare.py").write_text(READS + script)
    step = processing("Evaluate", **request())
    step["PropertyFiles"] = [
        {"PropertyFileName": "Report", "OutputName": "train", "FilePath": "evaluation.json"}
    ]
    step["Arguments"]["RoleArn"] = ROLE
    made = Pipeline("Churn", pipeline(step), sources={"Evaluate": SourceCode(str(tmp_path), "prepare.py")})
    assert [one.rule for one in told(cursus.check(made).findings)] == rules


REPORT = '{"metrics": {"auc": {"value": score, "deviation": "none"}}}'


@pytest.mark.parametrize(
    ("path", "report", "lines", "found"),
    [
        ("metrics.auc.value", REPORT, "json.dump(report, file)", []),
        ("$.metrics.auc.value", REPORT, "file.write(json.dumps(report))", []),
        ("metrics.auc.value.lower", REPORT, "json.dump(report, file)", []),  # what the score is, nobody knows
        ("metrics.acc.value", REPORT, "report['metrics']['acc'] = {}; json.dump(report, file)", []),
        ("metrics.acc.value", REPORT, "report.update(json.loads('{}')); json.dump(report, file)", []),
        ("metrics['acc'].value", REPORT, "json.dump(report, file)", []),
        ("metrics.acc.value", "json.load(open('x.json'))", "json.dump(report, file)", []),
        ("metrics.acc.value", REPORT, "m = report['metrics']; m['acc'] = score; json.dump(report, file)", []),
        ("metrics.acc.value", REPORT, "json.dump(report, file)\nopen(OUT, 'w').write(score)", []),
        ("acc", "{**score}", "json.dump(report, file)", []),
        ("metrics.acc.value", f"{REPORT}; print(report)", "json.dump(report, file)", ["error"]),
        ("metrics.acc.value", REPORT, "json.dump(report, file)", ["error"]),
        ("metrics.acc.value", REPORT, "file.write(json.dumps(report))", ["error"]),
        ("auc", REPORT, "json.dump(report, file, indent=2)", ["error"]),
        ("metrics.auc", REPORT, "json.dump(report, file)", ["error"]),
        ("metrics.auc.deviation.value", REPORT, "json.dump(report, file)", ["error"]),
        ("auc", REPORT, "if score:\n        json.dump(report, file)", ["warning"]),
        ("auc", "{}", "json.dump(report, file)", ["error"]),
    ],
)
def test_place_in_a_property_file(
    path: str, report: str, lines: str, found: list[str], tmp_path: Path
) -> None:
    script = f"import json\nscore = json.loads(open('/opt/ml/processing/raw/a').read())\nreport = {report}\n"
    script += f'OUT = "/opt/ml/processing/train/report.json"\nwith open(OUT, "w") as file:\n    {lines}\n'
    (tmp_path / "prepare.py").write_text(script)
    step = processing("Evaluate", **request())
    step["PropertyFiles"] = [{"PropertyFileName": "Report", "OutputName": "train", "FilePath": "report.json"}]
    step["Arguments"]["RoleArn"] = ROLE
    read = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": path}}
    good = {"Type": "GreaterThan", "LeftValue": read, "RightValue": 0.5}
    asked = {"Conditions": [good], "IfSteps": [], "ElseSteps": []}
    steps = pipeline(step, {"Name": "Good", "Type": "Condition", "Arguments": asked})
    made = Pipeline("Churn", steps, sources={"Evaluate": SourceCode(str(tmp_path), "prepare.py")})
    findings = cursus.check(made).findings
    assert [one.severity for one in findings if one.rule == "DEP095"] == found


def test_a_report_that_is_filled_in_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "prepare.py").write_text(
        "import json\ndef look():\n    found = {}\n    found['auc'] = 1\n    return found\n"
        "inner = {}\nfor name in ('acc',):\n    inner[name] = 1\n"
        "report = {'metrics': look(), 'others': inner}\n"
        'with open("/opt/ml/processing/train/report.json", "w") as file:\n    json.dump(report, file)\n'
    )
    step = processing("Evaluate", **request())
    step["PropertyFiles"] = [{"PropertyFileName": "Report", "OutputName": "train", "FilePath": "report.json"}]
    file = {"Get": "Steps.Evaluate.PropertyFiles.Report"}
    asked = [
        {
            "Type": "GreaterThan",
            "LeftValue": {"Std:JsonGet": {"PropertyFile": file, "Path": path}},
            "RightValue": 0.5,
        }
        for path in ("metrics.auc", "others.acc")
    ]
    good = {
        "Name": "Good",
        "Type": "Condition",
        "Arguments": {"Conditions": asked, "IfSteps": [], "ElseSteps": []},
    }
    made = Pipeline(
        "Churn", pipeline(step, good), sources={"Evaluate": SourceCode(str(tmp_path), "prepare.py")}
    )
    assert "DEP095" not in [one.rule for one in cursus.check(made).findings]


@pytest.mark.parametrize(
    ("scheme", "found"), [("", ["error", "warning"]), ("file://", []), ("s3a://example-bucket", [])]
)
def test_spark_has_a_file_system_of_its_own(scheme: str, found: list[str], tmp_path: Path) -> None:
    script = (
        "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"
        f'rows = spark.read.option("header", True).csv("{scheme}/opt/ml/processing/raw/")\n'
        f'rows.write.mode("overwrite").parquet("{scheme}/opt/ml/processing/train/")\n'
    )
    made = request()
    image = "173754725891.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.3-cpu-py39-v1.0"
    made["AppSpecification"] |= {
        "ImageUri": image,
        "ContainerEntrypoint": ["smspark-submit", f"{CODE}/prepare.py"],
    }
    assert [one.severity for one in check(tmp_path, script, made)] == found


def test_files_are_brought_by_an_input(tmp_path: Path) -> None:
    script = 'print(open("/home/ec2-user/SageMaker/rows.csv").read())\n' + WRITES
    (found,) = check(tmp_path, script, request())
    assert (found.rule, found.remedy) == ("CHN054", "read it from a processing input's LocalPath")
