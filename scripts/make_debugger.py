"""Make ``src/cursus/aws/data/debugger.json``: built-in rules and supported frameworks.

pip install botocore==1.44.5 smdebug-rulesconfig==1.0.1
python scripts/make_debugger.py PATH_TO_CLONE_OF_awsdocs/amazon-sagemaker-developer-guide
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path

from model_docs import Model, write
from tables import git

DEEP_LEARNING = [
    "CheckInputImages",
    "DeadRelu",
    "ExplodingTensor",
    "NLPSequenceRatio",
    "PoorWeightInitialization",
    "SaturatedActivation",
    "VanishingGradient",
    "WeightUpdateRatio",
]
# DEBUGGER_UNSUPPORTED_REGIONS and PROFILER_UNSUPPORTED_REGIONS, which are the same, of the SDK's fw_utils.py.
NO_DEBUGGER_REGIONS = [
    "us-iso-east-1",
    "us-isob-east-1",
    "ap-southeast-3",
    "ap-southeast-4",
    "eu-south-2",
    "me-central-1",
    "ap-south-2",
    "eu-central-2",
    "us-gov-east-1",
]


# What the hook reads of HookParameters and of CollectionParameters, the four last also behind train. and the like:
# smdebug/core/json_config.py of awslabs/sagemaker-debugger.
SAVED = ["save_interval", "save_steps", "start_step", "end_step"]
OF_COLLECTIONS = ["include_regex", "reductions", "save_histogram", "tensor_names", *SAVED]
OF_THE_HOOK = ["export_tensorboard", "include_workers", "save_all", "tensorboard_dir", *OF_COLLECTIONS]
# Collections that the hook fills by itself; CollectionKeys in smdebug/core/collection.py of the same.
# fmt: off
COLLECTIONS = [
    "all", "average_shap", "biases", "default", "feature_importance", "full_shap", "gradients", "hyperparameters",
    "inputs", "labels", "layers", "losses", "metrics", "optimizer_variables", "outputs", "predictions", "sm_metrics",
    "tensorflow_summaries", "trees", "weights",
]
# fmt: on
# smdebug/core/reduction_config.py of the same: from_dict.
REDUCTIONS = [
    before + one
    for before in ("", "abs_")
    for one in ("min", "max", "mean", "std", "variance", "sum", "prod", "l1_norm", "l2_norm")
]
GUIDE_COMMIT = "a869fa5"


def rule_parameters(clone: str) -> dict[str, list[str]]:
    """What the guide's page of the built-in rules tables for each, but base_trial, which SageMaker sets."""
    page = git(clone, "show", f"{GUIDE_COMMIT}:doc_source/debugger-built-in-rules.md")
    found = {}
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        names = re.findall(r"^\| ([a-z][a-z0-9_\\]*) \|", section, re.MULTILINE)
        if names:
            found[section.partition("<")[0]] = sorted({n.replace("\\", "") for n in names} - {"base_trial"})
    return found


def collections_of(entry: dict[str, list[dict[str, str]]]) -> set[str]:
    """The names of the collections in a rule's configuration."""
    return {one["CollectionName"] for one in entry.get("CollectionConfigurations", ())}


def rule_numbers(clone: str) -> dict[str, list[str]]:
    """The parameters that are numbers in the same tables, but for ``mode``, which they call one by mistake."""
    page = git(clone, "show", f"{GUIDE_COMMIT}:doc_source/debugger-built-in-rules.md")
    found = {}
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        rows = re.findall(
            r"^\| ([a-z][a-z0-9_\\]*) \|.*?Valid values: ?(?:Integer|Float)", section, re.MULTILINE
        )
        names = sorted({name.replace("\\", "") for name in rows} - {"mode"})
        if names:
            found[section.partition("<")[0]] = names
    return found


def main() -> None:
    """Write the table."""
    import smdebug_rulesconfig
    from smdebug_rulesconfig.profiler_rules import rules as profiler

    folder = Path(smdebug_rulesconfig.__file__).parent / "debugger_rules" / "rule_config_jsons"
    configs = json.loads((folder / "ruleConfigs.json").read_text())
    profiler_rules = {
        name: sorted(
            p for p in inspect.signature(found.__init__).parameters if p not in ("self", "rule_parameters")
        )
        for name, found in inspect.getmembers(profiler, inspect.isclass)
        if issubclass(found, profiler.ProfilerRuleBase) and found is not profiler.ProfilerRuleBase
    }
    listed = rule_parameters(sys.argv[1])
    model = Model.load()
    intervals = model.stated(
        r"Available values are (.*?) milliseconds", "ProfilerConfig", "ProfilingIntervalInMilliseconds"
    )
    numbers = [int(n) for n in re.findall(r"(?<!\()\b(\d+)\b(?! (?:second|minute))", intervals)]
    write(
        "debugger",
        model,
        "https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-supported-frameworks.html",
        {
            "debugger_rules": list(configs),
            "profiler_rules": list(profiler_rules),
            "rule_parameters": {
                name: sorted({*listed.get(name, ()), *profiler_rules.get(name, ())}) for name in listed
            },
            "rule_numbers": rule_numbers(sys.argv[1]),
            # The collections that a rule reads, which no hook saves unasked: ruleConfigs.json.
            "rule_collections": {
                name: needed
                for name, entry in configs.items()
                if (needed := sorted(collections_of(entry) & set(COLLECTIONS) - {"losses", "metrics"}))
            },
            # The first names the rule, the second SageMaker sets, the third is of the SDK's rule actions.
            "parameters_of_all": ["rule_to_invoke", "base_trial", "action_json"],
            # "Required", in the same page.
            "needed_parameters": {"SimilarAcrossRuns": ["other_trials"]},
            "collections": COLLECTIONS,
            "intervals": numbers,
            "hook_parameters": OF_THE_HOOK,
            "collection_parameters": OF_COLLECTIONS,
            "numbers": ["save_interval", "start_step", "end_step"],
            "reductions": REDUCTIONS,
            "modes": ["train", "eval", "predict", "global"],
            # First framework version whose image has the hook; from the page above.
            "hook_since": {"tensorflow": "1.15", "pytorch": "1.5", "mxnet": "1.6", "xgboost": "0.90-2"},
            # Since this version the hook has to be registered in the script.
            "script_hook_since": {"tensorflow": "2.6", "pytorch": "1.12"},
            # The versions of an image that framework profiling reads: from, and below; the page of the same
            # name, debugger-configure-framework-profiling.html. Of other images it reads nothing.
            "framework_profiling": {"tensorflow": ["2.3.1", "2.11"], "pytorch": ["1.6", "2.0"]},
            # What built-in rules are for, where it is not everything; from debugger-built-in-rules.html.
            "rules_of": {
                "deep learning": DEEP_LEARNING,
                "xgboost": ["CreateXgboostReport", "FeatureImportanceOverweight", "TreeDepth"],
            },
            # What they look at: the same page.
            "rules_of_gpus": ["GPUMemoryIncrease", "LowGPUUtilization"],
            "no_debugger_regions": NO_DEBUGGER_REGIONS,
            "no_profiler_regions": NO_DEBUGGER_REGIONS,
            "no_profiler_families": ["trn"],
        },
        more=", smdebug-rulesconfig 1.0.1, debugger-built-in-rules.md of "
        f"awsdocs/amazon-sagemaker-developer-guide@{GUIDE_COMMIT} (2023-06-15), "
        "sagemaker-core/src/sagemaker/core/fw_utils.py of aws/sagemaker-python-sdk@a248126 (2026-11)",
    )


if __name__ == "__main__":
    main()
