"""Real S3, or whatever has its API: listings and odd keys by signed requests of our own, bytes through obstore.

obstore lists by path segments and refuses keys such as ``a//b`` and ``a#1``, so that what a prefix of strings
matches is asked for here. Only used in a process of its own (``transfer``): obstore has threads.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from threading import local
from typing import IO, Any, NamedTuple, NoReturn
from urllib.parse import quote, unquote_plus, urlsplit

from cursus.local.storage import StoreError, odd_segment

TIMEOUT = 60.0
CONNECT = 10.0
_PLAIN = re.compile(r"[A-Za-z0-9_.=, ()@+:-]+(/[A-Za-z0-9_.=, ()@+:-]+)*")


def plain(key: str) -> bool:
    """True for a key that obstore takes as it is."""
    return _PLAIN.fullmatch(key) is not None and odd_segment(key) is None


class Access(NamedTuple):
    """Where a store is, and who asks."""

    endpoint: str
    region: str
    key: str
    secret: str
    token: str | None


class Object(NamedTuple):
    """One member of a listing: its size in bytes, and when it was changed (s since 1970)."""

    key: str
    size: int
    modified: int = 0


def access(store: str, region: str) -> Access:
    """The store ``aws`` or of an endpoint, with credentials from the environment, botocore or the shared file.

    Raises:
        StoreError: there are no credentials.
    """
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or region
    endpoint = f"https://s3.{region}.amazonaws.com" if store == "aws" else store
    if region.startswith("cn-") and store == "aws":
        endpoint += ".cn"
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        return Access(endpoint, region, key, secret, os.environ.get("AWS_SESSION_TOKEN") or None)
    try:
        from botocore.session import Session

        found = Session().get_credentials()
        if found is not None:
            frozen = found.get_frozen_credentials()
            return Access(endpoint, region, frozen.access_key, frozen.secret_key, frozen.token)
    except ImportError:
        pass
    except Exception as error:
        raise StoreError(f"no credentials for {store}: {error}") from error
    return Access(endpoint, region, *_shared_file(store))


def _shared_file(store: str) -> tuple[str, str, str | None]:
    import configparser

    path = os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or os.path.expanduser("~/.aws/credentials")
    profile = os.environ.get("AWS_PROFILE") or "default"
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path)
        section = parser[profile]
        return (
            section["aws_access_key_id"],
            section["aws_secret_access_key"],
            section.get("aws_session_token"),
        )
    except (KeyError, OSError, configparser.Error) as error:
        raise StoreError(
            f"there are no credentials for {store}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        ) from error


class Call(NamedTuple):
    """One request: about a key, or about the bucket where it names none; ``length`` is that of ``body``."""

    method: str
    key: str = ""
    query: Mapping[str, str] = {}
    body: IO[bytes] | None = None
    length: int = 0
    headers: Mapping[str, str] = {}


class Client:
    """One bucket's requests. ``encryption`` are the headers of what is put: keys of KMS."""

    def __init__(self, access: Access, bucket: str, encryption: dict[str, str] | None = None) -> None:
        self.access = access
        self.bucket = bucket
        self.encryption = encryption or {}
        self._own = local()
        self._store: Any = None
        self._key = ("", b"")

    # --- requests of our own ----------------------------------------------------------------------

    def list(self, prefix: str) -> Iterator[Object]:
        """Every object whose key begins with ``prefix``, in the order of keys. Raises StoreError."""
        from xml.etree import ElementTree

        query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
        while True:
            with self._answered(Call("GET", query=query)) as answer:
                data = answer.read()
            try:
                page = ElementTree.fromstring(re.sub(rb' xmlns="[^"]*"', b"", data, count=1))
            except ElementTree.ParseError as error:
                raise StoreError(f"{self.access.endpoint} gives no listing: {error}") from error
            coded = page.findtext("EncodingType") == "url"
            for entry in page.iter("Contents"):
                key = entry.findtext("Key") or ""
                size, changed = int(entry.findtext("Size") or 0), _time(entry.findtext("LastModified") or "")
                yield Object(unquote_plus(key) if coded else key, size, changed)
            following = page.findtext("NextContinuationToken")
            if page.findtext("IsTruncated") != "true" or not following:
                return
            query = {**query, "continuation-token": following}

    def get(self, key: str, target: IO[bytes]) -> int:
        """The bytes of one object into ``target``; how many. For keys that obstore refuses."""
        done = 0
        with self._answered(Call("GET", key)) as answer:
            while chunk := answer.read(1 << 20):
                target.write(chunk)
                done += len(chunk)
        return done

    def part(self, key: str, start: int, end: int) -> bytearray:
        """Some bytes of one object. For keys that obstore refuses."""
        target = bytearray(end - start)
        view = memoryview(target)
        with self._part(key, start, end - start) as answer:
            done = 0
            while count := answer.readinto(view[done:]):
                done += count
        _whole(end - start, done)
        return target

    def part_to(self, key: str, start: int, length: int, descriptor: int) -> None:
        """Some bytes of one object to the same place in a file. Raises StoreError, OSError."""
        buffer = memoryview(bytearray(min(length, 1 << 20)))
        with self._part(key, start, length) as answer:
            done = 0
            while count := answer.readinto(buffer[: length - done]):
                data = buffer[:count]
                while data:
                    written = os.pwrite(descriptor, data, start + done)
                    data, done = data[written:], done + written
        _whole(length, done)

    @contextmanager
    def _part(self, key: str, start: int, length: int) -> Iterator[http.client.HTTPResponse]:
        headers = {"Range": f"bytes={start}-{start + length - 1}"}
        with self._answered(Call("GET", key, headers=headers)) as answer:
            if answer.status != 206 and not answer.headers.get("Content-Range"):
                while start > 0 and (skipped := answer.read(min(start, 1 << 20))):
                    start -= len(skipped)  # servers are allowed to answer with everything
            yield answer

    def gives_parts(self, key: str, size: int) -> bool:
        """Whether the store answers with a part where one is asked for."""
        headers = {"Range": f"bytes=1-{min(2, size - 1)}"}
        with self._answered(Call("GET", key, headers=headers)) as answer:
            return answer.status == 206 or bool(answer.headers.get("Content-Range"))

    def put(self, key: str, path: str) -> None:
        """One file as one object, of 5 GiB at most. For keys that obstore refuses."""
        with open(path, "rb") as file:
            call = Call("PUT", key, body=file, length=os.path.getsize(path))
            with self._answered(call) as answer:
                answer.read()

    def delete(self, key: str) -> None:
        """Take one object away; it may not be there."""
        with self._answered(Call("DELETE", key)) as answer:
            answer.read()

    @contextmanager
    def _answered(self, call: Call) -> Iterator[http.client.HTTPResponse]:
        """An answer to read. A connection is used again where its answer was read to the end."""
        answer = self._answer(call)
        try:
            yield answer
        finally:
            if not answer.isclosed():
                answer.close()
                self._hang_up()

    def _hang_up(self) -> None:
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            connection.close()
            self._own.connection = None

    def _answer(self, call: Call) -> http.client.HTTPResponse:
        for attempt in range(4):
            try:
                return self._once(call)
            except (OSError, http.client.HTTPException) as error:
                self._hang_up()
                if attempt == 3 or isinstance(error, TimeoutError):
                    raise StoreError(f"{self.access.endpoint} does not answer: {error}") from error
            except _MovedError as moved:
                self._hang_up()
                self.access = self.access._replace(
                    region=moved.region,
                    endpoint=self.access.endpoint.replace(f".{self.access.region}.", f".{moved.region}."),
                )
            if call.body is not None:
                call.body.seek(0)
            time.sleep(0.1 * 2**attempt if attempt else 0)
        raise StoreError(f"{self.access.endpoint} sends from region to region")

    def _once(self, call: Call) -> http.client.HTTPResponse:
        parts = urlsplit(self.access.endpoint)
        path = quote(f"{parts.path}/{self.bucket}" + ("/" + call.key if call.key else ""), safe="/-_.~")
        text = "&".join(
            f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
            for name, value in sorted(call.query.items())
        )
        headers = self._signed(call.method, parts.netloc, path, text, call.body is not None)
        headers.update(call.headers)
        if call.body is not None:
            headers["Content-Length"] = str(call.length)
        connection = getattr(self._own, "connection", None)
        if connection is None:
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            connection = self._own.connection = kind(parts.netloc, timeout=CONNECT)
            connection.connect()
            connection.sock.settimeout(TIMEOUT)
        connection.request(call.method, path + ("?" + text if text else ""), call.body, headers)
        answer: http.client.HTTPResponse = connection.getresponse()
        if answer.status >= 300:
            self._refused(call, answer)
        return answer

    def _refused(self, call: Call, answer: http.client.HTTPResponse) -> NoReturn:
        region = answer.headers.get("x-amz-bucket-region")
        data = answer.read(4096).decode("utf-8", "replace")
        if not answer.isclosed():
            self._hang_up()
        if region and region != self.access.region:
            raise _MovedError(region)
        if answer.status >= 500:
            raise OSError(f"{answer.status} {answer.reason}")
        code = re.search(r"<Code>([^<]*)</Code>", data)
        place = f"s3://{self.bucket}/{call.key or call.query.get('prefix', '')}"
        raise StoreError(f"{place}: {code.group(1) if code else f'{answer.status} {answer.reason}'}")

    def plain_get(self, key: str) -> bytes:
        """The request for one object, as it goes over the wire."""
        parts = urlsplit(self.access.endpoint)
        path = quote(f"{parts.path}/{self.bucket}/{key}", safe="/-_.~")
        lines = "".join(
            f"{name}: {value}\r\n"
            for name, value in self._signed("GET", parts.netloc, path, "", False).items()
        )
        return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()

    def _signed(self, method: str, host: str, path: str, query: str, write: bool) -> dict[str, str]:
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        headers = {
            "host": host,
            "x-amz-content-sha256": "UNSIGNED-PAYLOAD" if write else hashlib.sha256(b"").hexdigest(),
            "x-amz-date": now,
        }
        if self.access.token:
            headers["x-amz-security-token"] = self.access.token
        if write:
            headers.update(self.encryption)
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        canonical = "\n".join((method, path, query, lines, names, headers["x-amz-content-sha256"]))
        scope = f"{now[:8]}/{self.access.region}/s3/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{digest}"
        if self._key[0] != scope:
            made = ("AWS4" + self.access.secret).encode()
            for part in scope.split("/"):
                made = hmac.digest(made, part.encode(), "sha256")
            self._key = scope, made
        signature = hmac.digest(self._key[1], text.encode(), "sha256").hex()
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access.key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return headers

    # --- obstore ----------------------------------------------------------------------------------

    def store(self) -> Any:
        """The bucket as obstore's S3Store. Raises StoreError where obstore is not installed."""
        if self._store is None:
            self._store = self._connected()
        return self._store

    def _connected(self) -> Any:
        try:
            from obstore.store import S3Store
        except ImportError as error:
            raise StoreError("obstore is needed for S3: pip install obstore") from error
        options: dict[str, Any] = {
            "endpoint": self.access.endpoint,
            "region": self.access.region,
            "access_key_id": self.access.key,
            "secret_access_key": self.access.secret,
            "virtual_hosted_style_request": False,
        }
        if self.access.token:
            options["session_token"] = self.access.token
        if "x-amz-server-side-encryption" in self.encryption:
            options["server_side_encryption"] = self.encryption["x-amz-server-side-encryption"]
            options["sse_kms_key_id"] = self.encryption["x-amz-server-side-encryption-aws-kms-key-id"]
        from datetime import timedelta

        from obstore.exceptions import BaseError

        client: Any = {
            "allow_http": True,
            "timeout": timedelta(seconds=600),
            "connect_timeout": timedelta(seconds=CONNECT),
            "read_timeout": timedelta(seconds=TIMEOUT),
        }
        options["retry_config"] = {"max_retries": 4, "retry_timeout": timedelta(seconds=TIMEOUT)}
        try:
            return S3Store(self.bucket, **options, client_options=client)
        except (BaseError, TypeError, ValueError):
            del client["read_timeout"]  # which older versions do not know
            return S3Store(self.bucket, **options, client_options=client)


def _time(text: str) -> int:
    """Seconds since 1970 of a listing's time; 0 where it is none."""
    try:
        return int(datetime.fromisoformat(text[:19] + "+00:00").timestamp())
    except ValueError:
        return 0


def _whole(wanted: int, came: int) -> None:
    if wanted != came:
        raise OSError(f"{wanted} bytes were asked for, and {came} came")


class _MovedError(Exception):
    def __init__(self, region: str) -> None:
        super().__init__(region)
        self.region = region


def encryption(kms_key: str | None) -> dict[str, str]:
    """The headers that encrypt what is put with a key of KMS."""
    if not kms_key:
        return {}
    return {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": kms_key,
    }
