"""Logs are whole and live whatever bytes come; metrics are what the regexes capture as lines are printed."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from cursus.local.logs import Log
from cursus.local.metrics import LINE_LIMIT, Scanner
from tests.local.conftest import Run


def metric(name: str, regex: str) -> dict[str, str]:
    return {"Name": name, "Regex": regex}


def test_bytes_are_kept_as_they_come(run: Run) -> None:
    script = """
import sys
sys.stdout.buffer.write(b"\\xff\\x00abc\\r\\n\\xe2\\x82")
sys.stdout.flush()
sys.stderr.write("err")
"""
    job = run(script)
    assert (job.folder / "logs/algo-1.log").read_bytes() == b"\xff\x00abc\r\n\xe2\x82err"
    assert job.evidence.log_lines == 2


def test_both_streams_in_order(run: Run) -> None:
    job = run("import sys\nfor i in range(500): print(i, file=(sys.stdout, sys.stderr)[i % 2], flush=True)")
    assert job.logs().split() == [str(i) for i in range(500)]


def test_line_without_end(run: Run) -> None:
    size = 64 * 1024 * 1024
    job = run(
        f"import sys\nblock = 'x' * (1 << 20)\nfor _ in range({size} >> 20): sys.stdout.write(block)\nprint('loss=1')",
        {"AlgorithmSpecification": {"MetricDefinitions": [metric("loss", "loss=([0-9]+)")]}},
    )
    assert (job.folder / "logs/algo-1.log").stat().st_size == size + 7
    assert job.evidence.log_lines == size // LINE_LIMIT + 1
    assert [point.value for point in job.metrics["loss"]] == [1.0]


def test_script_that_closes_its_output(run: Run) -> None:
    job = run(
        "import os; print('a', flush=True); os.close(1); os.close(2); open('/opt/ml/model/m', 'w').write('1')"
    )
    assert (job.status, job.logs()) == ("Completed", "a\n")
    assert job.model_artifact is not None


def test_metrics_of_a_run(run: Run) -> None:
    script = "import sys\nfor i in range(3): print(f'epoch {i} loss={i / 2} acc=best', file=sys.stderr)"
    definitions = [
        metric("loss", "loss=([0-9.]+)"),
        metric("acc", "acc=(\\S+)"),
        metric("none", "nothing=([0-9])"),
    ]
    job = run(script, {"AlgorithmSpecification": {"MetricDefinitions": definitions}})
    assert [point.value for point in job.metrics["loss"]] == [0.0, 0.5, 1.0]
    assert [point.host for point in job.metrics["loss"]] == ["algo-1"] * 3
    scans = {scan.name: scan for scan in job.evidence.metric_scans}
    assert (scans["loss"].matches, scans["acc"].matches, scans["none"].matches) == (3, 3, 0)
    assert scans["acc"].not_numbers == ("best",) * 3
    assert job.describe()["FinalMetricDataList"][0]["MetricName"] == "loss"
    assert {f.path: f.rule for f in job.findings if f.rule.startswith("MON09")} == {
        "AlgorithmSpecification.MetricDefinitions[1].Regex": "MON091",
        "AlgorithmSpecification.MetricDefinitions[2].Regex": "MON090",
    }


@pytest.mark.parametrize(
    ("regex", "line", "value"),
    [
        ("loss=([0-9.]+)", "x loss=0.5 y loss=9", 0.5),
        ("loss=(.*)", "loss=-1e-3", -0.001),
        ("^loss=(.*);$", "loss=7;", 7.0),
        ("loss=([0-9]+)", "no", None),
        ("loss=(.*)", "loss=nan", None),
        ("loss=(.*)", "loss=inf", None),
        ("loss", "loss=1", None),
        ("(", "(", None),
    ],
)
def test_what_a_regex_captures(regex: str, line: str, value: float | None) -> None:
    scanner = Scanner([metric("m", regex)], io.BytesIO())
    scanner.line(line, "algo-1", 1.0)
    assert scanner.last.get("m") == (None if value is None else (1.0, value))


def test_log_reader_counts_and_cuts(tmp_path: Path) -> None:
    lines: list[Any] = []
    read, write = os.pipe()
    log = Log("algo-1", read, str(tmp_path / "log"), lambda text, host: lines.append(text))
    os.write(write, b"one\ntwo\r\nrest")
    assert log.read()
    os.close(write)
    assert not log.read()
    assert (lines, log.lines) == (["one", "two", "rest"], 3)
