// SPDX-License-Identifier: BSD-3-Clause
// For vcpuspec_shim.js: the memory that a call can reach, and sums of lines.
'use strict';

const PAGE = 4096n;

// What one call can reach, and who makes it. Addresses are BigInts.
class Memory {
  constructor(pages, caller, hold) {
    this.pages = pages;    // of all calls: number of the page -> {bytes, readonly}
    this.caller = caller;  // a number that is new for each thread
    this.hold = hold;      // undefined, or what `hold` of docs/shim.md says
    this.held = false;
    this.changed = [];
  }

  // The bytes there; null where one is not. What is read twice may change in between.
  read(at, size) {
    const parts = [];
    for (let left = BigInt(size); left > 0n;) {
      const page = this.pages.get(at / PAGE);
      if (page === undefined) return null;
      this.touch(at / PAGE);
      const part = page.bytes.subarray(Number(at % PAGE), Number(at % PAGE + left));
      parts.push(Buffer.from(part));  // a copy, now
      at += BigInt(part.length);
      left -= BigInt(part.length);
    }
    return Buffer.concat(parts);
  }

  // Whether a call can write all of these bytes.
  mayWrite(at, size) {
    return pagesOf(at, size).every((n) => this.pages.get(n)?.readonly === false);
  }

  // True, and the bytes are there; false, and nothing is.
  write(at, bytes) {
    if (!this.mayWrite(at, bytes.length)) return false;
    pagesOf(at, bytes.length).forEach((n) => this.touch(n));
    put(this.pages, at, bytes);
    if (bytes.length > 0) this.changed.push([at, bytes.length]);
    return true;
  }

  // What the answer says of memory, behind the status.
  answer() {
    const told = this.changed.map(([at, size]) => ` 0x${at.toString(16)}=${this.read(at, size).toString('hex')}`);
    return (this.held ? ' held' : '') + told.join('');
  }

  touch(number) {
    if (this.hold === undefined || number * PAGE !== this.hold.at) return;
    const {at, bytes} = this.hold;
    put(this.pages, at - BigInt(bytes.length), bytes);
    this.hold = undefined;
    this.held = true;
  }
}

function pagesOf(at, size) {
  const numbers = [];
  for (let n = at / PAGE; n * PAGE < at + BigInt(size); n++) numbers.push(n);
  return numbers;
}

function put(pages, at, bytes) {
  for (const byte of bytes) {
    pages.get(at / PAGE).bytes[Number(at % PAGE)] = byte;
    at++;
  }
}

function sumOf(line) {
  let sum = 2166136261;
  for (const byte of Buffer.from(line, 'latin1')) sum = Math.imul(sum ^ byte, 16777619) >>> 0;
  return ' sum=' + sum.toString(16).padStart(8, '0');
}

module.exports = {Memory, pagesOf, put, sumOf};
