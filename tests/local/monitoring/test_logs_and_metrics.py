"""Logs are whole and live whatever bytes come; metrics are what the regexes capture as lines are printed."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest

from cursus.local.metrics import LINE_LIMIT, Scanner
from cursus.local.monitoring.logs import Log
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
    scanner.lines(line, "algo-1", 1.0)
    assert scanner.last.get("m") == (None if value is None else (1.0, value))


def fed(tmp_path: Path, *pieces: bytes) -> tuple[list[str], Log]:
    """The lines that a log hands on of what is printed in these pieces."""
    blocks: list[str] = []
    read, write = os.pipe()
    log = Log("algo-1", read, str(tmp_path / "log"), lambda text, host: blocks.append(text))
    for piece in pieces:
        for start in range(0, len(piece), 1 << 15):
            os.write(write, piece[start : start + (1 << 15)])
            assert log.read()
    os.close(write)
    assert not log.read()
    assert (tmp_path / "log").read_bytes() == b"".join(pieces)
    return [line for block in blocks for line in block.split("\n")], log


def test_log_reader_counts_and_cuts(tmp_path: Path) -> None:
    lines, log = fed(tmp_path, b"one\ntwo\r\nrest")
    assert (lines, log.lines) == (["one", "two", "rest"], 3)


@pytest.mark.parametrize("more", [0, 1, LINE_LIMIT, LINE_LIMIT + 1])
def test_long_lines_are_cut_wherever_they_are_read(tmp_path: Path, more: int) -> None:
    long = b"x" * (LINE_LIMIT + more)
    lines, log = fed(tmp_path, b"a\nb", long[1:], b"\nc\n\nd")
    sizes = [len(line) for line in lines]
    whole, rest = divmod(LINE_LIMIT + more, LINE_LIMIT)
    assert sizes == [1, *[LINE_LIMIT] * whole, *[rest] * bool(rest), 1, 0, 1]
    assert log.lines == len(lines)


def test_pieces_of_a_line_are_put_together(tmp_path: Path) -> None:
    lines, log = fed(tmp_path, b"\xe2", b"\x82", b"\xac", b"\n", b"\n", b"a", b"b\nc\n")
    assert (lines, log.lines) == (["€", "", "ab", "c"], 4)


REGEXES = [
    "loss=([0-9.]+)",
    "^loss=(.*);$",
    "(?i)LOSS=(.*)",
    "(?:acc|loss)=(\\d+)",
    "x{2}(.)",
    "(ab)+c?(\\d)",
    "([0-9]+)",
    "\\bab\\b(\\d?)",
    "a\\n(.)",
    "[^a](.)",
    "",
    "(a)?b(1)",
    "\\s(1)",
    "(?=a)a(b)",
    "(?!b)a(.)",
    "a(?P<n>1)(?P=n)",
    "^$",
]


def test_blocks_give_what_every_single_line_gives() -> None:
    import random

    choose = random.Random(7)
    parts = [
        "loss=",
        "LOSS=",
        "acc=",
        "1",
        "0.5",
        ";",
        "x",
        "xx",
        "ab",
        "abc",
        "a",
        "b",
        " ",
        "\n",
        "\n",
        "\n\n",
    ]
    for _ in range(150):
        block = "".join(choose.choice(parts) for _ in range(60))
        definitions = [metric(str(i), regex) for i, regex in enumerate(REGEXES)]
        together, apart = io.BytesIO(), io.BytesIO()
        one, many = Scanner(definitions, together), Scanner(definitions, apart)
        one.lines(block, "algo-1", 1.0)
        for line in block.split("\n"):
            for i, regex in enumerate(REGEXES):
                found = re.search(regex, line)
                expected = many.matches[i] + (found is not None)
                many.matches[i] = expected
        assert one.matches == many.matches
        single = Scanner(definitions, apart)
        for line in block.split("\n"):
            single.lines(line, "algo-1", 1.0)
        assert together.getvalue() == apart.getvalue()
        assert single.summary() == one.summary()
        assert single.last == one.last


def test_burst_of_lines_is_kept_in_order(run: Run) -> None:
    number = 100_000
    job = run(
        f"import sys\nfor i in range({number}): sys.stdout.write('step %08d ' % i + 'x' * 75 + ' loss=%d\\n' % i)",
        {
            "AlgorithmSpecification": {
                "MetricDefinitions": [
                    metric("loss", "loss=([0-9]+)"),
                    metric("even", "loss=([0-9]*[02468])$"),
                ]
            }
        },
    )
    lines = job.logs().splitlines()
    assert [int(line[5:13]) for line in lines] == list(range(number))
    assert job.evidence.log_lines == number
    assert [point.value for point in job.metrics["loss"]] == [float(i) for i in range(number)]
    assert len(job.metrics["even"]) == number // 2


def test_a_regex_without_end_is_given_up_and_the_job_goes_on(run: Run) -> None:
    script = "print('a' * 60 + '!')\nprint('loss=0.5')"
    definitions = [metric("loss", "loss=([0-9.]+)"), metric("endless", "^(a+)+$")]
    job = run(script, {"AlgorithmSpecification": {"MetricDefinitions": definitions}})
    assert job.status == "Completed"
    assert [point.value for point in job.metrics["loss"]] == [0.5]
    assert [scan.given_up for scan in job.evidence.metric_scans] == [False, True]
    given_up = [finding for finding in job.findings if finding.rule == "MON090"]
    assert [finding.path for finding in given_up] == ["AlgorithmSpecification.MetricDefinitions[1].Regex"]
    assert "given up" in given_up[0].message
