#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""An implementation with guests, for test_shims.py; puppet.rs is the same in Rust.

Its guests run four programs of one byte: 1 stores the state at 0x40 and leaves by port 0xd0, 2
shows at 0x90 that it runs and waits for a kick, 3 stores the state and leaves by the memory at
0x100000, 4 leaves by an IN of port 0xd4. zx_port_create answers 100 + how many handles are open. It
has no reset().
"""
import pathlib
import sys
import threading
from typing import Any, Dict, List, Tuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))
from vcpuspec_shim import serve  # noqa: E402

OK, NO_RESOURCES, INVALID_ARGS, BAD_HANDLE, CANCELED = 0, -3, -10, -11, -23


class Vcpu:
    def __init__(self, entry: int) -> None:
        self.entry = entry
        self.kicked = threading.Event()


class Puppet:
    name = "puppet"
    arch = "x86-64"
    resource = 0x40000003

    def __init__(self, maps: bool) -> None:
        self.maps = maps
        self.open: Dict[int, Any] = {}
        self.next = 3
        self.memory = bytearray()
        self.traps: List[Tuple[int, int, int]] = []

    def _new(self, what: Any) -> int:
        self.next += 4
        self.open[self.next] = what
        return self.next

    def zx_guest_create(self, resource: int, options: int) -> Any:
        if resource != self.resource or options != 0:
            return INVALID_ARGS
        self.traps = []
        return OK, self._new("guest"), self._new("region")

    def zx_guest_set_trap(self, guest: int, kind: int, address: int, size: int, port: int,
                          key: int) -> int:
        if self.open.get(guest) != "guest" or port != 0 or key != address:
            return INVALID_ARGS
        self.traps.append((kind, address, size))
        return OK

    def zx_vcpu_create(self, guest: int, options: int, entry: int) -> Any:
        traps = [(2, 0xD0, 1), (1, 0x100000, 0x1000)]
        if self.open.get(guest) != "guest" or self.memory and self.traps != traps:
            return INVALID_ARGS
        return OK, self._new(Vcpu(entry))

    def zx_vcpu_write_state(self, handle: int, kind: int, buffer: Any, size: int) -> int:
        return 1

    def zx_vcpu_enter(self, handle: int) -> Any:
        vcpu = self.open.get(handle)
        if not isinstance(vcpu, Vcpu):
            return BAD_HANDLE
        program = self.memory[vcpu.entry]
        if program == 2:
            self.memory[0x90] = 1
            vcpu.kicked.wait()
            vcpu.kicked.clear()
            return CANCELED
        if program in (1, 3):
            self.memory[0x40:0x40 + 136] = bytes([program]) * 136
        packet = bytearray(48)
        packet[8] = 4 if program == 3 else 5
        packet[16:20] = {1: b"\xd0\0\1\0", 3: b"\0\0\x10\0", 4: b"\xd4\0\4\1"}[program]
        return OK, bytes(packet)

    def zx_vcpu_kick(self, handle: int) -> int:
        vcpu = self.open.get(handle)
        if not isinstance(vcpu, Vcpu):
            return BAD_HANDLE
        vcpu.kicked.set()
        return OK

    def zx_vcpu_interrupt(self, handle: int, vector: int) -> int:
        return vector

    def zx_handle_close(self, handle: int) -> int:
        return OK if self.open.pop(handle, None) else BAD_HANDLE

    def zx_handle_duplicate(self, handle: int, rights: int) -> Any:
        return (OK, self._new(self.open[handle])) if handle in self.open else BAD_HANDLE

    def zx_port_create(self, options: int) -> int:
        return 100 + len(self.open)

    def zx_vmo_create(self, size: int, options: int) -> Any:
        self.memory = bytearray(size)
        return OK, self._new("vmo")

    def zx_vmo_read(self, handle: int, offset: int, size: int) -> Any:
        return (OK, bytes(self.memory[offset:offset + size])) if handle in self.open else BAD_HANDLE

    def zx_vmo_write(self, handle: int, data: bytes, offset: int) -> int:
        self.memory[offset:offset + len(data)] = data
        return OK if handle in self.open else BAD_HANDLE

    def zx_vmar_map(self, region: int, options: int, offset: int, vmo: int, vmo_offset: int,
                    length: int) -> Any:
        if not self.maps:
            return NO_RESOURCES
        valid = self.open.get(region) == "region" and self.open.get(vmo) == "vmo"
        valid = valid and (options, offset, vmo_offset, length) == (0x17, 0, 0, len(self.memory))
        return (OK, 0) if valid else INVALID_ARGS


if __name__ == "__main__":
    serve(Puppet(maps="--no-map" not in sys.argv))
