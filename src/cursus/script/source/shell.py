"""What a shell script does with the status of the Python programs that it starts.

A reading of lines, no shell: quotes, comments, here-documents, pipes and what joins commands are known, and
where a script does more than that with statuses (``trap``, ``$?`` behind a command) nothing is said of it.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from dataclasses import dataclass

WORK = re.compile(
    r"(?:^|[\s/])(?:python[0-9.]*|torchrun|deepspeed|mpirun|accelerate)\s+(?!-c\b|-V\b|--version\b|-m\s+(?:pip|venv|nltk)\b)\S|"
    r"^(?:\./|(?:ba)?sh\s+)\S+\.(?:sh|py)\b"
)
SETS = re.compile(r"^set\s+(.*)$")
QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|#.*")
HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
TOKENS = re.compile(
    r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|\$\(|\|\||&&|;;|>&[0-9-]|&>>?|\|&|[|&;()]|[^'\"\\|&;()$<>]+|.",
    re.DOTALL,
)
JOINS = frozenset({"||", "&&", ";", "|", "|&", "&"})
TESTS = ("if ", "elif ", "while ", "until ", "! ")
SURROUNDS = ("then", "else", "do", "{", "}", "fi", "done", "esac", "(", ")")
MOST = 1000
"""Commands of one script that are looked at."""
GENTLE = re.compile(r"^(?:echo|printf|true|:|sleep|date|touch|logger)\b")


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command. ``after`` is what joins it to the next one, ``before`` what joined it to the last."""

    text: str
    line: int
    before: str
    after: str
    function: str
    loops: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A program whose status is lost. ``how`` says through what."""

    line: int
    command: str
    how: str


def _statements(text: str) -> list[tuple[int, str]]:
    """The script's lines without comments and here-documents, continued ones put together."""
    found: list[tuple[int, str]] = []
    waiting, joined, start = "", "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if waiting:
            waiting = "" if line.strip() == waiting else waiting
            continue
        start = start if joined else number
        line = line.rstrip("\r")
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        whole = joined + line
        joined = ""
        heredoc = HEREDOC.search(whole)
        waiting = heredoc.group(1) if heredoc is not None and "<<<" not in whole else ""
        found.append((start, whole))
    return found


def _split(line: str) -> list[tuple[str, str]]:
    """The commands of a line, each with what joins it to the next one."""
    parts: list[tuple[str, str]] = []
    words, depth = "", 0
    for token in TOKENS.findall(line):
        if token.startswith("#") and (not words or words[-1].isspace()):
            break
        if " #" in token and token[0] not in "'\"":
            words += token[: token.index(" #")]
            break
        depth += token in ("(", "$(")
        depth -= token == ")" and depth > 0
        if token in JOINS and not depth:
            parts.append((words.strip(), token))
            words = ""
        else:
            words += token
    if words.strip():
        parts.append((words.strip(), ""))
    return parts


def commands(text: str) -> list[Command]:
    """The simple commands of a shell script, in their order, with the function and the loops that they are in."""
    found: list[Command] = []
    function, loops, before = "", 0, ""
    for number, line in _statements(text):
        for words, join in _split(line):
            head = re.match(r"(?:function\s+)?([\w-]+)\s*\(\)\s*\{?\s*|function\s+([\w-]+)\s*\{?\s*", words)
            if head is not None:
                function, words = head.group(1) or head.group(2), words[head.end() :]
            plain = re.sub(r"^(?:(?:then|do)\s+)+", "", words).strip()
            if plain == "}":
                function = ""
            if plain.startswith(("for ", "while ", "until ")):
                loops += 1
            if plain.split(" ")[0] == "done":
                loops = max(0, loops - 1)
            if plain:
                found.append(Command(plain, number, before, join, function, loops))
            before = join
        before = before if before in ("||", "&&", "|") and line.rstrip().endswith(before) else ""
    return found


def _settings(text: str, found: list[Command]) -> tuple[bool, bool]:
    """Whether a failing command ends the script, and whether a failing part of a pipe fails the pipe."""
    told = [match.group(1) for one in found if (match := SETS.match(one.text)) is not None]
    first = text.split("\n", 1)[0]
    if first.startswith("#!"):
        told.append(first.partition(" ")[2] if "env" not in first.partition(" ")[0] else first)
    letters = "".join(part[1:] for words in told for part in words.split() if re.fullmatch(r"-[a-z]+", part))
    whole = " ".join(told)
    return "e" in letters or "errexit" in whole, "pipefail" in whole


def lost_statuses(text: str) -> list[Lost]:
    """The Python programs that a shell script starts, whose failure does not become the script's."""
    found = commands(text)[:MOST]
    traps = [one for one in found if one.text.startswith("trap ")]
    if traps or "PIPESTATUS" in text:
        works = [one.text for one in found if WORK.search(QUOTED.sub("", one.text))][:1]
        return [
            Lost(one.line, works[0], "the trap ends with 0")
            for one in traps
            if works and _gives_zero(one, found)
        ]
    strict, pipes = _settings(text, found)
    lost = []
    for position, one in enumerate(found):
        works_here = WORK.search(QUOTED.sub("", one.text)) is not None
        if works_here and one.text.startswith("if ") and one.after not in ("|", "||", "&&"):
            if _branch_goes_on(found, position):
                lost.append(
                    Lost(one.line, one.text, "where it fails, 'if' goes on, and nothing ends the script")
                )
            continue
        if not works_here or one.text.startswith((*TESTS, "exec ")):
            continue
        how = _how(found, position, strict=strict, pipes=pipes)
        if how:
            lost.append(Lost(one.line, one.text, how))
    return lost


def _gives_zero(trap: Command, found: list[Command]) -> bool:
    """True for ``trap 'exit 0' EXIT``, and for ``trap cleanup EXIT`` where the function ends with ``exit 0``."""
    match = re.fullmatch(r"trap\s+(?:(['\"])(.*)\1|([\w-]+))\s+(?:EXIT|0|ERR)\b.*", trap.text)
    if match is None:
        return False
    inside = [one.text for one in found if match[3] and one.function == match[3]]
    last = match[2].rpartition(";")[2].strip() if match[2] else inside[-1] if inside else ""
    return re.fullmatch(r"exit\s+0", last) is not None


def _branch_goes_on(found: list[Command], position: int) -> bool:
    """True where what ``if`` runs when its command fails neither ends the script nor notes anything."""
    wanted = found[position].text.startswith("if ! ")
    depth, failing = 0, wanted
    for one in found[position + 1 :]:
        word = one.text.split()[0]
        if depth == 0 and word == "fi":
            return True
        depth += (word == "if") - (word == "fi")
        if depth == 0 and word in ("else", "elif"):
            failing = not wanted
        if failing and ENDING.search(one.text):
            return False
    return False


ENDING = re.compile(r"\b(?:exit|return|false|kill|exec|trap|elif)\b|^\w+=|\b(?:then|else)\s+\w+=|\$\?")
"""What ends a script, or keeps what became of a command."""


def _how(found: list[Command], position: int, *, strict: bool, pipes: bool) -> str:
    """Through what the status of one command is lost; empty where it is not."""
    last = position
    while found[last].after in ("|", "|&") and last + 1 < len(found):
        last += 1
    following = found[last + 1 : last + 3]
    if found[last].text.endswith(";;"):
        return ""
    if any("$?" in one.text or one.text.startswith(TESTS) for one in found[position : last + 1]):
        return ""
    if last > position and not pipes:
        return f"the pipe's status is that of {found[last].text.split()[0]!r}, its last command"
    if following and "$?" in following[0].text:
        then = [one.text for one in found[last + 2 :]]
        name = following[0].text.partition("=")[0]
        other = (
            len(then) > 1 and then[-1] in ("exit $?", 'exit "$?"') and not any(name in one for one in then)
        )
        return f"'exit $?' gives the status of {then[-2][:40]!r}" if other and not strict else ""
    after = found[last].after
    if after == "||" and following and following[0].text.startswith("{"):
        group = [one.text for one in itertools.takewhile(lambda one: one.text != "}", found[last + 1 :])]
        return "" if any(map(ENDING.search, group)) else "the braces after '||' end with a success"
    if after == "||":
        gentle = bool(following) and GENTLE.match(following[0].text) is not None
        return (
            f"'|| {following[0].text}' makes a success of it" if gentle and following[0].after != "&&" else ""
        )
    if after == "&":
        waits = [one.text for one in found[last + 1 :] if one.text.split()[0] == "wait"]
        if waits and all(text == "wait" for text in waits):
            return "wait without a process's number gives 0, whatever became of those in the background"
        return "" if waits else "it is begun in the background, and nothing waits for it"
    if strict or after == "&&":
        return ""
    if found[last].loops:
        return "in a loop without 'set -e' the next round follows whatever happened"
    rest = _next(found, last)
    if not rest or re.match(r"(?:exit|return)\s*$", rest):
        return ""
    return f"the script goes on with {rest[:40]!r}, as there is no 'set -e'"


def _next(found: list[Command], last: int) -> str:
    """The command that runs after the one at ``last``, in the same function and not in another branch; or empty."""
    depth = 0
    for one in found[last + 1 :]:
        word = one.text.split()[0]
        if one.function != found[last].function or (word == "}" and found[last].function):
            return ""
        if depth:
            depth += (word == "if") - (word == "fi")
        elif word in ("else", "elif"):
            depth = 1
        elif one.text not in SURROUNDS and word != "}":
            return one.text
    return ""


# -- variables and folders -----------------------------------------------------------------------------

USES = re.compile(r"\$(?:\{(?P<braced>\w+)(?P<how>[^}]*)\}|(?P<plain>[A-Za-z_]\w*))")
SINGLE = re.compile(r"'[^']*'")
GIVES = re.compile(
    r"(?:^|[\s;])(?:export\s+|local\s+|declare\s+(?:-\w+\s+)*|readonly\s+)?(\w+)=|\bfor\s+(\w+)\s+in\b"
)
HERE = re.compile(
    r"""(?:"?\$\(dirname "?(?:\$0|\$\{?BASH_SOURCE(?:\[0\]\})?)"?\)"?|/opt/ml/code|"?\$\{?SM_MODULE_DIR\}?"?)/?"""
)
BRANCHES = ("if ", "elif ", "else", "fi", "for ", "while ", "until ", "case ", "esac", "pushd", "popd", "(")
FILE = re.compile(r"(?:\./)?[\w-][\w.-]*(?:/[\w.-]+)*\.(?:py|sh|json|ya?ml|toml|txt|cfg|ini|csv)")
PYTHON = re.compile(r"(?:^|/)python[0-9.]*$")
BRINGS = frozenset({"cp", "mv", "ln", "rsync", "git", "tar", "unzip", "curl", "wget", "aws"})
"""Commands that may bring a file to another folder."""


@dataclass(frozen=True, slots=True)
class Use:
    """A variable that a script takes. ``hard``: it ends where that is not set; ``bare``: it is nothing then."""

    name: str
    line: int
    hard: bool
    bare: bool


def variable_uses(text: str) -> list[Use]:
    """The variables that a script takes on its way and gives no value itself; not all of them, if it is involved."""
    found = commands(text)[:MOST]
    strict, given = _head_is_strict(text), set[str]()
    uses: list[Use] = []
    for one in found:
        told = SETS.match(one.text)
        if told is not None:
            strict = (
                strict
                or "nounset" in told[1]
                or any(re.fullmatch(r"-[a-z]*u[a-z]*", part) for part in told[1].split())
            )
        if one.text.startswith(("read ", "source ", ". ", "eval ", "trap ")) or one.function:
            return []
        tests = one.text.startswith((*TESTS, *BRANCHES)) or one.loops or one.before in ("||", "&&")
        for use in USES.finditer(SINGLE.sub("", one.text)) if not tests else ():
            name, plain = use["plain"] or use["braced"], not use["how"]
            if (
                (plain or use["how"].startswith((":-", "-", ":=")))
                and not name.isdigit()
                and name not in given
            ):
                uses.append(Use(name, one.line, plain and strict, plain and not strict))
        given.update(name for pair in GIVES.findall(one.text) for name in pair if name)
    return uses


def _head_is_strict(text: str) -> bool:
    first = text.split("\n", 1)[0]
    return first.startswith("#!") and bool(re.search(r"\s-[a-z]*u[a-z]*\b", first))


def after_cd(text: str, files: frozenset[str]) -> list[tuple[str, str, int, bool]]:
    """Files that a script names from the folder where it began, after it went to another one.

    Each is (file, folder, line, whether Python is to run it). ``files``: those of the folder where it begins.
    """
    folder, found = "", list[tuple[str, str, int, bool]]()
    for one in commands(text)[:MOST]:
        if one.function or one.loops or one.text.startswith(BRANCHES) or one.before in ("||", "|"):
            return found
        words = one.text.split()
        if words[0] in BRINGS:
            return found
        if words[0] == "cd":
            if len(words) != 2 and HERE.fullmatch(one.text[3:].strip()) is None:
                return found
            to = one.text[3:].strip()
            if HERE.fullmatch(to):
                folder = ""
            elif re.fullmatch(
                r"/(?:tmp|opt/ml/(?:model|output|checkpoints)|var|home|root|mnt)\b[\w./-]*", to
            ):
                folder = posixpath.normpath(to)
            elif re.fullmatch(r"[\w./-]+", to) and not to.startswith(("/", "-")):
                folder = posixpath.normpath(posixpath.join(folder, to))
                folder = "" if folder == "." else folder
            else:
                return found
            continue
        for position, word in enumerate(words if folder and not folder.startswith("..") else ()):
            name = word.strip("'\"")
            wanted = posixpath.normpath(posixpath.join(folder, name))
            if FILE.fullmatch(name) and posixpath.normpath(name) in files and wanted not in files:
                runs = position > 0 and PYTHON.search(words[position - 1]) is not None
                found.append((name, folder, one.line, runs))
    return found
