"""``cursus.check`` of requests from public projects, as they come, against botocore's ParamValidator on the same.

    python benchmarks/public_rate.py [CASES]

CASES is the folder that holds ``valid.jsonl``; it is found beside the repository (../shared/cases) unless given. Each
of the two works through all requests in a process of its own, eight times, after one request of each kind for which it
may import and load what it needs. In the first pass no request was met before. Many have faults that are worth a
warning, and no region is given. Processor time is measured; the best of several processes counts for each pass.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PASSES, PROCESSES = 8, 5
NAMES = ("first", "second", "third")
PEERS = ("check", "botocore")


def requests(cases: Path) -> list[tuple[str, dict[str, Any]]]:
    """(operation, request) of each but pipeline definitions, which ParamValidator knows nothing of."""
    entries = map(json.loads, (cases / "valid.jsonl").read_text("utf-8").splitlines())
    return [(entry["kind"], entry["request"]) for entry in entries if entry["kind"] != "Pipeline"]


def peer(name: str) -> Callable[[str, dict[str, Any]], object]:
    """The full check through the public interface, or botocore's validation."""
    if name == "check":
        import cursus

        return lambda operation, request: cursus.check(request)
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("sagemaker")
    validator = ParamValidator()
    return lambda operation, request: validator.validate(
        request, model.operation_model(operation).input_shape
    )


def measure(name: str, cases: Path) -> dict[str, list[float]]:
    """Seconds of each pass, by operation."""
    from cursus.checks.examples import BASES

    call, found = peer(name), requests(cases)
    operations = dict.fromkeys(operation for operation, _ in found)
    for operation in operations:
        call(operation, BASES[operation])
    taken: dict[str, list[float]] = {operation: [] for operation in operations}
    for _ in range(PASSES):
        for operation in operations:
            start = time.process_time()
            for of, request in found:
                if of == operation:
                    call(operation, request)
            taken[operation].append(time.process_time() - start)
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    beside = Path(__file__).parents[2] / "shared" / "cases"
    parser.add_argument("cases", type=Path, nargs="?", default=beside)
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not (given.cases / "valid.jsonl").is_file():
        print(f"no requests at {given.cases}: give the folder that holds valid.jsonl")
        return 2
    if given.peer:
        print(json.dumps(measure(given.peer, given.cases)))
        return 0
    best: dict[tuple[str, str], list[float]] = {}
    for name in PEERS * PROCESSES:
        command = [sys.executable, __file__, str(given.cases), "--peer", name]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for operation, taken in found.items():
            known = best.setdefault((name, operation), taken)
            best[name, operation] = [min(pair) for pair in zip(known, taken, strict=True)]
    kinds = [operation for name, operation in best if name == "check"]
    print(
        f"{'check / botocore, by pass over the requests':46}"
        + "".join(f"{name:>9}" for name in NAMES)
        + "    later"
    )
    for title, chosen in (*((kind, [kind]) for kind in kinds), ("all", kinds)):
        check, other = (
            [sum(each) for each in zip(*(best[name, kind] for kind in chosen), strict=True)] for name in PEERS
        )
        rates = [theirs / ours for ours, theirs in zip(check, other, strict=True)]
        print(f"{title:46}" + "".join(f"{rate:9.2f}" for rate in (*rates[:3], max(rates[3:]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
