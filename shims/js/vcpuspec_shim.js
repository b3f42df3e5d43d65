// SPDX-License-Identifier: BSD-3-Clause
// A shim (docs/shim.md) around an object whose methods are the documented calls: README.md.
'use strict';

const net = require('net');
const {Memory, pagesOf, put, sumOf} = require('./vcpuspec_parts.js');

const LINE = 16384;
const SUM = 13;  // characters of a sum
const FORMS = [
  /^(\d{1,20}) T(\d+) (zx_\w+)((?: N)*)$/, /^(map) T(\d+) (N) ((?:[0-9a-f]{2})+)( ro)?$/,
  /^(hold) T(\d+) (N) ((?:[0-9a-f]{2})+)$/, /^(unmap) T(\d+) (N)$/, /^(end) T(\d+)$/,
].map((form) => new RegExp(form.source.replace('N', '0x[0-9a-f]{1,16}')));

class Shim {
  constructor(make, sums, out) {
    Object.assign(this, {make, sums, out, hasSums: false, callers: 0});
    this.forget();
  }

  forget() {
    this.made = this.make();
    this.pages = new Map();
    this.threads = new Map();  // name of a thread -> the number that it calls with
    this.holds = new Map();
  }

  say(line) {
    this.out.write(line + (this.hasSums ? sumOf(line) : '') + '\n');
  }

  hello() {
    this.forget();
    const {name, arch, resource = 0} = this.made;
    const calls = Object.getOwnPropertyNames(Object.getPrototypeOf(this.made));
    const words = calls.filter((call) => call.startsWith('zx_'));
    words.push('resource=0x' + resource.toString(16), 'hold', ...(this.sums ? ['sums'] : []));
    this.hasSums = false;
    this.say(['hello 2', name, arch, ...words].join(' '));
    this.hasSums = this.sums;
  }

  // False: there is no such call. An exception of the call ends the process, as a crash would.
  call(tag, thread, name, numbers) {
    const call = this.made[name];
    if (typeof call !== 'function' || call.length !== numbers.length + 1) return false;
    if (!this.threads.has(thread)) this.threads.set(thread, ++this.callers);
    const memory = new Memory(this.pages, this.threads.get(thread), this.holds.get(thread));
    this.holds.delete(thread);
    const status = call.call(this.made, memory, ...numbers);
    this.say(`${tag} ${status}${memory.answer()}`);
    return true;
  }

  // False: this cannot be done.
  obey(word, thread, what = '0x0', data = '', ro = '') {
    const bytes = Buffer.from(data, 'hex');
    if (what.startsWith('zx_')) {
      return this.call(word, thread, what, data.split(' ').slice(1).map(BigInt));
    } else if (word === 'map') {
      for (const n of pagesOf(BigInt(what), bytes.length)) {
        if (!this.pages.has(n)) this.pages.set(n, {bytes: Buffer.alloc(4096)});
        this.pages.get(n).readonly = ro !== '';
      }
      put(this.pages, BigInt(what), bytes);
    } else if (word === 'hold') {
      this.holds.set(thread, {at: BigInt(what), bytes});
    } else if (word === 'unmap') {
      this.pages.delete(BigInt(what) / 4096n);
    } else {
      this.threads.delete(thread);
    }
    return true;
  }

  take(line) {
    if (/^hello \d+$/.test(line)) return this.hello();
    const [text, sum] = this.hasSums ? [line.slice(0, -SUM), line.slice(-SUM)] : [line, ''];
    const good = line.length <= LINE && (!this.hasSums || sum === sumOf(text));
    const found = FORMS.map((form) => good && form.exec(text)).find(Boolean);
    if (found && this.obey(...found.slice(1))) return;
    this.say((/^\d{1,20}(?= |$)/.exec(line) || ['0'])[0] + ' error this line is not understood');
  }
}

// make() makes the implementation anew. Serves standard input, or connections to a socket.
exports.serve = function serve(make, {sums = false, unix = undefined} = {}) {
  function connect(lines, out) {
    const shim = new Shim(make, sums, out);
    let rest = '';
    lines.setEncoding('latin1').on('data', (text) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop();
      for (const line of parts) shim.take(line.replace(/\r$/, ''));
    });
  }
  if (unix) net.createServer((socket) => connect(socket, socket)).listen(unix);
  else connect(process.stdin, process.stdout);
};
