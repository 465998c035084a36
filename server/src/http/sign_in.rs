//! Every request is somebody's, but for those that anybody may make.

use std::sync::Arc;

use http::{HeaderMap, StatusCode, header};
use storage::model::Principal;

use super::{
    Client, Exchange, Network, Response,
    middleware::{Handler, Middleware},
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
    async fn handle(&self, exchange: &mut Exchange, inner: &impl Handler) -> Response {
        if !dav::open_without_sign_in(exchange.head.uri.path()) {
            match self.principal(exchange).await {
                Ok(principal) => exchange.signed_in = principal,
                Err(answer) => return answer.into_response(),
            }
            // Nothing behind this point needs the password.
            exchange.head.headers.remove(header::AUTHORIZATION);
        }
        let response = inner.answer(exchange).await;
        match response.status() {
            StatusCode::UNAUTHORIZED => Answer::SignInNeeded.into_response(),
            _ => response,
        }
    }
}

impl SignIn {
    /// Who signs in; nobody, where there are no credentials and the request may be anybody's.
    async fn principal(&self, exchange: &Exchange) -> Result<Option<Arc<Principal>>, Answer> {
        let headers = &exchange.head.headers;
        let client = Client::of(exchange.peer, headers, &self.trusted_proxies);
        if !client.confidential {
            return Err(Answer::PlaintextRefused);
        }
        let (method, path) = (&exchange.head.method, exchange.head.uri.path());
        if !headers.contains_key(header::AUTHORIZATION) && dav::open_to_anybody(method, path) {
            return Ok(None);
        }
        let basic = credentials(headers).ok_or(Answer::SignInNeeded)?;
        let signed_in = self.authenticator.sign_in(&basic, client.address).await;
        signed_in.map(Some).map_err(|error| answer(&error, &client))
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
