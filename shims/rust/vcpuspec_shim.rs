// SPDX-License-Identifier: BSD-3-Clause
//! A shim (docs/shim.md) around an `Implementation`: README.md.
use std::collections::HashMap;
use std::io::{stdin, stdout, BufRead, BufReader, Result};
use std::os::unix::net::UnixListener;
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{spawn, JoinHandle};
#[path = "vcpuspec_parts.rs"]
mod parts;
pub use self::parts::Memory;
use self::parts::{bytes_of, is_decimal, number_of, sum_of, Ends, Output, Pages, LINE, SUM};

/// What the greeting says. A call is its name and how many arguments it takes.
pub struct About {
    pub name: &'static str,
    pub arch: &'static str,
    pub resource: u32,
    pub calls: &'static [(&'static str, usize)],
}

pub trait Implementation: Send + Sync {
    /// The status of a call. Calls of several threads may meet.
    fn call(&self, name: &str, args: &[u64], memory: &mut Memory) -> i32;
}

type Made = Arc<dyn Implementation>;
type Call = (String, &'static str, Vec<u64>, Memory);
type Thread = (Sender<Call>, JoinHandle<()>);

struct Shim<'a> {
    about: &'a About,
    make: &'a dyn Fn() -> Made,
    sums: bool,
    output: Arc<Mutex<Output>>,
    made: Made,
    pages: Pages,
    threads: HashMap<String, Thread>,
    holds: HashMap<String, (u64, Vec<u8>)>,
}

impl Shim<'_> {
    fn output(&self) -> MutexGuard<'_, Output> {
        self.output.lock().expect("no other thread has panicked")
    }

    fn hello(&mut self) {
        self.threads.clear(); // a thread ends where nothing can come any more
        self.holds.clear();
        self.pages = Pages::default();
        self.made = (self.make)();
        let About { name, arch, resource, calls } = self.about;
        let calls: String = calls.iter().map(|call| format!(" {}", call.0)).collect();
        let sums = if self.sums { " sums" } else { "" };
        let mut output = self.output();
        output.has_sums = false;
        output.say(&format!("hello 2 {name} {arch}{calls} resource={resource:#x} hold{sums}"));
        output.has_sums = self.sums;
    }

    fn begin_thread(&self) -> Thread {
        let (sender, calls) = channel::<Call>();
        let (made, output) = (self.made.clone(), self.output.clone());
        let thread = spawn(move || {
            for (tag, name, args, mut memory) in calls {
                let status = made.call(name, &args, &mut memory);
                let line = format!("{tag} {status}{}", memory.answer());
                output.lock().expect("no other thread has panicked").say(&line);
            }
        });
        (sender, thread)
    }

    fn call(&mut self, tag: &str, thread: &str, name: &str, args: Vec<u64>) -> Option<()> {
        let call = self.about.calls.iter().find(|call| **call == (name, args.len()))?;
        let memory = Memory::new(self.pages.clone(), self.holds.remove(thread));
        if !self.threads.contains_key(thread) {
            self.threads.insert(thread.to_string(), self.begin_thread());
        }
        self.threads[thread].0.send((tag.to_string(), call.0, args, memory)).ok()
    }

    /// None: the line is not understood.
    fn obey(&mut self, words: &[&str]) -> Option<()> {
        let thread = words.get(1)?.strip_prefix('T').filter(|number| is_decimal(number))?;
        match words {
            [tag, _, name, args @ ..] if is_decimal(tag) => {
                let args: Option<Vec<u64>> = args.iter().map(|arg| number_of(arg)).collect();
                return self.call(tag, thread, name, args?);
            }
            ["map", _, at, hex] => self.pages.map(number_of(at)?, &bytes_of(hex)?, false)?,
            ["map", _, at, hex, "ro"] => self.pages.map(number_of(at)?, &bytes_of(hex)?, true)?,
            ["hold", _, at, hex] => {
                self.holds.insert(thread.to_string(), (number_of(at)?, bytes_of(hex)?));
            }
            ["unmap", _, at] => self.pages.unmap(number_of(at)?),
            ["end", _] => {
                if let Some((sender, thread)) = self.threads.remove(thread) {
                    drop(sender);
                    thread.join().ok()?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn take(&mut self, line: &str) {
        if line.strip_prefix("hello ").map_or(false, is_decimal) {
            return self.hello();
        }
        let has_sums = self.output().has_sums;
        let end = if has_sums { line.len().saturating_sub(SUM) } else { line.len() };
        let (words, sum) = line.split_at(if line.is_ascii() { end } else { 0 });
        let good = line.len() <= LINE && (!has_sums || sum == sum_of(words.as_bytes()));
        if !good || self.obey(&words.split(' ').collect::<Vec<_>>()).is_none() {
            let tag = line.split(' ').next().filter(|tag| is_decimal(tag)).unwrap_or("0");
            self.output().say(&format!("{tag} error this line is not understood"));
        }
    }
}

fn connect(about: &About, make: &dyn Fn() -> Made, sums: bool, (from, to): Ends) -> Result<()> {
    let output = Arc::new(Mutex::new(Output { to, has_sums: false }));
    let (made, pages) = (make(), Pages::default());
    let (threads, holds) = (HashMap::new(), HashMap::new());
    let mut shim = Shim { about, make, sums, output, made, pages, threads, holds };
    for line in BufReader::new(from).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        shim.take(line.strip_suffix('\r').unwrap_or(&line));
    }
    Ok(())
}

/// `make` makes the implementation anew. Serves standard input, or connections to a socket.
pub fn serve(about: &About, make: &dyn Fn() -> Made, sums: bool, unix: Option<&str>) -> Result<()> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        hook(info); // a panic is a crash: it ends the process
        std::process::exit(101)
    }));
    if unix.is_none() {
        return connect(about, make, sums, (Box::new(stdin()), Box::new(stdout())));
    }
    for connection in UnixListener::bind(unix.unwrap_or_default())?.incoming() {
        let to = connection?;
        connect(about, make, sums, (Box::new(to.try_clone()?), Box::new(to)))?;
    }
    Ok(())
}
