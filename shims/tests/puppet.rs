// SPDX-License-Identifier: BSD-3-Clause
//! An implementation with guests, for test_shims.py: puppet.py says what it does.

#[path = "../rust/vcpuspec_shim.rs"]
mod vcpuspec_shim;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};

use vcpuspec_shim::{serve, Arch, Handle, Implementation, Status, UserPointer, PACKET_SIZE, ZX_OK};

const NO_RESOURCES: Status = -3;
const INVALID_ARGS: Status = -10;
const BAD_HANDLE: Status = -11;
const CANCELED: Status = -23;
const RESOURCE: Handle = 0x4000_0003;

#[derive(Clone)]
enum Object {
    Guest,
    Region,
    Vmo,
    Vcpu(u64, Arc<Kick>),
}

#[derive(Default)]
struct Kick {
    kicked: Mutex<bool>,
    bell: Condvar,
}

impl Kick {
    fn ring(&self) {
        *self.kicked.lock().unwrap() = true;
        self.bell.notify_all();
    }

    fn wait(&self) {
        let kicked = self.kicked.lock().unwrap();
        *self.bell.wait_while(kicked, |kicked| !*kicked).unwrap() = false;
    }
}

#[derive(Default)]
struct State {
    open: HashMap<Handle, Object>,
    next: Handle,
    memory: Vec<u8>,
    traps: Vec<(u32, u64, u64)>,
}

impl State {
    fn new_handle(&mut self, object: Object) -> Handle {
        self.next += 4;
        self.open.insert(self.next + 3, object);
        self.next + 3
    }

    fn is_open(&self, handle: Handle) -> Status {
        match self.open.get(&handle) {
            Some(_) => ZX_OK,
            None => BAD_HANDLE,
        }
    }

    fn vcpu(&self, handle: Handle) -> Option<(u64, Arc<Kick>)> {
        match self.open.get(&handle) {
            Some(Object::Vcpu(entry, kick)) => Some((*entry, kick.clone())),
            _ => None,
        }
    }
}

struct Puppet {
    maps: bool,
    state: Mutex<State>,
}

impl Implementation for Puppet {
    fn name(&self) -> &str {
        "puppet"
    }

    fn version(&self) -> &str {
        "1"
    }

    fn arch(&self) -> Arch {
        Arch::X64
    }

    fn resource(&self) -> Handle {
        RESOURCE
    }

    fn calls(&self) -> &[&'static str] {
        &[
            "zx_guest_create",
            "zx_guest_set_trap",
            "zx_vcpu_create",
            "zx_vcpu_enter",
            "zx_vcpu_kick",
            "zx_vcpu_interrupt",
            "zx_vcpu_write_state",
            "zx_handle_close",
            "zx_handle_duplicate",
            "zx_port_create",
            "zx_vmo_create",
            "zx_vmo_read",
            "zx_vmo_write",
            "zx_vmar_map",
        ]
    }

    fn zx_guest_create(&self, resource: Handle, options: u32) -> Result<(Handle, Handle), Status> {
        if resource != RESOURCE || options != 0 {
            return Err(INVALID_ARGS);
        }
        let mut state = self.state.lock().unwrap();
        state.traps.clear();
        Ok((state.new_handle(Object::Guest), state.new_handle(Object::Region)))
    }

    fn zx_guest_set_trap(
        &self, guest: Handle, kind: u32, address: u64, size: u64, port: Handle, key: u64,
    ) -> Status {
        let mut state = self.state.lock().unwrap();
        if !matches!(state.open.get(&guest), Some(Object::Guest)) || port != 0 || key != address {
            return INVALID_ARGS;
        }
        state.traps.push((kind, address, size));
        ZX_OK
    }

    fn zx_vcpu_create(&self, guest: Handle, _options: u32, entry: u64) -> Result<Handle, Status> {
        let mut state = self.state.lock().unwrap();
        let traps = [(2, 0xd0, 1), (1, 0x100000, 0x1000)];
        if !matches!(state.open.get(&guest), Some(Object::Guest))
            || !state.memory.is_empty() && state.traps != traps
        {
            return Err(INVALID_ARGS);
        }
        Ok(state.new_handle(Object::Vcpu(entry, Arc::default())))
    }

    fn zx_vcpu_write_state(&self, _: Handle, _: u32, _: &mut UserPointer, _: u64) -> Status {
        1
    }

    fn zx_vcpu_enter(&self, handle: Handle) -> Result<[u8; PACKET_SIZE], Status> {
        let mut state = self.state.lock().unwrap();
        let (entry, kick) = state.vcpu(handle).ok_or(BAD_HANDLE)?;
        let program = state.memory[entry as usize];
        if program == 2 {
            state.memory[0x90] = 1;
            drop(state);
            kick.wait();
            return Err(CANCELED);
        }
        if program != 4 {
            state.memory[0x40..0x40 + 136].fill(program);
        }
        let mut packet = [0; PACKET_SIZE];
        packet[8] = if program == 3 { 4 } else { 5 };
        packet[16..20].copy_from_slice(match program {
            1 => &[0xd0, 0, 1, 0],
            3 => &[0, 0, 0x10, 0],
            _ => &[0xd4, 0, 4, 1],
        });
        Ok(packet)
    }

    fn zx_vcpu_kick(&self, handle: Handle) -> Status {
        match self.state.lock().unwrap().vcpu(handle) {
            Some((_, kick)) => kick.ring(),
            None => return BAD_HANDLE,
        }
        ZX_OK
    }

    fn zx_vcpu_interrupt(&self, _: Handle, vector: u32) -> Status {
        vector as Status
    }

    fn zx_handle_close(&self, handle: Handle) -> Status {
        match self.state.lock().unwrap().open.remove(&handle) {
            Some(_) => ZX_OK,
            None => BAD_HANDLE,
        }
    }

    fn zx_handle_duplicate(&self, handle: Handle, _rights: u32) -> Result<Handle, Status> {
        let mut state = self.state.lock().unwrap();
        let object = state.open.get(&handle).ok_or(BAD_HANDLE)?.clone();
        Ok(state.new_handle(object))
    }

    fn zx_port_create(&self, _options: u32) -> Result<Handle, Status> {
        Err(100 + self.state.lock().unwrap().open.len() as Status)
    }

    fn zx_vmo_create(&self, size: u64, _options: u32) -> Result<Handle, Status> {
        let mut state = self.state.lock().unwrap();
        state.memory = vec![0; size as usize];
        Ok(state.new_handle(Object::Vmo))
    }

    fn zx_vmo_read(&self, handle: Handle, buffer: &mut [u8], offset: u64) -> Status {
        let state = self.state.lock().unwrap();
        buffer.copy_from_slice(&state.memory[offset as usize..][..buffer.len()]);
        state.is_open(handle)
    }

    fn zx_vmo_write(&self, handle: Handle, data: &[u8], offset: u64) -> Status {
        let mut state = self.state.lock().unwrap();
        state.memory[offset as usize..][..data.len()].copy_from_slice(data);
        state.is_open(handle)
    }

    fn zx_vmar_map(
        &self, region: Handle, options: u32, offset: u64, vmo: Handle, vmo_offset: u64, length: u64,
    ) -> Result<u64, Status> {
        let state = self.state.lock().unwrap();
        if !self.maps {
            return Err(NO_RESOURCES);
        }
        if !matches!(state.open.get(&region), Some(Object::Region))
            || !matches!(state.open.get(&vmo), Some(Object::Vmo))
            || (options, offset, vmo_offset) != (0x17, 0, 0)
            || length != state.memory.len() as u64
        {
            return Err(INVALID_ARGS);
        }
        Ok(0)
    }
}

fn main() -> std::io::Result<()> {
    let maps = !std::env::args().any(|argument| argument == "--no-map");
    serve(Arc::new(Puppet { maps, state: Mutex::default() }), false, None)
}
