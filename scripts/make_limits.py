"""Make ``src/cursus/aws/data/limits.json``: the longest time of a job, the directories that are SageMaker's own,
and the members that tell what became of a job.

pip install botocore==1.44.5
python scripts/make_limits.py
"""

from __future__ import annotations

from model_docs import Model, write

# What channels, the model archive, the training toolkit and the reason of a failure take of the container's tree.
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage.html
CHECKPOINTS_TAKEN = ["/opt/ml/input", "/opt/ml/model", "/opt/ml/code", "/opt/ml/output/failure"]
# '"LocalPath" of "TensorBoardOutputConfig" cannot start with the following reserved path: …'
# https://github.com/aws/amazon-sagemaker-examples/issues/3620
TENSORBOARD_TAKEN = ["/opt/ml", "/tmp", "/usr/local/nvidia"]
# The training toolkit joins the command line with spaces and runs it by a shell (asyncio.create_subprocess_shell) from
# 3.9.3 (October 2021) on, where the container captures errors as PyTorch's and TensorFlow's do; 5.1.0 (August 2025)
# does, 5.1.4 no longer (create_subprocess_exec). Images that were no longer patched before it keep the older one.
# https://github.com/aws/sagemaker-training-toolkit/issues/128 and /issues/115 (which images began with it)
SHELL = {"since": {"pytorch": "1.10", "tensorflow": "2.5"}, "surely_until": "2025-08-08"}
# The accounts, one a region, that hold the algorithms of AWS Marketplace, as AWS's sample notebooks name them.
# https://github.com/aws/amazon-sagemaker-examples (aws_marketplace/using_algorithms)
MARKETPLACE = [
    "865070037744",
    "594846645681",
    "382657785993",
    "057799348421",
    "856760150666",
    "985815980388",
    "446921602837",
    "470592106596",
    "666831318237",
    "192199979996",
    "077584701553",
    "745090734665",
    "977537786026",
    "270155090741",
    "843114510376",
    "136758871317",
]
# Images below these versions import the user's script and call its functions (train, train_input_fn, …) instead of
# running it: sagemaker 2.257.7, mxnet/estimator.py (_LOWEST_SCRIPT_MODE_VERSION), tensorflow/estimator.py
# (_HIGHEST_LEGACY_MODE_ONLY_VERSION, 1.10.0)
CALLED = {"sagemaker-tensorflow": "1.11", "sagemaker-mxnet": "1.3"}
# GPU images of frameworks below these versions (of MXNet: all) load NVIDIA's driver when they are imported: "OSError:
# libcuda.so.1: cannot open shared object file". TensorFlow looks for it while it runs from 1.14 on.
# https://github.com/aws/sagemaker-mxnet-inference-toolkit/issues/112, https://github.com/aws/sagemaker-python-sdk/issues/440
NEEDS_DRIVER = {"mxnet": "2", "tensorflow": "1.14"}

# How the names of models on the Hugging Face Hub begin of which each has a licence to accept; on their pages there.
GATED = [
    "meta-llama/",
    "google/gemma-1.1-",
    "google/gemma-2",
    "google/gemma-3",
    "google/gemma-7b",
    "google/paligemma",
    "bigcode/starcoderbase",
    "stabilityai/stable-diffusion-3",
]

# The first versions of text-generation-inference and transformers that know an architecture, by how the names of such
# models on the Hub begin: the release notes of both ("Unsupported model type mistral", KeyError: 'mistral' below them)
SERVED_SINCE = {
    "mistralai/Mistral-7B": ["1.1.0", "4.34.0"],
    "HuggingFaceH4/zephyr-7b": ["1.1.0", "4.34.0"],
    # 1.3.1 ends with a TypeError on its sliding window: https://github.com/philschmid/llm-sagemaker-sample/issues/8
    "mistralai/Mixtral-8x": ["1.3.2", "4.36.0"],
    "HuggingFaceH4/zephyr-7b-gemma": ["1.4.2", "4.38.0"],
    "google/gemma-": ["1.4.2", "4.38.0"],
    "meta-llama/Llama-3.1": ["2.2.0", "4.43.0"],
    "meta-llama/Meta-Llama-3.1": ["2.2.0", "4.43.0"],
}

# What does not go with ServerlessJobConfig: https://github.com/hashicorp/terraform-provider-aws/pull/46892
NOT_SERVERLESS = [
    "AlgorithmSpecification",
    "CheckpointConfig",
    "DebugHookConfig",
    "EnableManagedSpotTraining",
    "Environment",
    "ExperimentConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "RetryStrategy",
    "TensorBoardOutputConfig",
]

# What SageMaker takes where a request says nothing (API_CreateTrainingJob, API_ResourceConfig, API_OutputDataConfig,
# API_S3DataSource), and the training toolkit (sagemaker-training 5.1.4, environment.py: logging.INFO).
DEFAULTS = {
    "EnableManagedSpotTraining": False,
    "KeepAlivePeriodInSeconds": 0,
    "CompressionType": "GZIP",
    "S3DataDistributionType": "FullyReplicated",
    "sagemaker_container_log_level": "20",
}


JOBS = (
    "TrainingJob",
    "HyperParameterTuningJob",
    "AutoMLJob",
    "AutoMLJobV2",
    "ProcessingJob",
    "TransformJob",
    "Model",
)


def _answers(model: Model) -> list[str]:
    """What the Describe operations of jobs answer with beside the members of their requests."""
    found: set[str] = set()
    for job in JOBS:
        request = f"Create{job}Input" if job == "Model" else f"Create{job}Request"
        response = f"Describe{job}Output" if job == "Model" else f"Describe{job}Response"
        found |= set(model.shape(response)["members"]) - set(model.shape(request)["members"])
    requests = (f"Create{job}Input" if job == "Model" else f"Create{job}Request" for job in JOBS)
    return sorted(found.difference(*(model.shape(request)["members"] for request in requests)))


def main() -> None:
    """Write the table."""
    model = Model.load()
    days = model.stated(r"The maximum value is (\d+) days", "StoppingCondition", "MaxRuntimeInSeconds")
    checkpoints = model.expect(["/opt/ml/checkpoints/"], "CheckpointConfig", "LocalPath")
    tensorboard = model.expect(["/opt/ml/output/tensorboard"], "TensorBoardOutputConfig", "LocalPath")
    write(
        "limits",
        model,
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html",
        {
            "longest_job_days": int(days),
            "defaults": DEFAULTS,
            "not_serverless": NOT_SERVERLESS,
            "arguments_by_shell": SHELL,
            "functions_called_below": CALLED,
            "driver_needed_below": NEEDS_DRIVER,
            "marketplace_accounts": MARKETPLACE,
            "gated_models": GATED,
            "models_served_since": SERVED_SINCE,
            "answers": _answers(model),
            "planned_types": model.shape("ReservedCapacityInstanceType")["enum"],
            "directories": {
                "CheckpointConfig": {"default": checkpoints[0].rstrip("/"), "taken": CHECKPOINTS_TAKEN},
                "TensorBoardOutputConfig": {"default": tensorboard[0], "taken": TENSORBOARD_TAKEN},
            },
        },
    )


if __name__ == "__main__":
    main()
