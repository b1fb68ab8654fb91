//! What it was measured on.

use serde_json::{Value, json};

fn file(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

/// The machine, as far as Linux tells; the load tells whether somebody else was working on it.
pub(crate) fn describe() -> Value {
    let (processor, memory) = (file("/proc/cpuinfo"), file("/proc/meminfo"));
    json!({
        "processor": field(&processor, "model name"),
        "cores": std::thread::available_parallelism().map(usize::from).unwrap_or_default(),
        "memory": field(&memory, "MemTotal"),
        "kernel": file("/proc/sys/kernel/osrelease").trim(),
        "load": load(),
    })
}

/// The average number of runnable tasks over the last minute.
pub(crate) fn load() -> Option<f64> {
    file("/proc/loadavg").split_whitespace().next()?.parse().ok()
}
