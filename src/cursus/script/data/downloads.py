"""What a script takes from the internet: ``downloads``, ``detail`` is the call and what it asks for.

``key`` is ``hub`` for what a library takes from a hub by a name, unless a folder or a cache has it, and ``url`` for
an address.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from cursus.script.evaluation import values as v
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit
from cursus.script.syntax.bodies import CallSite, place
from cursus.script.syntax.nodes import string, word

MODULES = frozenset(
    {
        "transformers",
        "diffusers",
        "sentence_transformers",
        "huggingface_hub",
        "nltk",
        "torch",
        "urllib",
        "requests",
    }
)
URLS = frozenset({"urllib.request.urlretrieve", "urllib.request.urlopen", "requests.get"})
HUBS = frozenset({"huggingface_hub.snapshot_download", "huggingface_hub.hf_hub_download", "nltk.download"})
HERE = re.compile(r"https?://(?:localhost|127\.|0\.0\.0\.0|169\.254\.|algo-\d)")
"""Addresses that a job without a network has all the same: its own hosts', and those of its credentials."""
NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[\w.-]+)?")
"""A name on a hub: ``bert-base-uncased``, ``google/flan-t5-small``."""


def read_downloads(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """Everything of this kind in what runs."""
    for site, sure in calls:
        node = site.node
        named = word(node, "repo_id", "pretrained_model_name_or_path", "url")
        asked = string(node.args[0] if node.args else named)
        if asked is None or word(node, "local_files_only", "cache_dir") is not None:
            continue
        name = evaluator.called(node, site.body)
        if name == "torch.hub.load":
            key = (
                "url"
                if NAME.fullmatch(asked.partition(":")[0]) and string(word(node, "source")) != "local"
                else ""
            )
        elif name in URLS:
            key = (
                "url" if asked.startswith(("http://", "https://", "ftp://")) and not HERE.match(asked) else ""
            )
        elif name in HUBS or _of_transformers(evaluator, site, name):
            key = "hub" if NAME.fullmatch(asked) else ""
        else:
            continue
        if key:
            always = (
                sure and id(node) in site.body.certain and name != "nltk.download"
            )  # which raises nothing
            yield Habit(
                "downloads",
                None,
                f"{name or 'from_pretrained'}({asked!r})",
                always,
                place(node, site.body),
                key,
            )


def _of_transformers(evaluator: Evaluator, site: CallSite, name: str) -> bool:
    func = site.node.func
    if not isinstance(func, ast.Attribute) or func.attr != "from_pretrained":
        return False
    made = None if name else evaluator.value(func.value, site.body)
    origin = name or (made.origin if isinstance(made, v.Unknown) else "")
    return origin.partition(".")[0] in ("transformers", "diffusers")
