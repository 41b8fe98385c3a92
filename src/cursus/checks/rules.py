"""What a rule is, and how rules are registered, selected and documented.

A rule is a generator function over one view of a step. It yields a ``Problem`` for each place that
is wrong. Its docstring is its documentation page, under fixed headings::

    One line, as `cursus rules` lists it.

    What it does:
        …
    Why:
        Why SageMaker refuses it, or the job fails, or money is lost.
    Example:
          A YAML example, see ``examples.Example``.
        - What of it breaks the rule.
        + The same made right.
    Source:
        The AWS page or public source behind the fact.
    Since:
        The version that brought the rule, where that is not the first.

The page shows both examples in full, what breaks the rule and what does not, and both are run as tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from cursus.errors import CursusError
from cursus.model import Area, Location, Path, Severity

Scope = Literal["schema", "request", "training", "script", "run", "tuning", "automl", "step", "pipeline"]
"""What a rule reads.

``schema``: the violations of the service model found in a request (``SchemaView``). ``training``: every training job definition (a CreateTrainingJob request, each definition of a tuning
request). ``script``: the same, where its source code is known. ``run``: the same, with evidence of a
local run. ``tuning``, ``automl``: those requests. ``step``: a step of a builder, with its promises.
``pipeline``: a pipeline definition. ``request``: the texts of any step's request (``RequestView``).
"""


@dataclass(frozen=True, slots=True)
class Problem:
    """One place where a rule is broken, as the rule sees it.

    ``path`` is relative to the view's request. ``severity`` overrides the rule's own. ``allowable`` is
    the value that the ``allow`` option may settle, where the rule rests on facts that age.
    ``location`` is set where the problem is in a file other than the request's (a script's line).
    ``meant`` are the places, in the whole request, that a member was meant for which is misspelt or misplaced.
    ``about`` are the names that the message speaks of, where another finding may be on the same (``Finding.about``).
    """

    message: str
    path: Path = ()
    remedy: str = ""
    severity: Severity | None = None
    allowable: str | None = None
    location: Location | None = None
    meant: tuple[Path, ...] = ()
    about: tuple[str, ...] = ()


Check = Callable[[Any], Iterator[Problem]]

When = Literal[
    "",
    "builtin",
    "builtin on gpus",
    "builtin with channels by value",
    "builtin with related hyperparameters",
    "builtin with idle hyperparameters",
    "framework",
    "several channels",
    "several hosts",
    "promises",
]
"""What training jobs a rule is about: those that run a built-in algorithm (on instances with GPUs; one whose channels
depend on values of hyperparameters; hyperparameters of which one bounds another, or leaves another without effect), an
image of Amazon's for a framework, that have more than one channel or host (or a number of hosts that is not known), or a
builder's promises. Of tuning jobs only ``builtin`` is told."""

ABOUT: tuple[Scope, ...] = ("training", "tuning")
"""Scopes whose rules may say what jobs they are about (``When``)."""
SHARED: tuple[Scope, ...] = ("request", "training", "tuning", "automl")
"""Scopes that may have shared rules."""


PROGRAM = ("AlgorithmSpecification", "HyperParameters", "InputDataConfig")
"""``of`` rules on what a built-in algorithm is given."""
BASICS = ("AlgorithmSpecification", "ResourceConfig", "ServerlessJobConfig", "StoppingCondition")
"""``of`` rules on what each job has to say."""
SPACE = ("HyperParameterTuningJobConfig", "HyperParameterRanges", "Autotune")
"""``of`` rules on the ranges of a tuning job and the limits on it."""
OBJECTIVE = (*SPACE, "TuningObjective", "AlgorithmSpecification", "StaticHyperParameters", "InputDataConfig")
"""``of`` rules on what a tuning job looks for, and in what algorithm."""
PROBLEM_TYPE = ("AutoMLProblemTypeConfig", "AutoMLJobConfig", "ProblemType", "AutoMLJobObjective")
"""``of`` rules on what an AutoML job is to learn."""
LEARNT_FROM = (
    *("AutoMLProblemTypeConfig", "AutoMLJobConfig"),
    *("AutoMLJobInputDataConfig", "InputDataConfig", "DataSplitConfig"),
)
"""``of`` rules on what it learns from."""


def hyperparameters(*names: str) -> tuple[str, ...]:
    """``reads`` of a rule on single hyperparameters, in training jobs and in definitions of tuning jobs."""
    return tuple(
        f"{member}.{name}" for member in ("HyperParameters", "StaticHyperParameters") for name in names
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """One check: its id, area, default severity, scope, and the members of the request that it reads."""

    id: str
    area: Area
    severity: Severity
    scope: Scope
    reads: tuple[str, ...]
    check: Check
    suspects: str = ""
    when: When = ""
    shared: bool = False
    unless: tuple[str, ...] = ()
    of: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The first line of the rule's page."""
        return (self.check.__doc__ or "").strip().partition("\n")[0].strip()


RULES: dict[str, Rule] = {}
AREA_OF: dict[str, Area] = {
    "STP": "step",
    "FRM": "framework",
    "HPO": "hyperparameters",
    "CHN": "channels",
    "ART": "artifacts",
    "MON": "monitoring",
    "DST": "distributed",
    "RES": "resources",
    "DEP": "dependencies",
}
"""The area of a rule by how its id begins."""


def rule(
    id: str,
    *,
    severity: Severity = "error",
    scope: Scope = "training",
    reads: tuple[str, ...] = (),
    suspects: str = "",
    when: When = "",
    shared: bool = False,
    unless: tuple[str, ...] = (),
    of: tuple[str, ...] = (),
) -> Callable[[Check], Check]:
    """Register a generator function as the rule ``id``, of the area that the id begins with. What it says of itself
    decides where it need not run.

    ``reads`` names what has to be there for the rule to find anything; it runs where any of it is, and always
    where ``reads`` is empty:

    - ``"VpcConfig"``, ``"ResourceConfig.InstanceGroups"``: a member, at whatever depth it stands;
    - ``"*.S3DataType=ManifestFile"``: a member with this value, for members of ``texts.CHOICES``, but for the
      values in ``texts.USUAL``; ``"*.DataSource={}"``: a member that holds nothing;
    - ``"HyperParameters.sagemaker_program"``, ``"HyperParameters.*_enabled"``, ``"Environment.SM_*"``: a name, or a name
      with this ending or beginning, in a map of the user's own (``texts.FREE``);
    - ``"?nested"``: a text, or texts together, suspected of this (``cursus.checks.texts``).

    ``when`` says what else it is about. A ``shared`` rule needs nothing but the outline of a request
    (``cursus.checks.outlines.outline``): to it the values of hyperparameters, environment and tags, S3 locations in
    ``texts.LOCATIONS``, the role and the job's name are unknown, as pipeline variables are, and it sees no source
    code and no promises. What it says is remembered for the next job with the same outline. It is run on the whole
    request, as other rules are, where a text is suspected of what ``unless`` names, or the job is one that it names;
    ``"step"`` is one whose step has source code, origins of its values or promises. ``of`` names the members of a job
    that are all it looks at, in a tuning job its own and those of its definitions: it may be run on a job that has no
    others (``cursus.checks.outlines.parts``).
    A rule of scope ``request`` names the ``suspects`` it looks at (``cursus.checks.texts``), and runs where there
    are any.
    """

    def register(check: Check) -> Check:
        if id in RULES and RULES[id].check.__qualname__ != check.__qualname__:
            raise ValueError(f"rule {id} is registered twice")
        if when and scope not in ABOUT:
            raise ValueError(f"rule {id}: a rule of scope {scope} would never run where it says when")
        if shared and scope not in SHARED:
            raise ValueError(f"rule {id}: no rules of scope {scope} can be shared")
        if of and (not shared or scope == "request"):
            raise ValueError(f"rule {id}: only shared rules on jobs look at one part")
        RULES[id] = Rule(
            id, AREA_OF[id[:3]], severity, scope, reads, check, suspects, when, shared, unless, of
        )
        return check

    return register


HEADINGS = ("What it does", "Why", "Breaks", "Right", "Source", "Since")
WRITTEN = ("What it does", "Why", "Example", "Source", "Since")
FIRST_RELEASE = "0.1"


@dataclass(frozen=True, slots=True)
class Page:
    """A rule's documentation: its title, and the text below each heading."""

    rule: Rule
    title: str
    sections: dict[str, str]


def markdown(text: str) -> str:
    """A section's text as Markdown: outside of code its placeholders are no tags, and its expressions no links."""
    import re

    parts = re.split(r"(``[^`]*``|`[^`]*`)", text)
    return "".join(
        part if part[:1] == "`" else re.sub(r"<(?=[a-zA-Z/])|(?<=\])\(", r"\\\g<0>", part) for part in parts
    )


def page(rule: Rule) -> Page:
    """Read a rule's page from its docstring.

    Raises ValueError where a heading is missing, CursusError where Python was told to drop docstrings.
    """
    import inspect
    import textwrap

    if rule.check.__doc__ is None:
        raise CursusError("Python runs with -OO or PYTHONOPTIMIZE=2, which leaves out the rules' pages")
    text = inspect.cleandoc(rule.check.__doc__)
    title, _, rest = text.partition("\n")
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in rest.splitlines():
        heading = line[:-1] if line.endswith(":") and line[:-1] in WRITTEN else None
        if heading:
            current = sections.setdefault(heading, [])
        else:
            current.append(line)
    written = {name: textwrap.dedent("\n".join(lines)).strip("\n") for name, lines in sections.items()}
    body = {**_sides(written.get("Example", "")), "Since": FIRST_RELEASE, **written}
    missing = [heading for heading in HEADINGS if not body.get(heading)]
    if missing:
        raise ValueError(f"rule {rule.id}: its page lacks {', '.join(missing)}")
    return Page(rule, title.strip(), {heading: body[heading] for heading in HEADINGS})


def _sides(example: str) -> dict[str, str]:
    """The two sides of an example: all its lines but those of the other side."""
    return {
        heading: "\n".join(line[2:] for line in example.splitlines() if not line.startswith(other))
        for heading, other in (("Breaks", "+"), ("Right", "-"))
    }
