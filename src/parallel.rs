//! Work on many things at once: what waits for the file system is done by as many threads as there are processors.

use std::sync::atomic::{AtomicUsize, Ordering};

/// `work` of each of `jobs`, in their order. Threads are started only for `from` jobs and more: starting one takes as
/// long as dozens of short reads.
pub fn each<J: Sync, R: Send>(from: usize, jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    // To ask how many processors there are takes a dozen calls of the system.
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if jobs.len() < from { 1 } else { processors() };
    if threads == 1 {
        return jobs.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let turns = || {
        let mut done = vec![];
        while let Some((at, job)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            jobs.get(at).map(|job| (at, job))
        } {
            done.push((at, work(job)));
        }
        done
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(jobs.len()))
            .map(|_| scope.spawn(turns))
            .collect();
        let mut done = turns();
        // A panic aborts the process, so that no thread ends without its share.
        done.extend(
            others
                .into_iter()
                .filter_map(|thread| thread.join().ok())
                .flatten(),
        );
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_order_is_that_of_the_jobs() {
        let jobs: Vec<usize> = (0..1000).collect();
        for from in [0, 2000] {
            assert_eq!(
                super::each(from, &jobs, |job| job * 2),
                jobs.iter().map(|job| job * 2).collect::<Vec<_>>()
            );
        }
    }
}
