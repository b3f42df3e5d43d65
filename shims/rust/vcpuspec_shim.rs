// SPDX-License-Identifier: BSD-3-Clause
//! The shim protocol of vcpuspec, version 1 (docs/shim.md), for implementations in Rust.
//!
//! Rust 1.63 and its standard library. An implementation is an `Implementation`; `toy.rs` is one. The
//! calls come on real threads (T0 is the thread that calls `serve`), several at once where a script
//! asks for it. A panic ends the process.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{sleep, JoinHandle};
use std::time::{Duration, Instant};

pub type Status = i32;
pub type Handle = u32;

pub const ZX_OK: Status = 0;
pub const ZX_ERR_NOT_SUPPORTED: Status = -2;
const ZX_ERR_TIMED_OUT: Status = -21;
pub const ZX_VCPU_STATE: u32 = 0;
pub const ZX_VCPU_IO: u32 = 1;
pub const STATE_MAX: usize = 264; // bytes, of any architecture
pub const PACKET_SIZE: usize = 48; // bytes of zx_port_packet_t

const STATUS_NAMES: &[(Status, &str)] = &[
    (0, "ZX_OK"),
    (-1, "ZX_ERR_INTERNAL"),
    (-2, "ZX_ERR_NOT_SUPPORTED"),
    (-3, "ZX_ERR_NO_RESOURCES"),
    (-4, "ZX_ERR_NO_MEMORY"),
    (-10, "ZX_ERR_INVALID_ARGS"),
    (-11, "ZX_ERR_BAD_HANDLE"),
    (-12, "ZX_ERR_WRONG_TYPE"),
    (-13, "ZX_ERR_BAD_SYSCALL"),
    (-14, "ZX_ERR_OUT_OF_RANGE"),
    (-15, "ZX_ERR_BUFFER_TOO_SMALL"),
    (-20, "ZX_ERR_BAD_STATE"),
    (-21, "ZX_ERR_TIMED_OUT"),
    (-22, "ZX_ERR_SHOULD_WAIT"),
    (-23, "ZX_ERR_CANCELED"),
    (-24, "ZX_ERR_PEER_CLOSED"),
    (-25, "ZX_ERR_NOT_FOUND"),
    (-26, "ZX_ERR_ALREADY_EXISTS"),
    (-27, "ZX_ERR_ALREADY_BOUND"),
    (-28, "ZX_ERR_UNAVAILABLE"),
    (-30, "ZX_ERR_ACCESS_DENIED"),
    (-40, "ZX_ERR_IO"),
    (-42, "ZX_ERR_IO_DATA_INTEGRITY"),
];

const GUEST_CALLS: &[&str] =
    &["zx_vmo_create", "zx_vmo_write", "zx_vmo_read", "zx_vmar_map", "zx_guest_set_trap"];
const PROGRAMS: &[&str] =
    &["dump", "in8", "in16", "in32", "out8", "out16", "out32", "spin", "store"];

const LINE_MAX: usize = 8191; // bytes, with the newline
const SLOTS: usize = 16;
const THREADS: &[&str] = &["T0:", "T1:", "T2:", "T3:"];
const LENGTH_MAX: u64 = 2048; // bytes of a buffer
const CONTENTS_MAX: usize = 264; // bytes that a request spells out
const REWRITE_MAX: usize = 8;
const PLACE_MAX: u64 = 65535; // N of a place
const PAGE: i64 = 4096;
const FILL: u8 = 0x5a; // of a buffer, after what a request spells out
const PATTERN: u8 = 0xa5; // beside a buffer

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    X64,
    Arm64,
}

impl Arch {
    pub fn name(self) -> &'static str {
        match self {
            Arch::X64 => "x86-64",
            Arch::Arm64 => "arm64",
        }
    }

    /// Bytes of ZX_VCPU_STATE.
    pub fn state_size(self) -> usize {
        match self {
            Arch::X64 => 136,
            Arch::Arm64 => 264,
        }
    }
}

/// What is judged. A method that stays as it is here is not to be among `calls`.
#[allow(unused_variables)]
pub trait Implementation: Send + Sync {
    /// What reports call it: 1 to 63 printable characters without a blank.
    fn name(&self) -> &str;
    fn version(&self) -> &str;
    fn arch(&self) -> Arch;
    /// The documented calls that it has.
    fn calls(&self) -> &[&'static str];
    /// The handle that zx_guest_create gets.
    fn resource(&self) -> Handle {
        0
    }
    /// Forgets every object and says so; else every handle that was given is closed.
    fn reset(&self) -> bool {
        false
    }

    /// The guest, its address region.
    fn zx_guest_create(&self, resource: Handle, options: u32) -> Result<(Handle, Handle), Status> {
        Err(ZX_ERR_NOT_SUPPORTED)
    }
    fn zx_guest_set_trap(
        &self, guest: Handle, kind: u32, address: u64, size: u64, port: Handle, key: u64,
    ) -> Status {
        ZX_ERR_NOT_SUPPORTED
    }
    fn zx_vcpu_create(&self, guest: Handle, options: u32, entry: u64) -> Result<Handle, Status> {
        Err(ZX_ERR_NOT_SUPPORTED)
    }
    fn zx_vcpu_enter(&self, handle: Handle) -> Result<[u8; PACKET_SIZE], Status> {
        Err(ZX_ERR_NOT_SUPPORTED)
    }
    fn zx_vcpu_kick(&self, handle: Handle) -> Status {
        ZX_ERR_NOT_SUPPORTED
    }
    fn zx_vcpu_interrupt(&self, handle: Handle, vector: u32) -> Status {
        ZX_ERR_NOT_SUPPORTED
    }
    /// Fills the buffer, which is of the state's size.
    fn zx_vcpu_read_state(&self, handle: Handle, kind: u32, buffer: &mut [u8]) -> Status {
        ZX_ERR_NOT_SUPPORTED
    }
    fn zx_vcpu_write_state(
        &self, handle: Handle, kind: u32, buffer: &mut UserPointer, buffer_size: u64,
    ) -> Status {
        ZX_ERR_NOT_SUPPORTED
    }
    fn zx_handle_close(&self, handle: Handle) -> Status {
        ZX_ERR_NOT_SUPPORTED
    }
    fn zx_handle_duplicate(&self, handle: Handle, rights: u32) -> Result<Handle, Status> {
        Err(ZX_ERR_NOT_SUPPORTED)
    }
    fn zx_handle_replace(&self, handle: Handle, rights: u32) -> Result<Handle, Status> {
        Err(ZX_ERR_NOT_SUPPORTED)
    }
    fn zx_event_create(&self, options: u32) -> Result<Handle, Status> {
        Err(ZX_ERR_NOT_SUPPORTED)
    }
    fn zx_port_create(&self, options: u32) -> Result<Handle, Status> {
        Err(ZX_ERR_NOT_SUPPORTED)
    }
    fn zx_vmo_create(&self, size: u64, options: u32) -> Result<Handle, Status> {
        Err(ZX_ERR_NOT_SUPPORTED)
    }
    fn zx_vmo_read(&self, handle: Handle, buffer: &mut [u8], offset: u64) -> Status {
        ZX_ERR_NOT_SUPPORTED
    }
    fn zx_vmo_write(&self, handle: Handle, data: &[u8], offset: u64) -> Status {
        ZX_ERR_NOT_SUPPORTED
    }
    /// The address.
    fn zx_vmar_map(
        &self, region: Handle, options: u32, offset: u64, vmo: Handle, vmo_offset: u64, length: u64,
    ) -> Result<u64, Status> {
        Err(ZX_ERR_NOT_SUPPORTED)
    }
}

/// Serves standard input and output, until the input ends; or, with a path, each that connects to a
/// Unix socket there. With `sums` each line has a sum, for wires.
pub fn serve(
    implementation: Arc<dyn Implementation>, sums: bool, unix: Option<&str>,
) -> io::Result<()> {
    let path = match unix {
        None => {
            let (requests, replies) = (io::stdin(), io::stdout());
            talk(implementation, sums, requests.lock(), replies.lock());
            return Ok(());
        }
        Some(path) => path,
    };
    let _ = std::fs::remove_file(path);
    for connection in UnixListener::bind(path)?.incoming() {
        let replies = connection?;
        let requests = BufReader::new(replies.try_clone()?);
        talk(implementation.clone(), sums, requests, replies);
    }
    Ok(())
}

fn talk(
    implementation: Arc<dyn Implementation>, sums: bool, mut requests: impl BufRead,
    mut replies: impl Write,
) {
    let mut session = Session::new(implementation, sums);
    let mut line = Vec::with_capacity(LINE_MAX + 1);
    let mut reply = Vec::with_capacity(LINE_MAX);
    while read_line(&mut requests, &mut line) {
        reply.clear();
        session.answer(&line, &mut reply);
        if reply.is_empty() {
            continue;
        }
        reply.push(b'\n');
        if replies.write_all(&reply).and_then(|_| replies.flush()).is_err() {
            break; // nobody listens any more
        }
    }
    session.reset();
}

/// One line without its end. False: the input has ended, perhaps within a line. Of a line that is too
/// long the start and a byte that makes it one that is not understood.
fn read_line(requests: &mut impl BufRead, line: &mut Vec<u8>) -> bool {
    line.clear();
    loop {
        let there = match requests.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return false,
            Ok(there) => there,
        };
        if there.is_empty() {
            return false;
        }
        let end = there.iter().position(|&byte| byte == b'\n');
        let count = end.unwrap_or(there.len());
        line.extend_from_slice(&there[..count.min(LINE_MAX + 1 - line.len())]);
        requests.consume(count + usize::from(end.is_some()));
        if end.is_some() {
            break;
        }
    }
    if line.len() >= LINE_MAX {
        line.truncate(40);
        line.push(0);
    } else if line.last() == Some(&b'\r') {
        line.pop();
    }
    true
}

// --- The caller's buffer --------------------------------------------------------------------------

/// A byte that the caller itself could not read or write.
#[derive(Debug)]
pub struct Unreadable;

/// Where a buffer lies: the address of its first byte, and what can be read, from there on.
#[derive(Clone, Copy)]
struct Place {
    address: u64,
    first: i64,
    end: i64,
    writable: bool,
}

const ARENA: u64 = 0x7f00_0000_0000;
const USER_END: u64 = 1 << 47;
const KERNEL: u64 = 0xffff_8000_0000_0000;

/// `how` is NAME or NAME:N; N is 0 if it is left out.
fn place(how: &str, length: u64) -> Result<Place, Failure> {
    let (name, n) = match how.split_once(':') {
        None => (how, 0),
        Some((name, n)) => (name, number(n, PLACE_MAX)?),
    };
    let n = nearest(name, n, length);
    let (page, bytes, before) = (PAGE as u64, length as i64, n as i64);
    let there = |address: u64, first: i64, end: i64| Place { address, first, end, writable: true };
    let nowhere = |address: u64| there(address, 0, 0);
    Ok(match name {
        "plain" => there(ARENA, 0, PAGE),
        "misaligned" => there(ARENA + n, -before, 2 * PAGE - before),
        "crossing" => there(ARENA + page - n, before - PAGE, before + PAGE),
        "edge" => there(ARENA + page - length, bytes - PAGE, bytes),
        "readonly" => Place { writable: false, ..there(ARENA + 8 * page, 0, PAGE) },
        "low" => there(0x1000_0000, 0, PAGE),
        "null" => nowhere(0),
        "one" => nowhere(1),
        "unmapped" => nowhere(ARENA + 16 * page),
        "prot_none" => nowhere(ARENA + 24 * page),
        "beyond_eof" => nowhere(ARENA + 32 * page),
        "straddle" | "straddle_none" => {
            there(ARENA + page + n - length, bytes - before - PAGE, bytes - before)
        }
        "straddle_head" => there(ARENA - n, before, before + PAGE),
        "user_end" => nowhere(USER_END - length + n),
        "kernel" => nowhere(KERNEL + n * page),
        "noncanonical" => nowhere(ARENA ^ 1 << n),
        "wrapping" => nowhere(n.wrapping_neg()),
        _ => return misunderstood(format!("{} is no place", how)),
    })
}

/// An N that makes sense there.
fn nearest(name: &str, n: u64, length: u64) -> u64 {
    match name {
        "misaligned" | "crossing" => n.min(PAGE as u64),
        "straddle" | "straddle_head" | "straddle_none" | "user_end" => n.min(length),
        "noncanonical" => n.clamp(47, 63),
        _ => n,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Held,
    Flip,
}

struct Rewrite {
    how: How,
    offset: i64,
    other: Vec<u8>, // than what the buffer holds there now
}

/// What the caller hands in as a pointer: bytes, of which some, or all, cannot be read.
pub struct UserPointer {
    place: Place,
    memory: Vec<u8>, // from place.first to place.end
    rewrite: Option<Rewrite>,
    reads: u64,
    changed: bool,   // by write
    rewritten: bool, // as `held` asks
}

impl UserPointer {
    fn new(place: Place, contents: &[u8], length: usize, rewrite: Option<Rewrite>) -> UserPointer {
        let mut memory = vec![PATTERN; (place.end - place.first) as usize];
        // Only what lies on mapped pages is kept.
        for at in place.first.max(0)..place.end.min(length as i64) {
            memory[(at - place.first) as usize] = *contents.get(at as usize).unwrap_or(&FILL);
        }
        UserPointer { place, memory, rewrite, reads: 0, changed: false, rewritten: false }
    }

    /// Where it pretends to lie.
    #[allow(dead_code)]
    pub fn address(&self) -> u64 {
        self.place.address
    }

    /// Fetches what is there from offset on. Between two fetches the buffer may have changed.
    pub fn read(&mut self, offset: u64, into: &mut [u8]) -> Result<(), Unreadable> {
        if self.rewrite.is_none() {
            return self.copy(offset, into);
        }
        self.flip();
        let result = self.copy(offset, into);
        self.hold(offset.saturating_add(into.len() as u64));
        result
    }

    /// What an implementation should not do to a buffer that it was handed to read.
    pub fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), Unreadable> {
        let start = self.start(offset, data.len())?;
        if !self.place.writable {
            return Err(Unreadable);
        }
        let there = &mut self.memory[start..start + data.len()];
        self.changed |= there != data;
        there.copy_from_slice(data);
        Ok(())
    }

    fn copy(&self, offset: u64, into: &mut [u8]) -> Result<(), Unreadable> {
        let start = self.start(offset, into.len())?;
        into.copy_from_slice(&self.memory[start..start + into.len()]);
        Ok(())
    }

    /// Where in memory that many bytes from offset on are.
    fn start(&self, offset: u64, size: usize) -> Result<usize, Unreadable> {
        let past = offset.checked_add(size as u64).ok_or(Unreadable)?;
        if size == 0 {
            return Ok(0);
        }
        if (offset as i64) < self.place.first || past > self.place.end.max(0) as u64 {
            return Err(Unreadable);
        }
        Ok((offset as i64 - self.place.first) as usize)
    }

    /// Before each fetch but the first.
    fn flip(&mut self) {
        if self.reads > 0 && self.rewrite.as_ref().map(|rewrite| rewrite.how) == Some(How::Flip) {
            self.swap();
        }
        self.reads += 1;
    }

    /// After the first fetch that tried what follows the held bytes.
    fn hold(&mut self, past: u64) {
        let met = match &self.rewrite {
            Some(rewrite) if rewrite.how == How::Held => {
                past > rewrite.offset as u64 + rewrite.other.len() as u64
            }
            _ => false,
        };
        if met && !self.rewritten {
            self.swap();
            self.rewritten = true;
        }
    }

    fn swap(&mut self) {
        let rewrite = match &mut self.rewrite {
            Some(rewrite) => rewrite,
            None => return,
        };
        for (at, byte) in (rewrite.offset..).zip(rewrite.other.iter_mut()) {
            if (self.place.first..self.place.end).contains(&at) {
                std::mem::swap(byte, &mut self.memory[(at - self.place.first) as usize]);
            }
        }
    }
}

// --- Words ----------------------------------------------------------------------------------------

enum Failure {
    NotUnderstood(String),
    Missing(&'static str), // the implementation lacks this call
}

fn misunderstood<T>(why: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::NotUnderstood(why.into()))
}

fn number(word: &str, limit: u64) -> Result<u64, Failure> {
    let (digits, radix) = match word.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (word, 10),
    };
    // The standard library's takes a sign as well.
    let value = match digits.as_bytes().first() {
        Some(b'+') | None => None,
        Some(_) => u64::from_str_radix(digits, radix).ok(),
    };
    match value {
        Some(value) if value <= limit => Ok(value),
        _ => misunderstood(format!("{} is no number from 0 to {:#x}", word, limit)),
    }
}

fn number_32(word: &str) -> Result<u32, Failure> {
    Ok(number(word, u32::MAX.into())? as u32)
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

fn hexadecimal(word: &str, limit: usize) -> Result<Vec<u8>, Failure> {
    let digits = word.as_bytes();
    if digits.is_empty() || digits.len() % 2 != 0 || digits.len() > 2 * limit {
        return misunderstood(format!("1 to {} hexadecimal bytes are expected", limit));
    }
    let byte = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    match digits.chunks_exact(2).map(byte).collect() {
        Some(bytes) => Ok(bytes),
        None => misunderstood("hexadecimal bytes are expected"),
    }
}

fn hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)] as char);
        text.push(DIGITS[usize::from(byte & 15)] as char);
    }
}

/// The value of key=value.
fn after<'a>(word: &'a str, key: &str) -> Result<&'a str, Failure> {
    match word.strip_prefix(key) {
        Some(value) => Ok(value),
        None => misunderstood(format!("{} is expected, not {}", key, word)),
    }
}

fn slot(word: &str) -> Result<usize, Failure> {
    (0..SLOTS)
        .find(|index| word.strip_prefix('h') == Some(SLOT_NAMES[*index]))
        .map_or_else(|| misunderstood(format!("{} is no slot", word)), Ok)
}

const SLOT_NAMES: [&str; SLOTS] =
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"];

fn status_word(text: &mut String, status: Status) {
    match STATUS_NAMES.iter().find(|(value, _)| *value == status) {
        Some((_, name)) => text.push_str(name),
        None => add(text, format_args!("{}", status)),
    }
}

fn add(text: &mut String, what: std::fmt::Arguments) {
    text.write_fmt(what).expect("a String takes anything");
}

fn checksum(line: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(16777619);
    line.iter().fold(2166136261, step)
}

// --- Operations -----------------------------------------------------------------------------------

/// What is done on a thread of the script. Handles are values here, and slots where results go.
enum Operation {
    GuestCreate([usize; 2], Handle),
    GuestLoad(usize, Handle, Handle),
    VcpuCreate(usize, Handle, u64, Vec<u8>), // the guest, the entry, code to write there first
    Create(usize, Simple),
    Derive(usize, &'static str, Handle, u32),
    WriteState(Handle, u32, UserPointer, u64),
    ReadState(Handle),
    Enter(Handle),
    Kick(Handle),
    Close(Handle),
    AwaitGuest(Handle),
    Interrupt(Handle, u32),
}

impl Operation {
    /// The slots that receive what it gives.
    fn fills(&self) -> Vec<usize> {
        match self {
            Operation::GuestCreate(slots, _) => slots.to_vec(),
            Operation::GuestLoad(slot, ..)
            | Operation::VcpuCreate(slot, ..)
            | Operation::Create(slot, _)
            | Operation::Derive(slot, ..) => vec![*slot],
            _ => vec![],
        }
    }
}

#[derive(Clone, Copy)]
enum Simple {
    Event,
    Port,
    Vmo,
}

#[derive(Default)]
struct Reply {
    text: String,
    handles: Vec<(usize, Handle)>, // which slot receives what
}

type Outcome = Result<Reply, Failure>;

impl Reply {
    fn status(status: Status) -> Reply {
        let mut reply = Reply::default();
        status_word(&mut reply.text, status);
        reply
    }

    fn status_of(status: Status, call: &str) -> Reply {
        let mut reply = Reply::status(status);
        add(&mut reply.text, format_args!(" of={}", call));
        reply
    }

    fn handle(slot: usize, result: Result<Handle, Status>) -> Reply {
        let handle = match result {
            Ok(handle) => handle,
            Err(status) => return Reply::status(status),
        };
        Reply { text: format!("ZX_OK handle={:#x}", handle), handles: vec![(slot, handle)] }
    }
}

/// What every thread of a session sees.
struct Shared {
    implementation: Arc<dyn Implementation>,
    guests: Mutex<Guests>,
    memory: Mutex<HashMap<Handle, Handle>>, // of a guest or vCPU, by its handles' values
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no other thread has panicked")
}

impl Shared {
    fn needs(&self, call: &'static str) -> Result<&dyn Implementation, Failure> {
        if self.implementation.calls().contains(&call) {
            Ok(&*self.implementation)
        } else {
            Err(Failure::Missing(call))
        }
    }

    fn perform(&self, operation: Operation) -> Outcome {
        Ok(match operation {
            Operation::GuestCreate(slots, resource) => self.guest_create(slots, resource)?,
            Operation::GuestLoad(slot, guest, region) => self.guest_load(slot, guest, region)?,
            Operation::VcpuCreate(slot, guest, entry, code) => {
                self.vcpu_create(slot, guest, entry, &code)?
            }
            Operation::Create(slot, what) => self.create(slot, what)?,
            Operation::Derive(slot, call, handle, rights) => {
                self.derive(slot, call, handle, rights)?
            }
            Operation::WriteState(handle, kind, pointer, size) => {
                self.write_state(handle, kind, pointer, size)?
            }
            Operation::ReadState(handle) => self.read_state(handle)?,
            Operation::Enter(handle) => self.enter(handle)?,
            Operation::Kick(handle) => {
                Reply::status(self.needs("zx_vcpu_kick")?.zx_vcpu_kick(handle))
            }
            Operation::Close(handle) => {
                Reply::status(self.needs("zx_handle_close")?.zx_handle_close(handle))
            }
            Operation::AwaitGuest(handle) => self.await_guest(handle)?,
            Operation::Interrupt(handle, vector) => {
                Reply::status(self.needs("zx_vcpu_interrupt")?.zx_vcpu_interrupt(handle, vector))
            }
        })
    }

    /// Notes whose memory the object of a new handle has: nobody's, or that of another handle.
    fn owned(&self, reply: Reply, like: Option<Handle>) -> Reply {
        let mut memory = locked(&self.memory);
        for (_, handle) in &reply.handles {
            match like {
                Some(like) => memory.insert(*handle, like),
                None => memory.remove(handle),
            };
        }
        drop(memory);
        reply
    }

    fn memory_of(&self, handle: Handle) -> Option<Handle> {
        locked(&self.memory).get(&handle).copied()
    }

    fn guest_create(&self, slots: [usize; 2], resource: Handle) -> Outcome {
        let reply = match self.needs("zx_guest_create")?.zx_guest_create(resource, 0) {
            Ok((guest, region)) => Reply {
                text: format!("ZX_OK handle={:#x} handle2={:#x}", guest, region),
                handles: vec![(slots[0], guest), (slots[1], region)],
            },
            Err(status) => Reply::status(status),
        };
        Ok(self.owned(reply, None))
    }

    fn create(&self, slot: usize, what: Simple) -> Outcome {
        let result = match what {
            Simple::Event => self.needs("zx_event_create")?.zx_event_create(0),
            Simple::Port => self.needs("zx_port_create")?.zx_port_create(0),
            Simple::Vmo => self.needs("zx_vmo_create")?.zx_vmo_create(PAGE as u64, 0),
        };
        Ok(self.owned(Reply::handle(slot, result), None))
    }

    fn derive(&self, slot: usize, call: &'static str, handle: Handle, rights: u32) -> Outcome {
        let memory = self.memory_of(handle);
        let implementation = self.needs(call)?;
        let result = match call {
            "zx_handle_duplicate" => implementation.zx_handle_duplicate(handle, rights),
            _ => implementation.zx_handle_replace(handle, rights),
        };
        Ok(self.owned(Reply::handle(slot, result), memory))
    }

    fn vcpu_create(&self, slot: usize, guest: Handle, entry: u64, code: &[u8]) -> Outcome {
        let memory = self.memory_of(guest);
        if let (false, Some(memory)) = (code.is_empty(), memory) {
            let status = self.needs("zx_vmo_write")?.zx_vmo_write(memory, code, entry);
            if status != ZX_OK {
                return Ok(Reply::status(status));
            }
        }
        let result = self.needs("zx_vcpu_create")?.zx_vcpu_create(guest, 0, entry);
        Ok(self.owned(Reply::handle(slot, result), memory))
    }

    fn write_state(
        &self, handle: Handle, kind: u32, mut pointer: UserPointer, size: u64,
    ) -> Outcome {
        let implementation = self.needs("zx_vcpu_write_state")?;
        let status = implementation.zx_vcpu_write_state(handle, kind, &mut pointer, size);
        let mut reply = Reply::status(status);
        if pointer.changed {
            reply.text.push_str(" buffer_changed");
        }
        if pointer.rewritten {
            reply.text.push_str(" held");
        }
        Ok(reply)
    }

    fn read_state(&self, handle: Handle) -> Outcome {
        let mut state = [0; STATE_MAX];
        let state = &mut state[..self.implementation.arch().state_size()];
        let implementation = self.needs("zx_vcpu_read_state")?;
        let status = implementation.zx_vcpu_read_state(handle, ZX_VCPU_STATE, state);
        let mut reply = Reply::status(status);
        if status == ZX_OK {
            reply.text.push_str(" state bytes=");
            hex(&mut reply.text, state);
        }
        Ok(reply)
    }

    fn guest_load(&self, slot: usize, guest: Handle, region: Handle) -> Outcome {
        for call in GUEST_CALLS {
            self.needs(call)?;
        }
        let implementation = &*self.implementation;
        let guests = locked(&self.guests);
        if guests.damaged || !guests.complete {
            return misunderstood("what was said of guests is damaged, or not complete");
        }
        let memory = match implementation.zx_vmo_create(guests.memory, 0) {
            Ok(memory) => memory,
            Err(status) => return Ok(Reply::status_of(status, "zx_vmo_create")),
        };
        if let Err((status, call)) = guests.fill(implementation, guest, region, memory) {
            return Ok(Reply::status_of(status, call));
        }
        let reply = self.owned(Reply::handle(slot, Ok(memory)), None);
        locked(&self.memory).insert(guest, memory);
        Ok(reply)
    }

    fn enter(&self, handle: Handle) -> Outcome {
        let memory = self.memory_of(handle);
        let packet = match self.needs("zx_vcpu_enter")?.zx_vcpu_enter(handle) {
            Ok(packet) => packet,
            Err(status) => return Ok(Reply::status(status)),
        };
        let field = |at: usize, size: usize| {
            (at..at + size).rev().fold(0, |value, i| value << 8 | u64::from(packet[i]))
        };
        let kind = field(8, 4);
        let mut text = format!("ZX_OK packet={}", kind);
        let left = match kind {
            PACKET_IO => {
                text.push_str(" io=");
                hex(&mut text, &packet[16..]);
                Some(Way::Port(field(16, 2)))
            }
            PACKET_MEM => {
                add(&mut text, format_args!(" addr={:#x}", field(16, 8)));
                Some(Way::Mem(field(16, 8)))
            }
            _ => None,
        };
        let guests = locked(&self.guests);
        if let (Some((at, way)), Some(memory)) = (guests.dump, memory) {
            if Some(way) == left {
                self.add_dump(&mut text, memory, at);
            }
        }
        Ok(Reply { text, handles: vec![] })
    }

    fn add_dump(&self, text: &mut String, memory: Handle, at: u64) {
        let mut state = [0; STATE_MAX];
        let state = &mut state[..self.implementation.arch().state_size()];
        if self.implementation.zx_vmo_read(memory, state, at) == ZX_OK {
            text.push_str(" state bytes=");
            hex(text, state);
        }
    }

    fn await_guest(&self, handle: Handle) -> Outcome {
        let memory = match self.memory_of(handle) {
            Some(memory) => memory,
            None => return Ok(Reply { text: "unsupported".into(), handles: vec![] }),
        };
        let (life, before) = {
            let guests = locked(&self.guests);
            (guests.life, guests.at(guests.life))
        };
        let began = Instant::now();
        loop {
            let mut now = [0];
            let status = self.needs("zx_vmo_read")?.zx_vmo_read(memory, &mut now, life);
            if status != ZX_OK || now[0] != before {
                return Ok(Reply::status(status));
            }
            if began.elapsed() > Duration::from_secs(1) {
                return Ok(Reply::status(ZX_ERR_TIMED_OUT));
            }
            sleep(Duration::from_millis(1));
        }
    }
}

// --- Guests ---------------------------------------------------------------------------------------

const PACKET_MEM: u64 = 4;
const PACKET_IO: u64 = 5;
const TRAP_MEM: u32 = 1;
const TRAP_IO: u32 = 2;
// ZX_VM_PERM_READ, _WRITE, _EXECUTE, ZX_VM_SPECIFIC
const MAPPED_WHERE_ASKED: u32 = 1 | 2 | 4 | 1 << 4;

/// How a guest leaves.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Port(u64),
    Mem(u64),
}

/// What vcpuspec said of the guest's memory and programs.
#[derive(Default)]
struct Guests {
    memory: u64, // bytes
    image: Vec<(u64, Vec<u8>)>,
    programs: HashMap<String, u64>,
    code: (u64, u64), // of slot 0; from slot to slot
    traps: Vec<(u32, u64, u64)>,
    dump: Option<(u64, Way)>,
    life: u64,
    complete: bool,
    damaged: bool,
}

impl Guests {
    /// One line, without its first word.
    fn learn(&mut self, words: &[&str]) -> Result<(), Failure> {
        let value = |word: &str| number(word, u64::MAX);
        match *words {
            ["memory", size] => self.memory = value(size)?,
            ["image", at, bytes] => self.image.push((value(at)?, hexadecimal(bytes, LINE_MAX)?)),
            ["program", name, at] => drop(self.programs.insert(name.into(), value(at)?)),
            ["code", base, step] => self.code = (value(base)?, value(step)?),
            ["trap", "io", port, count] => self.traps.push((TRAP_IO, value(port)?, value(count)?)),
            ["trap", "mem", at, size] => self.traps.push((TRAP_MEM, value(at)?, value(size)?)),
            ["dump", at, "port", port] => self.dump = Some((value(at)?, Way::Port(value(port)?))),
            ["dump", at, "mem", left] => self.dump = Some((value(at)?, Way::Mem(value(left)?))),
            ["life", at] => self.life = value(at)?,
            ["end"] => self.complete = true,
            _ => return misunderstood("no line about guests"),
        }
        Ok(())
    }

    /// Image, mapping and traps; the first call that fails, and how.
    fn fill(
        &self, implementation: &dyn Implementation, guest: Handle, region: Handle, memory: Handle,
    ) -> Result<(), (Status, &'static str)> {
        let check = |status, call| if status == ZX_OK { Ok(()) } else { Err((status, call)) };
        for (at, bytes) in &self.image {
            check(implementation.zx_vmo_write(memory, bytes, *at), "zx_vmo_write")?;
        }
        implementation
            .zx_vmar_map(region, MAPPED_WHERE_ASKED, 0, memory, 0, self.memory)
            .map_err(|status| (status, "zx_vmar_map"))?;
        for (kind, at, size) in &self.traps {
            let status = implementation.zx_guest_set_trap(guest, *kind, *at, *size, 0, *at);
            check(status, "zx_guest_set_trap")?;
        }
        Ok(())
    }

    /// The byte that the image holds there.
    fn at(&self, address: u64) -> u8 {
        let part = self
            .image
            .iter()
            .find(|(start, bytes)| address >= *start && address - start < bytes.len() as u64);
        part.map_or(0, |(start, bytes)| bytes[(address - start) as usize])
    }
}

// --- Threads --------------------------------------------------------------------------------------

/// A thread of the script, other than T0. It makes one call at a time.
struct Worker {
    work: Sender<Operation>,
    done: Receiver<Outcome>,
    thread: JoinHandle<()>,
    started: bool,              // a call whose join has not come
    entered: Option<Handle>,    // what a started enter was told
    fills: Vec<usize>,          // the slots that the started call fills
    pending: Option<Operation>, // a started call that has not begun
    outcome: Option<Outcome>,   // of a started call, before its join
}

impl Worker {
    fn new(shared: Arc<Shared>) -> Worker {
        let (work, operations) = channel();
        let (outcomes, done) = channel();
        let thread = std::thread::spawn(move || {
            for operation in operations {
                if outcomes.send(shared.perform(operation)).is_err() {
                    break;
                }
            }
        });
        Worker {
            work,
            done,
            thread,
            started: false,
            entered: None,
            fills: vec![],
            pending: None,
            outcome: None,
        }
    }

    fn call(&self, operation: Operation) -> Outcome {
        self.send(operation);
        self.done.recv().unwrap_or_else(|_| gone())
    }

    /// An enter begins at once, any other call when another thread does something.
    fn start(&mut self, operation: Operation) {
        self.started = true;
        self.fills = operation.fills();
        if let Operation::Enter(handle) = operation {
            self.entered = Some(handle);
            self.send(operation);
        } else {
            self.pending = Some(operation);
        }
    }

    fn release(&mut self) {
        if let Some(operation) = self.pending.take() {
            self.send(operation);
        }
    }

    fn join(&mut self) -> Outcome {
        self.settle();
        self.started = false;
        self.entered = None;
        self.fills.clear();
        self.outcome.take().unwrap_or_else(|| gone())
    }

    /// Waits for the started call; the handles that it gave.
    fn settle(&mut self) -> &[(usize, Handle)] {
        self.release();
        let done = &self.done;
        match self.outcome.get_or_insert_with(|| done.recv().unwrap_or_else(|_| gone())) {
            Ok(reply) => &reply.handles,
            Err(_) => &[],
        }
    }

    /// Ends what was started. False: it does not end.
    fn stop(&mut self, implementation: &dyn Implementation) -> bool {
        self.release();
        if let Some(handle) = self.entered {
            implementation.zx_vcpu_kick(handle);
        }
        if self.outcome.is_some() {
            return true;
        }
        match self.done.recv_timeout(Duration::from_secs(1)) {
            Ok(_) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => gone(),
        }
    }

    fn end(self) {
        drop(self.work);
        if self.thread.join().is_err() {
            gone()
        }
    }

    fn send(&self, operation: Operation) {
        if self.work.send(operation).is_err() {
            gone()
        }
    }
}

/// A thread has panicked within a call, and said why.
fn gone() -> ! {
    std::process::exit(101)
}

// --- A conversation -------------------------------------------------------------------------------

struct Session {
    shared: Arc<Shared>,
    sums: bool,
    greeted: bool,
    slots: [Option<Handle>; SLOTS],
    workers: Vec<Option<Worker>>,
    received: HashSet<Handle>, // every handle's value
}

impl Session {
    fn new(implementation: Arc<dyn Implementation>, sums: bool) -> Session {
        let shared = Shared {
            implementation,
            guests: Mutex::new(Guests::default()),
            memory: Mutex::new(HashMap::new()),
        };
        Session {
            shared: Arc::new(shared),
            sums,
            greeted: false,
            slots: [None; SLOTS],
            workers: THREADS.iter().map(|_| None).collect(),
            received: HashSet::new(),
        }
    }

    /// Adds what is to be answered to a line, without the newline at its end; perhaps nothing.
    fn answer(&mut self, line: &[u8], reply: &mut Vec<u8>) {
        if is_greeting(line) {
            return self.greet(reply);
        }
        if line.starts_with(b"guest ") {
            return self.learn(line);
        }
        let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let numbered = (1..=19).contains(&digits) && matches!(line.get(digits), Some(b' ') | None);
        let outcome = self.words(line).and_then(|text| {
            let words: Vec<&str> = text.split(' ').collect();
            if words.contains(&"") {
                misunderstood("one blank between words is expected")
            } else if numbered {
                self.request(&words[1..])
            } else {
                misunderstood("a request begins with a number")
            }
        });
        reply.extend_from_slice(if numbered { &line[..digits] } else { b"0" });
        self.finish(outcome, reply);
    }

    /// A line about guests.
    fn learn(&mut self, line: &[u8]) {
        let mut guests = locked(&self.shared.guests);
        let learnt = self.words(line).and_then(|text| {
            let words: Vec<&str> = text.split(' ').collect();
            guests.learn(&words[1..])
        });
        if let Err(Failure::NotUnderstood(why)) = learnt {
            guests.damaged = true;
            eprintln!("shim: of guests: {}: {}", line[..line.len().min(80)].escape_ascii(), why);
        }
    }

    fn finish(&mut self, outcome: Outcome, reply: &mut Vec<u8>) {
        match outcome {
            Ok(answer) => {
                reply.extend_from_slice(b" = ");
                reply.extend_from_slice(answer.text.as_bytes());
                for (slot, handle) in answer.handles {
                    self.slots[slot] = Some(handle);
                    self.received.insert(handle);
                }
            }
            Err(Failure::Missing(call)) => {
                reply.extend_from_slice(b" = unsupported of=");
                reply.extend_from_slice(call.as_bytes());
            }
            Err(Failure::NotUnderstood(why)) => {
                reply.extend_from_slice(b" = error ");
                reply.extend(why.bytes().take(200));
            }
        }
        if self.sums && self.greeted {
            let sum = checksum(reply);
            write!(reply, " sum={:08x}", sum).expect("a Vec takes anything");
        }
    }

    /// The line as text, without its sum.
    fn words<'a>(&self, line: &'a [u8]) -> Result<&'a str, Failure> {
        let text = match std::str::from_utf8(line) {
            Ok(text) if line.iter().all(|byte| (b' '..=b'~').contains(byte)) => text,
            _ => return misunderstood("printable ASCII is expected"),
        };
        if !(self.sums && self.greeted) {
            return Ok(text);
        }
        match text.rsplit_once(" sum=") {
            Some((text, sum)) if sum == format!("{:08x}", checksum(text.as_bytes())) => Ok(text),
            _ => misunderstood("the sum is wrong"),
        }
    }

    fn greet(&mut self, reply: &mut Vec<u8>) {
        self.reset();
        *locked(&self.shared.guests) = Guests::default();
        let implementation = &self.shared.implementation;
        let mut text = String::from("vcpuspec shim 1\n");
        add(&mut text, format_args!("name {}\n", implementation.name()));
        add(&mut text, format_args!("version {}\n", implementation.version()));
        add(&mut text, format_args!("arch {}\n", implementation.arch().name()));
        add(&mut text, format_args!("calls {}\n", implementation.calls().join(" ")));
        text.push_str("rewrites held flip\n");
        if self.sums {
            text.push_str("sums\n");
        }
        text.push_str("ready");
        reply.extend_from_slice(text.as_bytes());
        self.greeted = true;
    }

    /// False: a call that was started does not end.
    fn reset(&mut self) -> bool {
        for worker in &mut self.workers {
            if let Some(mut worker) = worker.take() {
                if worker.started && !worker.stop(&*self.shared.implementation) {
                    return false;
                }
                worker.end();
            }
        }
        if !self.shared.implementation.reset() {
            for handle in self.received.drain() {
                self.shared.implementation.zx_handle_close(handle);
            }
        }
        self.received.clear();
        self.slots = [None; SLOTS];
        locked(&self.shared.memory).clear();
        true
    }

    /// The words after the number.
    fn request(&mut self, words: &[&str]) -> Outcome {
        if !self.greeted {
            return misunderstood("no greeting");
        }
        if words == ["reset"] {
            let text = if self.reset() { "ZX_OK" } else { "no_return" };
            return Ok(Reply { text: text.into(), handles: vec![] });
        }
        let thread = words.first().and_then(|word| THREADS.iter().position(|name| name == word));
        let thread = match thread {
            Some(thread) => thread,
            None => return misunderstood("T0: to T3: is expected after the number"),
        };
        self.settle(words);
        match &words[1..] {
            ["join"] => self.join(thread),
            ["thread_exit"] => self.thread_exit(thread),
            ["start", call @ ..] => self.start(thread, call),
            call => {
                let operation = self.operation(call)?;
                self.release();
                match thread {
                    0 => self.shared.perform(operation),
                    _ => self.worker(thread)?.call(operation),
                }
            }
        }
    }

    /// Waits for started calls whose slots are named: they are filled then, before the join.
    fn settle(&mut self, words: &[&str]) {
        let named = |fills: &[usize]| {
            words.iter().any(|word| {
                let name = word.split(['&', '^']).next().unwrap_or(word);
                fills.iter().any(|slot| name.strip_prefix('h') == Some(SLOT_NAMES[*slot]))
            })
        };
        for worker in self.workers.iter_mut().flatten().filter(|worker| named(&worker.fills)) {
            for (slot, handle) in worker.settle() {
                self.slots[*slot] = Some(*handle);
            }
        }
    }

    /// Calls that were started begin.
    fn release(&mut self) {
        for worker in self.workers.iter_mut().flatten() {
            worker.release();
        }
    }

    /// A thread without a call under way.
    fn worker(&mut self, thread: usize) -> Result<&mut Worker, Failure> {
        let shared = &self.shared;
        let worker = self.workers[thread].get_or_insert_with(|| Worker::new(shared.clone()));
        if worker.started {
            return misunderstood(format!("T{} has a call under way, so join is expected", thread));
        }
        Ok(worker)
    }

    fn start(&mut self, thread: usize, call: &[&str]) -> Outcome {
        let operation = self.operation(call)?;
        if thread == 0 || matches!(operation, Operation::AwaitGuest(_)) {
            return misunderstood("a call on another thread than T0 is expected");
        }
        self.release();
        self.worker(thread)?.start(operation);
        Ok(Reply { text: "started".into(), handles: vec![] })
    }

    fn join(&mut self, thread: usize) -> Outcome {
        self.release();
        match &mut self.workers[thread] {
            Some(worker) if worker.started => worker.join(),
            _ => misunderstood(format!("T{} has no call under way", thread)),
        }
    }

    fn thread_exit(&mut self, thread: usize) -> Outcome {
        let under_way = matches!(&self.workers[thread], Some(worker) if worker.started);
        if thread == 0 || under_way {
            return misunderstood(format!("T{} cannot end here", thread));
        }
        self.release();
        if let Some(worker) = self.workers[thread].take() {
            worker.end();
        }
        Ok(Reply::status(ZX_OK))
    }

    // The words after the thread, as what is to be done there.

    fn operation(&self, words: &[&str]) -> Result<Operation, Failure> {
        Ok(match *words {
            ["write_state", handle, ref rest @ ..] => {
                self.write_state(self.handle(handle)?, rest)?
            }
            ["read_state", handle] => Operation::ReadState(self.handle(handle)?),
            ["enter", handle] => Operation::Enter(self.handle(handle)?),
            ["kick", handle] => Operation::Kick(self.handle(handle)?),
            ["close", handle] => Operation::Close(self.handle(handle)?),
            ["await_guest", handle] => Operation::AwaitGuest(self.handle(handle)?),
            ["interrupt", handle, vector] => {
                Operation::Interrupt(self.handle(handle)?, number_32(vector)?)
            }
            [guest, region, "=", "guest_create"] => {
                let resource = self.shared.implementation.resource();
                Operation::GuestCreate([slot(guest)?, slot(region)?], resource)
            }
            [out, "=", ref call @ ..] => self.with_slot(slot(out)?, call)?,
            _ => return misunderstood("an operation and its words are expected"),
        })
    }

    fn with_slot(&self, out: usize, words: &[&str]) -> Result<Operation, Failure> {
        let derive = |call, handle, rights| {
            Ok(Operation::Derive(out, call, self.handle(handle)?, number_32(rights)?))
        };
        Ok(match *words {
            ["guest_load", guest, region] => {
                slot(region)?;
                Operation::GuestLoad(out, self.handle(guest)?, self.handle(region)?)
            }
            ["vcpu_create", guest, program] => {
                self.vcpu_create(out, self.handle(guest)?, program)?
            }
            ["event_create"] => Operation::Create(out, Simple::Event),
            ["port_create"] => Operation::Create(out, Simple::Port),
            ["vmo_create"] => Operation::Create(out, Simple::Vmo),
            ["duplicate", handle, rights] => derive("zx_handle_duplicate", handle, rights)?,
            ["replace", handle, rights] => derive("zx_handle_replace", handle, rights)?,
            _ => return misunderstood("an operation that fills a slot is expected"),
        })
    }

    fn handle(&self, word: &str) -> Result<Handle, Failure> {
        if let Some(value) = word.strip_prefix("raw=") {
            return number_32(value);
        }
        let end = word.find(['&', '^']).unwrap_or(word.len());
        let value = match self.slots[slot(&word[..end])?] {
            Some(value) => value,
            None => return misunderstood(format!("{} is empty", &word[..end])),
        };
        if let Some(bits) = word[end..].strip_prefix("&~") {
            return Ok(value & !number_32(bits)?);
        }
        let bits = match word[end..].strip_prefix('^') {
            Some(bits) => number_32(bits)?,
            None if end == word.len() => return Ok(value),
            None => return misunderstood(format!("{} is no handle", word)),
        };
        let resource = self.shared.implementation.resource();
        let inverted = value ^ bits;
        Ok(if inverted != 0 && inverted == resource { inverted ^ 1 << 30 } else { inverted })
    }

    fn vcpu_create(&self, out: usize, guest: Handle, program: &str) -> Result<Operation, Failure> {
        let guests = locked(&self.shared.guests);
        if let Some(code) = program.strip_prefix("code=") {
            let entry = guests.code.0.wrapping_add(guests.code.1.wrapping_mul(out as u64));
            return Ok(Operation::VcpuCreate(out, guest, entry, hexadecimal(code, CONTENTS_MAX)?));
        }
        if !PROGRAMS.contains(&program) {
            return misunderstood(format!("{} is no program", program));
        }
        let entry = guests.programs.get(program).copied().unwrap_or(0);
        Ok(Operation::VcpuCreate(out, guest, entry, vec![]))
    }

    fn write_state(&self, handle: Handle, words: &[&str]) -> Result<Operation, Failure> {
        let (kind, size, length, at, rest) = match *words {
            [kind, size, length, at, ref rest @ ..] => (kind, size, length, at, rest),
            _ => {
                return misunderstood(
                    "kind= size= length= at= are expected after write_state HANDLE",
                )
            }
        };
        let kind = number_32(after(kind, "kind=")?)?;
        let size = number(after(size, "size=")?, u64::MAX)?;
        let length = number(after(length, "length=")?, LENGTH_MAX)?;
        let (contents, rest) = match rest {
            [word, rest @ ..] if word.starts_with("bytes=") => {
                (hexadecimal(&word[6..], CONTENTS_MAX)?, rest)
            }
            _ => (vec![], rest),
        };
        let rewrite = match rest {
            [] => None,
            [word] => Some(rewrite(word)?),
            _ => return misunderstood("too many words"),
        };
        let place = place(after(at, "at=")?, length)?;
        let pointer = UserPointer::new(place, &contents, length as usize, rewrite);
        Ok(Operation::WriteState(handle, kind, pointer, size))
    }
}

/// held=OFFSET:HEX or flip=OFFSET:HEX.
fn rewrite(word: &str) -> Result<Rewrite, Failure> {
    let (how, rest) = match (word.strip_prefix("held="), word.strip_prefix("flip=")) {
        (Some(rest), _) => (How::Held, rest),
        (_, Some(rest)) => (How::Flip, rest),
        _ => return misunderstood(format!("held= or flip= is expected, not {}", word)),
    };
    let (offset, bytes) = match rest.split_once(':') {
        Some(parts) => parts,
        None => return misunderstood("OFFSET:HEX is expected"),
    };
    let offset = number(offset, LENGTH_MAX)? as i64;
    Ok(Rewrite { how, offset, other: hexadecimal(bytes, REWRITE_MAX)? })
}

/// `vcpuspec shim NUMBER`
fn is_greeting(line: &[u8]) -> bool {
    match line.strip_prefix(b"vcpuspec shim ") {
        Some(version) => !version.is_empty() && version.iter().all(u8::is_ascii_digit),
        None => false,
    }
}
