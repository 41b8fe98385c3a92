"""``cursus doctor``: what this machine gives, and why not more."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from cursus.commands import common, options
from cursus.report.plain import Style, clean

if TYPE_CHECKING:
    from cursus.local.isolation.probes import Probe

OPTIONAL = {
    "botocore": "cursus refresh",
    "obstore": "real S3",
    "jinja2": "--format html",
    "pytest": "pytest --cursus",
    "sagemaker": "steps of the SageMaker SDK",
    "sklearn": "running scikit-learn scripts",
    "xgboost": "running XGBoost scripts",
    "torch": "running PyTorch scripts",
    "tensorflow": "running TensorFlow scripts",
}


@click.command("doctor")
@options.root
@options.output(("text", "json"))
def command(root: str | None, format: str, output: str | None) -> int:
    """Say which isolation a local run gets on this machine, and why not more; versions and facts in use."""
    data = examine(root)
    if format == "json":
        common.write_json(data, output)
    else:
        style = Style(output is None and common.want_color())
        common.write(lines(data, style), output)
    isolation = data["isolation"]
    if isolation["problem"]:
        common.say(f"cursus: {isolation['problem']}")
        return common.USAGE
    return common.OK if isolation["level"] else common.FAILED


def examine(root: str | None) -> dict[str, Any]:
    """Everything that doctor tells, as plain data."""
    import cursus
    from cursus.aws import schema
    from cursus.commands.job_folders import place
    from cursus.local.isolation.probes import probe, probe_engines
    from cursus.local.s3.ondemand import refusal

    probes, engines = probe(), probe_engines()
    no_fuse = refusal(None)
    best = next((one.level for one in probes if one.works), None)
    folder = place(root)
    forced = os.environ.get("CURSUS_ISOLATION") or None
    return {
        "cursus": cursus.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "executable": sys.executable,
        "service_model": {"date": schema.model_date(), "source": schema.model_source()},
        "isolation": {
            "level": best,
            "forced": forced,
            "problem": _problem(forced, (*probes, *engines)),
            "levels": [probe._asdict() for probe in probes],
            "engines": [probe._asdict() for probe in engines],
        },
        "fuse": {"works": no_fuse is None, "reason": no_fuse or ""},
        "root": {"path": str(folder), "writable": _writable(str(folder))},
        "optional": {name: importlib.util.find_spec(name) is not None for name in OPTIONAL},
    }


def _problem(forced: str | None, probes: Sequence[Probe]) -> str:
    """Why no run can have the level that CURSUS_ISOLATION asks for; empty where one can."""
    if forced is None:
        return ""
    known = {probe.level: probe for probe in probes}
    if forced not in known:
        return f"CURSUS_ISOLATION is {forced!r}, and there is no such level: take one of {', '.join(known)}"
    if not known[forced].works:
        return f"CURSUS_ISOLATION asks for {forced}, which does not work here: {known[forced].reason}"
    return ""


def _writable(folder: str) -> bool:
    path = os.path.abspath(folder)  # noqa: PTH100 - keeps links as they are
    while not os.path.exists(path):  # noqa: PTH110
        path = os.path.dirname(path)  # noqa: PTH120
    return os.access(path, os.W_OK | os.X_OK)


def lines(data: dict[str, Any], style: Style) -> Iterator[str]:
    """The same for people."""
    model, isolation, root = data["service_model"], data["isolation"], data["root"]
    yield f"cursus {data['cursus']}, Python {data['python']}, {data['platform']}\n"
    yield f"service model of {model['date']} ({clean(model['source'])})\n"
    state = style("writable", "good") if root["writable"] else style("not writable", "error")
    yield f"jobs go to {clean(root['path'])}, which is {state}\n"
    best = isolation["level"]
    yield f"isolation of local runs: {style(best or 'none works here', 'good' if best else 'error')}\n"
    if isolation["forced"] and not isolation["problem"]:
        yield f"  CURSUS_ISOLATION asks for {clean(isolation['forced'])}\n"
    for probe in isolation["levels"]:
        yield f"  {probe['level']} {_whether(probe, style, 'works', 'does not work', 'warning')}\n"
        for limit in probe["limits"] if probe["works"] else ():
            yield f"      {clean(limit)}\n"
    yield "containers of the job's own image (--engine):\n"
    for probe in isolation["engines"]:
        yield f"  {probe['level']} {_whether(probe, style, 'works', 'does not work')}\n"
        for limit in probe["limits"]:
            yield f"      {clean(limit)}\n"
    told = _whether(data["fuse"], style, "on demand", "downloaded first")
    yield f"FastFile channels from S3: {told}\n"
    for name, there in data["optional"].items():
        word = style("installed", "good") if there else style("not installed", "dim")
        yield f"{name}: {word} ({OPTIONAL[name]})\n"


def _whether(found: dict[str, Any], style: Style, works: str, fails: str, look: str = "dim") -> str:
    """One word or the other for what works or does not, and why not."""
    return style(works, "good") if found["works"] else f"{style(fails, look)}: {clean(found['reason'])}"
