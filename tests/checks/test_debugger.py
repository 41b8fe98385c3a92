"""Debugger, profiler and TensorBoard."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.made import DLC, SCRIPT, findings_of

RULES = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
HOOK = {"S3OutputPath": "s3://example-bucket/debug/"}


def evaluation(name: str, invoke: str) -> dict[str, Any]:
    return {
        "RuleConfigurationName": name,
        "RuleEvaluatorImage": RULES,
        "RuleParameters": {"rule_to_invoke": invoke},
    }


def test_names_are_unique_over_both_lists() -> None:
    patch = {
        "DebugHookConfig": HOOK,
        "ProfilerConfig": HOOK,
        "DebugRuleConfigurations": [evaluation("a", "Overfit")],
        "ProfilerRuleConfigurations": [evaluation("a", "ProfilerReport")],
    }
    (found,) = findings_of(patch, "MON010")
    assert found.path == "ProfilerRuleConfigurations[0].RuleConfigurationName"


def test_a_profiler_rule_among_debugger_rules() -> None:
    patch = {"DebugHookConfig": HOOK, "DebugRuleConfigurations": [evaluation("a", "ProfilerReport")]}
    (found,) = findings_of(patch, "MON011")
    assert "ProfilerRuleConfigurations" in found.remedy


def test_a_rule_for_another_framework_is_told_at_its_name() -> None:
    patch = {
        "AlgorithmSpecification": {"TrainingImage": f"{DLC}/pytorch-training:2.1.0-cpu-py310"},
        "DebugHookConfig": HOOK,
        "DebugRuleConfigurations": [evaluation("a", "FeatureImportanceOverweight")],
    }
    found = [one for one in findings_of(patch, "MON011") if "xgboost" in one.message]
    assert [one.path for one in found] == ["DebugRuleConfigurations[0].RuleParameters.rule_to_invoke"]


@pytest.mark.parametrize("member", ["DebugRuleConfigurations", "ProfilerRuleConfigurations"])
def test_an_empty_instance_type_is_none(member: str) -> None:
    patch = {"DebugHookConfig": HOOK, member: [{**evaluation("a", "Overfit"), "InstanceType": ""}]}
    (found,) = [one for one in findings_of(patch, "MON011") if one.severity == "error"]
    assert found.path == f"{member}[0].InstanceType"


def test_a_key_that_is_no_text() -> None:
    patch = {
        "DebugHookConfig": {**HOOK, "HookParameters": {1: "a", None: "b", "save_intervall": "10"}},
        "ProfilerConfig": {**HOOK, "ProfilingParameters": {None: "a"}},
    }
    (found,) = findings_of(patch, "MON014")
    assert "save_interval" in found.message
    assert findings_of(patch, "MON018") == []


def test_a_rule_is_given_a_parameter_that_it_does_not_have() -> None:
    rule = evaluation("a", "LossNotDecreasing")
    rule["RuleParameters"] |= {"num_step": "10", "diff_percent": "1", "action_json": "{}"}
    (found,) = findings_of({"DebugHookConfig": HOOK, "DebugRuleConfigurations": [rule]}, "MON011")
    assert found.path == "DebugRuleConfigurations[0].RuleParameters.num_step"
    assert "num_steps" in found.message


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("save_steps", "0-100", True),
        ("save_steps", "0, 50,100", False),
        ("reductions", "average,max", True),
        ("reductions", "mean,abs_l1_norm", False),
        ("include_regex", ".*(relu|gelu_output", True),
        ("include_regex", ".*(relu|gelu)_output,loss", False),
    ],
)
def test_what_a_hook_reads_has_its_form(name: str, value: str, told: bool) -> None:
    saved = {"CollectionName": "losses", "CollectionParameters": {name: value}}
    patch = {"DebugHookConfig": {**HOOK, "CollectionConfigurations": [saved]}}
    assert bool(findings_of(patch, "MON014")) is told


@pytest.mark.parametrize(
    ("parameters", "saved", "told"),
    [
        ({}, ["losses"], "gradients"),
        ({}, ["losses", "gradients"], ""),
        ({}, ["all"], ""),
        ({"threshold": "low"}, ["gradients"], "number"),
        ({"threshold": "1e-7"}, ["gradients"], ""),
        ({}, [{}, None], ""),
    ],
)
def test_a_rule_reads_what_the_hook_saves(parameters: dict[str, str], saved: list[Any], told: str) -> None:
    rule = evaluation("a", "VanishingGradient")
    rule["RuleParameters"] |= parameters
    hook = {**HOOK, "CollectionConfigurations": [{"CollectionName": name} for name in saved]}
    found = findings_of({"DebugHookConfig": hook, "DebugRuleConfigurations": [rule]}, "MON011")
    assert [told in one.message for one in found] == ([True] if told else [])


@pytest.mark.parametrize(("value", "rules"), [("every 50", 1), ("50", 0)])
def test_an_interval_is_a_number(value: str, rules: int) -> None:
    saved = {"CollectionName": "losses", "CollectionParameters": {"train.save_interval": value}}
    patch = {"DebugHookConfig": {**HOOK, "CollectionConfigurations": [saved]}}
    assert len(findings_of(patch, "MON014")) == rules


@pytest.mark.parametrize(
    ("name", "parameters", "told"),
    [
        ("loss", {}, True),
        ("losses", {}, False),
        ("custom_relu", {}, True),
        ("loss", {"include_regex": "x"}, False),
    ],
)
def test_a_collection_that_no_hook_fills(name: str, parameters: dict[str, str], told: bool) -> None:
    saved = {"CollectionName": name, "CollectionParameters": parameters}
    patch = {"DebugHookConfig": {**HOOK, "CollectionConfigurations": [saved]}}
    assert bool(findings_of(patch, "MON014")) is told


def test_a_rule_image_of_ones_own_is_not_judged() -> None:
    own = {
        **evaluation("a", "Mine"),
        "RuleEvaluatorImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/rules:1",
    }
    assert not findings_of({"DebugHookConfig": HOOK, "DebugRuleConfigurations": [own]}, "MON011")


@pytest.mark.parametrize(
    ("image", "severity"),
    [
        ("pytorch-training:1.8.1-cpu-py36-ubuntu18.04", None),
        ("pytorch-training:1.4.0-cpu-py3", "warning"),
        ("pytorch-training:2.1.0-cpu-py310-ubuntu20.04-sagemaker", "info"),
        ("tensorflow-training:2.4.1-cpu-py37-ubuntu18.04", None),
    ],
)
def test_hook_by_framework_version(image: str, severity: str | None) -> None:
    patch = {
        "AlgorithmSpecification": {"TrainingImage": f"{DLC}/{image}"},
        "HyperParameters": SCRIPT,
        "DebugHookConfig": {**HOOK, "CollectionConfigurations": [{"CollectionName": "losses"}]},
    }
    assert [f.severity for f in findings_of(patch, "MON013")] == ([severity] if severity else [])


@pytest.mark.parametrize("interval", [100, 200, 500, 1000, 5000, 60000])
def test_intervals(interval: int) -> None:
    config = {**HOOK, "ProfilingIntervalInMilliseconds": interval}
    assert not findings_of({"ProfilerConfig": config}, "MON015")
    config["ProfilingIntervalInMilliseconds"] = interval + 1
    (found,) = findings_of({"ProfilerConfig": config}, "MON015")
    assert str(interval) in found.remedy


def test_settings_of_a_disabled_profiler() -> None:
    config = {"DisableProfiler": True, "ProfilingIntervalInMilliseconds": 500}
    assert [f.severity for f in findings_of({"ProfilerConfig": config}, "MON015")] == ["warning"]
    off = {"ProfilerConfig": {"DisableProfiler": True}}
    assert not findings_of(off, "MON015")
    rules = {**off, "ProfilerRuleConfigurations": [evaluation("a", "ProfilerReport")]}
    assert [f.severity for f in findings_of(rules, "MON015")] == ["error"]


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("pytorch-training:1.8.1-cpu-py36-ubuntu18.04", False),
        ("pytorch-training:2.1.0-cpu-py310-ubuntu20.04-sagemaker", True),
        ("tensorflow-training:2.10.0-cpu-py39-ubuntu20.04-sagemaker", False),
        ("tensorflow-training:2.11.0-cpu-py39-ubuntu20.04-sagemaker", True),
        ("mxnet-training:1.8.0-cpu-py37", True),
    ],
)
def test_frameworks_that_are_profiled(image: str, told: bool) -> None:
    parameters = {"DetailedProfilingConfig": '{"StartStep": 5}', "LocalPath": "/opt/ml/output/profiler"}
    patch = {
        "AlgorithmSpecification": {"TrainingImage": f"{DLC}/{image}"},
        "HyperParameters": SCRIPT,
        "ProfilerConfig": {**HOOK, "ProfilingParameters": parameters},
    }
    found = findings_of(patch, "MON018")
    assert [f.severity for f in found] == (["warning"] if told else [])
    patch["ProfilerConfig"] = {**HOOK, "ProfilingParameters": {"LocalPath": "/opt/ml/output/profiler"}}
    assert not findings_of(patch, "MON018")


def test_a_rule_s_image_is_one_of_a_registry() -> None:
    rule = {"RuleConfigurationName": "loss", "RuleEvaluatorImage": "DEFAULT_RULE_EVALUATOR_IMAGE"}
    (found,) = findings_of({"DebugHookConfig": HOOK, "DebugRuleConfigurations": [rule]}, "MON011")
    assert (found.severity, found.path) == ("error", "DebugRuleConfigurations[0].RuleEvaluatorImage")


@pytest.mark.parametrize(
    ("kind", "wrong"), [("ml.t3.medium", False), ("ml.t3.medum", True), ("ml.p5.48xlarge", True)]
)
def test_a_rule_runs_as_a_processing_job(kind: str, wrong: bool) -> None:
    image = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
    rule: dict[str, Any] = {
        "RuleConfigurationName": "loss",
        "RuleEvaluatorImage": image,
        "InstanceType": kind,
    }
    rule["RuleParameters"] = {"rule_to_invoke": "Overfit"}
    found = findings_of({"DebugHookConfig": HOOK, "DebugRuleConfigurations": [rule]}, "MON011")
    assert [one.severity for one in found] == (["error"] if wrong else [])
