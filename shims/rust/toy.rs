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

use vcpuspec_shim::{
    serve, Arch, Handle, Implementation, Status, UserPointer, STATE_MAX, ZX_OK, ZX_VCPU_IO,
    ZX_VCPU_STATE,
};

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
const FIRST_VALUE: Handle = 0x10003;

const CALLS: &[&str] = &[
    "zx_guest_create",
    "zx_vcpu_create",
    "zx_vcpu_read_state",
    "zx_vcpu_write_state",
    "zx_handle_close",
    "zx_handle_duplicate",
    "zx_handle_replace",
    "zx_event_create",
    "zx_port_create",
    "zx_vmo_create",
];

const DEFECTS: &[&str] = &[
    "none",
    "kind_8_bits",
    "thread_not_checked",
    "io_fetched_twice",
    "buffer_written_back",
    "crash_on_success",
    "hang_on_success",
];

struct Vcpu {
    creator: ThreadId, // never given to another thread
    state: [u8; STATE_MAX],
}

#[derive(Clone)]
enum Object {
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
            Object::Guest => 1 << 0 | 1 << 1 | 1 << 3 | 1 << 15 | 1 << 18,
            Object::Region => BASIC & !WAIT | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 21,
            Object::Event => BASIC | 1 << 12,
            Object::Port => BASIC & !WAIT | 1 << 2 | 1 << 3,
            Object::Vmo => BASIC | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 12,
            Object::Vcpu(_) => BASIC | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 12,
        }
    }
}

/// Values rise, so that a closed one names nothing until reset; both low bits are set.
struct Handles {
    open: HashMap<Handle, (Object, u32)>,
    next: Option<Handle>,
}

impl Handles {
    fn new() -> Handles {
        Handles { open: HashMap::new(), next: Some(FIRST_VALUE) }
    }

    fn add(&mut self, object: Object) -> Result<Handle, Status> {
        let rights = object.rights();
        self.insert(object, rights)
    }

    fn insert(&mut self, object: Object, rights: u32) -> Result<Handle, Status> {
        let value = self.next.ok_or(NO_RESOURCES)?;
        self.next = value.checked_add(4);
        self.open.insert(value, (object, rights));
        Ok(value)
    }

    fn find(&self, handle: Handle) -> Result<&(Object, u32), Status> {
        self.open.get(&handle).ok_or(BAD_HANDLE)
    }

    fn vcpu(&self, handle: Handle, right: u32) -> Result<&Mutex<Vcpu>, Status> {
        match self.find(handle)? {
            (Object::Vcpu(vcpu), rights) if rights & right == right => Ok(vcpu),
            (Object::Vcpu(_), _) => Err(ACCESS_DENIED),
            _ => Err(WRONG_TYPE),
        }
    }

    fn derive(&mut self, handle: Handle, rights: u32, needed: u32) -> Result<Handle, Status> {
        let (object, had) = self.find(handle)?;
        if had & needed != needed {
            return Err(ACCESS_DENIED);
        }
        let rights = if rights == SAME_RIGHTS { *had } else { rights };
        expect(rights & !had == 0)?;
        let object = object.clone();
        self.insert(object, rights)
    }
}

fn expect(condition: bool) -> Result<(), Status> {
    if condition {
        Ok(())
    } else {
        Err(INVALID_ARGS)
    }
}

fn status(result: Result<(), Status>) -> Status {
    result.err().unwrap_or(ZX_OK)
}

struct Toy {
    arch: Arch,
    defect: String,
    handles: Mutex<Handles>,
}

impl Toy {
    fn handles(&self) -> MutexGuard<'_, Handles> {
        self.handles.lock().expect("no other thread has panicked")
    }

    fn has(&self, defect: &str) -> bool {
        self.defect == defect
    }

    fn write_state(
        &self, handle: Handle, kind: u32, buffer: &mut UserPointer, buffer_size: u64,
    ) -> Result<(), Status> {
        let handles = self.handles();
        let mut vcpu = handles.vcpu(handle, RIGHT_WRITE)?.lock().expect("no panic");
        let kind = if self.has("kind_8_bits") { kind & 0xff } else { kind };
        expect(kind == ZX_VCPU_STATE || kind == ZX_VCPU_IO)?;
        let size = if kind == ZX_VCPU_STATE { self.arch.state_size() } else { IO_SIZE };
        expect(buffer_size == size as u64)?;
        let mut contents = [0; STATE_MAX];
        let contents = &mut contents[..size];
        buffer.read(0, contents).map_err(|_| INVALID_ARGS)?;
        if vcpu.creator != std::thread::current().id() && !self.has("thread_not_checked") {
            return Err(BAD_STATE);
        }
        expect(kind == ZX_VCPU_STATE || matches!(contents[0], 1 | 2 | 4))?;
        if self.has("io_fetched_twice") {
            buffer.read(0, contents).map_err(|_| INVALID_ARGS)?;
        }
        match kind {
            ZX_VCPU_STATE => write_registers(self.arch, &mut vcpu.state, contents),
            _ => write_accumulator(&mut vcpu.state, contents),
        }
        self.written(buffer);
        Ok(())
    }

    fn written(&self, buffer: &mut UserPointer) {
        match self.defect.as_str() {
            "buffer_written_back" => drop(buffer.write(0, &[0])),
            "crash_on_success" => panic!("the planted defect"),
            "hang_on_success" => std::thread::sleep(Duration::from_secs(3600)),
            _ => {}
        }
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
    fn name(&self) -> &str {
        "toy"
    }

    fn version(&self) -> &str {
        "0.3"
    }

    fn arch(&self) -> Arch {
        self.arch
    }

    fn calls(&self) -> &[&'static str] {
        CALLS
    }

    fn reset(&self) -> bool {
        *self.handles() = Handles::new();
        true
    }

    fn zx_guest_create(&self, _resource: Handle, options: u32) -> Result<(Handle, Handle), Status> {
        expect(options == 0)?;
        let mut handles = self.handles();
        Ok((handles.add(Object::Guest)?, handles.add(Object::Region)?))
    }

    fn zx_vcpu_create(&self, guest: Handle, options: u32, _entry: u64) -> Result<Handle, Status> {
        let mut handles = self.handles();
        match handles.find(guest)? {
            (Object::Guest, rights) if rights & RIGHT_MANAGE_THREAD != 0 => {}
            (Object::Guest, _) => return Err(ACCESS_DENIED),
            _ => return Err(WRONG_TYPE),
        }
        expect(options == 0)?;
        let vcpu = Vcpu { creator: std::thread::current().id(), state: [0; STATE_MAX] };
        handles.add(Object::Vcpu(Arc::new(Mutex::new(vcpu))))
    }

    fn zx_vcpu_write_state(
        &self, handle: Handle, kind: u32, buffer: &mut UserPointer, buffer_size: u64,
    ) -> Status {
        status(self.write_state(handle, kind, buffer, buffer_size))
    }

    fn zx_vcpu_read_state(&self, handle: Handle, kind: u32, buffer: &mut [u8]) -> Status {
        let mut read = || {
            let handles = self.handles();
            let vcpu = handles.vcpu(handle, RIGHT_READ)?.lock().expect("no panic");
            expect(kind == ZX_VCPU_STATE && buffer.len() == self.arch.state_size())?;
            if vcpu.creator != std::thread::current().id() {
                return Err(BAD_STATE);
            }
            buffer.copy_from_slice(&vcpu.state[..buffer.len()]);
            Ok(())
        };
        status(read())
    }

    fn zx_handle_close(&self, handle: Handle) -> Status {
        match self.handles().open.remove(&handle) {
            Some(_) => ZX_OK,
            None => BAD_HANDLE,
        }
    }

    fn zx_handle_duplicate(&self, handle: Handle, rights: u32) -> Result<Handle, Status> {
        self.handles().derive(handle, rights, RIGHT_DUPLICATE)
    }

    fn zx_handle_replace(&self, handle: Handle, rights: u32) -> Result<Handle, Status> {
        let mut handles = self.handles();
        let derived = handles.derive(handle, rights, 0)?;
        handles.open.remove(&handle);
        Ok(derived)
    }

    fn zx_event_create(&self, options: u32) -> Result<Handle, Status> {
        expect(options == 0)?;
        self.handles().add(Object::Event)
    }

    fn zx_port_create(&self, options: u32) -> Result<Handle, Status> {
        expect(options == 0)?;
        self.handles().add(Object::Port)
    }

    fn zx_vmo_create(&self, _size: u64, options: u32) -> Result<Handle, Status> {
        expect(options == 0)?;
        self.handles().add(Object::Vmo)
    }
}

fn usage(what: &str) -> ! {
    eprintln!("toy: {}", what);
    eprintln!("usage: toy [--arch x86-64|arm64] [--defect NAME] [--unix PATH] [--sums]");
    eprintln!("defects: {}", DEFECTS.join(" "));
    std::process::exit(2)
}

fn main() -> std::io::Result<()> {
    let (mut arch, mut defect, mut unix, mut sums) = (Arch::X64, String::from("none"), None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(option) = arguments.next() {
        if option == "--sums" {
            sums = true;
            continue;
        }
        let value = arguments.next().unwrap_or_else(|| usage("a value is missing"));
        match (option.as_str(), value.as_str()) {
            ("--arch", "x86-64") => arch = Arch::X64,
            ("--arch", "arm64") => arch = Arch::Arm64,
            ("--defect", name) if DEFECTS.contains(&name) => defect = value,
            ("--unix", _) => unix = Some(value),
            _ => usage(&format!("{} {} is not known", option, value)),
        }
    }
    let toy = Toy { arch, defect, handles: Mutex::new(Handles::new()) };
    serve(Arc::new(toy), sums, unix.as_deref())
}
