//! A mail server that keeps every letter.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Until when a letter must have arrived.
const PATIENCE: Duration = Duration::from_secs(30);

/// Letters by address.
type Letters = Arc<Mutex<Vec<(String, String)>>>;

pub(crate) struct Sink {
    pub(crate) port: u16,
    letters: Letters,
}

impl Sink {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, letters) = (listener.local_addr().unwrap().port(), Letters::default());
        let kept = Arc::clone(&letters);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                // A client that goes away in the middle ends its thread.
                std::thread::spawn(move || talk(&stream, &kept));
            }
        });
        Self { port, letters }
    }

    /// The code in the latest letter to an address: the line of six digits.
    pub(crate) fn code(&self, to: &str) -> String {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let letters = self.letters.lock().unwrap().clone();
            let letter = letters.iter().rev().find(|(address, _)| address == to);
            let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
            if let Some(code) = letter.and_then(|(_, text)| text.lines().map(str::trim).find(is_code)) {
                return code.to_owned();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("no code was mailed to {to}: {:?}", self.letters.lock().unwrap())
    }
}

fn talk(stream: &TcpStream, kept: &Letters) -> Option<()> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let say = |words: &str| (&mut &*stream).write_all(format!("{words}\r\n").as_bytes()).ok();
    let mut to = String::new();
    say("220 sink")?;
    while let Some(line) = lines.next() {
        match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                say("250 ok")?;
            }
            "DATA" => {
                say("354 go on")?;
                let letter: Vec<String> = lines.by_ref().take_while(|line| line != ".").collect();
                kept.lock().unwrap().push((to.clone(), letter.join("\n")));
                say("250 kept")?;
            }
            "QUIT" => {
                say("221 bye")?;
                return None;
            }
            _ => say("250 ok")?,
        }
    }
    None
}
