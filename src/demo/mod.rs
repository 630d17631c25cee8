//! The demo: an HTTP server inside the process that responds like the YouTube Data API. With it, everything can be
//! tried without an API key or a network. The charts change every hour, and are the same for everybody in that hour.
//!
//! The server counts requests, waits and writes; `response` decides what to respond.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use url::Url;

use self::charts::ChartCache;
use self::hour::Hour;
use self::response::{Query, Reply, Scenario};
use crate::model::region::Region;

mod charts;
mod hour;
mod response;
mod rng;
mod words;

/// What goes wrong in the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Mode {
    /// One region is rate-limited for a second, then the run recovers
    #[default]
    Limited,
    /// Nothing goes wrong
    Calm,
    /// The last region never answers properly
    Outage,
    /// The day's quota runs out half way
    Quota,
}

/// What the server simulates.
#[derive(Debug, Clone, Copy)]
pub struct Simulation<'a> {
    pub mode: Mode,
    /// In the order in which they will be requested, on which the faults depend.
    pub regions: &'a [Region],
    /// The number of requests without faults.
    pub requests: u32,
    /// The start of the run, whose hour decides the charts.
    pub now: Timestamp,
    /// Whether each response takes as long as one from YouTube might.
    pub has_latency: bool,
}

/// A running server. Dropping it closes the server and its connections.
#[derive(Debug)]
pub struct Demo {
    base_url: Url,
    server: AbortHandle,
}

impl Demo {
    /// Starts the server on a free loopback port.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(simulation: Simulation<'_>) -> io::Result<Demo> {
        let Simulation { mode, regions, requests, now, has_latency } = simulation;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let base_url = format!("http://{}{ROOT}", listener.local_addr()?).parse().map_err(io::Error::other)?;
        let hour = Hour::of(now);
        let charts = Arc::new(ChartCache::at(hour));
        let scenario = Scenario { mode, regions: regions.to_vec(), requests, hour, charts };
        let state = Arc::new(ServerState { scenario, has_latency, counts: Mutex::default() });
        let server = tokio::spawn(accept(listener, state)).abort_handle();
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
struct ServerState {
    scenario: Scenario,
    has_latency: bool,
    counts: Mutex<RequestCounts>,
}

#[derive(Debug, Default)]
struct RequestCounts {
    total: u32,
    by_region: HashMap<String, u32>,
}

async fn accept(listener: TcpListener, state: Arc<ServerState>) {
    // Dropping the set with this task closes the connections.
    let mut connections = JoinSet::new();
    loop {
        // If a connection fails while it is accepted, the client tries again.
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, Arc::clone(&state)));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, state: Arc<ServerState>) {
    // Nagle's algorithm would distort the latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%error, "cannot set TCP_NODELAY; the demo's responses may be late");
    }
    let service = service_fn(move |request| respond(request, Arc::clone(&state)));
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::trace!(%error, "a connection to the demo failed");
    }
}

async fn respond(request: Request<Incoming>, state: Arc<ServerState>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() != Method::GET || request.uri().path().strip_prefix(ROOT) != Some("/videos") {
        return Ok(into_http(response::not_found()));
    }
    let arrived = Instant::now();
    let query = state.count(parse_query(&request));
    let reply = response::respond(&state.scenario, &query);
    if state.has_latency {
        // The time that it took to create the reply is part of the latency.
        tokio::time::sleep_until(arrived + response::latency(query.region_code())).await;
    }
    Ok(into_http(reply))
}

fn parse_query(request: &Request<Incoming>) -> Query {
    let has_key = request.headers().get("x-goog-api-key").is_some_and(|key| !key.is_empty());
    let parameters = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    Query { has_key, parameters: parameters.into_owned().collect(), ..Query::default() }
}

impl ServerState {
    /// Counts the request, and sets how many preceded it.
    fn count(&self, query: Query) -> Query {
        // The counts are valid even if another thread panicked.
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let region_count = counts.by_region.entry(query.region_code().to_owned()).or_default();
        let earlier_for_region = *region_count;
        *region_count += 1;
        let earlier_requests = counts.total;
        counts.total += 1;
        Query { earlier_requests, earlier_for_region, ..query }
    }
}

fn into_http(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body.to_string())));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    if let Some(seconds) = reply.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    async fn start(mode: Mode, regions: &[Region]) -> Demo {
        let simulation = Simulation { mode, regions, requests: 1, now: Timestamp::UNIX_EPOCH, has_latency: true };
        Demo::start(simulation).await.unwrap()
    }

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
    async fn the_server_responds_over_a_socket() {
        let regions = [Region::new("IN").unwrap()];
        let demo = start(Mode::Limited, &regions).await;
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
    async fn dropping_the_demo_closes_its_port() {
        let demo = start(Mode::Calm, &[]).await;
        let address = demo.base_url().as_str().trim_start_matches("http://").trim_end_matches(ROOT).to_owned();
        drop(demo);
        tokio::task::yield_now().await;
        assert!(TcpStream::connect(address).await.is_err());
    }
}
