//! The program under test, as a process of its own.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// A running program; killed when dropped.
pub struct Program {
    child: Child,
    pub port: u16,
    output: Arc<Mutex<String>>,
}

impl Program {
    /// A port that was free a moment ago.
    pub fn free_port() -> u16 {
        TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr()).expect("a port").port()
    }

    /// Starts the program and waits until it says that it listens.
    pub async fn start(data: &Path, port: u16, environment: &[(String, String)]) -> Self {
        Self::start_with(data, port, environment, &[]).await
    }

    /// The same with arguments.
    pub async fn start_with(data: &Path, port: u16, environment: &[(String, String)], arguments: &[&str]) -> Self {
        let mut child = Self::command(data, environment, arguments).spawn().expect("the program starts");
        let output = Arc::new(Mutex::new(String::new()));
        let (ready, listening) = oneshot::channel();
        let ready = Arc::new(Mutex::new(Some(ready)));
        collect(child.stdout.take().expect("piped"), Arc::clone(&output), Arc::clone(&ready));
        collect(child.stderr.take().expect("piped"), Arc::clone(&output), ready);
        let program = Self { child, port, output };
        match tokio::time::timeout(Duration::from_secs(60), listening).await {
            Ok(Ok(())) => program,
            _ => panic!("the program did not come up:\n{}", program.output()),
        }
    }

    /// Where it is served.
    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// All that it has printed.
    pub fn output(&self) -> String {
        self.output.lock().expect("not poisoned").clone()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Runs the program with settings that it is expected to refuse; gives its exit code and what it printed.
    pub async fn refuse(data: &Path, environment: &[(String, String)], arguments: &[&str]) -> (Option<i32>, String) {
        let run = Self::command(data, environment, arguments).output();
        let done =
            tokio::time::timeout(Duration::from_secs(60), run).await.expect("it does not go on").expect("it runs");
        let output = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8(output).expect("text"))
    }

    fn command(data: &Path, environment: &[(String, String)], arguments: &[&str]) -> Command {
        let log = std::env::var("IOTC_MIGRATOR_TEST_LOG").unwrap_or_else(|_| "iotc_migrator=debug,warn".into());
        let mut command = Command::new(env!("CARGO_BIN_EXE_iotc-migrator"));
        command
            .args(arguments)
            .current_dir(data)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("IOTC_MIGRATOR_DATA_DIR", data)
            .env("RUST_LOG", log)
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// SIGKILL, and the end of it.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// SIGTERM, and its exit code.
    pub async fn stop(mut self) -> Option<i32> {
        let id = self.child.id().expect("it runs");
        let done = std::process::Command::new("kill").arg(id.to_string()).status().expect("kill");
        assert!(done.success());
        self.child.wait().await.expect("it ends").code()
    }
}

type Ready = Arc<Mutex<Option<oneshot::Sender<()>>>>;

fn collect(stream: impl tokio::io::AsyncRead + Unpin + Send + 'static, output: Arc<Mutex<String>>, ready: Ready) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains("Listening on http")
                && let Some(ready) = ready.lock().expect("not poisoned").take()
            {
                let _ = ready.send(());
            }
            let mut output = output.lock().expect("not poisoned");
            output.push_str(&line);
            output.push('\n');
        }
    });
}
