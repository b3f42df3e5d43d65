// SPDX-License-Identifier: BSD-3-Clause
// A shim (docs/shim.md) around an object whose methods are the documented calls: README.md.
'use strict';

const PAGE = 4096n;
const FORMS = [
  /^(\d{1,20}) T(\d+) (zx_\w+)((?: N)*)$/, /^(map) T(\d+) (N) ((?:[0-9a-f]{2})+)( ro)?$/,
  /^(unmap) T(\d+) (N)$/, /^(end) T(\d+)$/, /^(hello) (\d+)$/,
].map((form) => new RegExp(form.source.replace('N', '0x[0-9a-f]{1,16}')));

// What one call can reach, and who makes it. Addresses are BigInts.
class Memory {
  constructor(pages, caller) {
    this.pages = pages;  // of all calls: number of the page -> {bytes, readonly}
    this.caller = caller;  // an object that is another one for each thread
    this.changes = '';
  }

  // The bytes there; null where one is not. What is read twice may change in between.
  read(at, size) {
    const numbers = pagesOf(at, size);
    if (!numbers.every((n) => this.pages.has(n))) return null;
    const bytes = Buffer.concat(numbers.map((n) => this.pages.get(n).bytes));
    return bytes.subarray(Number(at % PAGE), Number(at % PAGE) + Number(size));
  }

  // Whether a call can write all of these bytes.
  mayWrite(at, size) {
    return pagesOf(at, size).every((n) => this.pages.get(n)?.readonly === false);
  }

  // True, and the bytes are there; false, and nothing is.
  write(at, bytes) {
    if (!this.mayWrite(at, bytes.length)) return false;
    put(this.pages, at, bytes);
    const hex = Buffer.from(bytes).toString('hex');
    if (hex !== '') this.changes += ` 0x${at.toString(16)}=${hex}`;
    return true;
  }
}

function pagesOf(at, size) {
  const numbers = [];
  for (let n = at / PAGE; n * PAGE < at + BigInt(size); n++) numbers.push(n);
  return numbers;
}

function put(pages, at, bytes) {
  for (const byte of bytes) {
    pages.get(at / PAGE).bytes[at % PAGE] = byte;
    at++;
  }
}

function map(pages, at, bytes, readonly) {
  for (const n of pagesOf(at, bytes.length)) {
    pages.set(n, {bytes: pages.get(n)?.bytes ?? Buffer.alloc(Number(PAGE)), readonly});
  }
  put(pages, at, bytes);
}

// make() makes the implementation anew.
exports.serve = function serve(make) {
  let made, pages, threads;  // threads: name -> what stands for it

  function hello() {
    made = make();
    pages = new Map();
    threads = new Map();
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(made));
    const calls = names.filter((name) => name.startsWith('zx_')).join(' ');
    const hex = (name) => `${name}=0x${(made[name] ?? 0).toString(16)}`;
    console.log('hello 2', made.name, made.arch, calls, hex('resource'), hex('other_resource'));
  }

  // False: there is no such call. An exception of the call ends the process, as a crash would.
  function call(tag, thread, name, numbers) {
    if (made[name]?.length !== numbers.length + 1) return false;
    if (!threads.has(thread)) threads.set(thread, {});
    const memory = new Memory(pages, threads.get(thread));
    const status = made[name](memory, ...numbers);
    console.log(`${tag} ${status}${memory.changes}`);
    return true;
  }

  function obey(word, thread, what, data, ro) {
    if (word === 'map') map(pages, BigInt(what), Buffer.from(data, 'hex'), ro !== undefined);
    else if (word === 'unmap') pages.delete(BigInt(what) / PAGE);
    else if (word === 'hello') hello();
    else if (word === 'end') threads.delete(thread);
    else return call(word, thread, what, data.split(' ').slice(1).map(BigInt));
    return true;
  }

  require('readline').createInterface({input: process.stdin}).on('line', (line) => {
    const form = FORMS.map((each) => each.exec(line)).find(Boolean);
    if (form && line.length <= 16384 && obey(...form.slice(1))) return;
    console.log((/^\d{1,20}(?= |$)/.exec(line) || ['0'])[0] + ' error this line is not understood');
  });
};
