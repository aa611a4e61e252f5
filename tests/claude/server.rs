//! The API as far as a conversation needs it: each message is answered with the same words.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What it answers.
pub const ANSWER: &str = "So it shall be.";

/// A server on a port of its own, until the test ends.
pub struct Server {
    pub port: u16,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    pub fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(vec![]));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || answer(&stream, &seen));
            }
        });
        Server { port, asked }
    }

    /// The requests so far that hold `words`.
    pub fn asked(&self, words: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        let holds = |request: &&Value| request.to_string().contains(words);
        asked.iter().filter(holds).cloned().collect()
    }
}

fn answer(mut stream: &TcpStream, seen: &Mutex<Vec<Value>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).ok()?;
    let message = line.starts_with("POST /v1/messages");
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut text = String::new();
    if message {
        let request: Value = serde_json::from_slice(&body).unwrap_or_default();
        seen.lock().unwrap().push(request);
        for event in events() {
            let kind = event["type"].as_str()?;
            write!(text, "event: {kind}\ndata: {event}\n\n").ok()?;
        }
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n";
    let response = format!("{head}content-length: {}\r\n\r\n{text}", text.len());
    stream.write_all(response.as_bytes()).ok()
}

fn events() -> [Value; 6] {
    let usage = json!({"input_tokens": 1, "output_tokens": 1});
    [
        json!({"type": "message_start", "message": {
            "id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "m", "stop_reason": null,
            "stop_sequence": null, "usage": usage,
        }}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ANSWER}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": usage}),
        json!({"type": "message_stop"}),
    ]
}
