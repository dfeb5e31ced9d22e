from __future__ import annotations

import hashlib

import pytest

from projections.demo.record import Entry, RecordFlaw, parse_record


def test_a_line_is_a_file_with_its_hash_and_size() -> None:
    assert parse_record("a/b.py,sha256=abc-_,12\na/c.pyc,,\n") == [
        Entry("a/b.py", "sha256", "abc-_", 12),
        Entry("a/c.pyc"),
    ]


def test_names_may_hold_commas_quotes_and_line_separators() -> None:
    entries = parse_record('"a,b ""c"".py",,3\r\nd\u2028e.py,,\n"f\ng.py",,\n')
    assert [entry.path for entry in entries] == ['a,b "c".py', "d\u2028e.py", "f\ng.py"]


@pytest.mark.parametrize(
    "text", ["a,b,c,d\n", ",sha256=x,1\n", "a,sha256,1\n", "a,sha256=,1\n", "a,,-1\n", 'a,"x\n']
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(RecordFlaw, match="RECORD"):
        parse_record(text)


@pytest.mark.parametrize(
    ("path", "exempt"),
    [
        ("a/__pycache__/b.cpython-311.pyc", True),
        ("a-1.dist-info/RECORD", True),
        ("a-1.dist-info/RECORD.jws", True),
        ("a/RECORD", False),
        ("a/b.py", False),
    ],
)
def test_only_bytecode_and_record_itself_need_no_hash(path: str, exempt: bool) -> None:
    assert Entry(path).exempt is exempt


@pytest.mark.parametrize(
    ("path", "native", "command", "starter"),
    [
        ("a/b.so", True, False, False),
        ("a/libc.so.6.1", True, False, False),
        ("a/b.PYD", True, False, False),
        ("a/b.sow", False, False, False),
        ("../../../bin/a", False, True, False),
        ("../../Scripts/a.exe", True, True, False),
        ("bin/a", False, False, False),
        ("a.pth", False, False, True),
        ("a/b.pth", False, False, False),
    ],
)
def test_a_name_tells_what_can_run(path: str, native: bool, command: bool, starter: bool) -> None:
    entry = Entry(path)
    assert (entry.native, entry.command, entry.starter) == (native, command, starter)


def test_weak_hashes_prove_nothing() -> None:
    assert Entry("a", "sha512", "x").proves
    assert not Entry("a", "md5", "x").proves
    assert not Entry("a").proves


def test_the_digest_in_hexadecimal() -> None:
    digest = hashlib.sha256(b"").hexdigest()
    assert (
        Entry("a", "sha256", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU").sha256_hex() == digest
    )
    assert Entry("a", "sha256", "not base64!").sha256_hex() is None
    assert Entry("a", "sha512", "47DEQpj8").sha256_hex() is None
