//! The nginx configuration of the guide to moving, in front of `drop_in` and something in Kratos' place.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::{DropIn, Sink};

const GUIDE: &str = include_str!("../../docs/moving-from-kratos.md");

/// A proxy that ends with this.
struct Nginx {
    process: Child,
    folder: PathBuf,
    port: u16,
}

impl Nginx {
    /// Starts it with the guide's configuration and these two behind it; nothing where it is missing.
    fn start(registration: u16, kratos: u16) -> Option<Self> {
        let paths = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let Some(program) = paths.split(':').map(|path| Path::new(path).join("nginx")).find(|path| path.is_file())
        else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "everything is installed in CI");
            println!("not run: nginx is missing; `scripts/test` installs it");
            return None;
        };
        let port = super::free_port();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nginx-{port}"));
        std::fs::create_dir_all(&folder).unwrap();
        let server = GUIDE.split("```nginx").nth(1).unwrap().split("```").next().unwrap();
        let server = server
            .replace("127.0.0.1:4433", &format!("127.0.0.1:{kratos}"))
            .replace("127.0.0.1:8080", &format!("127.0.0.1:{registration}"))
            .replace("server_name", &format!("listen 127.0.0.1:{port}; server_name"));
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary: String = temporary.iter().map(|name| format!("{name}_temp_path {name};\n")).collect();
        let whole = format!(
            "daemon off; master_process off; pid pid; error_log stderr;\nevents {{}}\nhttp {{ access_log off;\n{temporary}{server} }}"
        );
        std::fs::write(folder.join("nginx.conf"), whole).unwrap();
        let mut command = Command::new(program);
        let process = command.arg("-p").arg(&folder).args(["-e", "stderr", "-c", "nginx.conf"]).spawn().unwrap();
        let nginx = Self { process, folder, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nginx does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(nginx)
    }

    /// The status and the body of an answer.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: id.example.org\r\nAccept: application/json\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Answers every request with its path, in Kratos' place.
fn kratos() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap_or_default();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let body = format!("Kratos: {}", head.split(' ').nth(1).unwrap_or_default());
            let _ = write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    port
}

#[test]
fn behind_one_host_name_registration_is_here_and_everything_else_is_kratos() {
    let server = DropIn::start(&Sink::start());
    let Some(nginx) = Nginx::start(server.port, kratos()) else { return };

    let (begun, flow) = nginx.get("/self-service/registration/api");
    let (proof, _) = nginx.get("/self-service/verification/api");
    let (known, error) = nginx.get("/self-service/errors?id=stub:500");
    let elsewhere = "/self-service/errors?id=5fafb2ee-61e5-43a6-8c55-47d3b4ae7b1f";

    assert_eq!((begun, proof, known), (200, 200, 200));
    assert!(flow.contains("\"choose_method\"") && error.contains("stub error"), "{flow} {error}");
    assert_eq!(nginx.get(elsewhere), (200, format!("Kratos: {elsewhere}")));
    for path in ["/self-service/login/browser", "/sessions/whoami", "/"] {
        assert_eq!(nginx.get(path), (200, format!("Kratos: {path}")));
    }
}
