"""Objects of an S3 endpoint into files, also where the server is not what it should be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from cursus.local.s3 import transfer

COUNT = 60
ODD_NAMES = ["fine", "b//c", "../../climbs", "x#1"]
Serve = Callable[[str], str]
PUTS: dict[str, dict[str, str]] = {}


def body(key: str) -> bytes:
    return key.encode() * 500


class Odd(BaseHTTPRequestHandler):
    """A server of objects that does, for some of them, what servers are allowed to do."""

    protocol_version = "HTTP/1.1"
    manner = ""
    asked: dict[str, int]
    puts: dict[str, dict[str, str]]

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        key = unquote(place.path).removeprefix("/odd-bucket").removeprefix("/")
        if not key:
            self.listing(parse_qs(place.query)["prefix"][0])
            return
        self.asked[key] = self.asked.get(key, 0) + 1
        strange = key.endswith(("7", "13")) and self.asked[key] == 1
        if self.manner == "ends late" and key == f"a/{COUNT - 1}":
            time.sleep(0.3)
        elif self.manner == "ends late" and int(key[2:]) >= COUNT - 10:
            self.close_connection = True  # without a word, while the last one is still on its way
        data = body(key)
        if strange and self.manner == "hangs up":
            self.close_connection = True
            return
        if strange and self.manner == "fails":
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        if strange and self.manner == "cuts":
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:100])
            self.close_connection = True
            return
        if strange and self.manner == "closes":
            self.send_header("Connection", "close")
            self.close_connection = True
        for name, value in (("Content-Length", str(len(data))), ("ETag", '"x"')):
            self.send_header(name, value)
        self.send_header("Last-Modified", "Sun, 22 Nov 2026 10:00:00 GMT")
        self.end_headers()
        self.wfile.write(data)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.puts[unquote(self.path)] = {name.lower(): value for name, value in self.headers.items()}
        text = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        refused = self.manner == "refuses"
        self.send_response(403 if refused else 200)
        self.send_header("ETag", '"x"')
        self.send_header("Content-Length", str(len(text) if refused else 0))
        self.end_headers()
        self.wfile.write(text if refused else b"")

    def listing(self, prefix: str) -> None:
        names = ODD_NAMES if self.manner == "odd names" else [str(number) for number in range(COUNT)]
        entries = "".join(
            f"<Contents><Key>{prefix}{name}</Key><Size>{len(body(prefix + name))}</Size></Contents>"
            for name in names
        )
        text = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    pytest.importorskip("obstore")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    started: list[ThreadingHTTPServer] = []

    def start(manner: str) -> str:
        handler = type("Handler", (Odd,), {"manner": manner, "asked": {}, "puts": PUTS})
        PUTS.clear()
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("manner", ["behaves", "hangs up", "fails", "cuts", "closes", "ends late"])
def test_every_object_comes_whole(serve: Serve, tmp_path: Path, manner: str) -> None:
    work = {"store": serve(manner), "region": "us-east-1", "down": ["s3://odd-bucket/a/"], "exact": False}
    found = transfer.Transfer({**work, "root": str(tmp_path)}).result()
    assert found == {"notes": []}
    folder = tmp_path / "s3/odd-bucket/a"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        str(number): body(f"a/{number}") for number in range(COUNT)
    }


NAMES = {
    "train/": ({"train/a": "a", "train/deep/b": "deep/b"}, "the name of a folder and a slash"),
    "train": ({"train/a": "a", "train/b": "b"}, "the name of a folder"),
    "tr": ({"train/a": "train/a", "try": "try"}, "the beginning of names"),
    "train.csv": ({"train.csv": "train.csv"}, "an object"),
    "": ({"a": "a", "b/c": "b/c"}, "a bucket"),
}


@pytest.mark.parametrize("prefix", NAMES)
def test_names_in_a_channel(prefix: str) -> None:
    wanted = NAMES[prefix][0]
    assert transfer.channel_names(prefix, list(wanted)) == {name: place for place, name in wanted.items()}


def test_name_that_two_objects_would_have(tmp_path: Path) -> None:
    from cursus.local import storage

    keys = ["train.csv", "train/train.csv", "train/other"]
    for key in keys:
        path = tmp_path / "s3/a-bucket" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    found = storage.matching(str(tmp_path), "s3://a-bucket/train")
    assert found is not None
    assert transfer.channel_names("train", keys).keys() == found.files.keys()


def test_keys_that_are_no_paths_are_named(serve: Serve, tmp_path: Path) -> None:
    where = {"store": serve("odd names"), "region": "us-east-1"}
    notes = [
        "the key 'a/b//c' of odd-bucket is no path: its file is 'a/b/c'",
        "the key 'a/../../climbs' of odd-bucket climbs out of its folder: it is left out",
    ]
    work = {"down": ["s3://odd-bucket/a/"], "exact": False, "root": str(tmp_path)}
    assert transfer.carry_out({**where, **work}) == {"notes": notes}
    folder = tmp_path / "s3/odd-bucket/a"
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) == [
        "b/c",
        "fine",
        "x#1",
    ]
    listed = transfer.carry_out({**where, "list": "s3://odd-bucket/a/"})
    assert listed["notes"] == notes
    assert [entry[:2] for entry in listed["objects"]] == [
        ("fine", "a/fine"),
        ("b/c", "a/b//c"),
        ("x#1", "a/x#1"),
    ]


@pytest.mark.parametrize("key", ["plain", "odd#1"])
def test_key_of_kms_encrypts_what_is_put(serve: Serve, tmp_path: Path, key: str) -> None:
    (tmp_path / "file").write_text("x")
    where = {"store": serve("behaves"), "region": "us-east-1", "kms": "arn:aws:kms:us-east-1:1:key/x"}
    found = transfer.carry_out({**where, "up": [(str(tmp_path / "file"), f"s3://odd-bucket/{key}")]})
    assert found == {"notes": []}
    headers = PUTS[f"/odd-bucket/{key}"]
    assert headers["x-amz-server-side-encryption"] == "aws:kms"
    assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == "arn:aws:kms:us-east-1:1:key/x"


def test_refusal_is_told_in_the_stores_own_words(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    where = {"store": serve("refuses"), "region": "us-east-1"}
    found = transfer.carry_out({**where, "up": [(str(tmp_path / "file"), "s3://odd-bucket/key")]})
    assert found == {"error": "AccessDenied: Access Denied"}
