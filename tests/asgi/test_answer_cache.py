"""Kept answers take a bounded place, and nothing that was not meant to be kept gets in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from smartcity_saas.asgi.answer_cache import AnswerCache, Headers, KeptAnswer, kept_answer

NOW = datetime(2026, 11, 29, tzinfo=UTC)
HEAD: Headers = [(b"content-type", b"text/html"), (b"etag", b'"a"'), (b"content-length", b"9")]


def answer(body: bytes, seconds: int = 60) -> KeptAnswer:
    made = kept_answer(HEAD, body, NOW, NOW + timedelta(seconds=seconds), compressed=False)
    assert made is not None
    return made


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4000)), max_size=40))
def test_memory_is_bounded(puts: list[tuple[int, int]]) -> None:
    """Promise: however much comes, and however often, no more bytes are held than allowed, and what was
    used last is still there."""
    cache = AnswerCache(most_bytes=20_000)
    for key, size in puts:
        cache.put(key, answer(b"x" * size))
        assert cache.bytes <= cache.most_bytes
        assert cache.get(key, NOW) is not None
    held = [cache.get(key, NOW) for key in range(10)]
    assert cache.bytes == sum(len(one.body) + 2_000 for one in held if one is not None)


def test_nothing_is_served_before_or_after_its_time() -> None:
    """Promise: an answer ends when it says, and one from the future is none."""
    cache = AnswerCache()
    for moved, there in ((0, True), (59, True), (60, False), (-1, False)):
        cache.put("page", answer(b"x"))
        assert (cache.get("page", NOW + timedelta(seconds=moved)) is not None) is there


def test_what_may_not_be_kept_is_not() -> None:
    """Promise: no answer with a cookie, without an ETag, too large or over already is kept; nor is the
    date on which it was made."""
    later = NOW + timedelta(1)
    assert kept_answer(HEAD[:1], b"x", NOW, later, compressed=True) is None
    assert kept_answer(HEAD[:1], b"x", NOW, later, compressed=True, status=503) is not None
    assert kept_answer([*HEAD, (b"set-cookie", b"a=b")], b"x", NOW, later, compressed=True) is None
    assert kept_answer(HEAD, b"x" * 1_000_000, NOW, later, compressed=True) is None
    assert kept_answer(HEAD, b"x", NOW, NOW, compressed=True) is None
    made = kept_answer([*HEAD, (b"date", b"today")], b"x", NOW, later, compressed=True)
    assert made is not None
    assert b"date" not in dict(made.head)
    assert dict(made.head)[b"content-length"] == b"1"
