"""The lines that a run's report ends with."""

from __future__ import annotations

import pytest

from cursus.evidence import Evidence, Usage
from cursus.report.job import lines


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (Usage(peak_memory=3 << 20, samples=2), "peak 3.0 MiB of memory"),
        (Usage(samples=0), "memory not seen"),  # it ended before the first sample
    ],
)
def test_memory_of_a_host(usage: Usage, said: str) -> None:
    evidence = Evidence("Completed", ".", {}, usage={"algo-1": usage})
    (line,) = lines(evidence)
    assert line.startswith(f"algo-1: {said}, ")
