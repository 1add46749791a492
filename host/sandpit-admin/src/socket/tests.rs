//! The server against real sockets: honest callers, and all the others.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use proptest::{prelude::*, test_runner::Config};
use tempfile::TempDir;

use super::{connection::Timing, *};
use crate::{protocol, *};

/// Nothing in these tests takes longer, unless it is stuck.
const LONG: Duration = Duration::from_secs(20);

/// A session that is only its socket.
struct Session {
    folder: TempDir,
    server: Server,
}

impl Session {
    fn begin() -> Self {
        Self::timed(Timing { request_every: Duration::ZERO, ..Timing::default() })
    }

    fn timed(timing: Timing) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = open(folder.path(), |_| true, timing);
        Self { folder, server }
    }

    fn state(&self) -> &Path {
        self.folder.path()
    }

    fn call(&self) -> Caller {
        Caller::of(self.state())
    }

    /// The next command, once there is one.
    fn next(&self) -> Asked {
        next(&self.server)
    }

    fn has_something(&self) -> bool {
        is_ready(&self.server, Duration::ZERO)
    }

    /// Comes back once so many commands wait.
    fn until_waiting(&self, count: usize) {
        let deadline = Instant::now() + LONG;
        while self.server.waiting() < count {
            assert!(Instant::now() < deadline, "{} wait", self.server.waiting());
            thread::yield_now();
        }
    }
}

fn open(state: &Path, admits: fn(u32) -> bool, timing: Timing) -> Server {
    Server::open_with(&socket_path(state), Box::new(admits), timing).unwrap()
}

fn is_ready(server: &Server, wait: Duration) -> bool {
    let wake = server.wake_fd();
    let mut wanted = [rustix::event::PollFd::new(&wake, rustix::event::PollFlags::IN)];
    let wait = rustix::event::Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap(),
        tv_nsec: wait.subsec_nanos().into(),
    };
    rustix::event::poll(&mut wanted, Some(&wait)).unwrap() == 1
}

fn next(server: &Server) -> Asked {
    assert!(is_ready(server, LONG), "nothing came");
    server.take().expect("what is readable can be taken")
}

/// A caller that says what it likes.
struct Caller(BufReader<UnixStream>);

impl Caller {
    fn of(state: &Path) -> Self {
        let stream = UnixStream::connect(socket_path(state)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    fn ask(&mut self, command: &str) -> io::Result<()> {
        self.say(format!("{{\"version\":1,\"command\":{command}}}\n").as_bytes())
    }

    /// The next line; empty at the end.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(_) => line,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => String::new(),
            Err(error) => panic!("{error}"),
        }
    }

    /// The code of the refusal that comes next.
    fn refusal(&mut self) -> RefusalCode {
        let line = self.hear();
        match protocol::read_response(line.trim_end().as_bytes()) {
            Ok(Err(refusal)) => refusal.code,
            other => panic!("{other:?}: {line}"),
        }
    }
}

#[test]
fn a_command_comes_in_and_its_answer_goes_out() {
    let session = Session::begin();
    let state = session.state().to_owned();
    let asking = thread::spawn(move || {
        let mut client = Client::connect(&state).unwrap();
        let component = PathBuf::from("/srv/ema.wasm");
        let first = client.ask(&Command::Swap { plugin: "ema".to_owned(), component });
        (first, client.ask(&Command::Pause("nobody".to_owned())))
    });
    let asked = session.next();
    let own = passwd::user_name(rustix::process::geteuid().as_raw());
    assert_eq!(asked.who, own);
    assert_eq!(asked.command.line(), "swap ema /srv/ema.wasm");
    assert!(!asked.is_abandoned());
    let view = PluginView { name: "ema".to_owned(), restarts: 3, ..PluginView::default() };
    asked.answer(Ok(Answer::done_with("swapped", view.clone())));
    let refusal = Refusal::new(RefusalCode::UnknownPlugin, "no plugin is called `nobody`")
        .help("the session has: ema");
    session.next().answer(Err(refusal.clone()));
    let (first, second) = asking.join().unwrap();
    assert_eq!(first.unwrap(), Answer::done_with("swapped", view));
    match second.unwrap_err() {
        ClientError::Refused(refused) => assert_eq!(refused, refusal),
        other => panic!("{other}"),
    }
    assert!(session.server.take().is_none());
}

#[test]
fn every_command_comes_in_as_it_went_out() {
    let plugin = || "ema".to_owned();
    let commands = [
        (Command::List, "list"),
        (Command::Show(plugin()), "show ema"),
        (Command::Load { plugin: plugin(), component: None, cold: true }, "load ema --cold"),
        (
            Command::Load { plugin: plugin(), component: Some("/a.wasm".into()), cold: false },
            "load ema /a.wasm",
        ),
        (Command::Swap { plugin: plugin(), component: "/b.wasm".into() }, "swap ema /b.wasm"),
        (Command::Rollback(plugin()), "rollback ema"),
        (Command::Unload { plugin: plugin(), keep_orders: true }, "unload ema --keep-orders"),
        (Command::Unload { plugin: plugin(), keep_orders: false }, "unload ema"),
        (Command::Pause(plugin()), "pause ema"),
        (Command::Resume(plugin()), "resume ema"),
        (Command::Release(plugin()), "release ema"),
        (
            Command::Set { plugin: plugin(), parameters: vec![("fast".into(), "12".into())] },
            "set ema fast=12",
        ),
        (Command::Kill { flatten: true }, "kill --flatten"),
        (Command::Kill { flatten: false }, "kill"),
        (Command::Status, "status"),
        (Command::Overview, "overview"),
        (Command::Orders(None), "orders"),
        (Command::Positions(Some(plugin())), "positions ema"),
        (Command::Pnl, "pnl"),
        (Command::Risk, "risk"),
        (Command::Trading { plugin: None, state: Trading::Halted }, "trading halted"),
        (Command::Trading { plugin: Some(plugin()), state: Trading::Active }, "trading ema active"),
        (Command::Unlock { plugin: None, reason: "drawdown".to_owned() }, "unlock drawdown"),
        (Command::CancelAll(None), "cancel-all"),
        (Command::Flatten(Some(plugin())), "flatten ema"),
        (Command::Acknowledge(41), "acknowledge 41"),
    ];
    for (command, line) in commands {
        let request = protocol::write_request(&command).unwrap();
        let read = protocol::read_request(request.strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!(read, command);
        assert_eq!(command.line(), line);
    }
}

#[test]
fn the_folder_and_the_socket_are_the_owners_alone() {
    let session = Session::begin();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(session.state()), 0o700);
    assert_eq!(mode(&socket_path(session.state())), 0o600);
    // A folder that was open is closed.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o775)).unwrap();
    let server = Server::open(&socket_path(folder.path())).unwrap();
    assert_eq!(mode(folder.path()), 0o700);
    drop(server);
    assert!(!socket_path(folder.path()).exists(), "the socket goes with its session");
    // One that belongs to everybody stays as it is.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let refused = Server::open(&socket_path(folder.path())).unwrap_err();
    assert!(matches!(refused, AdminError::Shared { .. }), "{refused}");
    assert_eq!(mode(folder.path()), 0o777);
}

#[test]
fn nobody_else_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(folder.path(), |_| false, Timing::default());
    let mut caller = Caller::of(folder.path());
    assert_eq!(caller.refusal(), RefusalCode::NotAllowed);
    assert_eq!(caller.hear(), "", "and is not listened to");
    assert!(server.take().is_none());
    match Client::connect(folder.path()).unwrap().ask(&Command::List) {
        Err(ClientError::Refused(refusal)) => assert_eq!(refusal.code, RefusalCode::NotAllowed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_socket_that_nobody_serves_is_replaced_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = socket_path(folder.path());
    drop(UnixListener::bind(&path).unwrap());
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket(), "it is left behind");
    let server = Server::open(&path).unwrap();
    let second = Server::open(&path).unwrap_err();
    assert!(matches!(second, AdminError::InUse { .. }), "{second}");
    // The one that serves is not disturbed.
    let mut caller = Caller::of(folder.path());
    caller.ask("\"list\"").unwrap();
    next(&server).answer(Ok(Answer::done("here")));
    assert!(caller.hear().contains("here"));
    drop(server);
    fs::write(&path, "mine").unwrap();
    let refused = Server::open(&path).unwrap_err();
    assert!(matches!(refused, AdminError::NotASocket { .. }), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/null", &path).unwrap();
    let refused = Server::open(&path).unwrap_err();
    assert!(matches!(refused, AdminError::NotASocket { .. }), "{refused}");
}

#[test]
fn no_session_is_told_apart_from_a_session_that_says_no() {
    let folder = tempfile::tempdir().unwrap();
    let absent =
        |state: &Path| matches!(Client::connect(state), Err(ClientError::NoSession { .. }));
    assert!(absent(folder.path()), "no socket");
    assert!(absent(&folder.path().join("nowhere")), "no folder");
    drop(UnixListener::bind(socket_path(folder.path())).unwrap());
    assert!(absent(folder.path()), "nobody on the socket");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_may_have_a_long_path() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("long".repeat(30)).join("longer".repeat(30));
    fs::create_dir_all(&state).unwrap();
    let server = Server::open(&socket_path(&state)).unwrap();
    let asking = {
        let state = state.clone();
        thread::spawn(move || Client::connect(&state).unwrap().ask(&Command::Status))
    };
    next(&server).answer(Ok(Answer::done("far away")));
    assert_eq!(asking.join().unwrap().unwrap(), Answer::done("far away"));
    assert!(matches!(Server::open(&socket_path(&state)), Err(AdminError::InUse { .. })));
}

#[test]
fn garbage_is_answered_with_a_reason() {
    let session = Session::begin();
    let mut caller = session.call();
    let deep = "[".repeat(20_000);
    let long_name = format!("{{\"version\":1,\"command\":{{\"show\":\"{}\"}}}}", "a".repeat(65));
    let many: Vec<_> = (0..65).map(|number| format!("[\"p{number}\",\"1\"]")).collect();
    let many = format!(
        "{{\"version\":1,\"command\":{{\"set\":{{\"plugin\":\"ema\",\"parameters\":[{}]}}}}}}",
        many.join(",")
    );
    for line in [
        "",
        "list",
        "null",
        "{}",
        "{\"version\":1}",
        "{\"version\":-1,\"command\":\"list\"}",
        "{\"version\":1,\"command\":\"sell-everything\"}",
        "{\"version\":1,\"command\":\"list\",\"also\":1}",
        "{\"version\":1,\"command\":{\"show\":\"../ema\"}}",
        "{\"version\":1,\"command\":{\"show\":\"\"}}",
        "{\"version\":1,\"command\":{\"show\":7}}",
        "{\"version\":1,\"command\":{\"show\":\"\\u0000\"}}",
        "{\"version\":1,\"command\":{\"swap\":{\"plugin\":\"ema\"}}}",
        "{\"version\":1,\"command\":{\"swap\":{\"plugin\":\"ema\",\"component\":\"a.wasm\"}}}",
        "{\"version\":1,\"command\":{\"kill\":{\"flatten\":true,\"now\":true}}}",
        "{\"version\":1,\"command\":{\"set\":{\"plugin\":\"ema\",\"parameters\":[]}}}",
        "{\"version\":1,\"command\":{\"set\":{\"plugin\":\"ema\",\"parameters\":[[\"a\",\"1\"],[\"a\",\"2\"]]}}}",
        &deep,
        &long_name,
        &many,
    ] {
        caller.say(format!("{line}\n").as_bytes()).unwrap();
        assert_eq!(caller.refusal(), RefusalCode::Malformed, "{}", &line[..line.len().min(99)]);
    }
    caller.say(b"\xff\xfe\x00\n").unwrap();
    assert_eq!(caller.refusal(), RefusalCode::Malformed);
    caller.say(b"{\"version\":2,\"command\":{\"unheard\":\"of\"}}\n").unwrap();
    assert_eq!(caller.refusal(), RefusalCode::OtherVersion);
    // It may still say something sensible.
    caller.ask("\"list\"").unwrap();
    session.next().answer(Ok(Answer::done("at last")));
    assert!(caller.hear().contains("at last"));
    assert!(session.server.take().is_none(), "nothing of the rest came through");
}

#[test]
fn a_request_has_a_bound() {
    let session = Session::begin();
    let padded = |bytes: usize| {
        let mut line = b"{\"version\":1,\"command\":\"list\"}".to_vec();
        line.resize(bytes, b' ');
        line.push(b'\n');
        line
    };
    let mut caller = session.call();
    caller.say(&padded(REQUEST_BYTES_MAX)).unwrap();
    session.next().answer(Ok(Answer::done("just so")));
    assert!(caller.hear().contains("just so"));
    caller.say(&padded(REQUEST_BYTES_MAX + 1)).unwrap();
    assert_eq!(caller.refusal(), RefusalCode::TooLarge);
    assert_eq!(caller.hear(), "", "it is not listened to any more");
    // One without an end is not read to its end.
    let mut caller = session.call();
    let mut said = 0;
    while caller.say(&[b'x'; 64 * 1024]).is_ok() {
        said += 1;
        assert!(said < 1_000, "64 MiB were read");
    }
    assert!(session.server.take().is_none());
}

#[test]
fn an_answer_has_a_bound() {
    let session = Session::begin();
    let mut caller = session.call();
    for (bytes, fits) in [(ANSWER_BYTES_MAX - 200, true), (ANSWER_BYTES_MAX, false)] {
        caller.ask("\"status\"").unwrap();
        session.next().answer(Ok(Answer::done("a".repeat(bytes))));
        if fits {
            assert!(caller.hear().len() > bytes);
        } else {
            assert_eq!(caller.refusal(), RefusalCode::TooLarge);
        }
    }
}

#[test]
fn who_is_silent_or_slow_is_hung_up_on() {
    let short = Duration::from_millis(50);
    let timing =
        Timing { idle_max: short, request_max: short, answer_max: short, ..Timing::default() };
    let session = Session::timed(timing);
    let begun = Instant::now();
    assert_eq!(session.call().hear(), "", "who says nothing hears nothing");
    // A byte now and then keeps nobody busy for longer than a request may take.
    let mut caller = session.call();
    let mut dripping = caller.0.get_ref().try_clone().unwrap();
    let drip = thread::spawn(move || {
        while dripping.write_all(b" ").is_ok() {
            thread::yield_now();
        }
    });
    // It may come to more than a request's bound before its time is over.
    assert!(matches!(caller.refusal(), RefusalCode::Malformed | RefusalCode::TooLarge));
    assert_eq!(caller.hear(), "");
    drip.join().unwrap();
    // Who does not take an answer loses it, and the session does not wait for that.
    let mut deaf = session.call();
    deaf.ask("\"list\"").unwrap();
    session.next().answer(Ok(Answer::done("a".repeat(ANSWER_BYTES_MAX / 2))));
    let mut other = session.call();
    other.ask("\"list\"").unwrap();
    session.next().answer(Ok(Answer::done("quick")));
    assert!(other.hear().contains("quick"));
    let mut rest = Vec::new();
    // A caller that begins to listen after its time finds a cut answer, or all of it if it was
    // quick enough; in the end the session has hung up.
    let _ = deaf.0.read_to_end(&mut rest);
    assert!(begun.elapsed() < LONG);
}

#[test]
fn so_many_callers_are_served_and_a_kill_always_is() {
    let session = Session::begin();
    let mut silent: Vec<_> = (0..CONNECTIONS_MAX).map(|_| session.call()).collect();
    // Each has its place once it was answered.
    for caller in &mut silent {
        caller.ask("\"list\"").unwrap();
        session.next().answer(Ok(Answer::done("hello")));
        assert!(caller.hear().contains("hello"));
    }
    let mut late = session.call();
    late.ask("\"list\"").unwrap();
    assert_eq!(late.refusal(), RefusalCode::Busy);
    assert_eq!(late.hear(), "");
    let mut late = session.call();
    late.ask("{\"kill\":{\"flatten\":true}}").unwrap();
    let asked = session.next();
    assert_eq!(asked.command, Command::Kill { flatten: true });
    asked.answer(Ok(Answer::done("killed")));
    assert!(late.hear().contains("killed"));
    // Whoever leaves makes room.
    silent.clear();
    let deadline = Instant::now() + LONG;
    loop {
        let mut caller = session.call();
        caller.ask("\"list\"").unwrap();
        if is_ready(&session.server, Duration::from_millis(100)) {
            session.next().answer(Ok(Answer::done("room")));
            assert!(caller.hear().contains("room"));
            break;
        }
        assert!(Instant::now() < deadline, "there is no room");
    }
}

#[test]
fn a_thousand_callers_cost_no_more_than_a_few() {
    let session = Session::begin();
    let callers: Vec<_> =
        (0..1_000).filter_map(|_| UnixStream::connect(socket_path(session.state())).ok()).collect();
    drop(callers);
    let state = session.state().to_owned();
    let asking = thread::spawn(move || {
        let deadline = Instant::now() + LONG;
        loop {
            match Client::connect(&state).unwrap().ask(&Command::List) {
                Ok(answer) => return answer,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
        }
    });
    session.next().answer(Ok(Answer::done("still here")));
    assert_eq!(asking.join().unwrap(), Answer::done("still here"));
}

#[test]
fn so_many_commands_wait_and_a_kill_goes_first() {
    let session = Session::begin();
    // Each asks and leaves. What was asked stays asked.
    for number in 0..WAITING_MAX {
        let mut caller = session.call();
        caller.ask(&format!("{{\"pause\":\"p{number}\"}}")).unwrap();
        session.until_waiting(number + 1);
    }
    let mut caller = session.call();
    caller.ask("{\"pause\":\"one-more\"}").unwrap();
    assert_eq!(caller.refusal(), RefusalCode::Busy);
    caller.ask("{\"kill\":{}}").unwrap();
    session.until_waiting(WAITING_MAX + 1);
    let kill = session.next();
    assert_eq!(kill.command, Command::Kill { flatten: false });
    kill.answer(Ok(Answer::done("stopped")));
    assert!(caller.hear().contains("stopped"));
    let mut left = 0;
    while let Some(asked) = session.server.take() {
        assert!(matches!(asked.command, Command::Pause(_)));
        left += 1;
    }
    assert_eq!(left, WAITING_MAX);
    assert!(!session.has_something());
}

#[test]
fn the_session_is_woken_for_as_long_as_something_waits() {
    let session = Session::begin();
    assert!(!session.has_something());
    let mut callers: Vec<_> = (0..3).map(|_| session.call()).collect();
    for (number, caller) in callers.iter_mut().enumerate() {
        caller.ask("\"status\"").unwrap();
        session.until_waiting(number + 1);
    }
    for _ in 0..3 {
        assert!(session.has_something());
        assert!(session.server.take().is_some());
    }
    assert!(!session.has_something());
    assert!(session.server.take().is_none());
}

#[test]
fn nobody_waits_for_a_session_that_ends() {
    // Not taken, taken and dropped, taken and kept: all are told.
    let session = Session::begin();
    let (mut first, mut second, mut third) = (session.call(), session.call(), session.call());
    let mut silent = session.call();
    first.ask("\"list\"").unwrap();
    drop(session.next());
    assert_eq!(first.refusal(), RefusalCode::Ending);
    second.ask("{\"unload\":{\"plugin\":\"ema\"}}").unwrap();
    let kept = session.next();
    third.ask("\"list\"").unwrap();
    assert!(is_ready(&session.server, LONG));
    let Session { folder, server } = session;
    let begun = Instant::now();
    drop(server);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(second.refusal(), RefusalCode::Ending);
    assert_eq!(third.refusal(), RefusalCode::Ending);
    let last = silent.hear();
    assert!(last.is_empty() || last.contains("ending"), "{last}");
    // An answer that comes too late goes nowhere.
    assert!(kept.is_abandoned());
    kept.answer(Ok(Answer::done("too late")));
    assert!(matches!(Client::connect(folder.path()), Err(ClientError::NoSession { .. })));
}

#[test]
fn whoever_leaves_is_seen_to_have_left() {
    let session = Session::begin();
    let mut caller = session.call();
    caller.ask("{\"resume\":\"ema\"}").unwrap();
    let asked = session.next();
    drop(caller);
    let deadline = Instant::now() + LONG;
    while !asked.is_abandoned() {
        assert!(Instant::now() < deadline, "nobody noticed");
        thread::yield_now();
    }
    asked.answer(Ok(Answer::done("resumed all the same")));
}

#[test]
fn requests_that_come_at_once_are_answered_in_turn() {
    let session = Session::begin();
    let mut caller = session.call();
    let three = "{\"version\":1,\"command\":{\"show\":\"a\"}}\n\
                 {\"version\":1,\"command\":{\"show\":\"b\"}}\n\
                 {\"version\":1,\"command\":{\"show\":\"c\"}}\n";
    caller.say(three.as_bytes()).unwrap();
    for name in ["a", "b", "c"] {
        let asked = session.next();
        assert_eq!(asked.command, Command::Show(name.to_owned()));
        assert!(session.server.take().is_none(), "one at a time");
        asked.answer(Ok(Answer::done(name)));
        assert!(caller.hear().contains(name));
    }
}

#[test]
fn a_client_is_not_taken_in_by_what_answers() {
    for (said, expected) in [
        (&b""[..], "hung up"),
        (b"{}", "it is cut"),
        (b"{}\n", "missing field `version`"),
        (b"{\"version\":1}\n", "neither an answer nor a refusal"),
        (b"\xff\n", "the session's answer is none"),
        (b"{\"version\":1,\"answer\":{\"status\":7}}\n", "the session's answer is none"),
        (b"{\"version\":2,\"answer\":{\"status\":7}}\n", "speaks version 2"),
        (b"{\"version\":2}\n", "speaks version 2"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(socket_path(folder.path())).unwrap();
        let answering = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut stream = BufReader::new(stream);
            stream.read_line(&mut String::new()).unwrap();
            stream.get_mut().write_all(said).unwrap();
        });
        let error = Client::connect(folder.path()).unwrap().ask(&Command::List).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}: {said:?}");
        answering.join().unwrap();
    }
}

proptest! {
    #![proptest_config(Config { cases: 2_000, ..Config::default() })]

    #[test]
    fn any_line_is_a_command_or_a_refusal(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = protocol::read_request(&line);
        let _ = protocol::read_response(&line);
    }

    #[test]
    fn a_line_that_is_nearly_right_is_a_command_or_a_refusal(
        at in 0usize..200, byte: u8, cut in 0usize..200,
    ) {
        let parameters = vec![("fast".to_owned(), "12".to_owned()); 2];
        let command = Command::Set { plugin: "ema".to_owned(), parameters };
        let mut line = protocol::write_request(&command).unwrap();
        let index = at % line.len();
        line[index] = byte;
        line.truncate(cut.max(1));
        let _ = protocol::read_request(&line);
    }
}
