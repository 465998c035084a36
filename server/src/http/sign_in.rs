//! Every request is somebody's, but for the few paths that anybody may ask.

use std::sync::Arc;

use http::{HeaderMap, header};
use storage::model::Principal;

use super::{
    Client, Network, Peer, Request, Response, SignedInName,
    middleware::{Handler, Middleware, next},
    respond::Answer,
};
use crate::authentication::{Authenticator, BasicCredentials, SignInError};

/// Takes the Authorization header and hands on who it is.
pub struct SignIn {
    /// Verifies.
    pub authenticator: Arc<Authenticator>,
    /// Proxies whose word about the client counts.
    pub trusted_proxies: Vec<Network>,
}

impl Middleware for SignIn {
    async fn handle(&self, mut request: Request, inner: &impl Handler) -> Response {
        if dav::open_without_sign_in(request.uri().path()) {
            return next(inner, request).await;
        }
        let principal = match self.principal(&request).await {
            Ok(principal) => principal,
            Err(answer) => return answer.into_response(),
        };
        // Nothing behind this point needs the password.
        request.headers_mut().remove(header::AUTHORIZATION);
        let name = SignedInName(principal.name.as_str().into());
        request.extensions_mut().insert(dav::SignedIn(principal));
        let mut response = next(inner, request).await;
        response.extensions_mut().insert(name);
        response
    }
}

impl SignIn {
    async fn principal(&self, request: &Request) -> Result<Arc<Principal>, Answer> {
        let peer = request
            .extensions()
            .get::<Peer>()
            .copied()
            .ok_or(Answer::Defect)?;
        let client = Client::of(peer, request.headers(), &self.trusted_proxies);
        if !client.confidential {
            return Err(Answer::PlaintextRefused);
        }
        let basic = credentials(request.headers()).ok_or(Answer::SignInNeeded)?;
        self.authenticator
            .sign_in(&basic, client.address)
            .await
            .map_err(|error| answer(&error, &client))
    }
}

fn credentials(headers: &HeaderMap) -> Option<BasicCredentials> {
    BasicCredentials::parse(headers.get(header::AUTHORIZATION)?)
}

fn answer(error: &SignInError, client: &Client) -> Answer {
    match error {
        SignInError::Wrong => {
            tracing::info!(address = %client.address, "sign-in refused");
            Answer::SignInNeeded
        }
        SignInError::Wait { seconds } => Answer::Wait { seconds: *seconds },
        SignInError::Busy => Answer::Busy,
        SignInError::Store(error) => {
            tracing::error!(%error, "accounts cannot be read");
            Answer::Busy
        }
    }
}
