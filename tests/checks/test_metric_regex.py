"""What an expression captures, read from the expression."""

from __future__ import annotations

import pytest

from cursus.checks.monitoring.expressions import read


@pytest.mark.parametrize(
    ("pattern", "groups", "number"),
    [
        (r"loss: ([0-9\.]+)", 1, True),
        (r"loss: ([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)", 1, True),
        (r"loss: (\S+)", 1, True),
        (r"loss: (.*?);", 1, True),
        (r"loss: (?P<value>\d+\.\d+)", 1, True),
        (r"loss: [0-9]+", 0, True),
        (r"loss: (?:[0-9]+)", 0, True),
        (r"\(loss\) ([0-9]+)", 1, True),
        (r"[(]loss ([0-9]+)", 1, True),
        (r"result: (true|false)", 1, False),
        (r"name: ([a-z]+)", 1, False),
        (r"losses: (\[.*\])", 1, False),
        (r"(loss=.*);", 1, False),
        (r"loss: ([\[]?[0-9.]+)", 1, True),
        (r"loss: (nan|[0-9.]+)", 1, True),
        (r"loss: (\$?[0-9.]+)", 1, True),
        (r"'loss': ([0-9]+(.|e\-)[0-9]+),?", 2, True),
        (r"value ([0-9]{2}\.[0-9]{4})", 1, True),
    ],
)
def test_groups(pattern: str, groups: int, number: bool) -> None:
    reading = read(pattern)
    assert (reading.groups, reading.number) == (groups, number)


def test_error_and_column() -> None:
    reading = read("loss: ([0-9]+")
    assert reading.error is not None
    assert reading.column == 7


@pytest.mark.parametrize("pattern", [r"\p{L}+ ([0-9]+)", r"x ([0-9]++)", r"(?<v>[0-9]+)", r"(?>a)([0-9]+)"])
def test_what_only_another_engine_has_is_no_error(pattern: str) -> None:
    assert read(pattern).error is None


@pytest.mark.parametrize(
    ("pattern", "lazy"), [("f1=(.*?)", "*?"), ("f1=(.+?)", "+?"), ("f1=(.+)", None), ("f1=(.*?);", None)]
)
def test_lazy_ending(pattern: str, lazy: str | None) -> None:
    assert read(pattern).lazy == lazy


def test_what_is_cut() -> None:
    assert dict(read("loss ([0-9]+)").cut)["0.123"] == "0"
    assert dict(read("loss ([0-9.]+)").cut)["1.5e-05"] == "1.5"
    assert "1.5e-05" not in dict(read("loss ([-+0-9.eE]+)").cut)


@pytest.mark.parametrize(
    ("pattern", "greedy"),
    [
        (r"loss.*([0-9.]+)", True),
        (r"loss.*(?P<value>[0-9.]+)", True),
        (r"loss: (?P<value>[0-9.]+).*", False),
        (r"loss: (?P<value>[0-9.]+).+", False),
    ],
)
def test_what_is_taken_before_the_group(pattern: str, greedy: bool) -> None:
    assert read(pattern).greedy == greedy


@pytest.mark.parametrize(
    "pattern", ["(" * 300 + ")" * 300, "[", "\\", "(?", "((((", "([^])", "\udcff(", "a{99999999999}"]
)
def test_nothing_makes_it_raise(pattern: str) -> None:
    read(pattern)
