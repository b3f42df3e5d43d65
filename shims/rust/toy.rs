// SPDX-License-Identifier: BSD-3-Clause
//! An implementation of zx_vcpu_write_state in memory, behind the shim of `vcpuspec_shim.rs`.
//!
//! vCPUs without guests: registers that can be written and read, by the reference page. `--defect`
//! breaks one of its sentences, to see that this is found. Build: `rustc -O -o toy toy.rs`.

mod vcpuspec_shim;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::ThreadId;
use std::time::Duration;

use vcpuspec_shim::{serve, Calls, Implementation, Memory};

type Status = i32;
type Handle = u32;

const ZX_OK: Status = 0;
const NO_RESOURCES: Status = -3;
const INVALID_ARGS: Status = -10;
const BAD_HANDLE: Status = -11;
const WRONG_TYPE: Status = -12;
const BAD_STATE: Status = -20;
const ACCESS_DENIED: Status = -30;

const RIGHT_DUPLICATE: u32 = 1 << 0;
const RIGHT_READ: u32 = 1 << 2;
const RIGHT_WRITE: u32 = 1 << 3;
const RIGHT_MANAGE_THREAD: u32 = 1 << 18;
const SAME_RIGHTS: u32 = 1 << 31;
const BASIC: u32 = 1 << 0 | 1 << 1 | 1 << 14 | 1 << 15; // duplicate, transfer, wait, inspect
const WAIT: u32 = 1 << 14;

const IO_SIZE: usize = 8; // bytes: access_size, three of padding, four of data
const RESOURCE: Handle = 0x3; // what zx_guest_create wants to see
const OTHER_RESOURCE: Handle = 0x7; // a resource of another kind, which it refuses
const FIRST_VALUE: Handle = 0x10003;
const MEMORY: u64 = 1 << 36; // bytes that a guest can have

const STATE: u32 = 0; // kinds
const IO: u32 = 1;
const STATE_MAX: usize = 264;

const CALLS: Calls = &[
    ("zx_guest_create", 4),
    ("zx_vcpu_create", 4),
    ("zx_vcpu_read_state", 4),
    ("zx_vcpu_write_state", 4),
    ("zx_handle_close", 1),
    ("zx_handle_duplicate", 3),
    ("zx_handle_replace", 3),
    ("zx_event_create", 2),
    ("zx_port_create", 2),
    ("zx_vmo_create", 3),
];

const DEFECTS: &[&str] = &[
    "none",
    "kind_8_bits",
    "thread_not_checked",
    "buffer_written_back",
    "crash_on_success",
    "hang_on_success",
];

#[derive(Clone, Copy, PartialEq)]
enum Arch {
    X64,
    Arm64,
}

impl Arch {
    fn name(self) -> &'static str {
        match self {
            Arch::X64 => "x86-64",
            Arch::Arm64 => "arm64",
        }
    }

    fn state_size(self) -> usize {
        match self {
            Arch::X64 => 136,
            Arch::Arm64 => STATE_MAX,
        }
    }
}

struct Vcpu {
    creator: ThreadId, // never given to another thread
    state: [u8; STATE_MAX],
}

#[derive(Clone)]
enum Object {
    Resource,
    Guest,
    Region,
    Event,
    Port,
    Vmo,
    Vcpu(Arc<Mutex<Vcpu>>),
}

impl Object {
    /// Of a new handle.
    fn rights(&self) -> u32 {
        match self {
            Object::Resource => BASIC,
            Object::Guest => 1 << 0 | 1 << 1 | 1 << 3 | 1 << 15 | 1 << 18,
            Object::Region => BASIC & !WAIT | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 21,
            Object::Event => BASIC | 1 << 12,
            Object::Port => BASIC & !WAIT | 1 << 2 | 1 << 3,
            Object::Vmo => BASIC | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 12,
            Object::Vcpu(_) => BASIC | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 12,
        }
    }
}

/// Values rise, so that a closed one names nothing later; both low bits are set.
struct Handles {
    open: HashMap<Handle, (Object, u32)>,
    next: Option<Handle>,
}

impl Handles {
    fn find(&self, handle: u64) -> Result<&(Object, u32), Status> {
        self.open.get(&(handle as Handle)).ok_or(BAD_HANDLE)
    }

    fn vcpu(&self, handle: u64, right: u32) -> Result<&Mutex<Vcpu>, Status> {
        match self.find(handle)? {
            (Object::Vcpu(vcpu), rights) if rights & right == right => Ok(vcpu),
            (Object::Vcpu(_), _) => Err(ACCESS_DENIED),
            _ => Err(WRONG_TYPE),
        }
    }

    fn has_vcpu(&self, thread: ThreadId) -> bool {
        self.open.values().any(|(object, _)| match object {
            Object::Vcpu(vcpu) => vcpu.lock().expect("no panic").creator == thread,
            _ => false,
        })
    }

    fn derive(&self, handle: u64, rights: u64, needed: u32) -> Result<(Object, u32), Status> {
        let (object, had) = self.find(handle)?;
        if had & needed != needed {
            return Err(ACCESS_DENIED);
        }
        let rights = if rights as u32 == SAME_RIGHTS { *had } else { rights as u32 };
        expect(rights & !had == 0)?;
        Ok((object.clone(), rights))
    }

    /// New handles, each to the address that the caller named; none where one cannot be.
    fn give(&mut self, memory: &mut Memory, given: Vec<(u64, (Object, u32))>) -> Answer {
        expect(given.iter().all(|(at, _)| memory.may_write(*at, 4)))?;
        for (at, entry) in given {
            let value = self.next.ok_or(NO_RESOURCES)?;
            self.next = value.checked_add(4);
            self.open.insert(value, entry);
            expect(memory.write(at, &value.to_le_bytes()))?;
        }
        Ok(())
    }
}

type Answer = Result<(), Status>;

fn expect(condition: bool) -> Answer {
    if condition {
        Ok(())
    } else {
        Err(INVALID_ARGS)
    }
}

fn of_new(object: Object) -> (Object, u32) {
    let rights = object.rights();
    (object, rights)
}

struct Toy {
    arch: Arch,
    defect: String,
    handles: Mutex<Handles>,
}

impl Toy {
    fn new(arch: Arch, defect: &str) -> Toy {
        let open = HashMap::from([(RESOURCE, of_new(Object::Resource))]);
        let handles = Handles { open, next: Some(FIRST_VALUE) };
        Toy { arch, defect: defect.to_string(), handles: Mutex::new(handles) }
    }

    fn handles(&self) -> MutexGuard<'_, Handles> {
        self.handles.lock().expect("no other thread has panicked")
    }

    fn has(&self, defect: &str) -> bool {
        self.defect == defect
    }

    fn guest_create(&self, args: &[u64], memory: &mut Memory) -> Answer {
        let mut handles = self.handles();
        if args[0] == u64::from(OTHER_RESOURCE) {
            return Err(ACCESS_DENIED);
        }
        match handles.find(args[0])? {
            (Object::Resource, _) => expect(args[1] == 0)?,
            _ => return Err(WRONG_TYPE),
        }
        let given = vec![(args[2], of_new(Object::Guest)), (args[3], of_new(Object::Region))];
        handles.give(memory, given)
    }

    fn vcpu_create(&self, args: &[u64], memory: &mut Memory) -> Answer {
        let mut handles = self.handles();
        match handles.find(args[0])? {
            (Object::Guest, rights) if rights & RIGHT_MANAGE_THREAD != 0 => {}
            (Object::Guest, _) => return Err(ACCESS_DENIED),
            _ => return Err(WRONG_TYPE),
        }
        expect(args[1] == 0 && args[2] < MEMORY)?;
        let creator = std::thread::current().id();
        if handles.has_vcpu(creator) {
            return Err(BAD_STATE);
        }
        let vcpu = Vcpu { creator, state: [0; STATE_MAX] };
        let vcpu = Object::Vcpu(Arc::new(Mutex::new(vcpu)));
        handles.give(memory, vec![(args[3], of_new(vcpu))])
    }

    fn write_state(&self, args: &[u64], memory: &mut Memory) -> Answer {
        let handles = self.handles();
        let mut vcpu = handles.vcpu(args[0], RIGHT_WRITE)?.lock().expect("no panic");
        let kind = if self.has("kind_8_bits") { args[1] as u32 & 0xff } else { args[1] as u32 };
        expect(kind == STATE || kind == IO)?;
        let size = if kind == STATE { self.arch.state_size() } else { IO_SIZE };
        expect(args[3] == size as u64)?;
        let mut contents = [0; STATE_MAX];
        let contents = &mut contents[..size];
        expect(memory.read(args[2], contents))?;
        if vcpu.creator != std::thread::current().id() && !self.has("thread_not_checked") {
            return Err(BAD_STATE);
        }
        expect(kind == STATE || matches!(contents[0], 1 | 2 | 4))?;
        match kind {
            STATE => write_registers(self.arch, &mut vcpu.state, contents),
            _ => write_accumulator(&mut vcpu.state, contents),
        }
        self.written(args[2], memory);
        Ok(())
    }

    fn written(&self, buffer: u64, memory: &mut Memory) {
        match self.defect.as_str() {
            "buffer_written_back" => drop(memory.write(buffer, &[0])),
            "crash_on_success" => panic!("the planted defect"),
            "hang_on_success" => std::thread::sleep(Duration::from_secs(3600)),
            _ => {}
        }
    }

    fn read_state(&self, args: &[u64], memory: &mut Memory) -> Answer {
        let handles = self.handles();
        let vcpu = handles.vcpu(args[0], RIGHT_READ)?.lock().expect("no panic");
        let size = self.arch.state_size();
        expect(args[1] == u64::from(STATE) && args[3] == size as u64)?;
        if vcpu.creator != std::thread::current().id() {
            return Err(BAD_STATE);
        }
        expect(memory.write(args[2], &vcpu.state[..size]))
    }

    fn close(&self, handle: u64) -> Answer {
        if handle == 0 {
            return Ok(());
        }
        self.handles().open.remove(&(handle as Handle)).map(drop).ok_or(BAD_HANDLE)
    }

    fn duplicate(&self, args: &[u64], memory: &mut Memory) -> Answer {
        let mut handles = self.handles();
        let derived = handles.derive(args[0], args[1], RIGHT_DUPLICATE)?;
        handles.give(memory, vec![(args[2], derived)])
    }

    fn replace(&self, args: &[u64], memory: &mut Memory) -> Answer {
        let mut handles = self.handles();
        let derived = handles.derive(args[0], args[1], 0);
        let given = derived.and_then(|entry| handles.give(memory, vec![(args[2], entry)]));
        handles.open.remove(&(args[0] as Handle));
        given
    }

    fn create(&self, object: Object, options: u64, out: u64, memory: &mut Memory) -> Answer {
        expect(options == 0)?;
        self.handles().give(memory, vec![(out, of_new(object))])
    }
}

/// The caller's flags: CF PF AF ZF SF TF DF OF NT AC ID; N Z C V. Of the rest of its word nothing.
fn write_registers(arch: Arch, state: &mut [u8], contents: &[u8]) {
    let (at, size, user) = match arch {
        Arch::X64 => (128, 8, 0x24_4dd5_u64),
        Arch::Arm64 => (256, 4, 0xf000_0000),
    };
    state[..at].copy_from_slice(&contents[..at]);
    for i in 0..size {
        state[at + i] = contents[at + i] & user.to_le_bytes()[i];
    }
}

fn write_accumulator(state: &mut [u8], contents: &[u8]) {
    let count = usize::from(contents[0].min(4));
    state[..count].copy_from_slice(&contents[4..4 + count]);
}

impl Implementation for Toy {
    fn call(&self, name: &str, args: &[u64], memory: &mut Memory) -> Status {
        let answer = match name {
            "zx_guest_create" => self.guest_create(args, memory),
            "zx_vcpu_create" => self.vcpu_create(args, memory),
            "zx_vcpu_write_state" => self.write_state(args, memory),
            "zx_vcpu_read_state" => self.read_state(args, memory),
            "zx_handle_close" => self.close(args[0]),
            "zx_handle_duplicate" => self.duplicate(args, memory),
            "zx_handle_replace" => self.replace(args, memory),
            "zx_event_create" => self.create(Object::Event, args[0], args[1], memory),
            "zx_port_create" => self.create(Object::Port, args[0], args[1], memory),
            "zx_vmo_create" => self.create(Object::Vmo, args[1], args[2], memory),
            _ => unreachable!("{} is not in CALLS", name),
        };
        answer.err().unwrap_or(ZX_OK)
    }
}

fn usage(what: &str) -> ! {
    eprintln!("toy: {}", what);
    eprintln!("usage: toy [--arch x86-64|arm64] [--defect NAME]");
    eprintln!("defects: {}", DEFECTS.join(" "));
    std::process::exit(2)
}

fn main() {
    let (mut arch, mut defect) = (Arch::X64, String::from("none"));
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        let value = arguments.next().unwrap_or_else(|| usage("a value is missing"));
        match (option.as_str(), value.as_str()) {
            ("--arch", "x86-64") => arch = Arch::X64,
            ("--arch", "arm64") => arch = Arch::Arm64,
            ("--defect", name) if DEFECTS.contains(&name) => defect = value,
            _ => usage(&format!("{} {} is not known", option, value)),
        }
    }
    let resources = format!("resource={RESOURCE:#x} other_resource={OTHER_RESOURCE:#x}");
    let greeting = format!("toy {} {resources}", arch.name());
    serve(&greeting, CALLS, &|| Arc::new(Toy::new(arch, &defect)));
}
