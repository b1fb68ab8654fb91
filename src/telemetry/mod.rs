//! Placeholder
use std::time::Duration;
/// x
#[derive(Clone, Default)]
pub struct Metrics;
#[allow(missing_docs)]
impl Metrics {
    pub fn pass(&self, _s: &str, _k: &str, _e: Duration) {}
    pub fn rows_changed(&self, _s: &str, _k: &str, _o: &str) {}
    pub fn status_patched(&self, _o: &str) {}
    pub fn records(&self, _s: &str, _a: usize, _b: usize, _c: usize, _d: usize) {}
    pub fn call(&self, _s: &str, _k: &str, _o: &str, _e: Duration) {}
    pub fn round(&self, _s: &str, _f: f64, _e: Duration) {}
    pub fn solid_server_up(&self, _s: &str, _u: bool) {}
    pub fn queue_depth(&self, _n: usize) {}
    pub fn forget(&self, _s: &str) {}
}
/// x
#[derive(Clone, Default)]
pub struct Health;
#[allow(missing_docs)]
impl Health { pub fn set_ready(&self, _r: bool) {} }
