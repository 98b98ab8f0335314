"""The organisation's logo at the head of letters: which pictures can be one, told by their bytes, not by their names."""

import hashlib
import re
import struct
from dataclasses import dataclass

from crm.domain.errors import RuleViolation

MAX_BYTES = 200 * 1024
MAX_SIDE = 1200
SHOWN_WIDTH, SHOWN_HEIGHT = 240, 80
"""Points a logo takes at the most: a larger one is shown smaller, and sharper on good screens."""
TYPES = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
FIELD = "logo"
NO_PICTURE = "This is no picture in one of the forms that mail programs show. Choose a PNG, JPEG, GIF or WebP; no SVG."
CUT_OFF = "The picture is not whole. Save it again in the program it comes from, and choose that file."
TAIL = 1024
"""Where the end of a picture is looked for: some programs write a little behind it."""
FRAMES = re.compile(rb"[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf]")
"""Markers of a JPEG that say how large it is (ITU T.81, table B.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """A picture that was checked. `mark` is computed from its bytes, so another one has another address; `kind` is of TYPES."""

    mark: str
    kind: str
    width: int
    height: int

    @property
    def file(self) -> str:
        """Where it is kept among the files."""
        return file_of(self.mark, self.kind)

    @property
    def path(self) -> str:
        """Its address on the site."""
        return f"/o/logo-{self.mark}.{self.kind}"

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height in points.

        >>> Logo(mark="", kind="png", width=960, height=160).shown, Logo(mark="", kind="png", width=40, height=30).shown
        ((240, 40), (40, 30))
        """
        scale = min(1.0, SHOWN_WIDTH / self.width, SHOWN_HEIGHT / self.height)
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A logo as letters show it: its whole address, and width and height in points."""

    address: str
    width: int
    height: int


def file_of(mark: str, kind: str) -> str:
    """Where a logo is kept among the files."""
    return f"logos/{mark}.{kind}"


def picture_of(logo: Logo, site: str) -> Picture:
    """Return how letters show a logo; `site` is where others reach the program."""
    width, height = logo.shown
    return Picture(address=f"{site}{logo.path}", width=width, height=height)


def read_logo(data: bytes) -> Logo:
    """Return what a file is as a logo; RuleViolation (field logo) says what to do where it can't be one."""
    if not data:
        raise RuleViolation("The file is empty. Choose another.", field=FIELD)
    if len(data) > MAX_BYTES:
        raise RuleViolation(f"The picture has more than {MAX_BYTES // 1024} KB; save it smaller.", field=FIELD)
    kind = _kind(data)
    if kind is None:
        raise RuleViolation(NO_PICTURE, field=FIELD)
    try:
        width, height = SIZES[kind](data)
    except (struct.error, IndexError, ValueError):
        raise RuleViolation(CUT_OFF, field=FIELD) from None
    if not 0 < max(width, height) <= MAX_SIDE or not min(width, height):
        raise RuleViolation(
            f"The picture is {width} by {height} points; neither may be more than {MAX_SIDE}. Save it smaller.", field=FIELD
        )
    return Logo(mark=hashlib.sha256(data).hexdigest()[:32], kind=kind, width=width, height=height)


def _kind(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    return "webp" if data.startswith(b"RIFF") and data[8:12] == b"WEBP" else None


def _png(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR" or b"IEND" not in data[-TAIL:]:
        raise ValueError
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _gif(data: bytes) -> tuple[int, int]:
    if b"\x3b" not in data[-TAIL:]:
        raise ValueError
    width, height = struct.unpack("<HH", data[6:10])
    return width, height


def _jpg(data: bytes) -> tuple[int, int]:
    """Go from marker to marker until the one that says the size."""
    if b"\xff\xd9" not in data[-TAIL:]:
        raise ValueError
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1 : place + 2]
        if marker == b"\xff":  # filling
            place += 1
            continue
        (length,) = struct.unpack(">H", data[place + 2 : place + 4])
        if FRAMES.fullmatch(marker):
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return width, height
        place += 2 + length
    raise ValueError


def _webp(data: bytes) -> tuple[int, int]:
    """In one of three forms (RFC 9649)."""
    (length,) = struct.unpack("<I", data[4:8])
    if len(data) < length + 8:
        raise ValueError
    form = data[12:16]
    if form == b"VP8X":
        return 1 + int.from_bytes(_exactly(data, 24, 3), "little"), 1 + int.from_bytes(_exactly(data, 27, 3), "little")
    if form == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack("<I", data[21:25])
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if form == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError


def _exactly(data: bytes, start: int, length: int) -> bytes:
    if len(part := data[start : start + length]) < length:
        raise ValueError
    return part


SIZES = {"png": _png, "gif": _gif, "jpg": _jpg, "webp": _webp}
