//! How many jobs a connection asks for at once.

/// After so many jobs that came one by one, it is tried whether there are more. To beanstalkd a question in vain costs as
/// much as a job.
const TRIES: u32 = 8;

/// How many jobs are asked for at once: more and more while that many are there.
#[derive(Debug)]
pub(super) struct Burst {
    most: usize,
    /// One stands for a single job, which is waited for.
    size: usize,
    /// How many jobs in a row have come one by one.
    single: u32,
}

impl Burst {
    /// One at first, and never more than `most`.
    pub(super) const fn up_to(most: usize) -> Self {
        Self { most, size: 1, single: 0 }
    }

    /// How many jobs to ask for, if there are so many; none: wait for one.
    pub(super) const fn at_once(&self) -> Option<usize> {
        if self.size > 1 { Some(self.size) } else { None }
    }

    /// So many were asked for, and so many have come.
    pub(super) fn came(&mut self, asked: usize, jobs: usize) {
        if jobs < asked {
            (self.size, self.single) = (jobs.max(1), 0);
        } else if asked > 1 {
            self.size = (self.size * 2).min(self.most);
        } else if asked == 1 && self.size == 1 {
            self.single += 1;
            if self.single == TRIES {
                (self.size, self.single) = (self.most.min(2), 0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_asked_for_while_there_is_more_and_seldom_in_vain() {
        let mut burst = Burst::up_to(16);
        for _ in 1..TRIES {
            burst.came(1, 1);
            assert_eq!(burst.at_once(), None);
        }
        burst.came(0, 0);
        let sizes = [1, 2, 4, 8, 16].map(|jobs| {
            burst.came(jobs, jobs);
            burst.at_once()
        });
        assert_eq!(sizes, [Some(2), Some(4), Some(8), Some(16), Some(16)]);
        burst.came(5, 5);
        assert_eq!(burst.at_once(), Some(16), "there was no credit for more");
        burst.came(16, 3);
        assert_eq!(burst.at_once(), Some(3));
        burst.came(3, 0);
        assert_eq!(burst.at_once(), None);
        (1..TRIES).for_each(|_| burst.came(1, 1));
        burst.came(1, 0);
        (1..TRIES).for_each(|_| burst.came(1, 1));
        assert_eq!(burst.at_once(), None, "they were not in a row");
        burst.came(1, 1);
        assert_eq!(burst.at_once(), Some(2));
    }
}
