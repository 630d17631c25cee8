//! The demo: a small server inside the process that answers as the YouTube Data API does, so that
//! everything can be tried without a key, without a network, and with the same result every time.
//!
//! The server is a thin shell: it counts, waits and writes. What it says is decided in `answer`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use url::Url;

use self::response::{Answer, Plan, Query};
use crate::model::region::Region;

mod charts;
mod response;
mod rng;
mod words;

/// What goes wrong in the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Mode {
    /// One answer says "too fast, wait a second"; the run recovers
    #[default]
    Limited,
    /// Nothing goes wrong
    Calm,
    /// The last region never answers properly
    Outage,
    /// The day's quota runs out half way
    Quota,
}

/// A running server; dropping it ends the server and its connections.
#[derive(Debug)]
pub struct Demo {
    base_url: Url,
    server: AbortHandle,
}

impl Demo {
    /// Starts the server on a free port of this machine. `regions` are those that will be asked
    /// for, in order, and `pages` is how many requests each needs: they place the faults. `now`
    /// dates the videos.
    ///
    /// # Errors
    /// No port can be opened.
    pub async fn start(mode: Mode, regions: &[Region], pages: u32, now: Timestamp) -> io::Result<Demo> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let base_url = format!("http://{}{ROOT}", listener.local_addr()?).parse().map_err(io::Error::other)?;
        let plan = Plan { mode, regions: regions.to_vec(), pages, now };
        let shell = Arc::new(Shell { plan, counts: Mutex::default() });
        let server = tokio::spawn(accept(listener, shell)).abort_handle();
        Ok(Demo { base_url, server })
    }

    /// `http://127.0.0.1:PORT/youtube/v3`
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.server.abort();
    }
}

const ROOT: &str = "/youtube/v3";

#[derive(Debug)]
struct Shell {
    plan: Plan,
    counts: Mutex<Counts>,
}

/// Requests so far.
#[derive(Debug, Default)]
struct Counts {
    all: u32,
    by_region: HashMap<String, u32>,
}

async fn accept(listener: TcpListener, shell: Arc<Shell>) {
    // The set ends its connections when the server's task ends.
    let mut connections = JoinSet::new();
    loop {
        // A connection that broke while it was made is the client's to try again.
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, Arc::clone(&shell)));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shell: Arc<Shell>) {
    // Small answers, one after the other: waiting for more to send would only distort the latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%error, "the demo's answers may be late");
    }
    let service = service_fn(move |request| respond(request, Arc::clone(&shell)));
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::trace!(%error, "a connection of the demo broke");
    }
}

async fn respond(request: Request<Incoming>, shell: Arc<Shell>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() != Method::GET || request.uri().path().strip_prefix(ROOT) != Some("/videos") {
        return Ok(response(self::response::nothing_here()));
    }
    let arrived = Instant::now();
    let query = shell.count(read(&request));
    let answer = self::response::answer(&shell.plan, &query);
    // Making the answer takes its time too, and is part of the latency.
    tokio::time::sleep_until(arrived + self::response::latency(query.region_code())).await;
    Ok(response(answer))
}

fn read(request: &Request<Incoming>) -> Query {
    let has_key = request.headers().get("x-goog-api-key").is_some_and(|key| !key.is_empty());
    let parameters = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    Query { has_key, parameters: parameters.into_owned().collect(), ..Query::default() }
}

impl Shell {
    /// Counts a request, and tells it how many came before it.
    fn count(&self, query: Query) -> Query {
        // Counts cannot be half written, so a poisoned lock is as good as any.
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_region = counts.by_region.entry(query.region_code().to_owned()).or_default();
        let earlier_of_region = *of_region;
        *of_region += 1;
        let earlier = counts.all;
        counts.all += 1;
        Query { earlier, earlier_of_region, ..query }
    }
}

fn response((status, headers, body): Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = [("content-type", "application/json; charset=UTF-8")];
    for (name, value) in json.into_iter().chain(headers) {
        response.headers_mut().insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    async fn get(demo: &Demo, path: &str, headers: &str) -> String {
        let address = demo.base_url().as_str().trim_start_matches("http://").trim_end_matches(ROOT).to_owned();
        let request = format!("GET {path} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n{headers}\r\n");
        let exchange = move || {
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.write_all(request.as_bytes())?;
            let mut text = String::new();
            stream.read_to_string(&mut text).map(|_| text)
        };
        tokio::task::spawn_blocking(exchange).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_whole_exchange_over_a_socket() {
        let regions = [Region::new("IN").unwrap()];
        let demo = Demo::start(Mode::Limited, &regions, 1, Timestamp::UNIX_EPOCH).await.unwrap();
        let path = "/youtube/v3/videos?part=snippet&chart=mostPopular&regionCode=IN";
        let started = Instant::now();
        let first = get(&demo, path, "X-Goog-Api-Key: any\r\n").await;
        assert!(first.starts_with("HTTP/1.1 429") && first.contains("retry-after: 1\r\n"), "{first}");
        assert!(started.elapsed().as_millis() >= 200);
        let second = get(&demo, path, "X-Goog-Api-Key: any\r\n").await;
        assert!(second.starts_with("HTTP/1.1 200") && second.contains("\"kind\":\"youtube#videoListResponse\""));
        assert!(get(&demo, path, "").await.starts_with("HTTP/1.1 403"));
        assert!(get(&demo, "/", "").await.starts_with("HTTP/1.1 404"));
    }

    #[tokio::test]
    async fn dropping_it_ends_it() {
        let demo = Demo::start(Mode::Calm, &[], 1, Timestamp::UNIX_EPOCH).await.unwrap();
        let address = demo.base_url().as_str().trim_start_matches("http://").trim_end_matches(ROOT).to_owned();
        drop(demo);
        tokio::task::yield_now().await;
        assert!(TcpStream::connect(address).await.is_err());
    }
}
