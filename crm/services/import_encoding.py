"""In which encoding a text file is: found out in streaming passes over its bytes, and told where it is a guess."""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from charset_normalizer import from_bytes

from crm.domain.errors import RuleViolation

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Western European (Windows-1252, Latin-1)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp1253": "Greek (Windows-1253)",
    "mac_roman": "Western European (Macintosh)",
    "shift_jis": "Japanese (Shift JIS)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "euc_kr": "Korean (EUC-KR)",
}
PIECE = 1 << 20
HEAD = 4_000
SAMPLE_LINES, SAMPLE_BYTES = 300, 50_000
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LATIN = {"cp1250", "cp1252", "mac_roman"}
_SIGN_IN_WORD = re.compile(
    r"(?<=[^\W\d_])[^\w\s\x00-\x7f’‘´–—·](?=[^\W\d_])|(?<=[^\W\d_])[³¹¿£¯¶¼¾](?!\w)|(?<!\w)[£¯¶¿¼¾](?=[^\W\d_])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How the bytes become text. `name` is one of ENCODINGS, `codec` what Python calls it; `guessed`: it may be wrong."""

    name: str
    codec: str
    guessed: bool = False


def find_encoding(open_: Callable[[], BinaryIO]) -> Encoding:
    """Return the encoding of a file: by its mark or its NULs, UTF-8 where all of it is, else the most likely other one."""
    with open_() as file:
        head = file.read(HEAD)
    marked = next((codec for mark, codec in _MARKS if head.startswith(mark)), "")
    if marked:
        return Encoding(name="utf-16" if marked == "utf-16" else "utf-8", codec=marked)
    if codec := _sixteen_bits(head):
        return Encoding(name="utf-16", codec=codec)
    if _decodes(open_, "utf-8"):
        return Encoding(name="utf-8", codec="utf-8")
    guess = _guess(_foreign_lines(open_))
    return Encoding(name=guess, codec=_whole(open_, guess), guessed=True)


def chosen_encoding(open_: Callable[[], BinaryIO], name: str, *, guessed: bool = False) -> Encoding:
    """Return the encoding that somebody chose, or an earlier look guessed; RuleViolation when the file can't be read so."""
    if name not in ENCODINGS:
        raise RuleViolation(f"The encoding {name[:40]} is not one of: {', '.join(ENCODINGS)}.", field="encoding")
    with open_() as file:
        head = file.read(HEAD)
    marked = next((codec for mark, codec in _MARKS if head.startswith(mark)), "")
    codec = name
    if marked.startswith(name):
        codec = marked
    elif name == "utf-16":
        codec = _sixteen_bits(head) or "utf-16-le"
    return Encoding(name=name, codec=_whole(open_, codec), guessed=guessed)


def decode_error(encoding: Encoding) -> RuleViolation:
    """Return what to say where the file is not in that encoding."""
    return RuleViolation(f"The file can’t be read as {ENCODINGS[encoding.name]}. Choose another encoding.", field="encoding")


def _whole(open_: Callable[[], BinaryIO], codec: str) -> str:
    """The codec that decodes all of the file; RuleViolation where it does not."""
    if _decodes(open_, codec):
        return codec
    if codec == "cp1252":  # five of its places are empty; Latin-1 has something in each
        return "latin-1"
    name = codec.removesuffix("-sig").removesuffix("-le").removesuffix("-be")
    raise decode_error(Encoding(name=name, codec=codec))


def _decodes(open_: Callable[[], BinaryIO], codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        with open_() as file:
            for piece in _pieces(file):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _sixteen_bits(head: bytes) -> str:
    """UTF-16 without a mark shows itself by NULs at every other place."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < len(head) / 5:
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _foreign_lines(open_: Callable[[], BinaryIO]) -> bytes:
    """The first lines with anything but ASCII in them, together no more than `SAMPLE_BYTES`."""
    lines: list[bytes] = []
    size = 0
    with open_() as file:
        while size < SAMPLE_BYTES and len(lines) < SAMPLE_LINES and (line := file.readline(SAMPLE_BYTES)):
            if not line.isascii():
                lines.append(line.rstrip(b"\n"))
                size += len(line)
    return b"\n".join(lines)[:SAMPLE_BYTES]


def _guess(sample: bytes) -> str:
    """The most likely encoding of text that is not UTF-8.

    The statistics tell scripts apart but not the Latin encodings, which differ in few letters. Those are Western European unless
    that puts signs into words (Pawe³ for Paweł), as it does with Central European text.
    """
    best = from_bytes(sample, cp_isolation=[name for name in ENCODINGS if not name.startswith("utf")]).best()
    if best is not None and best.encoding not in _LATIN and not _mixed(sample.decode(best.encoding, "replace")):
        return best.encoding
    western, central = (_signs_in_words(sample.decode(name, "replace")) for name in ("cp1252", "cp1250"))
    return "cp1250" if western > 1 and central < western / 2 else "cp1252"


def _mixed(text: str) -> bool:
    """Whether words mix Latin letters with others, as only a wrong guess makes them (Josй for José)."""
    foreign = len(re.findall(r"[^\W\x00-\x7f]+", text))
    return 3 * len(re.findall(r"[A-Za-z][^\W\x00-\x7f]|[^\W\x00-\x7f][A-Za-z]", text)) >= foreign


def _signs_in_words(text: str) -> int:
    return len(_SIGN_IN_WORD.findall(text))
