"""Did you mean: the nearest of the names that would have been right."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 2000
LEAST = 3
"""Letters of a beginning that stands for the only option with it."""
COMPARED = 16
"""Of many options, those are compared whose beginning and end are most like the word's: a comparison is slow."""
_LOOKS = str.maketrans("oil", "011")
"""Letters that are taken for figures."""


def closest(word: str, options: Iterable[str]) -> str | None:
    """The option nearest to ``word``, or None where none is near.

    Differences of case, hyphens and underscores count as none, nor do letters and figures that look alike. Among more
    than ``MOST`` options none is looked for: a definition with thousands of steps and a mistake in each would take
    minutes.
    """
    if len(word) > 200:
        return None
    known = [option for option in options if isinstance(option, str)]
    if len(known) > MOST:
        return word if word in known else None
    plain = {plain_name(option): option for option in reversed(known)}
    wanted = plain_name(word)
    exact = plain.get(wanted)
    if exact is not None:
        return exact
    looks = {option.translate(_LOOKS): option for option in plain}
    alike = looks.get(wanted.translate(_LOOKS))
    if alike is not None:
        return plain[alike]
    import difflib

    likely: Iterable[str] = plain
    if len(plain) > 4 * COMPARED:
        import heapq

        back = wanted[::-1]
        likely = heapq.nlargest(
            COMPARED, plain, key=lambda one: _shared(one, wanted) + _shared(one[::-1], back)
        )
    near = difflib.get_close_matches(wanted, likely, n=3, cutoff=0.7)
    if not near:
        return None

    def nearness(option: str) -> tuple[float, int]:
        # Of two that are as near, the one that begins alike is meant.
        return difflib.SequenceMatcher(None, option, wanted).ratio(), _shared(option, wanted)

    return plain[max(near, key=nearness)]


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    number = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        number += 1
    return number


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` with a leading space, or an empty string."""
    known = list(options)
    near = closest(word, known) or _nearly(word, known)
    return f" Did you mean {near!r}?" if near else ""


def _nearly(word: str, options: Iterable[str]) -> str | None:
    """The only option that begins with ``word``, or has the same letters with two of them exchanged.

    Enough for a hint on what is wrong anyway; not for calling a word misspelt.
    """
    lower = word.lower()
    found = [
        one
        for one in options
        if isinstance(one, str)
        and (one.lower().startswith(lower) or (len(one) == len(word) and sorted(one) == sorted(word)))
    ]
    return found[0] if len(word) >= LEAST and len(found) == 1 else None


def slip(one: str, other: str) -> bool:
    """True where two words differ by a slip: letters changed places, one is missing, or the case is another."""
    if min(len(one), len(other)) < 4 or one == other:
        return False
    if one.lower() == other.lower():
        return True
    if len(one) == len(other):
        apart = [i for i in range(len(one)) if one[i] != other[i]]
        return len(apart) == 2 and (one[apart[0]], one[apart[1]]) == (other[apart[1]], other[apart[0]])
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) != 1:
        return False
    i = next((i for i, letter in enumerate(short) if letter != long[i]), len(short))
    return long[i].isalpha() and long[i + 1 :] == short[i:]


def file_meant(path: str) -> str:
    """`` Did you mean 'folder/x.json'?`` for a file or folder that is not there, or an empty string."""
    from pathlib import Path

    missing = Path(path)
    try:
        if missing.is_symlink():
            return f" It is a link to {str(missing.readlink())!r}, which is not there."
        there = [one.name for one in missing.parent.iterdir()]
        near = closest(missing.name, there) or _nearly(missing.name, there)
    except (OSError, ValueError):
        return ""
    return f" Did you mean {str(missing.parent / near)!r}?" if near else ""


def kind_of(value: object) -> str:
    """The type of a value with its article: ``an int``, ``a list``."""
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeio' else 'a'} {name}"


def plain_name(word: str) -> str:
    """A name without case, underscores, hyphens and spaces."""
    return word.lower().replace("-", "").replace("_", "").replace(" ", "")


def one_letter(name: str, other: str) -> bool:
    """True where one letter more, less, another or exchanged makes one name of the other."""
    if abs(len(name) - len(other)) > 1 or name == other:
        return False
    pairs = zip(name, other, strict=False)
    start = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(name), len(other)))
    rest, others = name[start:], other[start:]
    if rest[1:] == others[1:] or rest[1:] == others or rest == others[1:]:
        return True
    return rest[:2] == others[:2][::-1] and rest[2:] == others[2:]
