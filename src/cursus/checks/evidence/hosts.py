"""Rules on the evidence of a run on several hosts."""

from __future__ import annotations

from collections.abc import Iterator

from cursus.checks.evidence import of_run
from cursus.checks.evidence.usage import waited
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView


@rule("DST090", scope="run", reads=("ResourceConfig",))
def hosts_never_met(view: TrainingView) -> Iterator[Problem]:
    """Hosts waited for each other in vain, and the job did not complete.

    What it does:
        Looks, while the local run goes on, in the kernel's tables of every host: what it listens for, whom it tries to
        reach, and who refused; and at the time limit, how long no process of any host had computed anything.
    Why:
        On SageMaker such hosts say nothing until a library gives up, often after 15 minutes or more, and every
        instance is paid for meanwhile. Often one host exits early, or the hosts do not agree on a port or on
        who is the first.
    Example:
        - run: {timeout: 5, grace: 0.1}
          ResourceConfig: {InstanceCount: 2}
          files:
            train.py: |
              import os, socket, time
              print(open("/opt/ml/input/data/train/data.csv").read())
              if os.environ["SM_CURRENT_HOST"] == "algo-1":
        -         time.sleep(60)
        -     while True:
        -         try:
        -             socket.create_connection(("algo-1", 29500)).close()
        -             break
        -         except OSError:
        -             time.sleep(0.2)
        +         socket.create_server(("algo-1", 29500)).accept()
        +         open("/opt/ml/model/model.txt", "w").write("weights")
        +     else:
        +         while True:
        +             try:
        +                 socket.create_connection(("algo-1", 29500)).close()
        +                 break
        +             except OSError:
        +                 time.sleep(0.2)
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    evidence = of_run(view)
    if evidence.status == "Completed":
        return
    for sentence in evidence.waits[:3]:
        yield Problem(
            sentence,
            ("ResourceConfig",),
            "make every host take part: one address and port for all (SM_MASTER_ADDR, or the first of SM_HOSTS), and "
            "no host that leaves before the others are done",
        )
    if len(evidence.usage) > 1:
        yield from waited(evidence, ("ResourceConfig",))
