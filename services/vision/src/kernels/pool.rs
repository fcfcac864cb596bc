//! Threads that take short pieces of work within microseconds.
//!
//! A step of the decoder is some two hundred products of a tenth of a millisecond each; threads that sleep between them
//! would cost as much again. Workers of this pool look for work for a moment before they sleep, and a caller never waits
//! for one that has not woken yet.
#![allow(unsafe_code)]

use std::any::Any;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::thread::{self, Thread};

/// How often a worker looks for work before it sleeps: some tens of microseconds.
const LOOKS: u32 = 4_000;
/// Set in the gate while workers may come in.
const OPEN: u64 = 1 << 31;
/// The lower part of the gate counts the workers that are in.
const INSIDE: u64 = OPEN - 1;

struct Shared {
    /// The job's number in the upper half, [`OPEN`], and how many workers are in.
    gate: AtomicU64,
    job: AtomicPtr<Job<'static>>,
}

struct Job<'a> {
    work: &'a (dyn Fn(usize) + Sync),
    units: usize,
    /// Threads that may take units.
    threads: usize,
    next: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

struct Pool {
    shared: Arc<Shared>,
    workers: Vec<Thread>,
    caller: Mutex<()>,
}

/// Calls `work` with every number below `units`, on all threads of the pool.
///
/// A panic of `work` is passed on. A call from inside of `work`, or while another thread's call runs, stays on its
/// own thread.
pub(crate) fn parallel(units: usize, work: &(dyn Fn(usize) + Sync)) {
    static POOL: OnceLock<Pool> = OnceLock::new();
    let pool = POOL.get_or_init(|| Pool::new(rayon::current_num_threads()));
    let alone = || (0..units).for_each(work);
    if units <= 1 || pool.workers.is_empty() {
        return alone();
    }
    let _calling = match pool.caller.try_lock() {
        Ok(calling) => calling,
        // A call before this one ended in a panic, after the last worker had left.
        Err(TryLockError::Poisoned(error)) => error.into_inner(),
        Err(TryLockError::WouldBlock) => return alone(),
    };
    pool.run(units, work);
}

impl Pool {
    fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared { gate: AtomicU64::new(0), job: AtomicPtr::new(std::ptr::null_mut()) });
        let workers = (1..threads)
            .filter_map(|index| {
                let shared = Arc::clone(&shared);
                let builder = thread::Builder::new().name(format!("vision-{index}"));
                // With fewer threads than asked for all is as right and slower.
                Some(builder.spawn(move || shared.serve()).ok()?.thread().clone())
            })
            .collect();
        Self { shared, workers, caller: Mutex::new(()) }
    }

    fn run(&self, units: usize, work: &(dyn Fn(usize) + Sync)) {
        let threads = self.workers.len() + 1;
        let job = Job { work, units, threads, next: AtomicUsize::new(0), panic: Mutex::new(None) };
        let address = (&raw const job).cast_mut().cast::<Job<'static>>();
        self.shared.job.store(address, Ordering::Relaxed);
        let number = (self.shared.gate.load(Ordering::Relaxed) >> 32) + 1;
        self.shared.gate.store((number & u64::from(u32::MAX)) << 32 | OPEN, Ordering::Release);
        for worker in self.workers.iter().take(units - 1) {
            worker.unpark();
        }
        job.run();
        // From here on nobody comes in, and those who are in have no more than their last unit before them.
        self.shared.gate.fetch_and(!OPEN, Ordering::Relaxed);
        let mut looks = 0;
        while self.shared.gate.load(Ordering::Acquire) & INSIDE != 0 {
            looks += 1;
            if looks < LOOKS { spin_loop() } else { thread::yield_now() }
        }
        let panic = job.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Shared {
    fn serve(&self) {
        let mut last = 0;
        loop {
            let mut looks = 0;
            let gate = loop {
                let gate = self.gate.load(Ordering::Relaxed);
                if gate & OPEN != 0 && gate >> 32 != last {
                    break gate;
                }
                looks += 1;
                if looks < LOOKS {
                    spin_loop();
                } else {
                    thread::park();
                    looks = 0;
                }
            };
            if self.gate.compare_exchange(gate, gate + 1, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                last = gate >> 32;
                // SAFETY: this worker is counted in the gate, and whoever put the job there keeps it until none is.
                unsafe { &*self.job.load(Ordering::Relaxed) }.run();
                self.gate.fetch_sub(1, Ordering::Release);
            }
        }
    }
}

impl Job<'_> {
    /// Where the run of units ends that begins with `first`. Neighbours, since what they read lies side by side; of
    /// those that are left a part only, so that all threads are done at about the same time.
    fn end_of_run(&self, first: usize) -> usize {
        first + ((self.units - first) / (2 * self.threads)).max(1)
    }

    fn run(&self) {
        let run = || {
            loop {
                let taken = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                    (next < self.units).then(|| self.end_of_run(next))
                });
                let Ok(first) = taken else { return };
                (first..self.end_of_run(first)).for_each(self.work);
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            self.next.store(self.units, Ordering::Relaxed);
            *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
        }
    }
}

/// A slice of which several threads write different parts.
pub(crate) struct Shares<'a, T> {
    start: *mut T,
    length: usize,
    slice: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: whoever takes a part promises that nobody else has it, so sharing this is sending the parts.
unsafe impl<T: Send> Sync for Shares<'_, T> {}

impl<'a, T> Shares<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len(), slice: std::marker::PhantomData }
    }

    /// The `count` numbers at `start`; an empty slice where there are none.
    ///
    /// # Safety
    /// No two parts that are alive at the same time may overlap.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, start: usize, count: usize) -> &'a mut [T] {
        if start.checked_add(count).is_none_or(|end| end > self.length) {
            return &mut [];
        }
        // SAFETY: the range lies in the slice, which is borrowed for `'a`; the caller sees to it that it is not shared.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), count) }
    }
}

/// Calls `work` with every piece of `size` numbers of `slice` and its index, on all threads.
pub(crate) fn parallel_chunks<T: Send>(slice: &mut [T], size: usize, work: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let (size, length) = (size.max(1), slice.len());
    let shares = Shares::new(slice);
    parallel(length.div_ceil(size), &|index| {
        let start = index * size;
        // SAFETY: every index stands for another range.
        work(index, unsafe { shares.part(start, size.min(length - start)) });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_done_once() {
        for units in [0, 1, 2, 3, 100, 1000] {
            let mut counts = vec![0; units];
            parallel_chunks(&mut counts, 1, &|_, count| count[0] += 1);
            assert!(counts.iter().all(|count| *count == 1));
        }
    }

    #[test]
    fn calls_from_inside_and_beside_are_done_too() {
        let total = AtomicUsize::new(0);
        let nested = || {
            parallel(8, &|_| {
                parallel(8, &|_| {
                    total.fetch_add(1, Ordering::Relaxed);
                });
            });
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(nested);
            }
        });
        assert_eq!(total.into_inner(), 256);
    }

    #[test]
    fn a_panic_is_passed_on_and_the_pool_goes_on() {
        for _ in 0..3 {
            let caught = catch_unwind(|| parallel(50, &|unit| assert_ne!(unit, 20)));
            assert!(caught.is_err());
            let done = AtomicUsize::new(0);
            parallel(50, &|_| {
                done.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(done.into_inner(), 50);
        }
    }
}
