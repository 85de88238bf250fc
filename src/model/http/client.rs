//! The HTTP client every dialect shares.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{Site, reported};
use super::key::Key;
use crate::model::endpoint::FailureKind;
use crate::model::pool::{ModelSpec, ServerKind};
use crate::model::retry::Failure;

/// Seconds without a byte before a call is given up, unless the pool says.
pub const TIMEOUT: f64 = 120.0;
/// Most bytes of an answer that is not a stream.
const MOST: usize = 16 << 20;
/// Most bytes that are made room for because a server says that they come.
const MOST_AT_ONCE: usize = 64 << 10;
/// How many times the timeout a call may take in all.
pub(super) const IN_ALL: u32 = 5;
const CONNECT: Duration = Duration::from_secs(5);
/// Below the 5 s after which uvicorn closes idle connections: alternating
/// models leave each one idle for seconds at a time.
const IDLE: Duration = Duration::from_secs(3);

/// What routers in front of a fleet pin calls by: the first is the vLLM
/// router's (`consistent_hash`) and common elsewhere, the second the SGLang
/// gateway's.
const AFFINITY: [&str; 2] = ["x-session-id", "x-smg-routing-key"];

/// Makes ring the process's TLS provider; needed before any client is made.
/// Calling it again does nothing.
pub fn install_crypto() {
    // An error means that a provider is already there.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client for one server.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client,
    site: Site,
    /// By path: an address is not taken apart anew at every call.
    addresses: Arc<Mutex<HashMap<String, Url>>>,
}

impl HttpClient {
    /// A client for the server of `spec`; nobody is called.
    ///
    /// # Errors
    /// [`FailureKind::Configuration`]. A missing key is not one: it fails the
    /// calls, so that a program can start and say so.
    pub fn new(spec: &ModelSpec, dialect: &'static str) -> Result<Self, Failure> {
        let wrong = |message: String| Failure::new(FailureKind::Configuration, message);
        let base = spec.base_url.as_deref().unwrap_or_default();
        let url = Url::parse(base).map_err(|error| wrong(format!("base_url: {error}")))?;
        let timeout = spec.timeout.unwrap_or(TIMEOUT);
        let limit = Duration::try_from_secs_f64(timeout)
            .map_err(|error| wrong(format!("timeout {timeout}: {error}")))?;
        install_crypto();
        let mut builder = Client::builder()
            .connect_timeout(CONNECT.min(limit))
            .read_timeout(limit)
            // Comments that keep a stream alive are bytes too.
            .timeout(limit.saturating_mul(IN_ALL))
            // Retries are this program's: one that is hidden is in no ledger.
            .retry(reqwest::retry::never())
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            // A redirect would carry the key elsewhere.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("pointsman/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers_for(spec.server));
        if is_loopback(&url) {
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .map_err(|error| wrong(format!("cannot make an HTTP client: {error}")))?;
        Ok(Self {
            client,
            site: Site {
                url: base.trim_end_matches('/').to_owned(),
                key: Key::of(spec).map_err(wrong)?,
                dialect,
                timeout,
            },
            addresses: Arc::default(),
        })
    }

    pub fn site(&self) -> &Site {
        &self.site
    }

    /// `GET path`, read as JSON of the shape `T`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let request = self.client.get(self.address(path)?);
        self.json(path, self.send(path, request).await?).await
    }

    /// `POST path` with a JSON body, read as JSON of the shape `T`.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        let request = self.client.post(self.address(path)?).json(body);
        self.json(path, self.send(path, request).await?).await
    }

    /// `POST path` with a JSON body; the answer is open and its status is
    /// success. Dropping it closes the connection. Calls of one `affinity` are
    /// asked to stay on one replica, which has their prefix in its cache.
    pub async fn open(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
        affinity: Option<&str>,
    ) -> Result<Response, Failure> {
        let mut request = self.client.post(self.address(path)?).json(body);
        if let Some(affinity) = affinity {
            // Hashed: ids of problems are nobody's business.
            let key = &crate::trace::ids::sha256(affinity.as_bytes())[..16];
            for header in AFFINITY {
                request = request.header(header, key);
            }
        }
        self.send(path, request).await
    }

    /// The next bytes of an open answer; `None` at its end.
    pub async fn next(
        &self,
        response: &mut Response,
    ) -> Result<Option<impl Deref<Target = [u8]> + use<>>, Failure> {
        let chunk = response.chunk().await;
        chunk.map_err(|error| self.site.transport(&error))
    }

    /// The rest of an open answer, up to a bound.
    pub async fn rest(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        // What a server says is not trusted.
        let length = response.content_length().unwrap_or_default();
        let length = usize::try_from(length).unwrap_or(MOST);
        let mut body = Vec::with_capacity(length.min(MOST_AT_ONCE));
        while let Some(bytes) = self.next(&mut response).await? {
            body.extend_from_slice(&bytes);
            if body.len() > MOST {
                break;
            }
        }
        Ok(body)
    }

    fn address(&self, path: &str) -> Result<Url, Failure> {
        // A panic elsewhere leaves the map whole.
        let mut known = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = known.get(path) {
            return Ok(address.clone());
        }
        let written = format!("{}{path}", self.site.url);
        let address = Url::parse(&written).map_err(|error| {
            Failure::new(FailureKind::Configuration, format!("{written}: {error}"))
        })?;
        known.insert(path.to_owned(), address.clone());
        Ok(address)
    }

    async fn send(&self, path: &str, request: RequestBuilder) -> Result<Response, Failure> {
        let response = match &self.site.key {
            None => self.exchange(request).await?,
            Some(key) => self.exchange_with(key, request).await?,
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let headers = response.headers().clone();
        // The status says enough where the body cannot be read.
        let body = self.rest(response).await.unwrap_or_default();
        Err(self.site.status(path, status.as_u16(), &headers, &body))
    }

    /// Sends a request with the key; once more where the key was refused and
    /// there is a newer one.
    async fn exchange_with(&self, key: &Key, request: RequestBuilder) -> Result<Response, Failure> {
        let secret = key.secret().await?;
        let again = request.try_clone();
        let response = self.exchange(key.sign(request, &secret)).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let Some((again, newer)) = again.zip(key.renewed(&secret).await?) else {
            return Ok(response);
        };
        self.exchange(key.sign(again, &newer)).await
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let sent = request.send().await;
        sent.map_err(|error| self.site.transport(&error))
    }

    async fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        response: Response,
    ) -> Result<T, Failure> {
        let kind = content_type(&response);
        let body = self.rest(response).await?;
        if let Ok(value) = serde_json::from_slice::<Value>(&body)
            && let Some(error) = reported(&value)
        {
            return Err(self.site.in_band(path, error));
        }
        serde_json::from_slice(&body).map_err(|_| self.site.malformed(path, &kind, &body))
    }
}

/// What every call to such a server carries.
fn headers_for(server: ServerKind) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if server == ServerKind::Litellm {
        // Retries of the proxy would multiply with ours, and be in no ledger.
        headers.insert("x-litellm-num-retries", HeaderValue::from_static("0"));
    }
    headers
}

/// The media type of an answer, without its parameters.
pub fn content_type(response: &Response) -> String {
    response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map_or_else(
            || "no content type".to_owned(),
            |kind| kind.trim().to_lowercase(),
        )
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
