"""Options that a script gives to another program of the source, which does not know them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.checks.rules import Problem
from cursus.checks.script.request import habits
from cursus.checks.views import TrainingView
from cursus.model import Location
from cursus.script.source.files import shown_below
from cursus.script.source.launched import in_shell, known_options
from cursus.suggest import did_you_mean


def unknown_to_programs(view: TrainingView) -> Iterator[Problem]:
    """Each such option, at the place where the program is started."""
    facts, source = view.script, view.step.source
    if facts is None or source is None:
        return
    entry = Location(shown_below(source.directory, source.entry_point), None)
    started = [
        (habit.detail, habit.key.split(), habit.location, habit.sure) for habit in habits(view, "starts")
    ]
    started += [(name, options, entry, True) for name, options in in_shell(facts.shell_text)]
    for name, options, where, sure in started:
        plain = name.removeprefix("/opt/ml/code/").removeprefix("./")
        if not options or plain not in facts.directory_listing:
            continue
        try:
            text = FilePath(source.directory, plain).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        known = known_options(text)
        for option in options if known is not None else ():
            if known is not None and not any(flag.startswith(option) for flag in known):
                yield Problem(
                    f"{plain} is started with {option}, which its parser does not know."
                    + did_you_mean(option, sorted(known)),
                    remedy=f"declare {option} there, or leave it out",
                    severity=None if sure else "warning",
                    location=where,
                    about=(option,),
                )
