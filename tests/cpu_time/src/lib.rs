//! The processor time that a thread takes: what a test can bound, as a busy machine that lets the
//! thread wait does not change it.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Begins with the thread that makes it, and is to be asked by the same.
pub struct CpuTime(Duration);

impl CpuTime {
    pub fn start() -> Self {
        Self(now())
    }

    pub fn spent(&self) -> Duration {
        now().saturating_sub(self.0)
    }
}

/// Of this thread since it began.
fn now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::{hint::black_box, thread};

    use super::*;

    #[test]
    fn work_takes_time_and_waiting_takes_next_to_none() {
        let clock = CpuTime::start();
        thread::sleep(Duration::from_millis(200));
        let waited = clock.spent();
        assert!(waited < Duration::from_millis(100), "{waited:?}");
        let mut sum = 0_u64;
        while clock.spent() < waited + Duration::from_millis(20) {
            sum = black_box(sum + 1);
        }
        assert!(sum > 0);
    }
}
