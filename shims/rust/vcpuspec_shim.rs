// SPDX-License-Identifier: BSD-3-Clause
//! A shim (docs/shim.md) around an `Implementation`: README.md.
use std::collections::HashMap;
use std::io::{stdin, stdout, BufRead, Write};
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{spawn, JoinHandle};

pub trait Implementation: Send + Sync {
    /// The status of a call. Calls of several threads may meet.
    fn call(&self, name: &str, args: &[u64], memory: &mut Memory) -> i32;
}

/// The documented calls that there are, each with the number of its arguments.
pub type Calls = &'static [(&'static str, usize)];

const PAGE: u64 = 4096;
type Pages = Mutex<HashMap<u64, (Vec<u8>, bool)>>; // by their numbers; whether calls may write

/// What is at address `at + i`, and whether calls may write there.
fn look(pages: &Pages, at: u64, i: usize) -> Option<(u8, bool)> {
    let address = at.checked_add(i as u64)?;
    let pages = pages.lock().unwrap();
    pages.get(&(address / PAGE)).map(|page| (page.0[(address % PAGE) as usize], page.1))
}

/// Puts bytes there; a page that was not there is zeros.
fn put(pages: &Pages, at: u64, bytes: &[u8], may_write: bool) {
    for (address, byte) in (at..).zip(bytes) {
        let mut pages = pages.lock().unwrap();
        let page = pages.entry(address / PAGE).or_insert_with(|| (vec![0; 4096], true));
        page.0[(address % PAGE) as usize] = *byte;
        page.1 = may_write;
    }
}

/// What one call can reach.
pub struct Memory {
    pages: Arc<Pages>,
    changes: String,
}

impl Memory {
    /// True, and the bytes are those that are there, now; false where one is not.
    pub fn read(&self, at: u64, bytes: &mut [u8]) -> bool {
        let take = |(i, byte): (usize, &mut u8)| Some(*byte = look(&self.pages, at, i)?.0);
        bytes.iter_mut().enumerate().all(|place| take(place).is_some())
    }

    /// Whether a call can write all of these bytes.
    pub fn may_write(&self, at: u64, size: usize) -> bool {
        (0..size).all(|i| look(&self.pages, at, i).map_or(false, |found| found.1))
    }

    /// True, and the bytes are there; false, and nothing is.
    pub fn write(&mut self, at: u64, bytes: &[u8]) -> bool {
        let good = self.may_write(at, bytes.len());
        if good && !bytes.is_empty() {
            put(&self.pages, at, bytes, true);
            self.changes += &format!(" {at:#x}=");
            bytes.iter().for_each(|byte| self.changes += &format!("{byte:02x}"));
        }
        good
    }
}

type Call = (String, &'static str, Vec<u64>);
type Thread = (Sender<Call>, JoinHandle<()>);

fn begin_thread(made: Arc<dyn Implementation>, pages: Arc<Pages>) -> Thread {
    let (sender, calls) = channel::<Call>();
    let work = move |(tag, name, args): Call| {
        let mut memory = Memory { pages: pages.clone(), changes: String::new() };
        let call = std::panic::AssertUnwindSafe(|| made.call(name, &args, &mut memory));
        let status = std::panic::catch_unwind(call).unwrap_or_else(|_| std::process::exit(101));
        say(&format!("{tag} {status}{}", memory.changes));
    };
    (sender, spawn(move || calls.into_iter().for_each(work)))
}

fn end_thread((sender, thread): Thread) {
    drop(sender);
    let _ = thread.join();
}

struct Shim {
    made: Arc<dyn Implementation>,
    pages: Arc<Pages>,
    threads: HashMap<String, Thread>,
}

impl Shim {
    /// None: the line is not understood.
    fn obey(&mut self, calls: Calls, words: &[&str]) -> Option<()> {
        let thread = words.get(1)?.strip_prefix('T').filter(|number| is_decimal(number))?;
        match words {
            ["map", _, at, hex] => put(&self.pages, number_of(at)?, &bytes_of(hex)?, true),
            ["map", _, at, hex, "ro"] => put(&self.pages, number_of(at)?, &bytes_of(hex)?, false),
            ["unmap", _, at] => drop(self.pages.lock().unwrap().remove(&(number_of(at)? / PAGE))),
            ["end", _] => drop(self.threads.remove(thread).map(end_thread)),
            [tag, _, name, args @ ..] if is_decimal(tag) => {
                let args = args.iter().map(|arg| number_of(arg)).collect::<Option<Vec<_>>>()?;
                let call = calls.iter().find(|call| **call == (*name, args.len()))?;
                let (made, pages) = (&self.made, &self.pages);
                let new = || begin_thread(made.clone(), pages.clone());
                let thread = self.threads.entry(thread.to_string()).or_insert_with(new);
                thread.0.send((tag.to_string(), call.0, args)).ok()?;
            }
            _ => return None,
        }
        Some(())
    }
}

fn say(line: &str) {
    let _ = stdout().lock().write_all(format!("{line}\n").as_bytes()); // fails at the end alone
}

fn is_decimal(word: &str) -> bool {
    matches!(word.len(), 1..=20) && word.bytes().all(|c| c.is_ascii_digit())
}

fn number_of(word: &str) -> Option<u64> {
    let digits = word.strip_prefix("0x")?;
    let is_hex = digits.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    u64::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

fn bytes_of(word: &str) -> Option<Vec<u8>> {
    let byte = |i| number_of(&format!("0x{}", word.get(i..i + 2)?)).map(|n| n as u8);
    (0..word.len().max(1)).step_by(2).map(byte).collect()
}

/// `greeting`: name, architecture, other words of docs/shim.md but calls. `make` makes all anew.
pub fn serve(greeting: &str, calls: Calls, make: &dyn Fn() -> Arc<dyn Implementation>) {
    let names: String = calls.iter().map(|call| format!(" {}", call.0)).collect();
    let new = || Shim { made: make(), pages: Arc::default(), threads: HashMap::new() };
    let mut shim = new();
    for line in stdin().lock().split(b'\n').map_while(|line| line.ok()) {
        let line = String::from_utf8_lossy(&line);
        let words: Vec<&str> = line.trim_end_matches('\r').split(' ').collect();
        if words.len() == 2 && words[0] == "hello" && is_decimal(words[1]) {
            shim = new(); // a thread ends where nothing can come any more
            say(&format!("hello 2 {greeting}{names}"));
        } else if line.len() > 16384 || shim.obey(calls, &words).is_none() {
            let tag = if is_decimal(words[0]) { words[0] } else { "0" };
            say(&format!("{tag} error this line is not understood"));
        }
    }
}
