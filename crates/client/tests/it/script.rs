//! A server of a few lines: it answers each request with the next step of a script.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to do with one request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Answer with a status, a content type, more headers, and a body.
    Answer(u16, &'static str, String, &'static str),
    /// Read it and close the connection.
    Hang,
    /// Read it and never answer.
    Silent,
}

impl Step {
    pub(crate) fn report(body: &'static str) -> Self {
        Self::Answer(200, "application/xml", "evenkeel-repeated: false\r\n".to_owned(), body)
    }

    pub(crate) fn problem(status: u16, body: &'static str) -> Self {
        Self::Answer(status, "application/problem+json", String::new(), body)
    }
}

/// A running script. The last step is done again and again.
pub(crate) struct Script {
    pub(crate) at: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Script {
    pub(crate) async fn start(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (seen, heads) = (Arc::default(), Arc::default());
        let connections = Arc::default();
        let script = Self {
            at,
            seen: Arc::clone(&seen),
            heads: Arc::clone(&heads),
            connections: Arc::clone(&connections),
        };
        let steps = Arc::new(Mutex::new(steps));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock().unwrap() += 1;
                let (seen, heads) = (Arc::clone(&seen), Arc::clone(&heads));
                tokio::spawn(serve(stream, Arc::clone(&steps), seen, heads));
            }
        });
        script
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The bodies that came, in order.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().clone()
    }

    /// The heads that came, in order and in lower case.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    steps: Arc<Mutex<Vec<Step>>>,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    heads: Arc<Mutex<Vec<String>>>,
) {
    while let Some((head, body)) = request(&mut stream).await {
        heads.lock().unwrap().push(head);
        seen.lock().unwrap().push(body);
        let step = {
            let mut steps = steps.lock().unwrap();
            if steps.len() > 1 { steps.remove(0) } else { steps[0].clone() }
        };
        match step {
            Step::Answer(status, kind, headers, body) => {
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{headers}content-length: \
                     {}\r\n\r\n{body}",
                    body.len()
                );
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Step::Hang => return,
            Step::Silent => std::future::pending().await,
        }
    }
}

/// Head and body of the next request; `None` when the client has closed.
async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length.map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
            while bytes.len() < end + 4 + length {
                let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
                bytes.extend_from_slice(&buffer[..count]);
            }
            return Some((head, bytes[end + 4..].to_vec()));
        }
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
    }
}
