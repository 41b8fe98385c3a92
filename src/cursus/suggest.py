"""Did you mean: the nearest of the names that would have been right."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, options: Iterable[str]) -> str | None:
    """The option nearest to ``word``, or None where none is near.

    Differences of case, hyphens and underscores count as none.
    """
    if len(word) > 200:
        return None
    known = [option for option in options if isinstance(option, str)]
    plain = {_plain(option): option for option in reversed(known)}
    exact = plain.get(_plain(word))
    if exact is not None:
        return exact
    import difflib

    near = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=0.7)
    return plain[near[0]] if near else None


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` with a leading space, or an empty string."""
    near = closest(word, options)
    return f" Did you mean {near!r}?" if near else ""


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "").replace(" ", "")
