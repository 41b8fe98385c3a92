"""What a script uses of libraries by name: ``library-words``, ``library-name``, and of XGBoost
``rounds-ignored`` (their number among the parameters), ``stops-on-training`` (the last of ``evals``) and
``stops-without-data`` (there are none).

``detail`` is the dotted name of a function, for a method that of the class which made its object; ``key`` are the
arguments that it is given by name, ``others`` the texts among them. ``library-name`` is any other name that some
versions of a library have no more.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from cursus.aws import library_apis
from cursus.aws.metrics import words_of
from cursus.script.evaluation import values as v
from cursus.script.evaluation.calls import FRAMES
from cursus.script.evaluation.evaluate import Evaluator
from cursus.script.facts import Habit, Text
from cursus.script.syntax.bodies import Body, CallSite, place
from cursus.script.syntax.nodes import is_call, receiver, string, word

MODULES = frozenset(
    {
        "sklearn",
        "tensorflow",
        "keras",
        "xgboost",
        "transformers",
        "pandas",
        "lightgbm",
        "datasets",
        "accelerate",
    }
    | {"peft", "trl", "numpy", "torch", "pytorch_lightning", "lightning"}
)

VALUED = frozenset({"max_features", "loss", "criterion", "penalty", "algorithm"})
"""Arguments of scikit-learn's whose values have changed."""
ROUNDS = frozenset(
    {"n_estimators", "num_boost_round", "num_round", "num_rounds", "n_rounds", "nrounds", "nround"}
)
"""What people call the number of rounds, which ``xgboost.train`` takes beside its parameters alone."""
HELD_OUT = frozenset(
    {"val", "valid", "validation", "test", "eval", "dval", "dvalid", "dtest", "deval", "holdout"}
)


def read_library_words(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """Every call of a function of these libraries that gives arguments by name."""
    for site, sure in calls:
        words = [given.arg for given in site.node.keywords if given.arg is not None]
        known = site.node.func.attr if isinstance(site.node.func, ast.Attribute) else ""
        method = known == "train" or known in library_apis.last_names()
        name = _name(evaluator, site) if words or method else ""
        if name == "xgboost.train":
            yield from _boosted(site, sure)
        if name.partition(".")[0] in MODULES:
            where = place(site.node, site.body)
            values = tuple(_values(evaluator, site)) if name.startswith("sklearn.") else ()
            yield Habit("library-words", None, name, sure, where, key=",".join(words), others=values)


def _values(evaluator: Evaluator, site: CallSite) -> Iterator[Habit]:
    """The texts that are given by name; what a version takes of them is known by the name."""
    for one in site.node.keywords:
        value = evaluator.value(one.value, site.body) if one.arg in VALUED else None
        if isinstance(value, Text) and one.arg is not None:
            yield Habit("given", value, "", True, place(one.value, site.body), key=one.arg)


def read_library_names(evaluator: Evaluator, reached: Iterable[tuple[Body, bool]]) -> Iterator[Habit]:
    """Members of modules that are no calls: ``dtype=np.float``."""
    for body, sure in reached:
        for node in body.nodes:
            if isinstance(node, ast.Attribute) and node.attr in library_apis.last_names():
                value = (
                    evaluator.value(node, body) if isinstance(node.value, (ast.Name, ast.Attribute)) else None
                )
                if isinstance(value, v.Ref) and value.name.partition(".")[0] in MODULES:
                    certain = sure and id(node) in body.certain
                    yield Habit("library-name", None, value.name, certain, place(node, body))


def read_probabilities(evaluator: Evaluator, calls: Iterable[tuple[CallSite, bool]]) -> Iterator[Habit]:
    """``predict_proba`` of an SVC, or of an SGDClassifier, that is not made to have any."""
    for site, sure in calls:
        base = receiver(site.node, ("predict_proba",))
        made = _written(base, site) if isinstance(base, ast.Name) else None
        if not isinstance(made, ast.Call) or any(one.arg is None for one in made.keywords):
            continue
        name = evaluator.called(made, site.body)
        loss, probability = word(made, "loss"), word(made, "probability")
        hinge = name == "sklearn.linear_model.SGDClassifier" and (loss is None or string(loss) == "hinge")
        if (hinge and not made.args) or (name == "sklearn.svm.SVC" and probability is None):
            yield Habit("no-probabilities", None, ast.unparse(made)[:80], sure, place(site.node, site.body))


def _boosted(site: CallSite, sure: bool) -> Iterator[Habit]:
    """``train({"n_estimators": 200}, data)``, and early stopping by ``evals=[(held_out, "test"), (data, "train")]``."""
    node, where = site.node, place(site.node, site.body)
    if any(one.arg is None for one in node.keywords) or any(
        isinstance(one, ast.Starred) for one in node.args
    ):
        return
    settings = _written(word(node, "params") or (node.args[0] if node.args else None), site)
    keys = settings.keys if isinstance(settings, ast.Dict) else []
    names = [string(key) for key in keys]
    if is_call(settings, "dict"):
        names = [one.arg for one in settings.keywords]
    ignored = next((one for one in names if one in ROUNDS), None)
    if ignored and word(node, "num_boost_round") is None and len(node.args) < 3:
        yield Habit("rounds-ignored", None, ignored, sure, where)
    evals = _written(word(node, "evals") or (node.args[3] if len(node.args) > 3 else None), site)
    stops = word(node, "early_stopping_rounds")
    if isinstance(stops, ast.Constant) and stops.value and len(node.args) < 4 and word(node, "evals") is None:
        yield Habit("stops-without-data", None, ast.unparse(node)[:80], sure, where)
    if not isinstance(evals, ast.List) or len(evals.elts) < 2 or stops is None or string(stops) == "None":
        return
    words = [words_of(ast.unparse(one)) for one in evals.elts]
    held_out = any(one & HELD_OUT for one in words[:-1])
    if held_out and words[-1] & {"train", "training", "dtrain"} and not words[-1] & HELD_OUT:
        yield Habit("stops-on-training", None, ast.unparse(evals)[:80], sure, where)


def _written(node: ast.expr | None, site: CallSite) -> ast.expr | None:
    """What an expression is, or what its name is set to once."""
    return site.body.only(node.id) or site.body.top.only(node.id) if isinstance(node, ast.Name) else node


def _name(evaluator: Evaluator, site: CallSite) -> str:
    name = evaluator.called(site.node, site.body)
    func = site.node.func
    if name or not isinstance(func, ast.Attribute):
        return name
    made = evaluator.value(func.value, site.body)
    origin = made.origin if isinstance(made, v.Unknown) else ""
    origin = v.FRAME if origin in FRAMES else origin
    return f"{origin}.{func.attr}" if origin else ""
