//! A small S3 server: objects, uploads in parts, a log of the requests, and faults.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use crate::harness::Run;

/// The only bucket.
pub const BUCKET: &str = "charts";
pub const ACCESS_KEY: &str = "AKIAIOSFODNN7TESTING";
pub const SECRET_KEY: &str = "wJalrXUtnFEMI-the-secret-of-the-tests";

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    Put,
    /// Begins an upload.
    Begin,
    Part,
    Complete,
    /// Abandons an upload.
    Abandon,
    Get,
    Head,
    Delete,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub operation: Operation,
    pub key: String,
    /// How many requests for this operation and key came before.
    pub nth: usize,
    pub headers: HashMap<String, String>,
    /// As it was sent.
    pub target: String,
}

/// What happens instead of the operation.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A response: its status, a header, and the code in its body.
    Error(u16, Option<(&'static str, &'static str)>, &'static str),
    /// There is no answer until the client is gone.
    Stall,
    /// The connection is reset when the request has arrived.
    Reset,
    /// The connection is reset when half of the body has arrived.
    Cut,
    /// The operation is done, but its answer is lost.
    Lost,
}

#[derive(Default)]
struct State {
    /// By key: the media type and the content.
    objects: BTreeMap<String, (String, Vec<u8>)>,
    /// By id.
    uploads: BTreeMap<String, Upload>,
    log: Vec<Request>,
    begun: usize,
}

struct Upload {
    key: String,
    media_type: String,
    /// By number.
    parts: BTreeMap<u32, Vec<u8>>,
}

type Script = dyn Fn(&Request) -> Option<Fault> + Send + Sync;

/// Its thread lives as long as the test process.
#[derive(Clone)]
pub struct ObjectStore {
    pub endpoint: String,
    state: Arc<Mutex<State>>,
}

impl ObjectStore {
    pub fn start() -> ObjectStore {
        ObjectStore::with_faults(|_| None)
    }

    pub fn with_faults(script: impl Fn(&Request) -> Option<Fault> + Send + Sync + 'static) -> ObjectStore {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let (script, shared): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&state));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (script, state) = (Arc::clone(&script), Arc::clone(&shared));
                thread::spawn(move || serve(stream, &*script, &state));
            }
        });
        ObjectStore { endpoint, state }
    }

    /// The run with this store's endpoint and credentials in its environment.
    pub fn provide(&self, run: Run) -> Run {
        let run = run.env("AWS_ENDPOINT_URL", &self.endpoint).env("AWS_ACCESS_KEY_ID", ACCESS_KEY);
        run.env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    }

    pub fn put(&self, key: &str, content: impl Into<Vec<u8>>) {
        self.state().objects.insert(key.into(), ("application/octet-stream".into(), content.into()));
    }

    pub fn keys(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    #[track_caller]
    pub fn bytes(&self, key: &str) -> Vec<u8> {
        self.state().objects.get(key).unwrap_or_else(|| panic!("there is no {key}")).1.clone()
    }

    #[track_caller]
    pub fn text(&self, key: &str) -> String {
        String::from_utf8(self.bytes(key)).unwrap()
    }

    pub fn media_type(&self, key: &str) -> String {
        self.state().objects[key].0.clone()
    }

    /// The keys of uploads that are neither complete nor abandoned.
    pub fn incomplete(&self) -> Vec<String> {
        self.state().uploads.values().map(|upload| upload.key.clone()).collect()
    }

    pub fn log(&self) -> Vec<Request> {
        self.state().log.clone()
    }

    pub fn operations(&self) -> Vec<Operation> {
        self.log().iter().map(|request| request.operation).collect()
    }

    pub fn count(&self, operation: Operation) -> usize {
        self.operations().iter().filter(|found| **found == operation).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn serve(mut stream: TcpStream, script: &Script, state: &Mutex<State>) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((mut request, bucket, query)) = read_head(&mut reader) {
        let length = request.headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let fault = {
            let mut state = state.lock().unwrap();
            let is_same = |earlier: &&Request| earlier.operation == request.operation && earlier.key == request.key;
            request.nth = state.log.iter().filter(is_same).count();
            state.log.push(request.clone());
            script(&request)
        };
        let mut body = vec![0; if matches!(fault, Some(Fault::Cut)) { length / 2 } else { length }];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let answer = match fault {
            Some(Fault::Error(status, header, code)) => Answer::error(status, code).header(header),
            Some(Fault::Stall) => {
                // Until the client closes the connection.
                let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
                let _ = reader.read(&mut [0]);
                return;
            }
            Some(Fault::Reset | Fault::Cut) => return reset(&stream),
            Some(Fault::Lost) => {
                perform(&request, &bucket, &query, body, &mut state.lock().unwrap());
                return reset(&stream);
            }
            None => perform(&request, &bucket, &query, body, &mut state.lock().unwrap()),
        };
        if answer.write(&mut stream, request.operation == Operation::Head).is_err() {
            return;
        }
    }
}

fn reset(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    let _ = stream.shutdown(Shutdown::Both);
}

fn read_head(reader: &mut impl BufRead) -> Option<(Request, String, HashMap<String, String>)> {
    let lines = crate::harness::read_head(reader)?;
    let mut words = lines.first()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let url = url::Url::parse("http://host").unwrap().join(target).unwrap();
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    let path = url.path().replace("%20", " ").replace("%3D", "=").replace("%7B", "{").replace("%7D", "}");
    let (bucket, key) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let operation = match (method, query.contains_key("uploadId")) {
        ("POST", false) => Operation::Begin,
        ("POST", true) => Operation::Complete,
        ("PUT", true) => Operation::Part,
        ("PUT", false) => Operation::Put,
        ("DELETE", true) => Operation::Abandon,
        ("DELETE", false) => Operation::Delete,
        ("HEAD", _) => Operation::Head,
        _ => Operation::Get,
    };
    let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let request = Request { operation, key: key.to_owned(), nth: 0, headers, target: target.to_owned() };
    Some((request, bucket.to_owned(), query))
}

fn perform(
    request: &Request,
    bucket: &str,
    query: &HashMap<String, String>,
    body: Vec<u8>,
    state: &mut State,
) -> Answer {
    if bucket != BUCKET {
        return Answer::error(404, "NoSuchBucket");
    }
    let key = request.key.clone();
    let media_type = request.headers.get("content-type").cloned().unwrap_or_default();
    let id = query.get("uploadId").cloned().unwrap_or_default();
    match request.operation {
        Operation::Put => {
            state.objects.insert(key, (media_type, body));
            Answer::ok("").header(Some(("etag", "\"object\"")))
        }
        Operation::Begin => {
            state.begun += 1;
            let id = format!("upload-{}", state.begun);
            let answer = format!(
                "<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            );
            state.uploads.insert(id, Upload { key, media_type, parts: BTreeMap::new() });
            Answer::ok(&answer)
        }
        Operation::Part => match state.uploads.get_mut(&id) {
            Some(Upload { parts, .. }) => {
                parts.insert(query["partNumber"].parse().unwrap(), body);
                Answer::ok("").header(Some(("etag", "\"part\"")))
            }
            None => Answer::error(404, "NoSuchUpload"),
        },
        Operation::Complete => match state.uploads.remove(&id) {
            Some(Upload { key, media_type, parts }) => {
                let (last, others) = parts
                    .values()
                    .collect::<Vec<_>>()
                    .split_last()
                    .map(|(last, others)| (last.len(), others.to_vec()))
                    .unwrap();
                assert!(others.iter().all(|part| part.len() == others[0].len() && part.len() >= 5 << 20) && last > 0);
                state.objects.insert(key.clone(), (media_type, parts.into_values().flatten().collect()));
                Answer::ok(&format!(
                    "<CompleteMultipartUploadResult><Location>x</Location><Bucket>{bucket}</Bucket><Key>{key}</Key><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>"
                ))
            }
            None => Answer::error(404, "NoSuchUpload"),
        },
        Operation::Abandon => match state.uploads.remove(&id) {
            Some(_) => Answer { status: 204, ..Answer::ok("") },
            None => Answer::error(404, "NoSuchUpload"),
        },
        Operation::Delete => {
            state.objects.remove(&key);
            Answer { status: 204, ..Answer::ok("") }
        }
        Operation::Get | Operation::Head => match state.objects.get(&key) {
            Some((media_type, content)) => Answer {
                status: 200,
                headers: vec![
                    ("content-type".into(), media_type.clone()),
                    ("etag".into(), "\"object\"".into()),
                    ("last-modified".into(), "Sat, 28 Nov 2026 02:00:00 GMT".into()),
                ],
                body: content.clone(),
            },
            None => Answer::error(404, "NoSuchKey"),
        },
    }
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn ok(body: &str) -> Answer {
        Answer { status: 200, headers: Vec::new(), body: body.into() }
    }

    fn error(status: u16, code: &str) -> Answer {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>About {code}.</Message></Error>");
        Answer { status, headers: Vec::new(), body: body.into_bytes() }
    }

    fn header(mut self, header: Option<(&str, &str)>) -> Answer {
        self.headers.extend(header.map(|(name, value)| (name.to_owned(), value.to_owned())));
        self
    }

    fn write(&self, stream: &mut TcpStream, is_head: bool) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} X\r\n", self.status);
        if self.status != 204 {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        self.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        head.push_str("\r\n");
        let body = if is_head || self.status == 204 { &[][..] } else { &self.body };
        stream.write_all(&[head.as_bytes(), body].concat())
    }
}
