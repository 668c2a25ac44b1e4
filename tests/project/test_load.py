"""A description is read in bounded time and memory, or refused in one line."""

from __future__ import annotations

import json
import os
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from contract import load as loading
from contract.load import Unusable, load, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MINIMAL = "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths: {}\n"


def value(yaml: str) -> Any:
    return parse(f"{MINIMAL}x-value: {yaml}\n".encode())["x-value"]


def test_yaml_and_json_give_the_same() -> None:
    document = parse(MINIMAL.encode())
    assert parse(json.dumps(document).encode()) == document


def test_yaml_may_start_with_a_brace() -> None:
    assert parse(b"{openapi: 3.0.3, paths: {}}") == {"openapi": "3.0.3", "paths": {}}


def test_a_byte_order_mark_is_ignored() -> None:
    assert parse(b"\xef\xbb\xbf" + MINIMAL.encode()) == parse(MINIMAL.encode())


@pytest.mark.parametrize(
    ("yaml", "python"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("'1'", "1"),
        ("17", 17),
        ("-1.5e3", -1500.0),
        ("true", True),
        ("", None),
        ("~", None),
        ("!!python/name:os.system x", "x"),
        ("[a, {b: c}]", ["a", {"b": "c"}]),
    ],
)
def test_scalars_are_those_of_yaml_1_2(yaml: str, python: Any) -> None:
    assert value(yaml) == python


@pytest.mark.parametrize("text", ["1.10", "007", "+5", "-0", "1e3", "1.5", "12"])
def test_a_number_where_a_text_is_expected_is_the_text_as_written(text: str) -> None:
    assert str(value(text)) == text


def test_keys_are_text_as_written() -> None:
    assert value("{200: a, on: b, 1.10: c}") == {"200": "a", "on": "b", "1.10": "c"}


def test_aliases_are_followed() -> None:
    assert value("[&a {k: v}, *a]") == [{"k": "v"}, {"k": "v"}]


@pytest.mark.parametrize("merged", ["*a", "[*a, {k: other}]"])
def test_merged_keys_come_after_a_mappings_own(merged: str) -> None:
    merged_value = value(f"[&a {{k: v, own: theirs}}, {{<<: {merged}, own: mine}}]")
    assert merged_value[1] == {"k": "v", "own": "mine"}


def bomb() -> str:
    lines = ["x-0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"x-{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    return MINIMAL + "\n".join(lines)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a mapping"),
        (b"- a\n- b\n", "not a mapping"),
        (b"just words", "not a mapping"),
        (b"swagger: '2.0'\n", "swagger 2.0: OpenAPI 3.0, 3.1 or 3.2 is needed"),
        (b"name: togai\n", "not an OpenAPI description: the key openapi .* is missing"),
        (b'{"openapi": null}', "not an OpenAPI description: the key openapi .* is missing"),
        (b"asyncapi: 2.6.0\n", "asyncapi 2.6.0: OpenAPI 3.0, 3.1 or 3.2 is needed"),
        (b"openapi: 4.0.0\n", "openapi 4.0.0: OpenAPI 3.0, 3.1"),
        (b"openapi: [3\n", "neither YAML nor JSON"),
        (b"a: b: c\n", "neither YAML nor JSON.*line 1"),
        (MINIMAL.encode("utf-16"), "not UTF-8"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (MINIMAL.encode() + b"x: \x00", "neither YAML nor JSON"),
        (b"a: 1\na: 2\n", "'a' occurs twice"),
        (b'{"a": 1, "a": 2}', "'a' occurs twice"),
        (b"--- 1\n--- 2\n", "found another document"),
        (b"a: {<<: b}\n", "not a mapping"),
        (b"a: &x [*x]\n", "contains itself"),
        (b"a: *x\n", "found undefined alias"),
        (b"? [a]\n: b\n", "key is not a string"),
        (bomb().encode(), "more than 1000000 values"),
        (b"[" * 100_000, "nested deeper than 200"),
        (b'{"a":' * 100_000, "nested deeper|nested too deep"),
        (b"a: " + b"x" * (17 * 1024**2), "larger than 16 MB"),
    ],
    ids=lambda one: repr(one[:30]) if isinstance(one, bytes) else "",
)
def test_input_that_is_not_a_description_is_refused_in_one_line(data: bytes, words: str) -> None:
    with pytest.raises(Unusable, match=words) as caught:
        parse(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"- a", b"name: togai", b"<html>: [", b"\xff", b"swagger: '2.0'"])
def test_a_file_of_another_kind_is_refused_with_what_to_do_next(data: bytes) -> None:
    with pytest.raises(Unusable, match=r"; (pass the vendor's OpenAPI description|ask the vendor)"):
        parse(data)


def test_a_description_may_have_as_many_bytes_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data = MINIMAL.encode()
    monkeypatch.setattr(loading, "MAX_BYTES", len(data))
    assert parse(data)
    with pytest.raises(Unusable, match="the description is larger than"):
        parse(data + b"\n")


def test_a_description_may_have_as_many_values_as_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The mapping, its three values, and the two values of one of them.
    monkeypatch.setattr(loading, "MAX_NODES", 6)
    assert parse(MINIMAL.encode())
    monkeypatch.setattr(loading, "MAX_NODES", 5)
    with pytest.raises(Unusable, match="line 1: more than 5 values, aliases expanded"):
        parse(MINIMAL.encode())


def test_values_may_be_nested_as_deep_as_the_limit() -> None:
    # In the mapping of the description.
    assert value("[" * 199 + "]" * 199)
    with pytest.raises(Unusable, match="line 4: nested deeper than 200 levels"):
        value("[" * 200 + "]" * 200)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"a: \x00",
            "the description is neither YAML nor JSON: unacceptable character #x0000: control characters",
        ),
        (b'{"a": 1, "b": 1, "b": 2}', "the key 'b' occurs twice in one object"),
        (b"a: 1\nb: 1\nb: 2\n", "line 1: the key 'b' occurs twice in one mapping"),
        (b"openapi: 3\na:\n  b: 1\n  b: 2\n", "line 3: the key 'b' occurs twice in one mapping"),
        (b"a: &x\n  - *x\n", "line 1: the value contains itself through an alias"),
        (b"a: 1\nb:\n  ? [c]\n  : d\n", "line 3: a key is not a string"),
        (b"a: 1\nb:\n  <<: [c]\n", "line 3: << merges something that is not a mapping"),
        (
            b"a: [1\n",
            "the description is neither YAML nor JSON: did not find expected ',' or ']', line 2; ",
        ),
        (
            b'{"a": {"%s": 1, "c": 1, "%s": 2}}' % (b"b" * 61, b"b" * 61),
            f"the key {'b' * 60!r} occurs twice in one object",
        ),
        (
            f"{'b' * 61}: 1\n{'b' * 61}: 2\n".encode(),
            f"line 1: the key {'b' * 60!r} occurs twice in one mapping",
        ),
        (
            f"openapi: '{'9' * 40}'\n".encode(),
            f"the description is openapi {'9' * 32}: OpenAPI 3.0, 3.1 or 3.2 is needed",
        ),
        (b"ab\xff", "the description is not UTF-8: byte 2; "),
    ],
)
def test_the_message_says_where_and_what(data: bytes, message: str) -> None:
    with pytest.raises(Unusable) as caught:
        parse(data)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("version", ["3.0.0", "3.1.1", "3.2.0"])
def test_each_version_of_openapi_3_is_read(version: str) -> None:
    assert parse(f"openapi: {version}\nswagger: '2.0'\n".encode())["openapi"] == version


def test_a_number_is_an_integer_if_it_is_not_too_long() -> None:
    assert value("9" * 400) == int("9" * 400)
    assert value("9" * 401) == float("inf")
    assert value("+5") == 5
    assert [value(text) for text in (".5", "5.", "-1E2", "+1.5e+1")] == [0.5, 5.0, -100.0, 15.0]
    assert value("[1e, e1, 0x1F, 1.2.3]") == ["1e", "e1", "0x1F", "1.2.3"]


def test_constants_are_those_of_yaml_1_2() -> None:
    assert value("[~, null, Null, NULL]") == [None] * 4
    assert value("[true, True, TRUE, false, False, FALSE]") == [True] * 3 + [False] * 3
    assert value("[yes, tRUE, nULL, 'null', \"true\"]") == ["yes", "tRUE", "nULL", "null", "true"]


def test_the_first_of_several_merged_mappings_wins() -> None:
    merged = value("[&a {x: 1, y: 1}, &b {x: 2, z: 2}, {<<: [*a, *b]}]")[2]
    assert merged == {"x": 1, "y": 1, "z": 2}


def test_no_more_than_the_limit_is_read_of_a_file(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(100 * 1024**3)
    with pytest.raises(Unusable, match="larger than 16 MB"):
        load(str(huge))


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_opened_is_reported(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        Unusable, match=r"cannot be read: .*; pass the vendor's OpenAPI description"
    ):
        load(str(tmp_path / name))


def test_a_path_that_is_not_a_file_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unusable, match="it is not a file"):
        load(str(tmp_path / "pipe"))


def test_a_merge_that_stands_twice_is_refused() -> None:
    with pytest.raises(Unusable, match="'<<' occurs twice"):
        value("[&b {x: 1}, {<<: *b, <<: *b}]")


def test_a_mapping_that_merges_a_merged_mapping_keeps_its_own_keys() -> None:
    chained = value("[&a {x: 1, y: 1}, &b {<<: *a, y: 2}, {<<: *b, z: 3}]")
    assert chained == [{"x": 1, "y": 1}, {"x": 1, "y": 2}, {"x": 1, "y": 2, "z": 3}]


def test_a_tag_makes_a_number_a_string() -> None:
    assert value("!!str 200") == "200"


def test_a_property_that_is_called_like_a_merge_is_none() -> None:
    assert value('{"<<": 1, a: 2}') == {"<<": 1, "a": 2}


@pytest.mark.parametrize("url", ["http://example.com/a.yaml", "ftp://a/b", "file:///etc/passwd"])
def test_only_paths_and_https_are_read(url: str) -> None:
    with pytest.raises(Unusable, match="only paths and https"):
        load(url)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "http://elsewhere/spec.yaml")
            self.end_headers()
            return
        if self.path == "/missing":
            self.send_response(404)
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(1 if self.path == "/spec" else 40):
                self.wfile.write(MINIMAL.encode() if self.path == "/spec" else b"#" * 1024**2)
        except OSError:
            pass  # the reader had enough

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@pytest.fixture
def https(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("NO_PROXY", "*")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = HTTPServer(("localhost", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_https_address_is_read(https: str) -> None:
    assert load(f"{https}/spec") == parse(MINIMAL.encode())


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/missing", "returned 404"),
        ("/moved", "returned 302: try http://elsewhere/spec.yaml"),
        ("/endless", "larger than 16 MB"),
    ],
)
def test_an_address_without_a_description_is_reported(https: str, path: str, words: str) -> None:
    with pytest.raises(Unusable, match=words):
        load(https + path)


def test_an_address_that_takes_too_long_is_reported(
    https: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "FETCH_SECONDS", 0.0)
    with pytest.raises(Unusable, match="not read within 0 s"):
        load(f"{https}/spec")
