//! What an entry in the [table](super::table) of providers says.

use serde_json::{Map, Value};

use super::special::Finish;

/// A kind of provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of the services")]
#[non_exhaustive]
pub enum ProviderKind {
    /// Any OpenID Connect provider, found by its issuer.
    Generic,
    Amazon,
    Apple,
    Auth0,
    DingTalk,
    Discord,
    Facebook,
    GitHub,
    /// An app of GitHub, whose tokens name no scopes.
    GitHubApp,
    GitLab,
    Google,
    Lark,
    Line,
    LinkedIn,
    /// LinkedIn by OpenID Connect.
    LinkedInV2,
    Microsoft,
    NetId,
    Patreon,
    Salesforce,
    Slack,
    Spotify,
    /// UAE Pass.
    UaePass,
    Vk,
    /// X, by OAuth 1.0a.
    X,
    Yandex,
}

/// Whether the code that a provider gives is bound to a secret that never leaves the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pkce {
    /// Where the provider says that it knows how. A provider that says nothing about itself is believed not to.
    #[default]
    Auto,
    /// Never.
    Never,
    /// Always. The provider leads back to a path that does not name it.
    Force,
}

/// What is particular to a kind.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) is: ProviderKind,
    /// The word in configuration files.
    pub(super) word: &'static str,
    /// The issuer, where the kind has one.
    pub(super) issuer: Option<&'static str>,
    /// What endpoints lie below where no issuer is configured.
    pub(super) base: Option<&'static str>,
    pub(super) needs_issuer: bool,
    pub(super) endpoints: Endpoints,
    /// `openid` is asked for in any case.
    pub(super) openid: bool,
    /// Requested claims are handed on.
    pub(super) takes_options: bool,
    /// Parameters of the authorization URL.
    pub(super) params: &'static [(&'static str, &'static str)],
    /// Parameters of the token request.
    pub(super) token_params: &'static [(&'static str, &'static str)],
    pub(super) login: Login,
    /// Every scope must have been granted; the granted ones are told apart by this.
    pub(super) granted: Option<char>,
    pub(super) pkce: Pkce,
    pub(super) source: Source,
    /// Where the keys are for ID tokens that native clients submit.
    pub(super) submitted_keys: Option<&'static str>,
    /// Other spellings of the issuer in ID tokens.
    pub(super) also_issuers: &'static [&'static str],
}

/// Where people are sent, and where codes are redeemed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Endpoints {
    /// The provider says so itself.
    Discovered,
    /// Always the same. `{tenant}` stands for the tenant.
    At(&'static str, &'static str),
    /// Below the issuer or the base.
    Below(&'static str, &'static str),
}

/// How the service authenticates when it redeems a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// As the provider says, else by a header, and by fields if that is not understood.
    Auto,
    /// By a header.
    Header,
    /// By fields of the form.
    Fields,
    /// By the members of a JSON object, which DingTalk names in its own way.
    DingTalk,
}

/// Where the claims come from.
#[derive(Debug)]
pub(super) enum Source {
    /// The ID token, or the discovered answer about the person, as the host chooses.
    Choice,
    /// The discovered answer about the person.
    Discovered,
    /// The ID token of one of Microsoft's tenants.
    Microsoft,
    /// The kind's own answer about the person.
    Info(Info),
    /// The same, but issuer and subject come from the ID token.
    InfoBesideToken(Info),
    /// OAuth 1.0a.
    X,
}

/// An answer about the person.
#[derive(Debug)]
pub(super) struct Info {
    /// Where it is: a URL, or a path below the issuer or base.
    pub(super) at: &'static str,
    pub(super) by: TokenIn,
    pub(super) issuer: Issuer,
    /// The claims and where they stand in the answer. Without any they are those of OpenID Connect.
    pub(super) rows: &'static [(&'static str, &'static str)],
    /// A second answer, and the scope without which it is not asked for.
    pub(super) more: Option<(&'static str, Option<&'static str>)>,
    pub(super) finish: Option<Finish>,
    pub(super) raw: bool,
}

/// How the access token goes along.
#[derive(Clone, Copy, Debug)]
pub(super) enum TokenIn {
    Bearer,
    Header(&'static str),
    Query(&'static str),
    /// As a bearer, and proved by a MAC in the query.
    Proved,
}

/// What `iss` is said to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Issuer {
    Is(&'static str),
    /// What the answer says, else the configured issuer.
    Configured,
    /// The issuer or the base.
    Base,
}

/// A kind with nothing particular.
pub(super) const PLAIN: Kind = Kind {
    is: ProviderKind::Generic,
    word: "generic",
    issuer: None,
    base: None,
    needs_issuer: false,
    endpoints: Endpoints::Discovered,
    openid: false,
    takes_options: false,
    params: &[],
    token_params: &[],
    login: Login::Auto,
    granted: None,
    pkce: Pkce::Auto,
    source: Source::Choice,
    submitted_keys: None,
    also_issuers: &[],
};

/// An OpenID Connect provider that says about itself what is to be known.
pub(super) const DISCOVERED: Kind = Kind { openid: true, takes_options: true, ..PLAIN };

/// An answer with the claims of OpenID Connect.
pub(super) const STANDARD: Info =
    Info { at: "", by: TokenIn::Bearer, issuer: Issuer::Configured, rows: &[], more: None, finish: None, raw: false };

/// The claims of an answer by the rows of its kind.
pub(super) fn said(info: &Info, answer: &Value) -> Map<String, Value> {
    if info.rows.is_empty() {
        return answer.as_object().cloned().unwrap_or_default();
    }
    let mut said = Map::new();
    for (claim, at) in info.rows {
        let value = answer.pointer(at).filter(|value| !value.is_null());
        // Some name their accounts by numbers.
        let value = value.map(|value| match value {
            Value::Number(number) if *claim == "sub" => Value::String(number.to_string()),
            other => other.clone(),
        });
        said.extend(value.map(|value| ((*claim).to_owned(), value)));
    }
    said
}
