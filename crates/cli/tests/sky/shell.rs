//! `sky shell`: by a pipe, and at a real terminal.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, atomic::Ordering},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::ground::{Ground, run, until};

/// A shell with its input held open.
struct Shell {
    child: Child,
    input: Option<ChildStdin>,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
    /// How much it had shown when something was written last.
    shown: usize,
}

impl Shell {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let collect = |mut from: Box<dyn std::io::Read + Send>| {
            let text = Arc::new(Mutex::new(String::new()));
            let into = Arc::clone(&text);
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(read @ 1..) = from.read(&mut bytes) {
                    into.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
                }
            });
            text
        };
        let out = collect(Box::new(child.stdout.take().unwrap()));
        let err = collect(Box::new(child.stderr.take().unwrap()));
        let input = child.stdin.take();
        Self { child, input, out, err, shown: 0 }
    }

    fn write(&mut self, text: &str) {
        self.shown = self.out.lock().unwrap().len();
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    async fn shows(&self, text: &str) {
        until(text, || self.out.lock().unwrap().contains(text)).await;
    }

    /// Waits until it is ready for a line: a terminal is switched over before.
    async fn asks(&self) {
        until("an empty prompt", || {
            let out = self.out.lock().unwrap();
            out.len() > self.shown && out.ends_with("sky> \r\u{1b}[5C\u{1b}[?2026l")
        })
        .await;
    }

    fn interrupt(&self) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), Signal::INT).unwrap();
    }

    async fn ended(mut self) -> (Option<i32>, String, String) {
        drop(self.input.take());
        let mut status = None;
        until("the shell to end", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        let texts = (self.out.lock().unwrap().clone(), self.err.lock().unwrap().clone());
        (status.and_then(|status| status.code()), texts.0, texts.1)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn lines_from_a_pipe_are_done_one_after_the_other() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let lines = "# a comment\n\ncall echo.v1.Echo/Say text=\"a b\"\nsky services\nqueues --json\n\
                 cast echo.v1/Say {\"text\": \"c\"}\nhelp\n";
    let said = run(ground.command(&["shell"]), lines).await;
    assert_eq!(said.code, 0, "{said:?}");
    let (first, rest) = said.out.split_once('\n').unwrap();
    assert!(first.contains("\"text\":\"a b\""), "{said:?}");
    assert!(rest.starts_with("SERVICE") && rest.contains("echo.v1.Echo"), "{said:?}");
    assert!(rest.contains("\"channel\": \"echo.v1\""), "{said:?}");
    assert!(rest.contains("Tab completes names and fields"), "{said:?}");
}

#[tokio::test]
async fn ctrl_c_ends_a_shell_that_waits_for_a_line() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let mut shell = Shell::start(ground.command(&["shell"]));
    shell.write("call echo.v1.Echo/Say {\"text\": \"first\"}\n");
    shell.shows("first").await;
    // It waits for the next one from now on, at the latest a moment later.
    let mut status = None;
    until("the shell to end", || {
        shell.interrupt();
        status = shell.child.try_wait().unwrap();
        status.is_some()
    })
    .await;
    assert_eq!(status.unwrap().code(), Some(0), "{}", shell.err.lock().unwrap());
}

#[tokio::test]
async fn a_mistake_is_said_and_the_next_line_is_done() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let lines = "cal x\ncall echo.v1/Sya {}\ncall echo.v1/Say {\"txt\": 1}\ncall echo.v1/Say 'a\n\
                 call echo.v1/Refuse {\"text\": \"no\"}\nunlisten a.b\ncall echo.v1/Say -\ndrain zz\nbogus\n\
                 call echo.v1/Say {\"text\": \"z\"}\n";
    let said = run(ground.command(&["shell"]), lines).await;
    assert_eq!(said.code, 1, "{said:?}");
    for sentence in [
        "there is no command \"cal\" (did you mean call?); see `help`",
        "echo.v1.Echo has no method \"Sya\"; did you mean Say?",
        "there is no field \"txt\"; did you mean \"text\"?",
        "the quote in column 18 is not closed",
        "FAILED_PRECONDITION: nobody may say no",
        "\"a.b\" is not listened to, but nothing is",
        "there is no standard input to read here",
        "no instance's GUID starts with \"zz\"; see `instances`\n",
        "there is no command \"bogus\"; see `help`\n",
        "sky: 9 lines failed\n",
    ] {
        assert!(said.err.contains(sentence), "{sentence} is missing from\n{}", said.err);
    }
    assert!(said.out.contains("\"text\":\"z\""), "{said:?}");
}

#[tokio::test]
async fn events_are_shown_as_they_come_and_ctrl_c_stops_a_stream_only() {
    let (ground, echo, _running) = Ground::with_echo().await;
    let mut shell = Shell::start(ground.command(&["shell"]));
    shell.write("listen echo.shouted\npublish echo.shouted {\"text\": \"hey\"}\n");
    shell.shows("echo.shouted  {\"text\": \"hey\"}\n").await;
    until("the service to hear it, too", || *echo.heard.lock().unwrap() == ["hey"]).await;

    shell.write("call echo.v1/Count\n");
    shell.shows("\n3\n").await;
    shell.interrupt();
    until("the stream to end", || echo.left.load(Ordering::SeqCst)).await;
    shell.write("call echo.v1/Say {\"text\": \"still here\"}\n");
    shell.shows("still here").await;

    // What waits for an answer can be given up, too.
    shell.write("call echo.v1/Doze {\"ms\": 600000} --timeout 10m\n");
    until("the call to wait", || {
        let queues = ground.command(&["queues", "--json"]).output().unwrap().stdout;
        String::from_utf8_lossy(&queues).contains("\"leased\": 1")
    })
    .await;
    shell.interrupt();
    shell.write(
        "unlisten\npublish echo.shouted {\"text\": \"unheard\"}\ncall echo.v1/Say {\"text\": \"the end\"}\nquit\n",
    );
    let (code, out, err) = shell.ended().await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("the end") && !out.contains("unheard"), "{out}");
    assert!(err.contains("sky: stopped; whether it was done is not known"), "{err}");
}

#[tokio::test]
async fn whoever_only_listens_goes_on_after_the_last_line() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let mut shell = Shell::start(ground.command(&["shell"]));
    shell.write("listen echo.shouted -n 1\n");
    drop(shell.input.take());
    let err = Arc::clone(&shell.err);
    until("it to listen", || err.lock().unwrap().contains("listening to echo.shouted")).await;
    ground.ok(&["publish", "echo.shouted", "{\"text\":\"late\"}"]).await;
    let (code, out, _) = shell.ended().await;
    assert_eq!((code, out.as_str()), (Some(0), "echo.shouted  {\"text\":\"late\"}\n"));
}

#[tokio::test]
async fn sky_listen_shows_as_many_events_as_are_wished() {
    let (ground, _echo, _running) = Ground::with_echo().await;
    let mut listen = ground.command(&["listen", "echo.shouted", "-n", "2"]);
    let mut child = listen.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    said.read_line(&mut first).unwrap();
    assert_eq!(first, "sky: listening to echo.shouted\n");
    for word in ["a", "b", "c"] {
        ground.ok(&["publish", "echo.shouted", &format!("{{\"text\":\"{word}\"}}")]).await;
    }
    let ended = tokio::task::spawn_blocking(move || {
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (child.wait().unwrap().code(), out)
    });
    assert_eq!(ended.await.unwrap(), (Some(0), "{\"text\":\"a\"}\n{\"text\":\"b\"}\n".to_owned()));
}

/// At a terminal: `script` gives it one.
#[tokio::test]
async fn at_a_terminal_tab_completes_and_lines_are_remembered() {
    let (ground, echo, _running) = Ground::with_echo().await;
    let state = ground.directory.path().join("state");
    let at_terminal = || {
        let mut script = Command::new("script");
        let sky = env!("CARGO_BIN_EXE_sky");
        // With `exec` no other shell is between them, which Ctrl-C would end with its own code.
        script.args(["-qefc", &format!("exec '{sky}' --broker '{}' shell", ground.url), "/dev/null"]);
        script.env("XDG_STATE_HOME", &state).env("TERM", "xterm").env("NO_COLOR", "1");
        // The user's own may be one that lets nobody in.
        script.env("SHELL", "/bin/sh");
        Shell::start(script)
    };
    let mut shell = at_terminal();
    shell.shows("sky> ").await;
    shell.shows("Tab completes, Ctrl-D leaves").await;
    // A command, a method and a field, each by its beginning.
    shell.write("cal\techo.v1.Echo/Sa\t{\"te\tseen\"}\r");
    shell.shows("\"text\":\"seen\"").await;
    shell.shows("sky> call echo.v1.Echo/Say {\"text\": \"").await;
    // Ctrl-C stops a stream, and the shell goes on; at the prompt it gives up the line.
    shell.write("call echo.v1/Count\r");
    shell.shows("\r\n3\r\n").await;
    shell.write("\x03");
    until("the stream to end", || echo.left.load(Ordering::SeqCst)).await;
    shell.asks().await;
    shell.write("call echo.v1/Refu\x03");
    shell.asks().await;
    // An event comes while a line is being written.
    shell.write("listen echo.shouted\r");
    shell.shows("listening to echo.shouted").await;
    shell.asks().await;
    shell.write("call echo.v1/Say {\"text\": ");
    shell.shows("call echo.v1/Say {\"text\": ").await;
    ground.ok(&["publish", "echo.shouted", "{\"text\":\"meanwhile\"}"]).await;
    shell.shows("echo.shouted  {\"text\":\"meanwhile\"}").await;
    shell.write("\"after\"}\r");
    shell.shows("\"text\":\"after\"").await;
    // The fields of an event are known, too.
    shell.asks().await;
    shell.write("publish echo.shouted {\tfield\"}\r");
    shell.shows("echo.shouted  {\"text\": \"field\"}").await;
    // Two lines at once, as they are pasted.
    shell.asks().await;
    shell.write("call echo.v1/Say {\"text\": \"one\"}\rcall echo.v1/Say {\"text\": \"two\"}\r");
    shell.shows("\"text\":\"one\"").await;
    shell.shows("\"text\":\"two\"").await;
    shell.asks().await;
    shell.write(" call echo.v1/Say {\"text\": \"secret\"}\r");
    shell.shows("\"text\":\"secret\"").await;
    shell.asks().await;
    shell.write("\x04");
    let (code, out, _) = shell.ended().await;
    assert_eq!(code, Some(0), "{out}");

    let remembered = std::fs::read_to_string(state.join("skyloom/shell_history")).unwrap();
    assert!(remembered.contains("call echo.v1.Echo/Say {\"text\": \"seen\"}\n"), "{remembered}");
    assert!(!remembered.contains("secret") && !remembered.contains("Refu"), "{remembered}");
    // The next shell has them, the first seven lines up.
    let mut next = at_terminal();
    next.asks().await;
    next.write(&("\x1b[A".repeat(7) + "\r"));
    next.shows("\"text\":\"seen\"").await;
    next.asks().await;
    next.write("\x04");
    assert_eq!(next.ended().await.0, Some(0));
}
