"""Which pictures can be a logo: told by their bytes."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.domain.errors import RuleViolation
from crm.domain.logo import MAX_BYTES, read_logo
from tests.pictures import gif, jpg, png, webp

MAKERS: dict[str, tuple[str, Callable[..., bytes]]] = {
    "png": ("png", png),
    "gif": ("gif", gif),
    "jpg": ("jpg", jpg),
    "webp": ("webp", webp),
    "lossless webp": ("webp", partial(webp, form=b"VP8L")),
    "lossy webp": ("webp", partial(webp, form=b"VP8 ")),
}


@pytest.mark.parametrize("name", MAKERS)
def test_kind_and_size_are_read_from_the_bytes(name: str) -> None:
    kind, make = MAKERS[name]

    logo = read_logo(make(1200, 77))

    assert (logo.kind, logo.width, logo.height) == (kind, 1200, 77)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("size", [(1201, 10), (10, 1201)])
def test_a_picture_that_is_too_wide_or_high_is_refused(name: str, size: tuple[int, int]) -> None:
    with pytest.raises(RuleViolation, match=f"{size[0]} by {size[1]} points; neither may be more than 1200") as refused:
        read_logo(MAKERS[name][1](*size))

    assert [error.field for error in refused.value.errors] == ["logo"]


def test_a_picture_without_size_is_refused() -> None:
    with pytest.raises(RuleViolation, match="0 by 10 points"):
        read_logo(gif(0, 10))


@pytest.mark.parametrize(
    "data",
    [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"%PDF-1.7", b"BM\0\0", b"RIFF\0\0\0\0WAVE", b"\xff\xd8", b"x"],
)
def test_what_is_no_picture_is_refused_whatever_it_is_called(data: bytes) -> None:
    with pytest.raises(RuleViolation, match="Choose a PNG, JPEG, GIF or WebP; no SVG"):
        read_logo(data)


def test_too_many_bytes_are_refused() -> None:
    read_logo(png() + b"\0" * 10)

    with pytest.raises(RuleViolation, match="more than 200 KB"):
        read_logo(png() + b"\0" * MAX_BYTES)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(RuleViolation, match="empty"):
        read_logo(b"")


@pytest.mark.parametrize("name", ["png", "gif", "jpg", "webp"])
def test_a_picture_that_is_cut_off_is_refused(name: str) -> None:
    whole = MAKERS[name][1]()

    with pytest.raises(RuleViolation, match="not whole"):
        read_logo(whole[:-2] if name == "webp" else whole[: len(whole) // 2])


@settings(max_examples=50)
@given(st.sampled_from(sorted(MAKERS)), st.integers(0, 200), st.binary(max_size=40))
def test_whatever_stands_in_a_file_it_is_a_logo_or_refused(name: str, place: int, noise: bytes) -> None:
    data = MAKERS[name][1]()
    data = data[:place] + noise + data[place + len(noise) :]

    try:
        logo = read_logo(data)
    except RuleViolation:
        return

    assert 0 < logo.width <= 1200
    assert 0 < logo.height <= 1200
    assert max(logo.shown) <= 240


def test_another_picture_has_another_address() -> None:
    one, two = read_logo(png(10, 10)), read_logo(png(10, 11))

    assert one.path != two.path
    assert one == read_logo(png(10, 10))
