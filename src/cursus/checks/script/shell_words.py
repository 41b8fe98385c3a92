"""What a shell makes of a hyperparameter: images whose training toolkit hands the command line to one, unquoted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws import images
from cursus.aws.images import order
from cursus.aws.tables import table
from cursus.checks.views import TrainingView

PLAIN = re.compile(r"[\w@%+=:,./{}\[\]^!~-]+")
"""A text that a shell hands on as it is."""


def by_shell(view: TrainingView) -> bool | None:
    """True where the toolkit of the job's image surely runs the script by a shell, None where it may, False elsewhere."""
    image = view.framework
    if image is None or "training" not in image.scopes:
        return False
    framework, version = image.base or image.framework, image.base_version or image.version
    known = table("limits")["arguments_by_shell"]
    since = known["since"].get(framework)
    if since is None or version is None or order(version) < order(since):
        return False
    ended = images.end_of_support(framework, version)
    return True if ended is not None and ended <= known["surely_until"] else None


def shell_words(text: str) -> list[str] | None:
    """The words that a shell makes of ``text``; None where it takes some of it for its own syntax or finds an open quote."""
    if PLAIN.fullmatch(text):
        return [text]
    if next(_unquoted(text), None) is not None:
        return None
    import shlex

    try:
        return shlex.split(text)
    except ValueError:
        return None


def _unquoted(text: str) -> Iterator[str]:
    """The signs of a shell's own that stand where it reads them as such."""
    quote = ""
    escaped = False
    for before, sign in zip(" " + text, text, strict=False):
        if escaped:
            escaped = False
        elif sign == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if sign == quote else quote
            if quote == '"' and sign in "$`":
                yield sign
        elif sign in "'\"":
            quote = sign
        elif sign in "$`&|;<>()\n" or (sign == "#" and before == " "):
            yield sign
