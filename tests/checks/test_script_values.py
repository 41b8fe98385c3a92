"""Values on their way into a training script: where one is taken for something else, and where all is well."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from cursus.model import Finding
from tests.checks.made import SCRIPT, findings_of, source, told

HEAD = """\
import argparse, ast, collections, csv, json, os, sys
print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
p = argparse.ArgumentParser()
"""
TAIL = """
open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(out))
"""


def check(folder: Path, script: str, given: dict[str, str], **files: str) -> list[Finding]:
    place = folder / "source"
    place.mkdir()
    code = source(place, HEAD + textwrap.dedent(script) + TAIL, **files)
    found = findings_of({"HyperParameters": {**given, **SCRIPT}}, source=code)
    return [f for f in told(found) if f.rule.startswith(("HPO05", "HPO06", "RES054"))]


def parsed(argument: str, out: str = "a.val") -> str:
    return f"p.add_argument('--val', {argument})\na = p.parse_args()\nout = {out}\n"


CONVERTERS = {
    # what type= is, the hyperparameter, the rule that speaks
    "knows false only": ("type=lambda v: v != 'false'", "False", "HPO053"),
    "knows False": ("type=lambda v: v.lower() != 'false'", "False", None),
    "json in small letters": ("type=lambda v: v == 'true'", "true", "HPO053"),
    "a function with branches": ("type=flag", "0", "HPO053"),
    "the same and a word that it knows": ("type=flag", "no", None),
    "raises an error": ("type=strict", "maybe", "HPO052"),
    "does not raise": ("type=strict", "true", None),
    "json.loads of True": ("type=json.loads", "true", "HPO052"),
    "json.loads of a number": ("type=json.loads", "3", None),
    "sorts numbers as texts": ("type=lambda s: sorted(s.split(','))", "5,10,80", "HPO053"),
    "sorts numbers": ("type=lambda s: sorted(int(v) for v in s.split(','))", "5,10,80", None),
    "keeps brackets": ("type=lambda s: s.split(',')", "[1, 2]", "HPO053"),
    "several values in one text": ("nargs='+'", "5,10", "HPO053"),
    "several words in one text": ("nargs='*'", "relu tanh", "HPO053"),
    "several values of one": ("nargs='+'", "5", None),
    "several values taken apart": ("nargs='+', type=lambda s: s.split(',')", "5,10", None),
    "reads a list": ("type=ast.literal_eval", "[1, 2]", None),
    "looks a word up": ("type=lambda s: TABLE[s]", "adam", None),
    "finds no word": ("type=lambda s: TABLE[s]", "rmsprop", "HPO052"),
    "cannot be followed": ("type=lambda s: unknown_library.read(s)", "False", None),
    "repeats without end": ("type=lambda s: [i for i in range(10**9)]", "False", None),
}
FUNCTIONS = """\
TABLE = {"adam": 1, "sgd": 2}
def flag(v):
    for word in ("false", "no"):
        if v.lower() == word:
            return False
    return True
def strict(v):
    try:
        return {"true": True, "false": False}[v.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"not {v}")
"""


@pytest.mark.parametrize(("argument", "value", "rule"), CONVERTERS.values(), ids=CONVERTERS.keys())
def test_what_a_converter_makes_of_a_value(
    argument: str, value: str, rule: str | None, tmp_path: Path
) -> None:
    found = check(tmp_path, FUNCTIONS + parsed(argument), {"val": value})
    assert {f.rule for f in found} == ({rule} if rule else set()), found


ACTION = """\
class Own(argparse.Action):
    def __call__(self, parser, space, v, option=None):
        {}
"""
OWN = "p.add_argument('--bb')\n" + parsed("action=Own", "a.val, a.bb")
TWO = {"bb": "3", "val": "5"}
TEXTS = {
    "a number among numbers": (parsed("default='1'", "a.val in (1, 2)"), {"val": "2"}, "HPO060"),
    "an integer among numbers": (parsed("type=int", "a.val in (1, 2)"), {"val": "2"}, None),
    "among texts": (parsed("default='1'", "a.val in ('1', '2')"), {"val": "2"}, None),
    "true where True comes": (parsed("default='no'", "a.val == 'true'"), {"val": "true"}, "HPO060"),
    "True where True comes": (parsed("default='no'", "a.val == 'True'"), {"val": "true"}, None),
    "another word": (parsed("default='no'", "a.val == 'fast'"), {"val": "slow"}, None),
    "digits of a number": (parsed("default='1'", "[int(c) for c in a.val]"), {"val": "128"}, "HPO060"),
    "first letter of a tuple": (parsed("default='1'", "a.val[0]"), {"val": "(32, 32)"}, "HPO060"),
    "split of a JSON list": ("out = os.environ['SM_HP_VAL'].split(',')", {"val": '["a","b"]'}, "HPO060"),
    "split of a plain list": ("out = os.environ['SM_HP_VAL'].split(',')", {"val": "a,b"}, None),
    "the greater of two texts": (
        "hp = json.load(open('/opt/ml/input/config/hyperparameters.json'))\nout = max(hp['low'], hp['high'])",
        {"low": "9", "high": "100"},
        "HPO060",
    ),
    "two texts in the same order": (
        "hp = json.load(open('/opt/ml/input/config/hyperparameters.json'))\nout = max(hp['low'], hp['high'])",
        {"low": "1", "high": "2"},
        None,
    ),
    "the sum of two texts": (
        "hp = json.load(open('/opt/ml/input/config/hyperparameters.json'))\nout = hp['low'] + hp['high']",
        {"low": "9", "high": "100"},
        "HPO060",
    ),
    "a text and a number": (
        "hp = json.load(open('/opt/ml/input/config/hyperparameters.json'))\nout = hp['low'] - 1",
        {"low": "9"},
        "HPO060",
    ),
    "quotes of the SDK": (
        "hp = json.load(open('/opt/ml/input/config/hyperparameters.json'))\nout = hp['name']",
        {"name": '"rf"'},
        "HPO060",
    ),
    "quotes taken off": (
        "hp = json.load(open('/opt/ml/input/config/hyperparameters.json'))\nname = hp['name']\nout = name.strip('\"')",
        {"name": '"rf"'},
        None,
    ),
    "no such host": ("out = os.environ['SM_CURRENT_HOST'] == 'algo-0'", {}, "HPO060"),
    "the first host": ("out = os.environ['SM_CURRENT_HOST'] == 'algo-1'", {}, None),
    "nothing left of a fraction": (
        "out = int(json.loads(os.environ['SM_HPS'])['val'])",
        {"val": "0.5"},
        "HPO061",
    ),
    "a whole number": ("out = int(json.loads(os.environ['SM_HPS'])['val'])", {"val": "5"}, None),
    "a zero that counts as nothing": (
        "out = json.loads(os.environ['SM_HPS']).get('val') or 0.5",
        {"val": "0"},
        "HPO060",
    ),
    "no zero": ("out = json.loads(os.environ['SM_HPS']).get('val') or 0.5", {"val": "2"}, None),
    "hosts taken apart by list": (
        "p.add_argument('--hosts', type=list, default=os.environ['SM_HOSTS'])\nout = p.parse_args().hosts",
        {},
        "RES054",
    ),
    "hosts counted as a text": (
        "p.add_argument('--hosts', default=os.environ['SM_HOSTS'])\na = p.parse_args()\nout = len(a.hosts)",
        {},
        "RES054",
    ),
    "hosts read": (
        "p.add_argument('--hosts', type=json.loads, default=os.environ['SM_HOSTS'])\n"
        "a = p.parse_args()\nout = len(a.hosts)",
        {},
        None,
    ),
    "behind a default": (parsed("action='append', default=[3]"), {"val": "5"}, "HPO061"),
    "no default": (parsed("action='append'"), {"val": "5"}, None),
    "used by an action": (ACTION.format("pass") + parsed("action=Own", "1"), {"val": "5"}, None),
    "sets others in an action": (ACTION.format("for k in v: setattr(space, k, v)") + OWN, TWO, "HPO061"),
    "looks at the others": (
        ACTION.format("if getattr(space, 'bb') is None: setattr(space, 'bb', v)") + OWN,
        TWO,
        None,
    ),
}


@pytest.mark.parametrize(("script", "given", "rule"), TEXTS.values(), ids=TEXTS.keys())
def test_text_taken_for_something_else(
    script: str, given: dict[str, str], rule: str | None, tmp_path: Path
) -> None:
    found = check(tmp_path, script, given)
    assert {f.rule for f in found} == ({rule} if rule else set()), found


SETTINGS = {
    "unpacked last": ("out = {**json.loads(os.environ['SM_HPS']), 'val': 1}", {"val": "3"}, "HPO062"),
    "unpacked first": ("out = {'val': 1, **json.loads(os.environ['SM_HPS'])}", {"val": "3"}, None),
    "the same value": ("out = {**json.loads(os.environ['SM_HPS']), 'val': 3}", {"val": "3"}, None),
    "another name": ("out = {**json.loads(os.environ['SM_HPS']), 'y': 1}", {"val": "3"}, None),
    "by a bar": ("out = json.loads(os.environ['SM_HPS']) | {'val': 1}", {"val": "3"}, "HPO062"),
    "in a chain": (
        "out = collections.ChainMap({'val': 1}, json.loads(os.environ['SM_HPS']))",
        {"val": "3"},
        "HPO062",
    ),
    "by update": ("out = dict(json.loads(os.environ['SM_HPS']))\nout.update(val=1)", {"val": "3"}, "HPO062"),
    "by a file": (
        "out = dict(json.loads(os.environ['SM_HPS']))\nout.update(json.load(open('own.json')))",
        {"val": "3"},
        "HPO062",
    ),
    "stored": ("out = json.loads(os.environ['SM_HPS'])\nout['val'] = 1", {"val": "3"}, "HPO062"),
    "set on the arguments": (
        parsed("type=int") + "for k, v in json.load(open('own.json')).items():\n    setattr(a, k, v)",
        {"val": "3"},
        "HPO062",
    ),
    "set where not given": (
        parsed("type=int")
        + "for k, v in json.load(open('own.json')).items():\n    if a.val is None:\n        setattr(a, k, v)",
        {"val": "3"},
        None,
    ),
    "an own list": ("p.add_argument('--val')\na = p.parse_args([])\nout = a.val", {"val": "3"}, "HPO063"),
    "an own list by default": (
        "p.add_argument('--val')\ndef read(words=[]):\n    return p.parse_args(words)\nout = read().val",
        {"val": "3"},
        "HPO063",
    ),
    "None by default": (
        "p.add_argument('--val')\ndef read(words=None):\n    return p.parse_args(words)\nout = read().val",
        {"val": "3"},
        None,
    ),
    "name=value": (
        "out = [w.split('=')[1] for w in sys.argv[1:] if '=' in w]",
        {"val": "3"},
        "HPO063",
    ),
    "in pairs": ("out = dict(zip(sys.argv[1::2], sys.argv[2::2]))", {"val": "3"}, None),
    "named nowhere": ("out = json.loads(os.environ['SM_HPS']).get('lr', 0.1)", {"rate": "3"}, "HPO064"),
    "handed on as a whole": ("out = dict(json.loads(os.environ['SM_HPS'])).items()", {"rate": "3"}, None),
}


@pytest.mark.parametrize(("script", "given", "rule"), SETTINGS.values(), ids=SETTINGS.keys())
def test_settings_over_hyperparameters(
    script: str, given: dict[str, str], rule: str | None, tmp_path: Path
) -> None:
    found = check(tmp_path, script, given, own__json='{"val": 1}')
    named = {f.rule for f in found}
    assert (rule in named) if rule else not named, found
