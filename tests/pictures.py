"""Pictures made by hand, as small as they can be."""

import struct
import zlib


def png(width: int = 300, height: int = 80) -> bytes:
    """A whole PNG of one colour."""

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + b"\x0d\x57\x43" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


def gif(width: int = 300, height: int = 80) -> bytes:
    """A GIF that says this size."""
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


def jpg(width: int = 300, height: int = 80) -> bytes:
    """The frame of a JPEG, behind the parts that cameras put before it."""
    parts = [b"\xe0", b"JFIF\0\1\1\0\0\1\0\1\0\0"], [b"\xe1", b"Exif\0\0" + b"\xff\xc0" * 50], [b"\xdb", b"\0" * 65]
    frame = b"\x08" + struct.pack(">HH", height, width) + b"\x03\1\x22\0\2\x11\1\3\x11\1"
    whole = b"".join(b"\xff" + mark + struct.pack(">H", len(data) + 2) + data for mark, data in [*parts, [b"\xc2", frame]])
    return b"\xff\xd8" + whole + b"\xff\xda\0\2\0\0\xff\xd9"


def webp(width: int = 300, height: int = 80, form: bytes = b"VP8X") -> bytes:
    """The head of a WebP in one of its three forms."""
    if form == b"VP8X":
        data = b"\x10\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif form == b"VP8L":
        data = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)
    else:
        data = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height)
    chunk = form + struct.pack("<I", len(data)) + data + b"\0" * 8
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk
