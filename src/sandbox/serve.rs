//! HTTP/1.1 connections: those that came through a tunnel under one of Azure's names, and those to the local pages.

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::clock::SandboxClock;
use super::dispatch::{Cut, Dispatcher};
use super::hosts::Site;
use super::state::Shared;
use super::x509::Chain;

/// The next connection. Failing to accept (too many open files) passes; it is tried again.
pub async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small; without this each waits for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                tracing::warn!(%error, "the sandbox could not accept a connection");
                SandboxClock::real_sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves the simulated service under `host` until the connection ends. `chain` is what the client presented of itself.
pub async fn azure(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    dispatcher: &Dispatcher,
    host: &str,
    site: Site,
    chain: Option<Chain>,
) {
    let handle = |mut request: Request<Incoming>| {
        if let Some(chain) = &chain {
            request.extensions_mut().insert(chain.clone());
        }
        dispatcher.azure(host, site, request)
    };
    connection(stream, handle).await;
}

/// Serves Entra's pages and the truth page on `listener` until the sandbox stops.
pub fn local(shared: &Shared, listener: TcpListener, dispatcher: Dispatcher) {
    let tasks = shared.clone();
    shared.spawn(async move {
        loop {
            let stream = accept(&listener).await;
            let dispatcher = dispatcher.clone();
            tasks.spawn(async move { connection(stream, |request| dispatcher.local(request)).await });
        }
    });
}

async fn connection<F>(stream: impl AsyncRead + AsyncWrite + Unpin, handle: impl Fn(Request<Incoming>) -> F)
where
    F: Future<Output = Result<Response<Body>, Cut>>,
{
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(handle)).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the sandbox ended early");
    }
}
