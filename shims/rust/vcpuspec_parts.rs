// SPDX-License-Identifier: BSD-3-Clause
//! For vcpuspec_shim.rs: the memory that a call can reach, words of lines, sums.
use std::collections::HashMap;
use std::io::{Read, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

const PAGE: u64 = 4096;

struct Page {
    bytes: [u8; PAGE as usize],
    readonly: bool,
}

/// The pages of all calls, by their numbers.
#[derive(Clone, Default)]
pub struct Pages(Arc<Mutex<HashMap<u64, Page>>>);

impl Pages {
    fn all(&self) -> MutexGuard<'_, HashMap<u64, Page>> {
        self.0.lock().expect("no other thread has panicked")
    }

    pub fn map(&self, at: u64, bytes: &[u8], readonly: bool) -> Option<()> {
        let pages = pages_of(at, bytes.len())?;
        for number in pages {
            let new = || Page { bytes: [0; PAGE as usize], readonly };
            self.all().entry(number).or_insert_with(new).readonly = readonly;
        }
        self.put(at, bytes);
        Some(())
    }

    pub fn unmap(&self, at: u64) {
        self.all().remove(&(at / PAGE));
    }

    fn put(&self, at: u64, bytes: &[u8]) {
        let mut pages = self.all();
        for (address, byte) in (at..).zip(bytes) {
            if let Some(page) = pages.get_mut(&(address / PAGE)) {
                page.bytes[(address % PAGE) as usize] = *byte;
            }
        }
    }
}

/// The numbers of the pages that these bytes touch.
fn pages_of(at: u64, size: usize) -> Option<Range<u64>> {
    let end = at.checked_add(size as u64)?;
    Some(at / PAGE..end / PAGE + u64::from(end % PAGE != 0))
}

/// What one call can reach.
pub struct Memory {
    pages: Pages,
    hold: Option<(u64, Vec<u8>)>,
    held: bool,
    changed: Vec<(u64, usize)>,
}

impl Memory {
    pub fn new(pages: Pages, hold: Option<(u64, Vec<u8>)>) -> Memory {
        Memory { pages, hold, held: false, changed: Vec::new() }
    }

    /// True, and the bytes are those that are there; false where one is not. What is read twice may
    /// change in between.
    #[must_use]
    pub fn read(&mut self, at: u64, bytes: &mut [u8]) -> bool {
        for (i, byte) in bytes.iter_mut().enumerate() {
            let address = match at.checked_add(i as u64) {
                Some(address) => address,
                None => return false,
            };
            self.touch(address / PAGE);
            match self.pages.all().get(&(address / PAGE)) {
                Some(page) => *byte = page.bytes[(address % PAGE) as usize],
                None => return false,
            }
        }
        true
    }

    /// Whether a call can write all of these bytes.
    pub fn may_write(&self, at: u64, size: usize) -> bool {
        let pages = self.pages.all();
        let may = |number| pages.get(&number).map_or(false, |page| !page.readonly);
        pages_of(at, size).map_or(false, |mut numbers| numbers.all(may))
    }

    /// True, and the bytes are there; false, and nothing is.
    #[must_use]
    pub fn write(&mut self, at: u64, bytes: &[u8]) -> bool {
        if !self.may_write(at, bytes.len()) {
            return false;
        }
        pages_of(at, bytes.len()).into_iter().flatten().for_each(|number| self.touch(number));
        self.pages.put(at, bytes);
        self.changed.push((at, bytes.len()));
        true
    }

    /// What the answer says of memory, behind the status.
    pub fn answer(mut self) -> String {
        let mut text = String::from(if self.held { " held" } else { "" });
        for (at, size) in std::mem::take(&mut self.changed) {
            let mut bytes = vec![0; size];
            if size > 0 && self.read(at, &mut bytes) {
                text += &format!(" {at:#x}=");
                bytes.iter().for_each(|byte| text += &format!("{byte:02x}"));
            }
        }
        text
    }

    fn touch(&mut self, number: u64) {
        if let Some((at, bytes)) = self.hold.take() {
            if at != number * PAGE {
                self.hold = Some((at, bytes));
                return;
            }
            self.pages.put(at - bytes.len() as u64, &bytes);
            self.held = true;
        }
    }
}

/// A line has at most so many bytes, the sum at its end so many of them.
pub const LINE: usize = 16384;
pub const SUM: usize = 13;

/// Where lines come from, and where answers go.
pub type Ends = (Box<dyn Read>, Box<dyn Write + Send>);

/// Where answers go, and how.
pub struct Output {
    pub to: Box<dyn Write + Send>,
    pub has_sums: bool,
}

impl Output {
    pub fn say(&mut self, line: &str) {
        let sum = if self.has_sums { sum_of(line.as_bytes()) } else { String::new() };
        // A write that fails means that the other side is gone: our input ends, too.
        let _ = writeln!(self.to, "{line}{sum}").and_then(|()| self.to.flush());
    }
}

pub fn sum_of(line: &[u8]) -> String {
    let add = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(16777619);
    format!(" sum={:08x}", line.iter().fold(2166136261, add))
}

fn is_hex(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

pub fn is_decimal(word: &str) -> bool {
    matches!(word.len(), 1..=20) && word.bytes().all(|c| c.is_ascii_digit())
}

/// "0x10003"
pub fn number_of(word: &str) -> Option<u64> {
    word.strip_prefix("0x").filter(|n| is_hex(n)).and_then(|n| u64::from_str_radix(n, 16).ok())
}

/// "03000100"
pub fn bytes_of(word: &str) -> Option<Vec<u8>> {
    if !is_hex(word) || word.len() % 2 != 0 {
        return None;
    }
    (0..word.len()).step_by(2).map(|i| u8::from_str_radix(&word[i..i + 2], 16).ok()).collect()
}
