"""What the headers of an ELF file say about how it is loaded: class, machine, interpreter, libraries, Go."""
import struct
from dataclasses import dataclass, field

MAGIC = b"\x7fELF"
X86_64 = 62
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE = 1, 2, 3, 4
DT_NEEDED, DT_STRTAB = 1, 5
HEADERS_MOST = 1 << 20  # bytes of one segment that are read


@dataclass
class Elf:
    bits: int = 64
    machine: int = X86_64
    interpreter: str = ""  # "": statically linked
    needed: list = field(default_factory=list)  # libraries, by soname
    is_go: bool = False


class _File:
    """The segments of a 64-bit little-endian file."""

    def __init__(self, file, header):
        self.file = file
        offset, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        table = self.bytes(offset, size * count)
        self.segments = []
        for at in range(0, len(table) - 55, size or 56):
            kind, _, start, address, _, nbytes = struct.unpack_from("<IIQQQQ", table, at)
            self.segments.append((kind, start, address, nbytes))

    def bytes(self, offset, nbytes):
        self.file.seek(offset)
        return self.file.read(min(nbytes, HEADERS_MOST))

    def segment(self, wanted):
        for kind, start, _, nbytes in self.segments:
            if kind == wanted:
                return self.bytes(start, nbytes)
        return b""

    def text_at(self, address):
        """The string at a virtual address."""
        for kind, start, base, nbytes in self.segments:
            if kind == PT_LOAD and base <= address < base + nbytes:
                return self.bytes(start + address - base, 256).split(b"\0")[0].decode(errors="replace")
        return ""

    def needed(self):
        dynamic = self.segment(PT_DYNAMIC)
        entries = list(struct.iter_unpack("<QQ", dynamic[: len(dynamic) // 16 * 16]))
        strings = next((value for tag, value in entries if tag == DT_STRTAB), None)
        if strings is None:
            return []
        return [self.text_at(strings + value) for tag, value in entries if tag == DT_NEEDED]


def read(file):
    """An Elf from a file open for binary reading; None if it is not one. Raises struct.error for a torn one."""
    file.seek(0)
    header = file.read(64)
    if header[:4] != MAGIC or len(header) < 52:
        return None
    machine, = struct.unpack_from("<H", header, 18)
    if header[4] != 2 or machine != X86_64 or len(header) < 64:
        return Elf(bits=64 if header[4] == 2 else 32, machine=machine)
    inside = _File(file, header)
    interpreter = inside.segment(PT_INTERP).rstrip(b"\0").decode(errors="replace")
    return Elf(interpreter=interpreter, needed=inside.needed(), is_go=b"Go\0\0" in inside.segment(PT_NOTE))
