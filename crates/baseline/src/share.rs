//! Work that is shared out among threads by its weight, where there is enough of it to be worth one. It refuses to know
//! what the work is.

use std::cmp::Reverse;
use std::thread;

/// Runs every job once; those with the most weight are spread over the threads first.
pub(crate) fn share_out<T: Send>(mut jobs: Vec<(usize, T)>, least: usize, run: impl Fn(T) + Sync) {
    let weight: usize = jobs.iter().map(|(weight, _)| weight).sum();
    let most = thread::available_parallelism().map_or(1, usize::from);
    let threads = (weight / least.max(1)).clamp(1, most.min(jobs.len()).max(1));
    if threads == 1 {
        jobs.into_iter().for_each(|(_, job)| run(job));
        return;
    }
    jobs.sort_by_key(|(weight, _)| Reverse(*weight));
    let mut shares: Vec<(usize, Vec<T>)> = (0..threads).map(|_| (0, Vec::new())).collect();
    for (weight, job) in jobs {
        if let Some(share) = shares.iter_mut().min_by_key(|(sum, _)| *sum) {
            share.0 += weight;
            share.1.push(job);
        }
    }
    let run = &run;
    thread::scope(|scope| {
        let mine = shares.pop();
        for (_, share) in shares {
            scope.spawn(move || share.into_iter().for_each(run));
        }
        mine.into_iter().flat_map(|(_, jobs)| jobs).for_each(run);
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_job_is_done_once() {
        for (jobs, least) in [(0usize, 1), (1, 1), (50, 1), (50, 1000)] {
            let done: Vec<AtomicUsize> = (0..jobs).map(|_| AtomicUsize::new(0)).collect();
            let weighted = (0..jobs).map(|n| (n, n)).collect();
            share_out(weighted, least, |n| {
                done[n].fetch_add(1, Ordering::Relaxed);
            });
            assert!(done.iter().all(|n| n.load(Ordering::Relaxed) == 1));
        }
    }
}
