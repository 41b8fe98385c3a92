"""Make src/cursus/aws/data/instances.json: SageMaker's instance types and their hardware.

Which types there are, and for what, is botocore's word. The hardware is that of the Amazon EC2 instance type
pages (https://docs.aws.amazon.com/ec2/latest/instancetypes/ and https://aws.amazon.com/ec2/instance-types/),
tabled below by family and checked against the GPU table of the SageMaker Python SDK.

    python scripts/make_instances.py FOLDER_OF_UNPACKED_SDK_WHEEL
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import tables

DATE = "2026-11-17"
USES = {
    "TrainingInstanceType": "training",
    "ProductionVariantInstanceType": "hosting",
    "ProcessingInstanceType": "processing",
    "TransformInstanceType": "transform",
    "InstanceType": "notebook",
    "AppInstanceType": "studio",
    "ClusterInstanceType": "cluster",
}
# Training types that botocore names and CreateTrainingJob refuses: "The requested resource training-job/ml.t3.medium is
# not available in this region", reported from eu-west-1 and ap-south-1, and no report has it anywhere.
REFUSED = ("ml.t3.medium",)
# Virtual processors by size, where a family follows the common rule.
VCPUS = {
    "medium": 2, "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "9xlarge": 36,
    "10xlarge": 40, "12xlarge": 48, "16xlarge": 64, "18xlarge": 72, "24xlarge": 96, "32xlarge": 128,
    "36xlarge": 144, "48xlarge": 192, "96xlarge": 384,
}  # fmt: skip
# kind: memory of one (GiB), compute capability.
GPUS: dict[str, tuple[float, float]] = {
    "K80": (12, 3.7), "V100": (16, 7.0), "V100 32GB": (32, 7.0), "T4": (16, 7.5), "A100": (40, 8.0),
    "A100 80GB": (80, 8.0), "A10G": (24, 8.6), "L4": (24, 8.9), "L40S": (48, 8.9), "H100": (80, 9.0),
    "H200": (141, 9.0), "B200": (179, 10.0), "GB200": (185, 10.0), "B300": (268, 10.3),
    "RTX PRO 4500 Blackwell": (32, 12.0), "RTX PRO 6000 Blackwell": (96, 12.0),
}  # fmt: skip
# family: GiB a virtual processor (None: by size below).
PLAIN: dict[str, float | None] = {
    "t3": None, "m4": 4, "m5": 4, "m6i": 4, "m7i": 4, "m7i-flex": 4, "m8i": 4, "m8i-flex": 4,
    "c4": None, "c5": 2, "c5n": None, "c6i": 2, "c7i": 2, "c7i-flex": 2, "c8i": 2, "c8i-flex": 2,
    "r5": 8, "r5d": 8, "r6i": 8, "r7i": 8, "r8i": 8, "r8i-flex": 8,
}  # fmt: skip
MEMORY = {
    "t3.medium": 4, "t3.large": 8, "t3.xlarge": 16, "t3.2xlarge": 32,
    "c4.xlarge": 7.5, "c4.2xlarge": 15, "c4.4xlarge": 30, "c4.8xlarge": 60,
    "c5n.xlarge": 10.5, "c5n.2xlarge": 21, "c5n.4xlarge": 42, "c5n.9xlarge": 96, "c5n.18xlarge": 192,
}  # fmt: skip
# Sizes of each family that have EFA: EC2 DescribeInstanceTypes, as eksctl-io/eksctl@8b75484 (2026-08-12) keeps it in
# pkg/utils/instance/instance_types.go; p6e-gb200 of AWS's page on EFA.
FROM_8 = ("8xlarge", "12xlarge", "16xlarge", "24xlarge", "48xlarge")
EFA: dict[str, tuple[str, ...]] = {
    "c5n": ("9xlarge", "18xlarge"), "c6i": ("32xlarge",), "m6i": ("32xlarge",), "r6i": ("32xlarge",),
    "c7i": ("48xlarge",), "m7i": ("48xlarge",), "r7i": ("48xlarge",),
    "c8i": ("48xlarge", "96xlarge"), "m8i": ("48xlarge", "96xlarge"), "r8i": ("48xlarge", "96xlarge"),
    "g4dn": FROM_8, "g5": FROM_8, "g6": FROM_8, "g6e": FROM_8, "g7": FROM_8, "g7e": FROM_8,
    "p3dn": ("24xlarge",), "p4d": ("24xlarge",), "p4de": ("24xlarge",), "p5": ("4xlarge", "48xlarge"),
    "p5e": ("48xlarge",), "p5en": ("48xlarge",), "p6-b200": ("48xlarge",), "p6-b300": ("48xlarge",),
    "p6e-gb200": ("36xlarge",), "trn1": ("32xlarge",), "trn1n": ("32xlarge",), "trn2": ("48xlarge",),
}  # fmt: skip
ODD_VCPUS = {"c4.8xlarge": 36}
NVME = {
    "r5d.large": 75, "r5d.xlarge": 150, "r5d.2xlarge": 300, "r5d.4xlarge": 600, "r5d.8xlarge": 1200,
    "r5d.12xlarge": 1800, "r5d.16xlarge": 2400, "r5d.24xlarge": 3600,
}  # fmt: skip
# name: vCPUs, memory GiB, accelerators, kind, local NVMe GB (0: none, None: not published here).
Row = tuple[int, "float | None", int, str, "int | None"]
ACCELERATED: dict[str, Row] = {
    "p2.xlarge": (4, 61, 1, "K80", 0),
    "p2.8xlarge": (32, 488, 8, "K80", 0),
    "p2.16xlarge": (64, 732, 16, "K80", 0),
    "p3.2xlarge": (8, 61, 1, "V100", 0),
    "p3.8xlarge": (32, 244, 4, "V100", 0),
    "p3.16xlarge": (64, 488, 8, "V100", 0),
    "p3dn.24xlarge": (96, 768, 8, "V100 32GB", 1800),
    "p4d.24xlarge": (96, 1152, 8, "A100", 8000),
    "p4de.24xlarge": (96, 1152, 8, "A100 80GB", 8000),
    "p5.4xlarge": (16, 256, 1, "H100", 3840),
    "p5.48xlarge": (192, 2048, 8, "H100", 30720),
    "p5e.48xlarge": (192, 2048, 8, "H200", 30720),
    "p5en.48xlarge": (192, 2048, 8, "H200", 30720),
    "p6-b200.48xlarge": (192, 2048, 8, "B200", 30720),
    "p6-b300.48xlarge": (192, 4096, 8, "B300", 30720),
    "p6e-gb200.36xlarge": (144, 960, 4, "GB200", 22500),
    "g4dn.xlarge": (4, 16, 1, "T4", 125),
    "g4dn.2xlarge": (8, 32, 1, "T4", 225),
    "g4dn.4xlarge": (16, 64, 1, "T4", 225),
    "g4dn.8xlarge": (32, 128, 1, "T4", 900),
    "g4dn.12xlarge": (48, 192, 4, "T4", 900),
    "g4dn.16xlarge": (64, 256, 1, "T4", 900),
    "g5.xlarge": (4, 16, 1, "A10G", 250),
    "g5.2xlarge": (8, 32, 1, "A10G", 450),
    "g5.4xlarge": (16, 64, 1, "A10G", 600),
    "g5.8xlarge": (32, 128, 1, "A10G", 900),
    "g5.12xlarge": (48, 192, 4, "A10G", 3800),
    "g5.16xlarge": (64, 256, 1, "A10G", 1900),
    "g5.24xlarge": (96, 384, 4, "A10G", 3800),
    "g5.48xlarge": (192, 768, 8, "A10G", 7600),
    "g6.xlarge": (4, 16, 1, "L4", 250),
    "g6.2xlarge": (8, 32, 1, "L4", 450),
    "g6.4xlarge": (16, 64, 1, "L4", 600),
    "g6.8xlarge": (32, 128, 1, "L4", 900),
    "g6.12xlarge": (48, 192, 4, "L4", 3760),
    "g6.16xlarge": (64, 256, 1, "L4", 1880),
    "g6.24xlarge": (96, 384, 4, "L4", 3760),
    "g6.48xlarge": (192, 768, 8, "L4", 7520),
    "g6e.xlarge": (4, 32, 1, "L40S", 250),
    "g6e.2xlarge": (8, 64, 1, "L40S", 450),
    "g6e.4xlarge": (16, 128, 1, "L40S", 600),
    "g6e.8xlarge": (32, 256, 1, "L40S", 900),
    "g6e.12xlarge": (48, 384, 4, "L40S", 3800),
    "g6e.16xlarge": (64, 512, 1, "L40S", 1900),
    "g6e.24xlarge": (96, 768, 4, "L40S", 3800),
    "g6e.48xlarge": (192, 1536, 8, "L40S", 7600),
    "g7.2xlarge": (8, None, 1, "RTX PRO 4500 Blackwell", None),
    "g7.4xlarge": (16, None, 1, "RTX PRO 4500 Blackwell", None),
    "g7.8xlarge": (32, None, 1, "RTX PRO 4500 Blackwell", None),
    "g7.12xlarge": (48, None, 2, "RTX PRO 4500 Blackwell", None),
    "g7.24xlarge": (96, None, 4, "RTX PRO 4500 Blackwell", None),
    "g7.48xlarge": (192, None, 8, "RTX PRO 4500 Blackwell", None),
    "g7e.2xlarge": (8, 64, 1, "RTX PRO 6000 Blackwell", 1900),
    "g7e.4xlarge": (16, 128, 1, "RTX PRO 6000 Blackwell", 1900),
    "g7e.8xlarge": (32, 256, 1, "RTX PRO 6000 Blackwell", 1900),
    "g7e.12xlarge": (48, 512, 2, "RTX PRO 6000 Blackwell", 3800),
    "g7e.24xlarge": (96, 1024, 4, "RTX PRO 6000 Blackwell", 7600),
    "g7e.48xlarge": (192, 2048, 8, "RTX PRO 6000 Blackwell", 15200),
    "trn1.2xlarge": (8, 32, 1, "Trainium", 475),
    "trn1.32xlarge": (128, 512, 16, "Trainium", 7600),
    "trn1n.32xlarge": (128, 512, 16, "Trainium", 7600),
    "trn2.48xlarge": (192, 2048, 16, "Trainium2", 7600),
}
NEURON_CORES = {"Trainium": 2, "Trainium2": 8}
ARM = ("p6e-gb200",)
# AWS's previous generation page (https://aws.amazon.com/ec2/previous-generation/) and what it advises
# instead.
PREVIOUS = {"m4": "m5", "c4": "c5", "p2": "g5", "p3": "g5 or p4d", "p3dn": "p4d"}
# Seconds. API_StoppingCondition; service quotas (https://docs.aws.amazon.com/general/latest/gr/sagemaker.html);
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html.
LIMITS = {
    "max_runtime": 28 * 24 * 3600,
    "max_runtime_quota": 5 * 24 * 3600,
    "max_wait_without_checkpoints": 3600,
}
# https://docs.nvidia.com/cuda/cuda-c-programming-guide/#arithmetic-instructions: number formats by compute
# capability: fp16 arithmetic from 5.3, tensor cores from 7.0, bf16 and tf32 from 8.0, fp8 from 8.9.
PRECISIONS = {"fp16": 5.3, "bf16": 8.0, "tf32": 8.0, "fp8": 8.9}
# Families that frameworks no longer have from a version on, "deprecated for sagemaker jobs": the SDK's image_uris.
RETIRED = {"p2": {"pytorch": "1.13", "tensorflow": "2.12"}}
# The first CUDA that knows a GPU architecture (release notes of CUDA 11.0, 11.8, 12.8), and the last that does (13.0:
# Volta is gone, Turing stays).
CUDA = {
    "3": [0, 11.8],
    "7": [9.0, 12.9],
    "7.5": [10.0, None],
    "8": [11.0, None],
    "9": [11.8, None],
    "10": [12.8, None],
    "12": [12.8, None],
}


def enums() -> dict[str, list[str]]:
    model = botocore.session.get_session().get_service_model("sagemaker")
    return {use: list(model.shape_for(shape).enum) for shape, use in USES.items()}


def hardware(name: str) -> dict[str, Any]:
    """The hardware of one training type, without `ml.`."""
    family, size = name.split(".")
    found: dict[str, Any]
    if name in ACCELERATED:
        vcpus, memory, count, kind, nvme = ACCELERATED[name]
        found = {"vcpus": vcpus, "memory": memory, "nvme": nvme}
        if kind in GPUS:
            found["gpus"], found["gpu"] = count, kind
        else:
            found["neuron"], found["neuron_cores"], found["device"] = count, count * NEURON_CORES[kind], kind
    else:
        ratio = PLAIN[family]
        vcpus = ODD_VCPUS.get(name, VCPUS[size])
        memory = MEMORY[name] if ratio is None else vcpus * ratio
        found = {"vcpus": vcpus, "memory": memory, "nvme": NVME.get(name, 0)}
    if size in EFA.get(family, ()):
        found["efa"] = True
    if family.startswith(ARM):
        found["architecture"] = "arm64"
    return found


def check(types: dict[str, dict[str, Any]], folder: Path) -> None:
    """Hold the GPU columns against the SDK's own table.

    Its g5.48xlarge has what the driver leaves of 8 x 24 GiB.
    """
    table = json.loads((folder / "sagemaker" / "image_uri_config" / "instance_gpu_info.json").read_text())[
        "us-east-1"
    ]
    for name, entry in table.items():
        if name in types:
            ours = types[name]["gpus"] * GPUS[types[name]["gpu"]][0] * 1024
            assert types[name]["gpus"] == entry["Count"], name
            assert abs(ours - entry["TotalGpuMemoryInMiB"]) <= ours * 0.08, (name, ours, entry)


def main() -> None:
    named = enums()
    types = {name: hardware(name.removeprefix("ml.")) for name in named["training"]}
    check(types, Path(sys.argv[1]))
    others: dict[str, list[str]] = {}
    for use, values in named.items():
        for name in values:
            if name in types:
                types[name].setdefault("uses", []).append(use)
            elif name.startswith("ml."):
                others.setdefault(name, []).append(use)
    document = {
        "source": f"botocore {botocore.__version__} enumerations; "
        "https://aws.amazon.com/ec2/instance-types/; "
        "https://docs.aws.amazon.com/ec2/latest/instancetypes/; EFA by eksctl-io/eksctl@8b75484",
        "date": DATE,
        "gpus": {
            kind: {"memory": memory, "capability": capability} for kind, (memory, capability) in GPUS.items()
        },
        "previous": PREVIOUS,
        "refused": REFUSED,
        "limits": LIMITS,
        "precisions": PRECISIONS,
        "cuda": CUDA,
        "retired": RETIRED,
        "training": types,
        "others": others,
    }
    tables.write("instances", document, compact=True)


if __name__ == "__main__":
    main()
