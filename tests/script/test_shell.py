from __future__ import annotations

import pytest

from cursus.script.source.shell import lost_statuses

LOSES = [
    '#!/bin/bash\npython a.py 2>&1 | tee log\npython b.py "$@"\n',
    "set -e\npython a.py || true\n",
    "python a.py &\npython b.py &\nwait\n",
    "python a.py\necho done\n",
    'main() {\n  python a.py "$@"\n echo ok\n}\nmain "$@"\n',
    "for i in 1 2; do\n python a.py --fold $i\ndone\n",
    'if [ "$A" = 1 ]; then\n  python a.py\nelse\n python b.py\nfi\necho ok',
    'torchrun --nproc_per_node 1 train.py "$@" | tee /tmp/l',
    "python a.py && python b.py\necho done",
    '#!/bin/sh\ncd src\npython3 -u train.py "$@"\nexit 0\n',
]
KEEPS = [
    '#!/bin/bash\nset -euo pipefail\npython a.py 2>&1 | tee log\npython b.py "$@"\n',
    "set -e\npython a.py || { echo bad; exit 1; }\n",
    "set -e\npython a.py || (echo bad && exit 1)\n",
    "set -e\npython a.py || echo bad && exit 1\n",
    "set -e\npython a.py &\np=$!\nwait $p\n",
    "python a.py; exit $?\n",
    "python a.py\nstatus=$?\necho x\nexit $status\n",
    "if ! python a.py; then\n exit 1\nfi\nexec python b.py\n",
    'main() {\n  python a.py "$@"\n}\nmain "$@"\n',
    "set -ex\nfor i in 1 2; do\n python a.py --fold $i\ndone\n",
    'if [ "$A" = 1 ]; then\n  python a.py\nelse\n python b.py\nfi\n',
    'if [ "$A" = 1 ]; then python a.py; else python b.py; fi\n',
    "case $1 in\n a)\n  python a.py;;\n b) python b.py;;\nesac\n",
    "#!/bin/bash -e\npython a.py # x | tee\npython b.py\n",
    'pip install -r x.txt\npython -m pip list\npython train.py "$@"\n',
    'python train.py \\\n  --a 1 \\\n  "$@"\n',
    "python a.py && python b.py\n",
    "cat <<EOF > x.py\npython a.py\necho\nEOF\npython x.py\n",
    '#!/usr/bin/env bash\npython train.py "$@"\n',
    'python train.py "$@" > >(tee out.log) 2>&1\n',
    'echo "run: python a.py | tee"\npython a.py "$@"\n',
    'which python\npython --version\nX=$(python -c "print(1)")\npython a.py "$@"\n',
    'N=$(python count.py | wc -l)\npython a.py "$@"\n',
    "python a.py '$@' & wait $!\n",
]


@pytest.mark.parametrize("text", LOSES)
def test_a_status_that_gets_lost_is_found(text: str) -> None:
    found = lost_statuses(text)
    assert found
    assert all(one.command in " ".join(text.split("\n")[one.line - 1 :]) for one in found)


@pytest.mark.parametrize("text", KEEPS)
def test_a_status_that_ends_the_script_is_left_alone(text: str) -> None:
    assert lost_statuses(text) == []
