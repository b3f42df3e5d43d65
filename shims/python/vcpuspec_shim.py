# SPDX-License-Identifier: BSD-3-Clause
"""The shim protocol of vcpuspec, version 1 (docs/shim.md), for implementations in Python.

Python 3.9 and its standard library. An implementation is an object with methods that have the names
of the documented calls; those that it has are declared. toy.py is one. The methods, and what each
returns besides a status (with ZX_OK only: any other status may be returned alone):

    zx_guest_create(resource, options) -> status, guest, address region
    zx_vcpu_create(guest, options, entry) -> status, handle
    zx_vcpu_write_state(handle, kind, buffer: UserPointer, buffer_size) -> status
    zx_vcpu_read_state(handle, kind, buffer_size) -> status, bytes
    zx_vcpu_enter(handle) -> status, packet: the 48 bytes of zx_port_packet_t
    zx_vcpu_kick(handle) -> status
    zx_vcpu_interrupt(handle, vector) -> status
    zx_handle_close(handle) -> status
    zx_handle_duplicate(handle, rights) -> status, handle
    zx_handle_replace(handle, rights) -> status, handle
    zx_event_create(options) -> status, handle
    zx_port_create(options) -> status, handle
    zx_vmo_create(size, options) -> status, handle
    zx_vmo_write(handle, data: bytes, offset) -> status
    zx_vmo_read(handle, offset, size) -> status, bytes
    zx_vmar_map(region, options, offset, vmo, vmo_offset, length) -> status, address
    zx_guest_set_trap(guest, kind, address, size, port, key) -> status

and its attributes:

    name       what reports call it
    arch       "x86-64" or "arm64"
    version    of it; may be missing
    resource   the handle that zx_guest_create gets; 0 if missing
    reset()    forget every object; without it every handle is closed

The calls come on real threads (T0 is the thread that calls serve), several at once where a script
asks for it. An exception that is no status ends the process, as a crash would.
"""
from __future__ import annotations

import argparse
import contextlib
import os
import queue
import re
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

ZX_OK = 0
STATUS_NAMES = {
    0: "ZX_OK", -1: "ZX_ERR_INTERNAL", -2: "ZX_ERR_NOT_SUPPORTED", -3: "ZX_ERR_NO_RESOURCES",
    -4: "ZX_ERR_NO_MEMORY", -10: "ZX_ERR_INVALID_ARGS", -11: "ZX_ERR_BAD_HANDLE",
    -12: "ZX_ERR_WRONG_TYPE", -13: "ZX_ERR_BAD_SYSCALL", -14: "ZX_ERR_OUT_OF_RANGE",
    -15: "ZX_ERR_BUFFER_TOO_SMALL", -20: "ZX_ERR_BAD_STATE", -21: "ZX_ERR_TIMED_OUT",
    -22: "ZX_ERR_SHOULD_WAIT", -23: "ZX_ERR_CANCELED", -24: "ZX_ERR_PEER_CLOSED",
    -25: "ZX_ERR_NOT_FOUND", -26: "ZX_ERR_ALREADY_EXISTS", -27: "ZX_ERR_ALREADY_BOUND",
    -28: "ZX_ERR_UNAVAILABLE", -30: "ZX_ERR_ACCESS_DENIED", -40: "ZX_ERR_IO",
    -42: "ZX_ERR_IO_DATA_INTEGRITY",
}
ZX_VCPU_STATE = 0
STATE_SIZE = {"x86-64": 136, "arm64": 264}  # bytes

# How many values each call gives besides its status.
CALLS = {
    "zx_guest_create": 2, "zx_guest_set_trap": 0, "zx_vcpu_create": 1, "zx_vcpu_enter": 1,
    "zx_vcpu_kick": 0, "zx_vcpu_interrupt": 0, "zx_vcpu_read_state": 1, "zx_vcpu_write_state": 0,
    "zx_handle_close": 0, "zx_handle_duplicate": 1, "zx_handle_replace": 1, "zx_event_create": 1,
    "zx_port_create": 1, "zx_vmo_create": 1, "zx_vmo_read": 1, "zx_vmo_write": 0, "zx_vmar_map": 1,
}
GUEST_CALLS = ("zx_vmo_create", "zx_vmo_write", "zx_vmo_read", "zx_vmar_map", "zx_guest_set_trap")
PROGRAMS = ("dump", "in8", "in16", "in32", "out8", "out16", "out32", "spin", "store")

LINE_MAX = 8191  # bytes, with the newline
SLOTS = 16
THREADS = ("T0:", "T1:", "T2:", "T3:")
LENGTH_MAX = 2048  # bytes of a buffer
CONTENTS_MAX = 264  # bytes that a request spells out
REWRITE_MAX = 8
PLACE_MAX = 65535  # N of a place
PAGE = 4096


class NotUnderstood(Exception):
    """The request is answered with `error` and this."""


class Missing(Exception):
    """The implementation lacks this call."""


# --- The caller's buffer --------------------------------------------------------------------------


class Unreadable(Exception):
    """A byte that the caller itself could not read or write."""


class Place(NamedTuple):
    address: int  # of the buffer's first byte
    first: int  # of what can be read, from there; it ends before `end`
    end: int


ARENA = 0x7F00_0000_0000
USER_END = 1 << 47
KERNEL = 0xFFFF_8000_0000_0000
NOWHERE = (0, 0)


def before_end(length: int, n: int) -> Place:
    """The last n bytes lie past what can be read."""
    there = length - n
    return Place(ARENA + PAGE - there, there - PAGE, there)


# Where a buffer is, from its length and N.
PLACES: Dict[str, Callable[[int, int], Place]] = {
    "plain": lambda length, n: Place(ARENA, 0, PAGE),
    "misaligned": lambda length, n: Place(ARENA + n, -n, 2 * PAGE - n),
    "crossing": lambda length, n: Place(ARENA + PAGE - n, n - PAGE, n + PAGE),
    "edge": lambda length, n: before_end(length, 0),
    "readonly": lambda length, n: Place(ARENA + 8 * PAGE, 0, PAGE),
    "low": lambda length, n: Place(0x1000_0000, 0, PAGE),
    "null": lambda length, n: Place(0, *NOWHERE),
    "one": lambda length, n: Place(1, *NOWHERE),
    "unmapped": lambda length, n: Place(ARENA + 16 * PAGE, *NOWHERE),
    "prot_none": lambda length, n: Place(ARENA + 24 * PAGE, *NOWHERE),
    "beyond_eof": lambda length, n: Place(ARENA + 32 * PAGE, *NOWHERE),
    "straddle": before_end,
    "straddle_head": lambda length, n: Place(ARENA - n, n, n + PAGE),
    "straddle_none": before_end,
    "user_end": lambda length, n: Place(USER_END - length + n, *NOWHERE),
    "kernel": lambda length, n: Place(KERNEL + n * PAGE, *NOWHERE),
    "noncanonical": lambda length, n: Place(ARENA ^ 1 << n, *NOWHERE),
    "wrapping": lambda length, n: Place(-n % (1 << 64), *NOWHERE),
}


def nearest(name: str, length: int, n: int) -> int:
    """An N that makes sense there."""
    if name in ("misaligned", "crossing"):
        return min(n, PAGE)
    if name in ("straddle", "straddle_head", "straddle_none", "user_end"):
        return min(n, length)
    return min(max(n, 47), 63) if name == "noncanonical" else n


class Rewrite(NamedTuple):
    how: str  # "held" or "flip"
    offset: int
    data: bytes


class UserPointer:
    """What the caller hands in as a pointer: bytes, of which some, or all, cannot be read."""

    PATTERN = b"\xa5" * 2 * PAGE

    def __init__(self, place: Place, contents: bytes, writable: bool,
                 rewrite: Optional[Rewrite] = None) -> None:
        self.address = place.address
        self.changed = False  # by write
        self.rewritten = False  # as `held` asks
        self._first, self._end = place.first, place.end
        self._writable = writable
        self._rewrite = rewrite
        # Only what lies on mapped pages is kept; the rest of these holds a pattern.
        there = contents[max(place.first, 0):max(place.end, 0)]
        start = max(place.first, 0) - place.first
        self._memory = bytearray(self.PATTERN[:place.end - place.first])
        self._memory[start:start + len(there)] = there
        self._other = rewrite.data if rewrite else b""
        self._reads = 0

    def read(self, size: int, offset: int = 0) -> bytes:
        """size bytes from offset on; Unreadable, if one of them is."""
        if self._rewrite is not None:
            return self._read_rewritten(self._rewrite, size, offset)
        return self._copy(size, offset)

    def write(self, data: bytes, offset: int = 0) -> None:
        """What an implementation should not do to a buffer that it was handed to read."""
        self._check(len(data), offset)
        if not self._writable:
            raise Unreadable
        self.changed |= self._copy(len(data), offset) != data
        start = offset - self._first
        self._memory[start:start + len(data)] = data

    def _check(self, size: int, offset: int) -> None:
        if size > 0 and (offset < self._first or offset + size > self._end):
            raise Unreadable

    def _copy(self, size: int, offset: int) -> bytes:
        self._check(size, offset)
        return bytes(self._memory[offset - self._first:offset - self._first + size])

    def _read_rewritten(self, rewrite: Rewrite, size: int, offset: int) -> bytes:
        if rewrite.how == "flip":
            if self._reads > 0:
                self._swap(rewrite.offset)
            self._reads += 1
            return self._copy(size, offset)
        past = offset + size > rewrite.offset + len(rewrite.data)
        try:
            return self._copy(size, offset)
        finally:
            if past and not self.rewritten:
                self._swap(rewrite.offset)
                self.rewritten = True

    def _swap(self, offset: int) -> None:
        """The other bytes for those of the buffer, as far as they are on mapped pages."""
        other = bytearray(self._other)
        for i, byte in enumerate(self._other):
            if self._first <= offset + i < self._end:
                other[i] = self._memory[offset + i - self._first]
                self._memory[offset + i - self._first] = byte
        self._other = bytes(other)


# --- Threads --------------------------------------------------------------------------------------


@dataclass
class Reply:
    text: str
    slots: List[Tuple[int, int]] = field(default_factory=list)  # which, and the handle it receives


Act = Callable[[], Reply]


class Worker:
    """A thread of the script, other than T0. It makes one call at a time."""

    def __init__(self, number: int) -> None:
        self.started = False  # a call whose join has not come
        self.entered: Optional[int] = None  # the handle of a started enter
        self.fills: List[str] = []  # the slots that the started call fills
        self._pending: Optional[Act] = None  # a started call that has not begun
        self._answer: Any = None  # of a started call, before its join
        self._work: queue.SimpleQueue[Optional[Act]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"T{number}", daemon=True)
        self._thread.start()

    def call(self, act: Act) -> Reply:
        self._work.put(act)
        return self._reply(self._done.get())

    def start(self, act: Act, entered: Optional[int], fills: List[str]) -> None:
        """The call begins at once if it is an enter, else when another thread does something."""
        self.started, self.entered, self.fills, self._pending = True, entered, fills, act
        if entered is not None:
            self.release()

    def release(self) -> None:
        if self._pending is not None:
            self._work.put(self._pending)
            self._pending = None

    def join(self, timeout: Optional[float] = None) -> Reply:
        """The started call's reply; queue.Empty, if there is none in that many seconds."""
        answer = self.settle(timeout)
        self.started, self.entered, self.fills, self._answer = False, None, [], None
        return self._reply(answer)

    def settle(self, timeout: Optional[float] = None) -> Any:
        """Waits for the started call. Its reply, or what it raised."""
        self.release()
        if self._answer is None:
            self._answer = self._done.get(timeout=timeout)
        return self._answer

    def end(self) -> None:
        self._work.put(None)
        self._thread.join()

    def _run(self) -> None:
        for act in iter(self._work.get, None):
            try:
                self._done.put(act())
            except BaseException as error:  # raised again by who waits for the answer
                self._done.put(error)

    @staticmethod
    def _reply(answer: Any) -> Reply:
        if isinstance(answer, BaseException):
            raise answer
        return answer


# --- Guests ---------------------------------------------------------------------------------------


@dataclass
class Guests:
    """What vcpuspec said of the guest's memory and programs."""

    memory: int = 0  # bytes
    image: List[Tuple[int, bytes]] = field(default_factory=list)
    programs: Dict[str, int] = field(default_factory=dict)
    code: Tuple[int, int] = (0, 0)  # of slot 0; from slot to slot
    traps: List[Tuple[str, int, int]] = field(default_factory=list)
    dump: Tuple[int, str, int] = (0, "", 0)  # where the state is, after a "port" or "mem", which
    life: int = 0
    complete: bool = False
    damaged: bool = False

    def learn(self, words: Sequence[str]) -> None:
        """One line, without its first word."""
        what, *rest = words
        if what == "memory" and len(rest) == 1:
            self.memory = number(rest[0])
        elif what == "image" and len(rest) == 2:
            self.image.append((number(rest[0]), hexadecimal(rest[1])))
        elif what == "program" and len(rest) == 2:
            self.programs[rest[0]] = number(rest[1])
        elif what == "code" and len(rest) == 2:
            self.code = (number(rest[0]), number(rest[1]))
        elif what == "trap" and len(rest) == 3 and rest[0] in TRAPS:
            self.traps.append((rest[0], number(rest[1]), number(rest[2])))
        elif what == "dump" and len(rest) == 3 and rest[1] in ("port", "mem"):
            self.dump = (number(rest[0]), rest[1], number(rest[2]))
        elif what == "life" and len(rest) == 1:
            self.life = number(rest[0])
        elif what == "end" and not rest:
            self.complete = True
        else:
            raise NotUnderstood(f"no line about guests: {' '.join(words)}")

    def at(self, address: int) -> int:
        """The byte that the image holds there."""
        for start, data in self.image:
            if start <= address < start + len(data):
                return data[address - start]
        return 0


TRAPS = {"mem": 1, "io": 2}  # ZX_GUEST_TRAP_MEM, ZX_GUEST_TRAP_IO
MAPPED_WHERE_ASKED = 1 | 2 | 4 | 1 << 4  # ZX_VM_PERM_READ, _WRITE, _EXECUTE, ZX_VM_SPECIFIC
PACKET_MEM, PACKET_IO = 4, 5


# --- Words ----------------------------------------------------------------------------------------

NUMBER = re.compile(r"0x[0-9a-fA-F]{1,16}|[0-9]{1,20}", re.ASCII)
HANDLE = re.compile(r"h([0-9]|1[0-5])(?:&~(0x[0-9a-fA-F]{1,16}|[0-9]{1,20})"
                    r"|\^(0x[0-9a-fA-F]{1,16}|[0-9]{1,20}))?", re.ASCII)
SLOT = re.compile(r"h(?:[0-9]|1[0-5])", re.ASCII)
REQUEST = re.compile(rb"([0-9]{1,19}) ")
GREETING = re.compile(rb"vcpuspec shim [0-9]+")


def number(word: str, limit: int = (1 << 64) - 1) -> int:
    if NUMBER.fullmatch(word) is None:
        raise NotUnderstood(f"{word} is no number")
    value = int(word, 0) if word.startswith("0x") else int(word)
    if value > limit:
        raise NotUnderstood(f"{word} is too large")
    return value


def hexadecimal(word: str, limit: int = LINE_MAX) -> bytes:
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", word, re.ASCII) is None:
        raise NotUnderstood(f"{word[:40]} is no hexadecimal bytes")
    if len(word) > 2 * limit:
        raise NotUnderstood(f"more than {limit} bytes")
    return bytes.fromhex(word)


def slot(word: str) -> int:
    if SLOT.fullmatch(word) is None:
        raise NotUnderstood(f"{word} is no slot")
    return int(word[1:])


def after(word: str, key: str) -> str:
    """The value of key=value."""
    if not word.startswith(key):
        raise NotUnderstood(f"{key} is expected, not {word[:40]}")
    return word[len(key):]


def checksum(line: bytes) -> bytes:
    value = 2166136261
    for byte in line:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return b"%08x" % value


def status_word(status: int) -> str:
    return STATUS_NAMES.get(status, str(status))


def shown(error: Exception) -> str:
    """As a text of the protocol."""
    return "".join(c if " " <= c <= "~" else "?" for c in str(error))[:200]


# --- A conversation -------------------------------------------------------------------------------


class Session:
    """One connection. Feed it each line; it gives what is to be answered."""

    def __init__(self, implementation: Any, sums: bool = False) -> None:
        self._implementation = implementation
        self._sums = sums
        self._calls = [name for name in CALLS if callable(getattr(implementation, name, None))]
        self._greeted = False
        self._forget()

    def answer(self, line: bytes) -> Optional[bytes]:
        """The line has lost its newline already. None: nothing is to be said."""
        if GREETING.fullmatch(line) is not None:
            return self._greet()
        if line.startswith(b"guest "):
            self._learn(line)
            return None
        request = REQUEST.match(line + b" ")
        try:
            words = self._words(line)
            if request is None:
                raise NotUnderstood("a request begins with a number")
            text = self._request(words[1:])
        except NotUnderstood as error:
            text = f"error {shown(error)}"
        number = request[1] if request is not None else b"0"
        return self._with_sum(number + b" = " + text.encode())

    def end(self) -> None:
        """Nobody listens any more."""
        self._reset()

    # Lines

    def _words(self, line: bytes) -> List[str]:
        if not line.isascii():
            raise NotUnderstood("not ASCII")
        text = line.decode()
        if not text.isprintable():
            raise NotUnderstood("not printable")
        if self._sums and self._greeted:
            text, found, value = text.rpartition(" sum=")
            if not found or checksum(text.encode()).decode() != value:
                raise NotUnderstood("the sum is wrong")
        words = text.split(" ")
        if "" in words:
            raise NotUnderstood("one blank between words is expected")
        return words

    def _with_sum(self, reply: bytes) -> bytes:
        return reply + b" sum=" + checksum(reply) if self._sums and self._greeted else reply

    def _greet(self) -> bytes:
        self._reset()
        self._forget()
        lines = ["vcpuspec shim 1", f"name {self._implementation.name}"]
        version = getattr(self._implementation, "version", "")
        lines += [f"version {version}"] if version else []
        lines += [f"arch {self._implementation.arch}", "calls " + " ".join(self._calls),
                  "rewrites held flip"]
        lines += ["sums"] if self._sums else []
        self._greeted = True
        return "\n".join(lines + ["ready"]).encode()

    def _learn(self, line: bytes) -> None:
        try:
            self._guests.learn(self._words(line)[1:])
        except NotUnderstood as error:
            self._guests.damaged = True
            complain(f"of guests: {line[:80]!r}: {error}")

    # State

    def _forget(self) -> None:
        self._guests = Guests()
        self._slots: List[Optional[int]] = [None] * SLOTS
        self._workers: Dict[int, Worker] = {}
        self._received: Set[int] = set()  # every handle's value
        self._memory: Dict[int, int] = {}  # of a guest or vCPU: its memory, by handles' values

    def _reset(self) -> str:
        for worker in self._workers.values():
            if worker.started and not self._stop(worker):
                return "no_return"
            worker.end()
        forget = getattr(self._implementation, "reset", None)
        if forget is not None:
            forget()
        else:
            for handle in self._received:
                self._implementation.zx_handle_close(handle)
        guests = self._guests
        self._forget()
        self._guests = guests
        return "ZX_OK"

    def _stop(self, worker: Worker) -> bool:
        if worker.entered is not None and "zx_vcpu_kick" in self._calls:
            self._implementation.zx_vcpu_kick(worker.entered)
        try:
            worker.join(timeout=1.0)
        except queue.Empty:
            return False
        except Missing:
            pass
        return True

    # Requests

    def _request(self, words: List[str]) -> str:
        if not self._greeted:
            raise NotUnderstood("no greeting")
        if words == ["reset"]:
            return self._reset()
        if len(words) < 2 or words[0] not in THREADS:
            raise NotUnderstood("a thread, T0: to T3:, and an operation are expected")
        thread = THREADS.index(words[0])
        if words[1] == "start":
            return self._start(thread, words[2:])
        self._settle(words)
        if words[1] in ("join", "thread_exit"):
            return self._of_thread(thread, words[1:])
        act = self._operation(words[1:])
        self._release()
        try:
            return self._keep(act() if thread == 0 else self._worker(thread).call(act))
        except Missing as missing:
            return f"unsupported of={missing}"

    def _worker(self, thread: int) -> Worker:
        worker = self._workers.get(thread)
        if worker is None:
            worker = self._workers[thread] = Worker(thread)
        if worker.started:
            raise NotUnderstood(f"T{thread} has a call under way, so join is expected")
        return worker

    def _start(self, thread: int, words: List[str]) -> str:
        if thread == 0 or not words or words[0] == "await_guest":
            raise NotUnderstood("a call on another thread than T0 is expected")
        self._settle(words)
        act = self._operation(words)
        fills = words[:words.index("=")] if "=" in words else []
        entered = self._handle(words[1]) if words[0] == "enter" else None
        worker = self._worker(thread)
        self._release()
        worker.start(act, entered, fills)
        return "started"

    def _of_thread(self, thread: int, words: List[str]) -> str:
        worker = self._workers.get(thread)
        if len(words) != 1:
            raise NotUnderstood("too many words")
        if words[0] == "join":
            if worker is None or not worker.started:
                raise NotUnderstood(f"T{thread} has no call under way")
            self._release()
            try:
                return self._keep(worker.join())
            except Missing as missing:
                return f"unsupported of={missing}"
        if thread == 0 or worker is not None and worker.started:
            raise NotUnderstood(f"T{thread} cannot end here")
        self._release()
        if worker is not None:
            worker.end()
            del self._workers[thread]
        return "ZX_OK"

    def _settle(self, words: List[str]) -> None:
        """Waits for started calls whose slots are named: they are filled then, before the join."""
        for worker in self._workers.values():
            if worker.fills and any(re.split("[&^]", word)[0] in worker.fills for word in words):
                answer = worker.settle()
                if isinstance(answer, Reply):
                    self._keep(answer)

    def _release(self) -> None:
        """Calls that were started begin."""
        for worker in self._workers.values():
            worker.release()

    def _keep(self, reply: Reply) -> str:
        for index, handle in reply.slots:
            self._slots[index] = handle
        return reply.text

    def _handle(self, word: str) -> int:
        if word.startswith("raw="):
            return number(word[4:], 0xFFFFFFFF)
        match = HANDLE.fullmatch(word)
        if match is None:
            raise NotUnderstood(f"{word} is no handle")
        value = self._slots[int(match[1])]
        if value is None:
            raise NotUnderstood(f"h{match[1]} is empty")
        if match[2] is not None:
            value &= ~number(match[2], 0xFFFFFFFF)
        elif match[3] is not None:
            value ^= number(match[3], 0xFFFFFFFF)
            if value != 0 and value == getattr(self._implementation, "resource", 0):
                value ^= 1 << 30
        return value

    # Calls

    def _call(self, name: str, *arguments: Any) -> Tuple[Any, ...]:
        """What the implementation answers, as (status, value...)."""
        if name not in self._calls:
            raise Missing(name)
        answer = getattr(self._implementation, name)(*arguments)
        answer = answer if isinstance(answer, tuple) else (answer,)
        if not isinstance(answer[0], int) or not -1 << 31 <= answer[0] < 1 << 31:
            raise TypeError(f"{name} gave {answer[0]!r}, which is no status")
        if answer[0] == ZX_OK and len(answer) != 1 + CALLS[name]:
            raise TypeError(f"{name} gave {len(answer)} values with ZX_OK, not {1 + CALLS[name]}")
        return answer

    def _operation(self, words: List[str]) -> Act:
        """The words after the thread, as what is to be done there."""
        if words[0] == "write_state":
            return self._write_state(words)
        if "=" in words[1:3]:
            return self._with_slots(words)
        name = words[0]
        if name not in ("read_state", "enter", "kick", "close", "await_guest", "interrupt"):
            raise NotUnderstood(f"unknown operation {name[:40]}")
        if len(words) != (3 if name == "interrupt" else 2):
            raise NotUnderstood(f"a handle is expected after {name}")
        handle = self._handle(words[1])
        if name == "interrupt":
            vector = number(words[2], 0xFFFFFFFF)
            return lambda: self._simple("zx_vcpu_interrupt", handle, vector)
        if name in ("kick", "close"):
            call = "zx_vcpu_kick" if name == "kick" else "zx_handle_close"
            return lambda: self._simple(call, handle)
        act = {"read_state": self._read_state, "enter": self._enter,
               "await_guest": self._await_guest}[name]
        return lambda: act(handle)

    def _simple(self, name: str, *arguments: Any) -> Reply:
        return Reply(status_word(self._call(name, *arguments)[0]))

    def _with_slots(self, words: List[str]) -> Act:
        count = words.index("=")
        slots = [slot(word) for word in words[:count]]
        name, *arguments = words[count + 1:] or [""]
        takes = {"guest_create": (2, 0), "guest_load": (1, 2), "vcpu_create": (1, 2),
                 "event_create": (1, 0), "port_create": (1, 0), "vmo_create": (1, 0),
                 "duplicate": (1, 2), "replace": (1, 2)}.get(name)
        if takes != (count, len(arguments)):
            raise NotUnderstood(f"unknown operation {name[:40]}, or not its words")
        if name == "guest_create":
            resource = getattr(self._implementation, "resource", 0)
            return lambda: self._new(slots, "zx_guest_create", resource, 0)
        if name == "guest_load":
            guest, region = self._handle(arguments[0]), self._handle(f"h{slot(arguments[1])}")
            return lambda: self._guest_load(slots, guest, region)
        if name == "vcpu_create":
            return self._vcpu_create(slots, self._handle(arguments[0]), arguments[1])
        if name == "vmo_create":
            return lambda: self._new(slots, "zx_vmo_create", PAGE, 0)
        if name in ("event_create", "port_create"):
            return lambda: self._new(slots, f"zx_{name}", 0)
        handle, rights = self._handle(arguments[0]), number(arguments[1], 0xFFFFFFFF)
        return lambda: self._derived(slots, f"zx_handle_{name}", handle, rights)

    def _new(self, slots: List[int], name: str, *arguments: Any) -> Reply:
        status, *handles = self._call(name, *arguments)
        if status != ZX_OK:
            return Reply(status_word(status))
        self._received.update(handles)
        for handle in handles:
            self._memory.pop(handle, None)  # of who had this value before
        names = "".join(f" {key}=0x{value:x}" for key, value in zip(("handle", "handle2"), handles))
        return Reply("ZX_OK" + names, list(zip(slots, handles)))

    def _derived(self, slots: List[int], name: str, handle: int, rights: int) -> Reply:
        memory = self._memory.get(handle)
        reply = self._new(slots, name, handle, rights)
        if memory is not None and reply.slots:
            self._memory[reply.slots[0][1]] = memory
        return reply

    def _write_state(self, words: List[str]) -> Act:
        if not 6 <= len(words) <= 8:
            raise NotUnderstood("kind= size= length= at= are expected after write_state HANDLE")
        handle = self._handle(words[1])
        kind = number(after(words[2], "kind="), 0xFFFFFFFF)
        size = number(after(words[3], "size="))
        length = number(after(words[4], "length="), LENGTH_MAX)
        rest = words[6:]
        contents = b""
        if rest and rest[0].startswith("bytes="):
            contents = hexadecimal(rest.pop(0)[6:], CONTENTS_MAX)
        rewrite = self._rewrite(rest.pop(0)) if rest else None
        if rest:
            raise NotUnderstood("too many words")
        contents = contents[:length].ljust(length, b"\x5a")
        where, writable = self._place(after(words[5], "at="), length)

        def act() -> Reply:
            pointer = UserPointer(where, contents, writable, rewrite)
            status = self._call("zx_vcpu_write_state", handle, kind, pointer, size)[0]
            return Reply(status_word(status) + " buffer_changed" * pointer.changed
                         + " held" * pointer.rewritten)

        return act

    @staticmethod
    def _rewrite(word: str) -> Rewrite:
        how, _, value = word.partition("=")
        offset, _, data = value.partition(":")
        if how not in ("held", "flip"):
            raise NotUnderstood(f"held= or flip= is expected, not {word[:40]}")
        return Rewrite(how, number(offset, LENGTH_MAX), hexadecimal(data, REWRITE_MAX))

    @staticmethod
    def _place(word: str, length: int) -> Tuple[Place, bool]:
        name, colon, argument = word.partition(":")
        if name not in PLACES:
            raise NotUnderstood(f"{word[:40]} is no place")
        n = number(argument, PLACE_MAX) if colon else 0
        return PLACES[name](length, nearest(name, length, n)), name != "readonly"

    def _read_state(self, handle: int) -> Reply:
        size = STATE_SIZE[self._implementation.arch]
        status, *state = self._call("zx_vcpu_read_state", handle, ZX_VCPU_STATE, size)
        if status != ZX_OK:
            return Reply(status_word(status))
        return Reply(f"ZX_OK state bytes={state[0][:size].hex()}")

    # Guests

    def _guest_load(self, slots: List[int], guest: int, region: int) -> Reply:
        missing = [name for name in GUEST_CALLS if name not in self._calls]
        if missing:
            raise Missing(missing[0])
        guests = self._guests
        if guests.damaged or not guests.complete:
            raise NotUnderstood("what was said of guests is damaged, or not complete")
        reply = self._new(slots, "zx_vmo_create", guests.memory, 0)
        if not reply.slots:
            return Reply(f"{reply.text} of=zx_vmo_create")
        memory = reply.slots[0][1]
        steps: List[Tuple[Any, ...]] = []
        steps += [("zx_vmo_write", memory, data, start) for start, data in guests.image]
        steps += [("zx_vmar_map", region, MAPPED_WHERE_ASKED, 0, memory, 0, guests.memory)]
        steps += [("zx_guest_set_trap", guest, TRAPS[kind], address, size, 0, address)
                  for kind, address, size in guests.traps]
        for step in steps:
            status = self._call(*step)[0]
            if status != ZX_OK:
                return Reply(f"{status_word(status)} of={step[0]}")
        self._memory[guest] = memory
        return reply

    def _vcpu_create(self, slots: List[int], guest: int, program: str) -> Act:
        entry, code = 0, b""
        if program.startswith("code="):
            code = hexadecimal(program[5:], CONTENTS_MAX)
            entry = self._guests.code[0] + slots[0] * self._guests.code[1]
        elif program in PROGRAMS:
            entry = self._guests.programs.get(program, 0)
        else:
            raise NotUnderstood(f"unknown program {program[:40]}")

        def act() -> Reply:
            memory = self._memory.get(guest)
            if code and memory is not None:
                status = self._call("zx_vmo_write", memory, code, entry)[0]
                if status != ZX_OK:
                    return Reply(status_word(status))
            reply = self._new(slots, "zx_vcpu_create", guest, 0, entry)
            if memory is not None and reply.slots:
                self._memory[reply.slots[0][1]] = memory
            return reply

        return act

    def _enter(self, handle: int) -> Reply:
        memory = self._memory.get(handle)
        status, *values = self._call("zx_vcpu_enter", handle)
        if status != ZX_OK:
            return Reply(status_word(status))
        packet: bytes = values[0]
        kind = int.from_bytes(packet[8:12], "little")
        text, left = f"ZX_OK packet={kind}", ("", 0)
        if kind == PACKET_IO:
            text += f" io={packet[16:48].hex()}"
            left = ("port", int.from_bytes(packet[16:18], "little"))
        elif kind == PACKET_MEM:
            left = ("mem", int.from_bytes(packet[16:24], "little"))
            text += f" addr=0x{left[1]:x}"
        if memory is not None and left == self._guests.dump[1:]:
            size = STATE_SIZE[self._implementation.arch]
            status, *state = self._call("zx_vmo_read", memory, self._guests.dump[0], size)
            if status == ZX_OK:
                text += f" state bytes={state[0].hex()}"
        return Reply(text)

    def _await_guest(self, handle: int) -> Reply:
        memory = self._memory.get(handle)
        if memory is None:
            return Reply("unsupported")
        life, until = self._guests.life, time.monotonic() + 1.0
        while True:
            status, *byte = self._call("zx_vmo_read", memory, life, 1)
            if status != ZX_OK:
                return Reply(status_word(status))
            if byte[0][0] != self._guests.at(life):
                return Reply("ZX_OK")
            if time.monotonic() > until:
                return Reply(status_word(-21))
            time.sleep(0.001)


# --- Channels -------------------------------------------------------------------------------------


def complain(text: str) -> None:
    print(f"shim: {text}", file=sys.stderr, flush=True)


def converse(session: Session, requests: BinaryIO, replies: BinaryIO) -> None:
    """Until the requests end."""
    while True:
        line = requests.readline(LINE_MAX + 1)
        if len(line) > LINE_MAX:
            start = line
            while line and not line.endswith(b"\n"):
                line = requests.readline(LINE_MAX + 1)
            # What is too long is not understood, as is one that is not printable.
            line = start[:40] + b"\x00\n" if line else line
        if not line.endswith(b"\n"):
            return
        reply = session.answer(line[:-2] if line.endswith(b"\r\n") else line[:-1])
        if reply is not None:
            replies.write(reply + b"\n")
            replies.flush()


def serve(implementation: Any, sums: bool = False, unix: Optional[str] = None) -> None:
    """Over standard input and output, or for each that connects to a Unix socket at that path."""
    if unix is None:
        talk(implementation, sums, sys.stdin.buffer, sys.stdout.buffer)
        return
    with contextlib.suppress(FileNotFoundError):
        os.unlink(unix)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(unix)
        listener.listen(1)
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as requests, \
                    connection.makefile("wb") as replies:
                talk(implementation, sums, requests, replies)


def talk(implementation: Any, sums: bool, requests: BinaryIO, replies: BinaryIO) -> None:
    session = Session(implementation, sums)
    try:
        converse(session, requests, replies)
    except (BrokenPipeError, ConnectionResetError):
        # What is left in the buffer has no reader: without this, Python says so as it ends.
        if replies is sys.stdout.buffer:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    session.end()


def options(parser: argparse.ArgumentParser) -> None:
    """Those of every shim."""
    parser.add_argument("--unix", metavar="PATH", help="serve connections on this Unix socket")
    parser.add_argument("--sums", action="store_true", help="each line has a sum, for wires")
