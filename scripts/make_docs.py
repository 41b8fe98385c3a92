"""Make docs/rules/ from the rules' own pages. `make docs` runs it; a test fails where the result is stale."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from cursus import checks
from cursus.checks.rules import HEADINGS, RULES, Rule, markdown, page

OUT = Path(__file__).parents[1] / "docs" / "rules"
CODE = ("Breaks", "Right")
SCOPES = {
    "schema": "any request",
    "request": "any request",
    "training": "each training job definition",
    "script": "the training script",
    "run": "the evidence of a local run",
    "tuning": "tuning requests",
    "automl": "AutoML requests",
    "step": "a builder's promises",
    "pipeline": "pipeline definitions",
}


def rule_page(rule: Rule) -> str:
    """The Markdown page of one rule."""
    found = page(rule)
    lines = [f"# {rule.id}: {found.title}", ""]
    lines.append(f"*{rule.severity}* · area *{rule.area}* · reads {SCOPES[rule.scope]}")
    for heading in HEADINGS:
        body = found.sections[heading].strip("\n")
        lines += ["", f"## {heading}", ""]
        lines += ["```yaml", body, "```"] if heading in CODE else [markdown(body)]
    return "\n".join(lines) + "\n"


def index(rules: list[Rule]) -> str:
    """The list of all rules by area."""
    lines = [
        "# Rules",
        "",
        "Made from the rules themselves by `make docs`. `cursus rules ID` shows the same page in a terminal.",
        "The examples are merged into a sound request; both are run as tests.",
    ]
    area = ""
    for rule in rules:
        if rule.area != area:
            area = rule.area
            lines += [
                "",
                f"## {area.capitalize()}",
                "",
                "| rule | severity | what it says |",
                "|---|---|---|",
            ]
        lines.append(
            f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.title.replace('|', chr(92) + '|')} |"
        )
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """File name → content of every page."""
    from cursus.model import AREAS

    checks.load()
    rules = sorted(RULES.values(), key=lambda rule: (AREAS.index(rule.area), rule.id))
    return {"index.md": index(rules), **{f"{rule.id}.md": rule_page(rule) for rule in rules}}


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    made = pages()
    for old in out.glob("*.md"):
        if old.name not in made and re.fullmatch(r"[A-Z]{3}[0-9]{3}\.md", old.name):
            old.unlink()
    for name, text in made.items():
        (out / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "out", type=Path, nargs="?", default=OUT, help="folder to write; docs/rules unless given"
    )
    main(parser.parse_args().out)
