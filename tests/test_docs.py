"""What is derived is not stale: the rule pages are what the rules say, and the architecture names the modules."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

import pytest

from cursus import checks
from tests.modules import load

ROOT = Path(__file__).parents[1]


def test_rule_pages_are_up_to_date() -> None:
    pages: dict[str, str] = load(ROOT / "scripts" / "make_docs.py").pages()
    folder = ROOT / "docs" / "rules"
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    stale = sorted(name for name in pages.keys() | written.keys() if pages.get(name) != written.get(name))
    assert stale == [], "run `make docs`"


@pytest.mark.parametrize("part", ["checks", "local"])
def test_the_architecture_names_the_modules_that_there_are(part: str) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition(f"### How `{part}/` is laid out")[2].partition("\n#")[0]
    rows = "".join(line for line in section.splitlines() if line.startswith("|"))
    named = re.findall(r"`([a-z_0-9*]+)/?`", rows)
    there = {path.stem for path in (ROOT / "src" / "cursus" / part).glob("[a-z]*")}
    found = {name: fnmatch.filter(there, name) for name in named}
    assert [name for name, modules in found.items() if not modules] == []
    modules_of_rules = {name.partition(".")[0] for name in checks.MODULES}
    wanted = modules_of_rules if part == "checks" else there
    assert wanted - {module for modules in found.values() for module in modules} == set()


def test_the_architecture_names_files_that_there_are() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_0-9/]+/[a-z_0-9]+\.py)`", text))
    there = {name for name in named for top in ("src/cursus", ".") if (ROOT / top / name).is_file()}
    assert named
    assert named - there == set()


def test_no_prose_of_a_page_is_taken_for_markup() -> None:
    pages: dict[str, str] = load(ROOT / "scripts" / "make_docs.py").pages()
    for name, text in pages.items():
        if name != "index.md":
            prose = re.sub(r"```.*?```|``[^`]*``|`[^`]*`", "", text, flags=re.DOTALL)
            assert re.findall(r"(?<!\\)<[a-zA-Z/]|\]\(", prose) == [], name
