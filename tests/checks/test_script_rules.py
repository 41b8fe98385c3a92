"""Training scripts with one fault each, and scripts without: what the rules say about them beside a request."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from cursus import engine
from cursus.checks.examples import BASES, CHANNEL, merge
from cursus.checks.views import Settings
from cursus.model import Finding, Promises, SourceCode, Step

MINE = tuple(
    f"{area}0{tens}" for area in ("HPO", "CHN", "ART", "FRM", "MON", "RES", "DST") for tens in ("5", "6", "7")
)
SAVE = 'open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")\n'
READ = 'print(len(os.listdir(os.environ["SM_CHANNEL_TRAIN"])))\n'
ARGS = "import argparse, os\np = argparse.ArgumentParser()\n"


def check(
    folder: Path,
    files: dict[str, str] | str,
    request: dict[str, Any] | None = None,
    *,
    entry: str = "train.py",
    channels: tuple[str, ...] = ("train",),
    promises: Promises | None = None,
) -> list[Finding]:
    if isinstance(files, str):
        files = {entry: files}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    body = copy.deepcopy(BASES["CreateTrainingJob"])
    body["InputDataConfig"] = [{**CHANNEL, "ChannelName": name} for name in channels]
    step = Step(
        "step",
        "CreateTrainingJob",
        merge(body, request or {}),
        source=SourceCode(str(folder), entry),
        promises=promises or Promises(),
    )
    return [
        f for f in engine.check_step(step, Settings()) if f.rule.startswith(MINE) and f.severity != "info"
    ]


def script(*lines: str) -> str:
    """An argparse script around these lines that reads its channel and saves."""
    return ARGS + "\n".join(lines) + "\n" + READ + SAVE


FAULTS: list[tuple[str, str, str, Any, dict[str, Any]]] = [
    # name, rule, severity, files, request
    (
        "model_dir unknown",
        "HPO050",
        "error",
        script('p.add_argument("--lr")', "a = p.parse_args()"),
        {"HyperParameters": {"model_dir": "s3://b/k"}},
    ),
    (
        "underscore for hyphen",
        "HPO050",
        "error",
        script('p.add_argument("--batch-size")', "a = p.parse_args()"),
        {"HyperParameters": {"batch_size": "3"}},
    ),
    (
        "parser in a function",
        "HPO050",
        "error",
        "import argparse, os\ndef arguments():\n    p = argparse.ArgumentParser()\n    p.add_argument('--lr', type=float)\n"
        "    return p.parse_args()\ndef main():\n    args = arguments()\n"
        + "    "
        + READ
        + "    "
        + SAVE
        + "if __name__ == '__main__':\n    main()\n",
        {"HyperParameters": {"lrate": "0.1"}},
    ),
    (
        "parser from a helper module",
        "HPO050",
        "error",
        {
            "train.py": "import os\nfrom options import make\nargs = make().parse_args()\n" + READ + SAVE,
            "options.py": "import argparse\ndef make():\n    p = argparse.ArgumentParser()\n    g = p.add_argument_group('x')\n"
            "    g.add_argument('--lr')\n    return p\n",
        },
        {"HyperParameters": {"epochs": "1"}},
    ),
    (
        "required",
        "HPO051",
        "error",
        script('p.add_argument("--target", required=True)', "a = p.parse_args()"),
        {},
    ),
    (
        "required, loose",
        "HPO051",
        "error",
        script('p.add_argument("--target", required=True)', "a, _ = p.parse_known_args()"),
        {},
    ),
    ("positional", "HPO051", "error", script('p.add_argument("target")', "a = p.parse_args()"), {}),
    (
        "int of 1e-3",
        "HPO052",
        "error",
        script('p.add_argument("--n", "--epochs", type=int)', "a = p.parse_args()"),
        {"HyperParameters": {"epochs": "1e3"}},
    ),
    (
        "int of text",
        "HPO052",
        "error",
        script('p.add_argument("--epochs", type=int)', "a = p.parse_args()"),
        {"HyperParameters": {"epochs": '"ten"'}},
    ),
    (
        "float with comma",
        "HPO052",
        "error",
        script('p.add_argument("--lr", type=float)', "a = p.parse_args()"),
        {"HyperParameters": {"lr": "0,1"}},
    ),
    (
        "choices",
        "HPO052",
        "error",
        script('p.add_argument("--opt", choices=["adam", "sgd"])', "a = p.parse_args()"),
        {"HyperParameters": {"opt": '"Adam"'}},
    ),
    (
        "list",
        "HPO052",
        "error",
        script('p.add_argument("--layers", type=int, nargs="+")', "a = p.parse_args()"),
        {"HyperParameters": {"layers": "[64, 32]"}},
    ),
    (
        "nargs 2",
        "HPO052",
        "error",
        script('p.add_argument("--betas", type=float, nargs=2)', "a = p.parse_args()"),
        {"HyperParameters": {"betas": "0.9 0.99"}},
    ),
    (
        "none as text",
        "HPO052",
        "error",
        script('p.add_argument("--depth", type=int)', "a = p.parse_args()"),
        {"HyperParameters": {"depth": "None"}},
    ),
    (
        "dash value",
        "HPO052",
        "error",
        script('p.add_argument("--tag")', "a = p.parse_args()"),
        {"HyperParameters": {"tag": "-x"}},
    ),
    (
        "type bool",
        "HPO053",
        "warning",
        script('p.add_argument("--aug", type=bool)', "a = p.parse_args()"),
        {"HyperParameters": {"aug": "false"}},
    ),
    (
        "store_true strict",
        "HPO054",
        "error",
        script('p.add_argument("--aug", action="store_true")', "a = p.parse_args()"),
        {"HyperParameters": {"aug": "true"}},
    ),
    (
        "store_true loose",
        "HPO054",
        "warning",
        script('p.add_argument("--aug", action="store_true")', "a, _ = p.parse_known_args()"),
        {"HyperParameters": {"aug": "false"}},
    ),
    (
        "ignored",
        "HPO055",
        "warning",
        script('p.add_argument("--batch-size")', "a, _ = p.parse_known_args()"),
        {"HyperParameters": {"batch_size": "3"}},
    ),
    ("nobody reads", "HPO055", "warning", "import os\n" + READ + SAVE, {"HyperParameters": {"epochs": "3"}}),
    (
        "SM_HP",
        "HPO056",
        "error",
        "import os\nn = os.environ['SM_HP_EPOCHS']\n" + READ + SAVE,
        {"HyperParameters": {"epoch": "3"}},
    ),
    (
        "SM_HPS key",
        "HPO056",
        "error",
        "import os, json\nh = json.loads(os.environ['SM_HPS'])\nn = h['epochs']\n" + READ + SAVE,
        {"HyperParameters": {"epoch": "3"}},
    ),
    (
        "hyperparameters.json key",
        "HPO056",
        "error",
        "import os, json\nwith open('/opt/ml/input/config/hyperparameters.json') as f:\n    h = json.load(f)\nn = int(h['epochs'])\n"
        + READ
        + SAVE,
        {"HyperParameters": {"num_epochs": "3"}},
    ),
    (
        "abbreviated",
        "HPO057",
        "warning",
        script('p.add_argument("--learning-rate")', "a = p.parse_args()"),
        {"HyperParameters": {"learning": "3"}},
    ),
    (
        "click",
        "HPO050",
        "error",
        "import os, click\n@click.command()\n@click.option('--epochs', type=int)\ndef main(epochs):\n    "
        + READ
        + "    "
        + SAVE
        + "if __name__ == '__main__':\n    main()\n",
        {"HyperParameters": {"epoch": "3"}},
    ),
    (
        "click value",
        "HPO052",
        "error",
        "import os, click\n@click.command()\n@click.option('--epochs', type=int)\ndef main(epochs):\n    "
        + READ
        + "    "
        + SAVE
        + "if __name__ == '__main__':\n    main()\n",
        {"HyperParameters": {"epochs": "x"}},
    ),
    (
        "dataclass",
        "HPO050",
        "error",
        "import os\nfrom dataclasses import dataclass\nfrom transformers import HfArgumentParser\n@dataclass\nclass A:\n    lr: float = 0.1\n"
        "p = HfArgumentParser(A)\na, = p.parse_args_into_dataclasses()\n" + READ + SAVE,
        {"HyperParameters": {"epochs": "3"}},
    ),
    (
        "channel variable",
        "CHN050",
        "error",
        "import os\nd = os.environ['SM_CHANNEL_TRAINING']\n" + READ + SAVE,
        {},
    ),
    (
        "channel variable as default",
        "CHN050",
        "error",
        script('p.add_argument("--t", default=os.environ["SM_CHANNEL_TRAINING"])', "a = p.parse_args()"),
        {},
    ),
    (
        "channel get",
        "CHN051",
        "error",
        "import os\nd = os.environ.get('SM_CHANNEL_TEST')\nprint(os.listdir(d))\n" + READ + SAVE,
        {},
    ),
    (
        "channel folder",
        "CHN051",
        "error",
        "import os\nfrom pathlib import Path\nb = Path('/opt/ml') / 'input' / 'data'\nt = (b / 'training' / 'a.csv').read_text()\n"
        + READ
        + SAVE,
        {},
    ),
    (
        "folder as default",
        "CHN051",
        "error",
        script(
            'p.add_argument("--d", default="/opt/ml/input/data/training")',
            "a = p.parse_args()",
            "open(a.d + '/x.csv')",
        ),
        {},
    ),
    (
        "pandas on a folder",
        "CHN051",
        "error",
        "import os\nimport pandas as pd\nd = pd.read_csv(os.path.join('/opt/ml/input/data', 'training', 'a.csv'))\n"
        + READ
        + SAVE,
        {},
    ),
    ("channel unread", "CHN052", "warning", "import os\n" + SAVE, {}),
    ("s3 open", "CHN053", "error", "import os\nopen('s3://b/k/a.csv')\n" + READ + SAVE, {}),
    (
        "s3 by argument",
        "CHN053",
        "error",
        script('p.add_argument("--data")', "a = p.parse_args()", "os.listdir(a.data)"),
        {"HyperParameters": {"data": '"s3://bucket/key"'}},
    ),
    ("file not brought", "CHN054", "error", "import os\nopen('data/train.csv')\n" + READ + SAVE, {}),
    (
        "home path",
        "CHN054",
        "error",
        "import os\nimport pandas as pd\npd.read_csv('/home/ec2-user/SageMaker/a.csv')\n" + READ + SAVE,
        {},
    ),
    ("nothing saved", "ART050", "warning", "import os\n" + READ, {}),
    (
        "saved beside",
        "ART050",
        "warning",
        "import os, pickle\n" + READ + "pickle.dump(1, open('model.pkl', 'wb'))\n",
        {},
    ),
    (
        "argument unused",
        "ART050",
        "warning",
        script(
            'p.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])', "a = p.parse_args()"
        ).replace(SAVE, "open('model.txt', 'w')\n"),
        {},
    ),
    (
        "misspelt folder",
        "ART052",
        "warning",
        "import os\n" + READ + SAVE + "open('/opt/ml/models/a.txt', 'w')\n",
        {},
    ),
    (
        "checkpoints",
        "ART053",
        "warning",
        "import os\n" + READ + "open('ck/a.pt', 'w')\n" + SAVE,
        {"CheckpointConfig": {"S3Uri": "s3://b/k"}},
    ),
    ("syntax", "FRM051", "error", "def f(:\n", {}),
    ("syntax of Python 2", "FRM051", "error", "print 'x'\n", {}),
    (
        "swallowed",
        "FRM058",
        "warning",
        "import os\ndef train():\n    "
        + READ
        + "    "
        + SAVE
        + "try:\n    train()\nexcept Exception as e:\n    print(e)\n",
        {},
    ),
    (
        "swallowed by exit",
        "FRM058",
        "warning",
        "import os, sys\ndef main():\n    "
        + READ
        + "    "
        + SAVE
        + "try:\n    main()\nexcept:\n    sys.exit(0)\n",
        {},
    ),
    (
        "swallowed and logged",
        "FRM058",
        "warning",
        "import os, sys, traceback\ndef main():\n    "
        + READ
        + "    "
        + SAVE
        + "if __name__ == '__main__':\n    try:\n        main()\n    except Exception as e:\n        traceback.print_exc()\n        open('/opt/ml/output/failure', 'w').write(str(e))\n",
        {},
    ),
    ("never called", "FRM057", "warning", "import os\ndef main():\n    " + READ + "    " + SAVE, {}),
    (
        "wrong guard",
        "FRM057",
        "warning",
        "import os\ndef main():\n    " + READ + "    " + SAVE + "if __name__ == 'main':\n    main()\n",
        {},
    ),
    (
        "relative import",
        "FRM055",
        "error",
        {"train.py": "import os\nfrom .util import f\n" + READ + SAVE, "util.py": "def f(): pass\n"},
        {},
    ),
    ("local module", "FRM055", "warning", "import os\nfrom utils import f\n" + READ + SAVE, {}),
    (
        "prefix differs",
        "MON050",
        "warning",
        "import os\n" + READ + SAVE + "acc = 0.5\nprint('Train Accuracy: %.3f' % acc)\n",
        {
            "AlgorithmSpecification": {
                "MetricDefinitions": [{"Name": "a", "Regex": "train_accuracy=([0-9.]+)"}]
            }
        },
    ),
    (
        "case differs",
        "MON050",
        "warning",
        "import os\n" + READ + SAVE + "acc = 0.5\nprint(f'Loss: {acc}')\n",
        {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "a", "Regex": "loss: ([0-9.]+)"}]}},
    ),
    (
        "logging off",
        "MON050",
        "warning",
        "import os, logging\n" + READ + SAVE + "acc = 0.5\nlogging.info('loss: %f', acc)\n",
        {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "a", "Regex": "loss: ([0-9.]+)"}]}},
    ),
    (
        "space missing",
        "MON050",
        "warning",
        "import os\n" + READ + SAVE + "acc = 0.5\nprint('loss:', acc)\n",
        {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "a", "Regex": "loss:([0-9.]+)"}]}},
    ),
    (
        "exponent",
        "MON051",
        "warning",
        "import os\n" + READ + SAVE + "loss = 1.0\nprint('loss: {:.2e};'.format(loss))\n",
        {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "a", "Regex": "loss: ([0-9.]+)"}]}},
    ),
    (
        "thousands",
        "MON051",
        "warning",
        "import os\n" + READ + SAVE + "loss = 1.0\nprint(f'loss: {loss:,.2f}')\n",
        {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "a", "Regex": "loss: ([0-9.]+)"}]}},
    ),
    (
        "digits only",
        "MON051",
        "warning",
        "import os\n" + READ + SAVE + "loss = 1.0\nprint(f'loss: {loss:.2f}')\n",
        {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "a", "Regex": r"loss: (\d+)"}]}},
    ),
    (
        "lazy",
        "MON051",
        "warning",
        "import os\n" + READ + SAVE + "f1 = 1.0\nprint(f'F1={f1:.3f}')\n",
        {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "a", "Regex": "F1=(.*?)"}]}},
    ),
    (
        "gpu on cpu",
        "RES052",
        "error",
        "import os, torch\n" + READ + SAVE + "m = torch.nn.Linear(1, 1)\nm.cuda()\n",
        {},
    ),
    ("misspelt variable", "RES053", "error", "import os\n" + READ + SAVE + "os.environ['SM_MODELDIR']\n", {}),
    ("own variable", "RES053", "warning", "import os\n" + READ + SAVE + "os.environ['DB_HOST']\n", {}),
    (
        "idle hosts",
        "DST050",
        "warning",
        "import os\n" + READ + SAVE,
        {"ResourceConfig": {"InstanceCount": 2}},
    ),
    (
        "no launcher",
        "DST051",
        "error",
        "import os\nimport torch.distributed as dist\n" + READ + SAVE + "dist.init_process_group('nccl')\n",
        {},
    ),
]


@pytest.mark.parametrize(
    ("name", "rule", "severity", "files", "request_patch"), FAULTS, ids=[fault[0] for fault in FAULTS]
)
def test_fault_is_seen(
    name: str, rule: str, severity: str, files: Any, request_patch: dict[str, Any], tmp_path: Path
) -> None:
    found = check(tmp_path, files, request_patch)
    assert (rule, severity) in {(f.rule, f.severity) for f in found}, found
    assert all(f.rule == rule for f in found if f.severity == "error"), found


SOUND: list[tuple[str, Any, dict[str, Any]]] = [
    (
        "known arguments",
        script(
            'p.add_argument("--epochs", type=int)', 'p.add_argument("-k", type=int)', "a = p.parse_args()"
        ),
        {"HyperParameters": {"epochs": "3", "k": "1", "sagemaker_program": '"train.py"'}},
    ),
    (
        "quoted text",
        script('p.add_argument("--opt", choices=("adam", "sgd"))', "a = p.parse_args()"),
        {"HyperParameters": {"opt": '"adam"'}},
    ),
    (
        "names in a loop",
        script("for n in ('a', 'b'):", "    p.add_argument('--' + n)", "a = p.parse_args()"),
        {"HyperParameters": {"a": "3"}},
    ),
    (
        "own type",
        script('p.add_argument("--aug", type=lambda s: s == "true")', "a = p.parse_args()"),
        {"HyperParameters": {"aug": "false"}},
    ),
    (
        "loose parser",
        script('p.add_argument("--lr")', "a, _ = p.parse_known_args()"),
        {"HyperParameters": {"model_dir": "s3://b/k"}},
    ),
    (
        "arguments by another library",
        script("import vendorlib", "vendorlib.add(p)", "a = p.parse_args()"),
        {"HyperParameters": {"x": "3"}},
    ),
    (
        "parents",
        script(
            "p.add_argument('--lr')",
            "q = argparse.ArgumentParser(parents=[p])",
            "q.add_argument('--mu')",
            "a = q.parse_args()",
        ),
        {"HyperParameters": {"mu": "3", "lr": "1"}},
    ),
    (
        "conditional channel",
        "import os\n"
        + READ
        + SAVE
        + "if 'SM_CHANNEL_TEST' in os.environ:\n    d = os.environ['SM_CHANNEL_TEST']\n",
        {},
    ),
    (
        "channel in try",
        "import os\n"
        + READ
        + SAVE
        + "try:\n    d = os.environ['SM_CHANNEL_TEST']\nexcept KeyError:\n    d = None\n",
        {},
    ),
    (
        "optional channel",
        script(
            'p.add_argument("--test", default=os.environ.get("SM_CHANNEL_TEST"))',
            "a = p.parse_args()",
            "if a.test:",
            "    os.listdir(a.test)",
        ),
        {},
    ),
    (
        "inference functions",
        "import os\n"
        + READ
        + SAVE
        + "def model_fn(d):\n    return open(os.path.join(d, 'x')).read() + os.environ['SM_CHANNEL_X']\n",
        {},
    ),
    (
        "variable set first",
        "import os\n" + READ + SAVE + "os.environ['MY'] = '1'\nprint(os.environ['MY'])\n",
        {},
    ),
    (
        "all channels",
        "import os, json\nfor c in json.loads(os.environ['SM_CHANNELS']):\n    print(os.environ['SM_CHANNEL_' + c.upper()])\n"
        + SAVE,
        {},
    ),
    (
        "file written first",
        "import os\n" + READ + SAVE + "open('tmp.txt', 'w').write('1')\nopen('tmp.txt').read()\n",
        {},
    ),
    (
        "model dir as argument",
        script(
            'p.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])',
            "a = p.parse_args()",
            "def save(m, d):",
            "    open(os.path.join(d, 'x'), 'w')",
            "save(1, a.model_dir)",
        ).replace(SAVE, ""),
        {},
    ),
    (
        "output dir by hyperparameter",
        script(
            'p.add_argument("--output_dir")',
            "a = p.parse_args()",
            "open(os.path.join(a.output_dir, 'x'), 'w')",
        ).replace(SAVE, ""),
        {"HyperParameters": {"output_dir": '"/opt/ml/model"'}},
    ),
    (
        "exits with 1",
        "import os, sys\ndef train():\n    "
        + READ
        + "    "
        + SAVE
        + "try:\n    train()\nexcept Exception as e:\n    print(e)\n    sys.exit(1)\n",
        {},
    ),
    (
        "raises again",
        "import os, sys\ndef train():\n    "
        + READ
        + "    "
        + SAVE
        + "try:\n    train()\nexcept Exception as e:\n    print(e)\n    raise\n",
        {},
    ),
    (
        "metric in a helper",
        "import os\n"
        + READ
        + SAVE
        + "def report(name, value):\n    print(f'{name}={value:.4f};')\nreport('loss', 0.5)\nreport('acc', 0.5)\n",
        {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "a", "Regex": "acc=([0-9.]+);"}]}},
    ),
    (
        "metric by a library",
        "import os\nimport xgboost\n" + READ + SAVE,
        {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "a", "Regex": "train-rmse:([0-9.]+)"}]}},
    ),
    (
        "metric by logger",
        "import os, logging\nlogging.basicConfig(level='INFO')\nlog = logging.getLogger()\n"
        + READ
        + SAVE
        + "loss = 1\nlog.info('loss: %s', loss)\n",
        {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "a", "Regex": "loss: ([0-9.]+)"}]}},
    ),
    (
        "cuda when there",
        "import os, torch\n"
        + READ
        + SAVE
        + "m = torch.nn.Linear(1, 1)\nif torch.cuda.is_available():\n    m.cuda()\n",
        {},
    ),
    (
        "checkpoints used",
        "import os\n"
        + READ
        + SAVE
        + "p = os.environ.get('CK', '/opt/ml/checkpoints')\nprint(os.listdir(p))\n",
        {
            "CheckpointConfig": {"S3Uri": "s3://b/k"},
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {"MaxWaitTimeInSeconds": 7200},
        },
    ),
    (
        "own program",
        "import os, argparse\np = argparse.ArgumentParser()\np.add_argument('--x', required=True)\np.parse_args()\n"
        + READ
        + SAVE,
        {
            "AlgorithmSpecification": {
                "ContainerEntrypoint": ["python3", "train.py"],
                "ContainerArguments": ["--x", "1"],
            },
            "HyperParameters": {"lr": "1"},
        },
    ),
    (
        "requirements",
        {
            "train.py": "import os\n" + READ + SAVE,
            "requirements.txt": "# x\nnumpy>=1.2,<3 ; python_version > '3.8'\nscikit-learn[all]==1.2.*\n--extra-index-url https://example.org/simple\ntools @ https://example.org/tools.zip\n",
        },
        {},
    ),
]


@pytest.mark.parametrize(("name", "files", "request_patch"), SOUND, ids=[case[0] for case in SOUND])
def test_sound_script_is_left_alone(
    name: str, files: Any, request_patch: dict[str, Any], tmp_path: Path
) -> None:
    assert check(tmp_path, files, request_patch) == []


REQUIREMENTS = [
    ("-e git+https://github.com/a/b.git#egg=b", "error"),
    ("--editable=git+https://github.com/a/b.git#egg=b", "error"),
    ("git+ssh://git@github.com/a/b.git", "error"),
    ("../shared", "error"),
    ("-e ../shared", "error"),
    ("./wheels/a-1.0-py3-none-any.whl", "error"),
    ("/home/user/a.whl", "error"),
    ("C:\\a\\b.whl", "error"),
    ("-r base.txt", "error"),
    ("-c limits.txt", "error"),
    ("numpy=1.2", "error"),
    ("numpy == ", "error"),
    ("s3://bucket/a.whl", "error"),
    ("pip install numpy", "error"),
    ("git+https://github.com/a/b.git@abc", "warning"),
    ("--index-url https://user:secret@example.org/simple", "warning"),
    ("/opt/wheels/a.whl", "warning"),
]


@pytest.mark.parametrize(("line", "severity"), REQUIREMENTS)
def test_requirement_that_cannot_install(line: str, severity: str, tmp_path: Path) -> None:
    found = check(tmp_path, {"train.py": "import os\n" + READ + SAVE, "requirements.txt": f"numpy\n{line}\n"})
    assert [(f.rule, f.severity, f.line) for f in found] == [("FRM052", severity, 2)]
    assert "secret" not in found[0].message
