//! One command, one answer.

use crate::engine::{Conn, Engine, JobAnswer, JobCommand, Output};

impl<M: Clone> Engine<M> {
    /// Does what a connection that speaks of jobs and tubes wants. One that waits for a job wants
    /// nothing else but to give up.
    pub(crate) fn job(&mut self, conn: Conn, command: JobCommand<M>, out: &mut Vec<Output<M>>) {
        let answer = match command {
            JobCommand::Begin => return self.begin(conn),
            JobCommand::Reserve(timeout) => return self.reserve(conn, timeout, out),
            JobCommand::ReserveJob(id) => return self.reserve_job(conn, id, out),
            JobCommand::GiveUp => return self.give_up_waiting(conn, out),
            JobCommand::Waste => return self.waste_number(),
            JobCommand::Deposit(message) => return self.deposit(conn, message, out),
            JobCommand::Put { ttr, last, message } => self.put(conn, ttr, last, message, out),
            JobCommand::Use(name) => self.use_tube(conn, name),
            JobCommand::Watch(name) => self.watch_tube(conn, &name, out),
            JobCommand::Ignore(name) => self.ignore_tube(conn, &name, out),
            JobCommand::Delete(id) => self.delete(conn, id, out),
            JobCommand::Release { job, priority, delay } => self.release_job(conn, job, (priority, delay), out),
            JobCommand::Bury { job, priority } => self.bury_job(conn, job, priority, out),
            JobCommand::Touch(id) => self.touch(conn, id),
            JobCommand::Kick(most) => self.kick_jobs(conn, most, out),
            JobCommand::KickJob(id) => self.kick_job(id, out),
            JobCommand::Pause(name, time) => self.pause_tube(&name, time),
            JobCommand::Peek(which) => self.peek_job(conn, which),
            JobCommand::Used => {
                let used = self.puller(conn).map(|puller| puller.used);
                self.tube_names(&used).pop().map_or(JobAnswer::NotFound, JobAnswer::Using)
            }
            JobCommand::Watched => {
                let watched = self.puller(conn).map_or_else(Vec::new, |puller| puller.watched.clone());
                JobAnswer::Tubes(self.tube_names(&watched))
            }
            JobCommand::Tubes => {
                JobAnswer::Tubes(self.jobs.as_ref().map_or_else(Vec::new, |jobs| self.tube_names(&jobs.tubes)))
            }
            JobCommand::StatsJob(id) => {
                self.job_stats(id).map_or(JobAnswer::NotFound, |stats| JobAnswer::Job(Box::new(stats)))
            }
            JobCommand::StatsTube(name) => {
                self.tube_stats(name).map_or(JobAnswer::NotFound, |stats| JobAnswer::Tube(Box::new(stats)))
            }
            JobCommand::Stats => JobAnswer::Totals(Box::new(self.job_totals())),
        };
        out.push(Output::Job { conn, answer });
    }
}
