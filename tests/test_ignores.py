"""Ignores: what they take out, and what is said of those that take out nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursus import checks
from cursus.checks.step.configuration import leftovers
from cursus.ignores import Ignore, Ignores, keep, read_comments
from cursus.model import Finding, Location

checks.load()


def at(file: Path, line: int, rule: str = "STP080", path: str = "") -> Finding:
    return Finding(rule, "error", "wrong", path, location=Location(str(file), line, 1))


def test_a_comment_with_another_word_counts_for_nothing_and_is_named(tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    lines = [
        "a = 1  # cursus: ignroe[STP080] why",
        "b = 2  # Cursus: Ignore[STP080] why",
        "c = 3  # cursus: noqa",
    ]
    file.write_text("\n".join(lines))
    ignores = Ignores()
    assert [f.location.line for f in ignores.keep([at(file, 1), at(file, 2)]) if f.location] == [1]
    (named,) = leftovers(ignores, [], [str(file)], {"script"})
    assert (named.rule, named.remedy) == ("STP081", "write `# cursus: ignore[STP080] why`")


@pytest.mark.parametrize(
    ("ignore", "path", "kept"),
    [
        (Ignore("STP080", "r"), "A", False),
        (Ignore("STP", "r"), "A", False),
        (Ignore("CHN", "r"), "A", True),
        (Ignore("STP080", "r", path="A"), "A.B", False),
        (Ignore("STP080", "r", path="A"), "A[0]", False),
        (Ignore("STP080", "r", path="A"), "AB", True),
        (Ignore("STP080", "r", step="other"), "A", True),
    ],
)
def test_what_an_entry_covers(ignore: Ignore, path: str, kept: bool) -> None:
    finding = Finding("STP080", "error", "wrong", path, step="train")
    assert Ignores([ignore]).keep([finding]) == ([finding] if kept else [])


YAML = """\
TrainingJobName: churn
InputDataConfig:  # cursus: ignore[STP080] the data is made by another team
- ChannelName: train
  ContentType: text/plain
- ChannelName: test
OutputDataConfig:
  # cursus: ignore[STP081, ART] agreed on in the review
  S3OutputPath: s3://x
  KmsKeyId: y
RoleArn: z  # cursus: ignore[STP080]
"""


@pytest.mark.parametrize(
    ("line", "rule", "kept"),
    [
        (2, "STP080", False),
        (4, "STP080", False),
        (5, "STP080", False),
        (4, "STP081", True),
        (8, "STP081", False),
        (8, "ART001", False),
        (9, "STP081", True),
        (6, "STP080", True),
        (10, "STP080", True),
    ],
)
def test_comments_in_yaml(tmp_path: Path, line: int, rule: str, kept: bool) -> None:
    file = tmp_path / "request.yaml"
    file.write_text(YAML)
    finding = at(file, line, rule)
    assert keep([finding], None) == ([finding] if kept else [])


def test_comment_on_a_function_counts_for_its_body(tmp_path: Path) -> None:
    file = tmp_path / "builder.py"
    file.write_text(
        "class Builder:\n"
        "    def get_metrics_config(self):  # cursus: ignore[STP080] measured elsewhere\n"
        "        return {\n"
        "            'a': 1,\n"
        "        }\n"
        "    def other(self):\n"
        "        return 1\n"
    )
    assert keep([at(file, 4)], None) == []
    assert len(keep([at(file, 7)], None)) == 1


def test_leftovers(tmp_path: Path) -> None:
    file = tmp_path / "request.yaml"
    file.write_text(
        "A: 1  # cursus: ignore[STP080] one\nB: 2  # cursus: ignore[STP080] two\nC: 3 # cursus: ignore\n"
    )
    used = Ignore("STP081", "used")
    idle = Ignore("STP081", "idle", path="Nowhere", step="Trian", location=Location("cursus.toml", 3))
    ignores = Ignores([used, idle])
    assert ignores.keep([at(file, 1), at(file, 9, "STP081")]) == []
    found = leftovers(ignores, [used, idle], [str(file)], {"script"}, steps=["Train", "Split"])
    assert (
        "at 'Nowhere' in the step 'Trian' (idle) ignores nothing. Did you mean 'Train'?" in found[0].message
    )
    assert [(f.rule, f.severity, str(f.location)) for f in found] == [
        ("STP080", "info", "cursus.toml:3"),
        ("STP080", "info", f"{file}:2:7"),
        ("STP081", "warning", f"{file}:3:6"),
    ]
    assert "(two)" in found[1].message
    assert [f.rule for f in leftovers(ignores, [], [str(file)], {"pipeline"})] == ["STP081"]


def test_a_comment_is_the_same_however_its_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "builder.py"
    file.write_text("A = 1  # cursus: ignore[STP080] one\n")
    monkeypatch.chdir(tmp_path)
    ignores = Ignores()
    assert ignores.keep([at(file, 1)]) == []
    assert leftovers(ignores, [], ["builder.py"], {"script"}) == []


def test_what_a_run_may_need_is_said_so(tmp_path: Path) -> None:
    entry = Ignore("STP", "why")
    assert "so that it cannot hide" in leftovers(Ignores(), [entry], [], {"script", "run"})[0].remedy
    assert (
        "so that it cannot hide" in leftovers(Ignores(), [Ignore("STP080", "why")], [], {"script"})[0].remedy
    )
    assert "unless a run needs it" in leftovers(Ignores(), [Ignore("ART", "why")], [], {"script"})[0].remedy


LOOKALIKES = {
    "a.py": (
        '"""Write # cursus: ignore[STP080] why."""\n\x0c\nA = "# cursus: ignore[STP080] x"\n'
        "B = 1  # cursus: ignore[STP081] y\n"
    ),
    "a.yaml": (
        "a: \"# cursus: ignore[STP080] why\"\nb: [' # cursus: ignore[STP080] it''s', c#cursus: ignore[STP080] x]\n"
        "# it\u2028d: don't 'x  # cursus: ignore[STP081] y\n"
    ),
}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_a_text_is_no_comment(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(LOOKALIKES[name], encoding="utf-8")
    found = read_comments(str(tmp_path / name)).comments
    assert [(comment.rules, comment.line) for comment in found] == [(("STP081",), 4)]


@pytest.mark.parametrize(
    "content", [b"\xff\xfe # cursus: ignore[STP080] x", b"", b"# cursus: ignore[STP080] last line"]
)
def test_odd_files(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "odd.yaml"
    file.write_bytes(content)
    assert len(read_comments(str(file)).comments) == (b"cursus" in content)
    assert read_comments(str(tmp_path / "none.yaml")).comments == ()
    assert read_comments("nul\0.yaml").comments == ()


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("UNITS = 7", True),
        ("    def create_step(self):", False),
        ('            "ResourceConfig": {', False),
        ('                "InstanceType": KIND,', False),
        ('                "InstanceCount": 1,', True),
        ('KIND = "ml.m5.tiny"', False),
    ],
)
def test_a_comment_counts_where_a_value_is_written_and_where_it_is_mentioned(
    tmp_path: Path, line: str, kept: bool
) -> None:
    import cursus

    file = tmp_path / "builder.py"
    source = (
        'UNITS = 7\nKIND = "ml.m5.tiny"\n'
        "class Builder:\n"
        "    def create_step(self):\n"
        "        return {\n"
        '            "AlgorithmSpecification": {"TrainingInputMode": "File"},\n'
        '            "ResourceConfig": {\n'
        '                "InstanceType": KIND,\n'
        '                "InstanceCount": 1,\n'
        "            },\n"
        "        }\n"
    )
    assert source.count(line) == 1
    file.write_text(source.replace(line, line + "  # cursus: ignore[RES001] ours"))
    found = [one.rule for one in cursus.check(f"{file}:Builder").findings]
    assert ("RES001" in found) == kept
