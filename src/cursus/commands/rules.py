"""``cursus rules``: the list of rules, and the page of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from cursus.checks.rules import HEADINGS, Rule
from cursus.commands import common, options
from cursus.report.plain import Style, count


@click.command("rules")
@click.argument("id", required=False)
@options.output(("text", "json"))
def command(id: str | None, format: str, output: str | None) -> int:
    """List the rules, or explain the rule ID.

    Or list those whose id begins with ID, those of an area (channels), and those whose page has these words, such as
    "duplicate channel name".
    """
    from cursus import checks
    from cursus.checks.rules import RULES
    from cursus.config import unknown_rule

    checks.load()
    wanted = (id or "").upper()
    chosen = [rule for name, rule in sorted(RULES.items()) if name.startswith(wanted)]
    if id is not None and (not id or not chosen):
        chosen = about(id)
    if not chosen:
        raise click.UsageError(
            f"no rule's page has all of these words: {id}" if " " in wanted.strip() else unknown_rule(wanted)
        )
    if format == "json":
        common.write_json({"rules": [described(rule) for rule in chosen]}, output)
    else:
        style = Style(output is None and common.want_color())
        common.write(explanation(chosen[0], style) if wanted in RULES else listing(chosen, style), output)
    return common.OK


def about(words: str) -> list[Rule]:
    """The rules of an area of this name, or those whose pages have all of these words."""
    from cursus.checks.rules import RULES, page

    rules = [rule for _, rule in sorted(RULES.items())]
    sought = words.lower().split()
    return [rule for rule in rules if sought == [rule.area]] or [
        rule
        for rule in rules
        if sought
        and all(word in " ".join((rule.id, *page(rule).sections.values())).lower() for word in sought)
    ]


def described(rule: Rule) -> dict[str, Any]:
    """A rule and its page as plain data."""
    from cursus.checks.rules import page

    return {
        "id": rule.id,
        "area": rule.area,
        "severity": rule.severity,
        "scope": rule.scope,
        "reads": list(rule.reads),
        "title": rule.title,
        "page": page(rule).sections,
    }


def listing(rules: list[Rule], style: Style) -> Iterator[str]:
    """A line a rule, by area."""
    from cursus.model import AREAS

    for area in AREAS:
        found = [rule for rule in rules if rule.area == area]
        if found:
            yield style(area, "bold") + "\n"
            for rule in found:
                severity = style(f"{rule.severity:8}", rule.severity)
                yield f"  {rule.id}  {severity} {rule.title}\n"
    yield f"{count(len(rules), 'rule')}; `cursus rules ID` explains one\n"


def explanation(rule: Rule, style: Style) -> Iterator[str]:
    """The page of one rule."""
    from cursus.checks.rules import page

    shown = page(rule)
    head = style(f"{rule.id} ({rule.severity}, {rule.area})", rule.severity)
    yield f"{head}: {style(shown.title, 'bold')}\n"
    for heading in HEADINGS:
        body = shown.sections[heading].replace("\n", "\n    ")
        yield f"\n{style(heading, 'bold')}\n    {body}\n"
