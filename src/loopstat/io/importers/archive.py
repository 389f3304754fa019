"""Members of ZIP archives, read one by one into memory and never written anywhere: sizes are counted, not believed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ...errors import InputError
from .reading import value_of

ZSTD = 93  # the method's number in the ZIP format
LARGEST = 500_000_000  # bytes of one unpacked member
MOST_RATIO = 500  # unpacked over packed, above which a large member is a bomb
SMALL = 50_000_000  # bytes below which no ratio is asked about
BLOCK = 1 << 20
MOST_MEMBERS = 1_000_000
FLAG_ENCRYPTED = 0x1
UNPACKING: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)


class Archive:
    """A ZIP archive whose members are read whole."""

    def __init__(self, path: Path, stream: IO[bytes], zipped: zipfile.ZipFile) -> None:
        self.path, self._stream, self._zip = path, stream, zipped
        self.names = frozenset(i.filename for i in zipped.infolist())

    def data(self, name: str) -> bytes:
        """Return a member, unpacked.

        Raises
        ------
        InputError
            It is damaged, too large, packed in an unknown way, or its name leads out of the archive.
        """
        info = self._zip.getinfo(name)
        if info.flag_bits & FLAG_ENCRYPTED:
            raise self.refuse(name, "is encrypted")
        try:
            with self._opened(info) as member:
                return self._counted(member, info)
        except InputError:
            raise
        except unpacking_errors() as error:
            raise self.refuse(name, f"cannot be unpacked ({error})") from None

    def json(self, name: str) -> Any:
        """Return a member as JSON; raises as `data`."""
        return value_of(self.data(name), str(self.path), name)

    def refuse(self, name: str, what: str) -> InputError:
        """Return the refusal of a member."""
        return InputError(f"its member {name[:200]!r} {what}.", file=str(self.path), hint="copy or write it again.")

    @contextmanager
    def _opened(self, info: zipfile.ZipInfo) -> Iterator[Any]:
        if info.compress_type != ZSTD:
            with self._zip.open(info) as member:
                yield member
            return
        import zstandard  # Python unpacks it from 3.14 on

        packed: Any = _Packed(self._stream, self._start(info), info.compress_size)
        with zstandard.ZstdDecompressor().stream_reader(packed) as member:
            yield member

    def _start(self, info: zipfile.ZipInfo) -> int:
        """Return where the packed bytes of a member begin: after its own header, whose lengths are its own."""
        self._stream.seek(info.header_offset)
        header = self._stream.read(30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise self.refuse(info.filename, "has no header")
        return (
            info.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        )

    def _counted(self, member: Any, info: zipfile.ZipInfo) -> bytes:
        parts, size = [], 0
        while block := member.read(BLOCK):
            size += len(block)
            bomb = size > SMALL and size > MOST_RATIO * max(info.compress_size, 1)
            if size > LARGEST or bomb:
                raise self.refuse(info.filename, f"unpacks to more than {size:,} bytes, too much for a log")
            parts.append(block)
        data = b"".join(parts)
        if info.compress_type == ZSTD and zlib.crc32(data) != info.CRC:  # zipfile checks the others
            raise self.refuse(info.filename, "is damaged: its checksum is another")
        return data


class _Packed:
    """The packed bytes of one member as a stream."""

    def __init__(self, stream: IO[bytes], start: int, size: int) -> None:
        self._stream, self._at, self._end = stream, start, start + size

    def read(self, size: int = -1) -> bytes:
        left = self._end - self._at
        self._stream.seek(self._at)
        found = self._stream.read(left if size < 0 else min(size, left))
        self._at += len(found)
        return found


def unpacking_errors() -> tuple[type[Exception], ...]:
    """Return what unpacking may raise."""
    import zstandard

    return (*UNPACKING, zstandard.ZstdError)


@contextmanager
def archive(path: Path) -> Iterator[Archive]:
    """Open a ZIP archive.

    Raises
    ------
    InputError
        It is none, is cut off, or holds a name that leads out of it.
    """
    with path.open("rb") as stream:
        try:
            zipped = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeDecodeError) as error:
            raise InputError(
                f"is a ZIP archive that is damaged or cut off ({error}).",
                file=str(path),
                hint="the run may have been killed while it wrote; let the tool that wrote it recover it.",
            ) from None
        with zipped:
            names = [i.filename for i in zipped.infolist()]
            if len(names) > MOST_MEMBERS:
                raise InputError(f"holds {len(names):,} members, too many for a log.", file=str(path))
            wrong = next((n for n in names if _leads_out(n)), None)
            if wrong is not None:
                raise InputError(f"its member {wrong[:200]!r} leads out of the archive.", file=str(path))
            yield Archive(path, stream, zipped)


def _leads_out(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return ".." in parts or name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":")
