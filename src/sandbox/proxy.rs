//! The CONNECT proxy: connections to Azure's names end here under a certificate of the sandbox's own; all others are
//! refused and remembered, so that a test can prove that a program talks to nobody else.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::dispatch::Dispatcher;
use super::hosts::Site;
use super::serve;
use super::state::Shared;
use super::tls::Authority;
use super::x509::Chain;

/// Answers on `listener` until the sandbox stops.
pub fn run(shared: &Shared, listener: TcpListener, dispatcher: Dispatcher, authority: Authority) {
    let proxy = Arc::new(Proxy { shared: shared.clone(), dispatcher, authority });
    let accepting = proxy.clone();
    shared.spawn(async move {
        loop {
            let stream = serve::accept(&listener).await;
            accepting.shared.spawn(accepting.clone().connection(stream));
        }
    });
}

#[derive(Debug)]
struct Proxy {
    shared: Shared,
    dispatcher: Dispatcher,
    authority: Authority,
}

impl Proxy {
    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(move |request| {
            let proxy = self.clone();
            async move { Ok::<_, Infallible>(proxy.request(request)) }
        });
        let served =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
        if let Err(error) = served.await {
            tracing::debug!(%error, "a connection to the sandbox's proxy ended early");
        }
    }

    fn request(self: Arc<Self>, mut request: Request<Incoming>) -> Response<Body> {
        let target = request.uri().authority().cloned();
        let Some(target) = target.filter(|_| request.method() == Method::CONNECT) else {
            self.shared.log().record_refused_connect(&request.uri().to_string());
            return plain(
                StatusCode::FORBIDDEN,
                "The sandbox's proxy only takes CONNECT to port 443 of Azure's hosts.\n",
            );
        };
        let host = target.host().to_ascii_lowercase();
        let Some(site) = Site::of(&host).filter(|_| target.port_u16() == Some(443)) else {
            self.shared.log().record_refused_connect(target.as_str());
            return plain(StatusCode::FORBIDDEN, "This host is not part of the simulated Azure.\n");
        };
        if !self.shared.look(|world| site.resolves(world, &host)) {
            return plain(StatusCode::BAD_GATEWAY, "The name does not resolve.\n");
        }
        let upgrade = hyper::upgrade::on(&mut request);
        let proxy = self.clone();
        self.shared.spawn(async move {
            match upgrade.await {
                Ok(tunnel) => proxy.tunnel(&host, site, TokioIo::new(tunnel)).await,
                Err(error) => tracing::debug!(%error, host, "a tunnel was not opened"),
            }
        });
        Response::new(Body::empty())
    }

    async fn tunnel(&self, host: &str, site: Site, stream: TokioIo<hyper::upgrade::Upgraded>) {
        let config = match self.authority.server_config(host) {
            Ok(config) => config,
            Err(error) => return tracing::error!(%error, host, "no certificate"),
        };
        match TlsAcceptor::from(config).accept(stream).await {
            Ok(stream) => {
                let presented = stream.get_ref().1.peer_certificates();
                let chain = presented.and_then(|all| Chain::of_der(all.iter().map(AsRef::as_ref)));
                serve::azure(stream, &self.dispatcher, host, site, chain).await;
            }
            // The usual cause: a client that does not trust the authority.
            Err(error) => tracing::warn!(%error, host, "a client broke off the TLS handshake with the sandbox"),
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}
