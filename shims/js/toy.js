// SPDX-License-Identifier: BSD-3-Clause
// An implementation of zx_vcpu_write_state in memory, behind the shim of vcpuspec_shim.js.
//
// vCPUs without guests: registers that can be written and read, by the reference page. --defect
// breaks one of its sentences, to see that this is found.
'use strict';

const {serve} = require('./vcpuspec_shim.js');

const OK = 0;
const NO_RESOURCES = -3;
const INVALID_ARGS = -10;
const BAD_HANDLE = -11;
const WRONG_TYPE = -12;
const BAD_STATE = -20;
const ACCESS_DENIED = -30;

const DUPLICATE = 1 << 0;
const READ = 1 << 2;
const WRITE = 1 << 3;
const MANAGE_THREAD = 1 << 18;
const SAME_RIGHTS = 0x80000000n;
const BASIC = 1 << 0 | 1 << 1 | 1 << 14 | 1 << 15;  // duplicate, transfer, wait, inspect
const RIGHTS = {  // of a new handle
  resource: BASIC,
  guest: 1 << 0 | 1 << 1 | 1 << 3 | 1 << 15 | 1 << 18,
  vmar: BASIC & ~(1 << 14) | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 21,
  vcpu: BASIC | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 12,
  event: BASIC | 1 << 12,
  port: BASIC & ~(1 << 14) | 1 << 2 | 1 << 3,
  vmo: BASIC | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 12,
};

const MEMORY = 1n << 36n;  // bytes that a guest can have
const STATE = 0n;
const IO = 1n;
const IO_SIZE = 8n;  // bytes: access_size, three of padding, four of data
// The size of the state, and where in it the flags are, with those that are the caller's:
// CF PF AF ZF SF TF DF OF NT AC ID; N Z C V.
const ARCHS = {
  'x86-64': {size: 136, flags: 128, end: 136, user: 0x244dd5},
  'arm64': {size: 264, flags: 256, end: 260, user: 0xf0000000},
};
const DEFECTS = ['none', 'kind_8_bits', 'thread_not_checked', 'buffer_written_back',
  'crash_on_success', 'hang_on_success'];

class Refused extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}

function expect(condition, status = INVALID_ARGS) {
  if (!condition) throw new Refused(status);
}

function attempt(work) {
  try {
    work();
    return OK;
  } catch (error) {
    if (error instanceof Refused) return error.status;
    throw error;
  }
}

// The methods are the documented calls; README.md says what they get.
class Toy {
  constructor(arch, defect) {
    this.name = 'toy';
    this.arch = arch;
    this.layout = ARCHS[arch];
    this.defect = defect;
    this.resource = 0x3;  // what zx_guest_create wants to see
    this.other_resource = 0x7;  // a resource of another kind, which it refuses
    this.handles = new Map([[BigInt(this.resource), this.create('resource')]]);  // {object, rights}
    this.next = 0x10003n;
  }

  zx_guest_create(memory, resource, options, guest, vmar) {
    return attempt(() => {
      expect(resource !== BigInt(this.other_resource), ACCESS_DENIED);
      this.find(resource, 'resource');
      expect(options === 0n);
      this.give(memory, [guest, this.create('guest')], [vmar, this.create('vmar')]);
    });
  }

  zx_vcpu_create(memory, guest, options, entry, out) {
    return attempt(() => {
      this.find(guest, 'guest', MANAGE_THREAD);
      expect(options === 0n && entry < MEMORY);
      const open = [...this.handles.values()];
      expect(open.every(({object}) => object.creator !== memory.caller), BAD_STATE);
      const state = Buffer.alloc(this.layout.size);
      this.give(memory, [out, this.create('vcpu', {creator: memory.caller, state})]);
    });
  }

  zx_vcpu_write_state(memory, handle, kind, buffer, size) {
    return attempt(() => {
      const vcpu = this.find(handle, 'vcpu', WRITE);
      if (this.defect === 'kind_8_bits') kind &= 0xffn;
      expect(kind === STATE || kind === IO);
      expect(size === (kind === STATE ? BigInt(this.layout.size) : IO_SIZE));
      const contents = this.fetch(memory, buffer, size);
      expect(vcpu.creator === memory.caller || this.defect === 'thread_not_checked', BAD_STATE);
      expect(kind === STATE || [1, 2, 4].includes(contents[0]));
      if (kind === STATE) this.writeRegisters(vcpu.state, contents);
      else contents.copy(vcpu.state, 0, 4, 4 + Math.min(contents[0], 4));
      this.written(memory, buffer);
    });
  }

  zx_vcpu_read_state(memory, handle, kind, buffer, size) {
    return attempt(() => {
      const vcpu = this.find(handle, 'vcpu', READ);
      expect(kind === STATE && size === BigInt(this.layout.size));
      expect(vcpu.creator === memory.caller, BAD_STATE);
      expect(memory.write(buffer, vcpu.state));
    });
  }

  zx_handle_close(memory, handle) {
    return attempt(() => {
      if (handle !== 0n) this.find(handle);
      this.handles.delete(handle);
    });
  }

  zx_handle_duplicate(memory, handle, rights, out) {
    return attempt(() => {
      this.find(handle, null, DUPLICATE);
      this.give(memory, [out, this.derive(handle, rights)]);
    });
  }

  zx_handle_replace(memory, handle, rights, out) {
    return attempt(() => {
      this.find(handle);
      try {
        this.give(memory, [out, this.derive(handle, rights)]);
      } finally {
        this.handles.delete(handle);
      }
    });
  }

  zx_event_create(memory, options, out) {
    return attempt(() => {
      expect(options === 0n);
      this.give(memory, [out, this.create('event')]);
    });
  }

  zx_port_create(memory, options, out) {
    return attempt(() => {
      expect(options === 0n);
      this.give(memory, [out, this.create('port')]);
    });
  }

  zx_vmo_create(memory, size, options, out) {
    return attempt(() => {
      expect(options === 0n);
      this.give(memory, [out, this.create('vmo')]);
    });
  }

  // Handles. Values rise, so that a closed one names nothing later; both low bits are set.

  create(kind, more = {}) {
    return {object: {kind, ...more}, rights: RIGHTS[kind]};
  }

  derive(handle, rights) {
    const {object, rights: had} = this.handles.get(handle);
    const asked = rights === SAME_RIGHTS ? had : Number(rights);
    expect((asked & ~had) === 0);
    return {object, rights: asked};
  }

  find(handle, kind = null, right = 0) {
    const found = this.handles.get(handle);
    expect(found !== undefined, BAD_HANDLE);
    expect(kind === null || found.object.kind === kind, WRONG_TYPE);
    expect((found.rights & right) === right, ACCESS_DENIED);
    return found.object;
  }

  // New handles, each to the address that the caller named; none where one cannot be.
  give(memory, ...given) {
    expect(given.every(([at]) => memory.mayWrite(at, 4)));
    for (const [at, entry] of given) {
      expect(this.next < 1n << 32n, NO_RESOURCES);
      const value = Buffer.alloc(4);
      value.writeUInt32LE(Number(this.next));
      this.handles.set(this.next, entry);
      memory.write(at, value);
      this.next += 4n;
    }
  }

  // What is written

  fetch(memory, buffer, size) {
    const contents = memory.read(buffer, size);
    expect(contents !== null);
    return contents;
  }

  writeRegisters(state, contents) {
    const {flags, end, user} = this.layout;
    contents.copy(state, 0, 0, flags);
    state.fill(0, flags, end);
    state.writeUInt32LE((contents.readUInt32LE(flags) & user) >>> 0, flags);
  }

  written(memory, buffer) {
    if (this.defect === 'buffer_written_back') memory.write(buffer, Buffer.alloc(1));
    if (this.defect === 'crash_on_success') throw new Error('the planted defect');
    if (this.defect === 'hang_on_success') for (;;);
  }
}

function usage() {
  console.error('usage: toy.js [--arch x86-64|arm64] [--defect NAME]');
  console.error(`defects: ${DEFECTS.join(' ')}`);
  process.exit(2);
}

function main(words) {
  const given = {'--arch': 'x86-64', '--defect': 'none'};
  while (words.length > 0) {
    const word = words.shift();
    if (!(word in given)) usage();
    given[word] = words.shift();
  }
  const {'--arch': arch, '--defect': defect} = given;
  if (!(arch in ARCHS) || !DEFECTS.includes(defect)) usage();
  serve(() => new Toy(arch, defect));
}

main(process.argv.slice(2));
