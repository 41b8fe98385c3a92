"""Every format from one outcome, with the characters that break formats."""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cursus.model import Finding, Location, Report, Section
from cursus.report import formats
from cursus.report.github import relative
from cursus.report.outcome import Outcome, TargetOutcome
from cursus.report.plain import clean, count, one_line

NASTY = "a\x00b\x1b[31m<&>\"'%0A::]]>\ud800\ufffe é\u2028\r\nnext"
SECRET = "AKIA" + "ABCDEFGHIJKLMNOP"


def outcome(*findings: Finding, failure: str = "", strict: bool = False) -> Outcome:
    report = Report(
        findings=findings,
        sections=(Section("train", "CreateTrainingJob", "Training"), Section("tune", "CreateX", "Tuning")),
        notes=("the script was not read",),
        service_model="2026-01-31",
        strict=strict,
    )
    targets = [TargetOutcome("a.json", report)]
    if failure:
        targets.append(TargetOutcome("b.json", failure=failure))
    return Outcome("check", tuple(targets), service_model="2026-01-31", strict=strict)


def nasty() -> Outcome:
    place = Location(f"dir/{NASTY}.json", 3, 7)
    return outcome(
        Finding("CHN001", "error", f"wrong {NASTY}", f"Environment.{NASTY}", f"do {NASTY}", location=place),
        Finding("CHN001", "warning", f"the key is {SECRET}", step="train"),
        Finding("STP080", "info", "on a step of its own", step="tune"),
        failure=f"no {NASTY}",
    )


def rendered(found: Outcome, format: str, **options: Any) -> str:
    return "".join(formats.render(found, format, **options))


@pytest.mark.parametrize("format", formats.FORMATS)
def test_no_secret_and_no_control_character(format: str) -> None:
    text = rendered(nasty(), format)
    assert SECRET not in text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text)
    text.encode("utf-8")


def test_unknown_format() -> None:
    with pytest.raises(ValueError, match="no format 'pdf'"):
        rendered(nasty(), "pdf")


def test_text() -> None:
    text = rendered(nasty(), "text")
    lines = text.splitlines()
    assert "== train (CreateTrainingJob)" in lines and "== tune (CreateX)" in lines
    assert "a.json: info[STP080] on a step of its own" in lines
    assert "a.json: note: the script was not read" in lines
    assert any(line.startswith("b.json: unreadable: no a\\x00b") for line in lines)
    assert lines[-1] == (
        "1 error, 1 warning, 1 info in 2 steps of 2 targets; 1 could not be read (service model of 2026-01-31)"
    )
    assert "\x1b[1;31merror[CHN001]\x1b[0m" in rendered(nasty(), "text", color=True)


def test_json_and_jsonl() -> None:
    data = json.loads(rendered(nasty(), "json"))
    assert data["schema_version"] == 1 and data["ok"] is False and len(data["findings"]) == 3
    assert data["unreadable"][0]["target"] == "b.json"
    assert data["findings"][0]["line"] == 3 and data["findings"][0]["target"] == "a.json"
    kinds = [json.loads(line)["kind"] for line in rendered(nasty(), "jsonl").splitlines()]
    assert kinds == ["unreadable", "finding", "finding", "finding", "summary"]


def test_strict() -> None:
    warning = Finding("CHN001", "warning", "odd", step="train")
    assert outcome(warning).ok and not outcome(warning, strict=True).ok
    suites = ElementTree.fromstring(rendered(outcome(warning, strict=True), "junit"))
    assert suites.get("failures") == "1"


def test_sarif() -> None:
    log = json.loads(rendered(nasty(), "sarif"))
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["CHN001", "STP080"]
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note") and result["message"]["text"]
        assert re.fullmatch("[0-9a-f]{64}", result["partialFingerprints"]["place/v1"])
    physical = run["results"][0]["locations"][0]["physicalLocation"]
    assert physical["region"] == {"startLine": 3, "startColumn": 7}
    assert re.fullmatch(r"[!-~]+", physical["artifactLocation"]["uri"])
    assert run["results"][1]["locations"][0]["physicalLocation"] == {"artifactLocation": {"uri": "a.json"}}
    invocation = run["invocations"][0]
    assert invocation["executionSuccessful"] is False and invocation["toolExecutionNotifications"]


def test_sarif_gives_each_result_a_file() -> None:
    """GitHub takes no log in which a result has none."""
    targets = [
        TargetOutcome(target, Report((Finding("STP089", "error", "no create_step"),)))
        for target in ("steps/builder.py:Builder", "steps.builder:Builder")
    ]
    unused = {**Finding("STP080", "info", "the ignore of CHN").to_dict(), "target": ""}
    (run,) = json.loads(rendered(Outcome("check", tuple(targets), extra=(unused,)), "sarif"))["runs"]
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"]]
    assert places == ["steps/builder.py", "steps.builder%3ABuilder"]
    (note,) = run["invocations"][0]["toolConfigurationNotifications"]
    assert note == {"level": "note", "message": {"text": "the ignore of CHN"}}


def test_a_failure_names_its_target_once() -> None:
    failed = Outcome("check", (TargetOutcome("a.json", failure="a.json:3: nested too deeply"),))
    for format in ("sarif", "github"):
        assert "a.json: a.json" not in rendered(failed, format) and "a.json:3: nested" in rendered(
            failed, format
        )
    unused = {**Finding("STP080", "info", "the ignore of CHN").to_dict(), "target": ""}
    assert "::the ignore of CHN" in rendered(Outcome("check", (), extra=(unused,)), "github")


def test_junit() -> None:
    suites = ElementTree.fromstring(rendered(nasty(), "junit"))
    assert suites.attrib == {
        "name": "cursus check",
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "0",
    }
    failure = suites.find(".//failure")
    assert failure is not None and "a\\x00b\\x1b[31m<&>" in (failure.text or "")
    assert "\\ud800\\ufffe" in (failure.get("message") or "")


def test_steps_of_a_folder_that_are_called_the_same_are_cases_of_their_own() -> None:
    found = [
        Finding("CHN001", "error", "wrong", step="churn", location=Location(file, 1, 1))
        for file in ("a.json", "b.json", "b.json")
    ]
    section = Section("churn", "CreateTrainingJob", "Training")
    report = Report(tuple(found), (section, section, section), (), "2026-11-17")
    suites = ElementTree.fromstring(rendered(Outcome("check", (TargetOutcome("jobs", report),)), "junit"))
    assert (suites.get("tests"), suites.get("failures")) == ("3", "2")


def test_github() -> None:
    lines = rendered(nasty(), "github").split("\n")
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines[:4])
    first = next(line for line in lines if "CHN001" in line)
    assert ",line=3,col=7::wrong " in first and "%250A" in first and "%0D%0Anext" in first
    properties = first.split("::")[1]
    assert "%3A%3A" in properties


@pytest.mark.parametrize(
    ("failure", "place"),
    [
        ("a.json:3:7: this is no JSON", ",file=a.json,line=3,col=7"),
        ("jobs/b.json:4:1: this is no JSON", ",file=jobs/b.json,line=4,col=1"),
        ("a.json:3: NaN is no number", ",file=a.json,line=3"),
        ("a.json: larger than 4 MiB", ",file=a.json"),
        ("there is nothing in it", ""),
    ],
)
def test_github_shows_a_file_that_cannot_be_read_beside_its_line(failure: str, place: str) -> None:
    lines = rendered(Outcome("check", (TargetOutcome("a.json", failure=failure),)), "github").splitlines()
    assert lines[0].startswith(f"::error title=unreadable{place}::")


def test_places_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert relative(str(tmp_path / "a" / "b.json")) == "a/b.json"
    assert relative("./a/../b.json") == "b.json"
    assert relative(os.sep + "elsewhere.json") == "/elsewhere.json"
    (tmp_path / "service").mkdir()
    monkeypatch.chdir(tmp_path / "service")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert relative("b.json") == "service/b.json"
    assert relative(os.sep + "elsewhere.json") == "/elsewhere.json"


def test_words() -> None:
    assert [count(0, "error"), count(1, "error"), count(2, "error")] == ["no errors", "1 error", "2 errors"]
    assert clean("a\x9bb\ud800") == "a\\x9bb\\ud800" and one_line("a\nb\t") == "a\\nb\\t"


def test_explanation_comes_once() -> None:
    twice = (Finding("CHN001", "error", "one"), Finding("CHN001", "error", "two"))
    text = rendered(outcome(*twice), "text", explain=True)
    assert text.count("What it does:") == 1 and "https://" in text


class Page(HTMLParser):
    """The text of a page, and what it would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not {"src", "href", "onload", "onclick"} & {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_html_is_one_closed_page_that_runs_and_loads_nothing() -> None:
    page = Page(rendered(nasty(), "html"))
    assert page.open == [] and "script" not in page.seen and "link" not in page.seen
    assert "wrong a\\x00b\\x1b[31m<&>\"'%0A::]]>" in page.words
    assert "train (CreateTrainingJob)" in page.words and "beside the steps" in page.words
    assert rendered(nasty(), "html").count("<details>") == 3  # each finding with the page of its rule


def test_html_tells_each_finding_once_and_folds_the_steps_without_one() -> None:
    names = ["quiet", "train", "train", "silent", "odd"]
    report = Report(
        findings=(
            Finding("CHN001", "error", "twice", step="train"),
            Finding("STP080", "warning", "odd", step="odd"),
        ),
        sections=tuple(Section(name, "CreateTrainingJob", "Training") for name in names),
    )
    for strict, failed in ((False, 1), (True, 2)):
        text = rendered(Outcome("check", (TargetOutcome("jobs", report),), strict=strict), "html")
        assert text.count("<b>CHN001</b>") == 1 and "2 without a finding" in text
        assert text.count('<span class="word failed">') == failed


def test_html_draws_the_metrics_of_a_run() -> None:
    points = [
        {"timestamp": 0.5 * n, "value": value, "host": "algo-1"} for n, value in enumerate((4.0, 2.0, 1.0))
    ]
    run = {
        "summary": "Completed",
        "stages": {"Training": 1.0},
        "metrics": {"loss": points},
        "not_reproduced": ["<x>"],
    }
    tests = {"all_tests_passed": True, "tests": {}, "findings": [], "local_run": run}
    text = rendered(Outcome("test", (TargetOutcome("b.py:B", tests=tests),)), "html")
    drawn = re.search('<polyline points="([^"]*)"', text)
    assert drawn is not None
    heights = [float(pair.split(",")[1]) for pair in drawn[1].split()]
    assert len(heights) == 3 and heights == sorted(heights)  # SVG counts down: the loss falls
    assert "&lt;x&gt;" in text
