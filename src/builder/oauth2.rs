//! The OAuth2 server that sends people here.

use std::sync::Arc;

use super::Builder;
use crate::host::OAuth2Server;

impl Builder {
    /// Sets the OAuth2 server that sends people here with a login challenge. Once they are registered it is told who they
    /// are, and they are led back to it.
    ///
    /// Somebody who is signed in already, and whom the server does not know, is led to `self-service/login/browser` below
    /// the base URL, which is the host's sign-in.
    pub fn oauth2_server(mut self, server: impl OAuth2Server) -> Self {
        self.oauth2 = Some(Arc::new(server));
        self.choose(|config| config.leads_to_clients = true)
    }

    /// Leads somebody who is signed in, and whom the OAuth2 server does not know, from the sign-in back to where the
    /// server's client began, whatever `return_to` says.
    pub fn override_return_to(self, on: bool) -> Self {
        self.choose(|config| config.override_return_to = on)
    }
}
