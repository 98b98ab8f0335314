"""Answering a request that is repeated under one Idempotency-Key as the first time."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from django.http import HttpRequest
from ninja import Schema

from crm.api.wire import now, typed
from crm.domain.errors import Conflict
from crm.store.requests import Put
from crm.store.table import ConditionFailed

T = TypeVar("T")
A = TypeVar("A", bound=Schema)


def once(
    request: HttpRequest,
    made: Mapping[str, str],
    *,
    make: Callable[[Sequence[Put]], T],
    again: Callable[[Mapping[str, str]], T],
) -> T:
    """Do `make` once for the request's Idempotency-Key and answer a repeat by `again`, from what the first one made.

    `make` is given the actions that belong into its first transaction; without the header it is just done.
    """
    token, key, body = _marks(request)
    if not key:
        return make(())
    if (first := typed(request).store.repeats.find(token, key, body)) is not None:
        return again(first.made)
    try:
        return make([typed(request).store.repeats.action(token, key, body, made=made, now=now())])
    except Conflict:
        if (twin := typed(request).store.repeats.find(token, key, body)) is None:
            raise
        return again(twin.made)


def answered(
    request: HttpRequest,
    made: Mapping[str, str],
    shape: type[A],
    *,
    make: Callable[[Sequence[Put]], A],
    again: Callable[[Mapping[str, str]], A],
) -> A:
    """Do `make` once as `once` does, and answer a repeat with its very answer, whatever became of the thing since.

    `again` answers where the first request was cut off before its answer was noted down. Not for an answer that an erase would
    have to find: with a name or an address, or a filter that may hold one.
    """

    def first(also: Sequence[Put]) -> A:
        answer = make(also)
        settle(request, {**made, "answer": answer.model_dump_json()})
        return answer

    def repeat(kept: Mapping[str, str]) -> A:
        return shape.model_validate(json.loads(kept["answer"])) if "answer" in kept else again(kept)

    return once(request, made, make=first, again=repeat)


def settle(request: HttpRequest, made: Mapping[str, str]) -> None:
    """Note down what a repeat is to answer from, where the first transaction could not know it; nothing without the header."""
    token, key, body = _marks(request)
    if not key:
        return
    table, repeats = typed(request).store.table, typed(request).store.repeats
    with suppress(ConditionFailed):  # the answer has expired meanwhile
        table.write([repeats.settled(token, key, body, made=made)])


def _marks(request: HttpRequest) -> tuple[str, str, bytes]:
    """By whom, under which key, and what."""
    key = request.headers.get("Idempotency-Key", "").strip()
    return str(typed(request).auth.token_id), key, f"{request.method} {request.path}\n".encode() + request.body
