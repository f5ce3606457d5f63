//! Which of our routes a request is for.

/// A verb and a path, below the base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `GET /self-service/registration/browser`
    OpenBrowser,
    /// `GET /self-service/registration/api`
    OpenApi,
    /// `GET /self-service/registration/flows?id=`
    Show,
    /// `POST /self-service/registration?flow=`
    Submit,
    /// `GET /self-service/registration?flow=`: answered, but it submits nothing.
    SubmitByGet,
    /// `GET /self-service/verification/browser`
    OpenVerificationBrowser,
    /// `GET /self-service/verification/api`
    OpenVerificationApi,
    /// `GET /self-service/verification/flows?id=`
    ShowVerification,
    /// `POST /self-service/verification?flow=`
    SubmitVerification,
    /// `GET /self-service/verification?flow=`: the link of a letter
    Follow,
    /// `/sessions/whoami`, every verb
    Whoami,
    /// `GET /sessions/token-exchange`
    Exchange,
    /// `GET /schemas`
    Schemas,
    /// `GET /schemas/{id}`; the id is still percent-encoded.
    Schema(String),
    /// `GET /self-service/errors?id=`
    ShowError,
    /// `GET /self-service/methods/oidc/callback[/{provider}]`; the provider is still percent-encoded.
    Callback(Option<String>),
    /// `POST /self-service/methods/oidc/callback/{provider}`: providers that answer by a form
    CallbackByForm(String),
    /// `GET /.well-known/ory/webauthn.js`
    KeyScript,
    /// A path of ours with a verb that it does not take.
    WrongVerb {
        /// The verbs it takes, for `Allow`.
        allow: &'static str,
    },
    /// No path of ours.
    Unknown,
}

const CALLBACK: &str = "/self-service/methods/oidc/callback";
const CALLBACKS: &str = "/self-service/methods/oidc/callback/";
const GET: &str = "GET, HEAD";
const GET_AND_POST: &str = "GET, HEAD, POST";

impl Route {
    /// Finds the route of a path below the base URL; `path` begins with a slash. `HEAD` counts as `GET`.
    pub(crate) fn find(verb: &http::Method, path: &str) -> Self {
        let get = matches!(*verb, http::Method::GET | http::Method::HEAD);
        let only_get = |route: Self| if get { route } else { Self::WrongVerb { allow: GET } };
        match path {
            "/self-service/registration/browser" => only_get(Self::OpenBrowser),
            "/self-service/registration/api" => only_get(Self::OpenApi),
            "/self-service/registration/flows" => only_get(Self::Show),
            "/self-service/registration" if get => Self::SubmitByGet,
            "/self-service/registration" if *verb == http::Method::POST => Self::Submit,
            "/self-service/registration" => Self::WrongVerb { allow: GET_AND_POST },
            "/self-service/verification/browser" => only_get(Self::OpenVerificationBrowser),
            "/self-service/verification/api" => only_get(Self::OpenVerificationApi),
            "/self-service/verification/flows" => only_get(Self::ShowVerification),
            "/self-service/verification" if get => Self::Follow,
            "/self-service/verification" if *verb == http::Method::POST => Self::SubmitVerification,
            "/self-service/verification" => Self::WrongVerb { allow: GET_AND_POST },
            "/sessions/whoami" => Self::Whoami,
            "/sessions/token-exchange" => only_get(Self::Exchange),
            "/self-service/errors" => only_get(Self::ShowError),
            "/schemas" => only_get(Self::Schemas),
            "/.well-known/ory/webauthn.js" if cfg!(feature = "webauthn") => only_get(Self::KeyScript),
            CALLBACK if *verb == http::Method::GET => Self::Callback(None),
            CALLBACK => Self::WrongVerb { allow: "GET" },
            _ => match (segment_below("/schemas/", path), segment_below(CALLBACKS, path)) {
                (Some(id), _) => only_get(Self::Schema(id)),
                // Looking ahead by `HEAD` must not use anything up.
                (_, Some(provider)) if *verb == http::Method::GET => Self::Callback(Some(provider)),
                (_, Some(provider)) if *verb == http::Method::POST => Self::CallbackByForm(provider),
                (_, Some(_)) => Self::WrongVerb { allow: "GET, POST" },
                (None, None) => Self::Unknown,
            },
        }
    }

    /// Whether the request meets the CSRF cookie's guard: a cookie is handed out, and an unsafe verb needs a token.
    ///
    /// The other routes check for themselves or need no check.
    pub(crate) fn is_guarded(path: &str) -> bool {
        let ignored = [
            "/self-service/registration",
            "/self-service/registration/api",
            "/self-service/verification",
            "/self-service/verification/api",
            "/sessions",
            "/.well-known/ory/webauthn.js",
        ];
        let ignored_below = ["/sessions/", "/schemas/", CALLBACKS];
        !ignored.contains(&path) && !ignored_below.iter().any(|start| path.starts_with(start))
    }
}

/// What stands behind the start of a path, when that is one segment.
fn segment_below(start: &str, path: &str) -> Option<String> {
    let rest = path.strip_prefix(start)?;
    (!rest.is_empty() && !rest.contains('/')).then(|| rest.to_owned())
}

/// The path below `prefix`, or nothing when it lies elsewhere. Whole segments count: `/authX` is not below `/auth`.
pub(crate) fn below<'p>(prefix: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(prefix)?;
    match rest {
        "" => Some("/"),
        _ => rest.starts_with('/').then_some(rest),
    }
}

/// The path without empty and dot segments, when that is another one.
pub(crate) fn cleaned(path: &str) -> Option<String> {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    // A slash at the end stays, as the contract's router keeps it.
    let slash = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    let clean = format!("/{}{slash}", kept.join("/"));
    (clean != path).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    #[test]
    fn a_verb_that_a_path_does_not_take_is_told_apart_from_an_unknown_path() {
        let wrong = |allow| Route::WrongVerb { allow };

        assert_eq!(Route::find(&Method::PUT, "/self-service/registration"), wrong(GET_AND_POST));
        assert_eq!(Route::find(&Method::POST, "/self-service/registration/api"), wrong(GET));
        assert_eq!(Route::find(&Method::GET, "/self-service/registration/api/"), Route::Unknown);
        assert_eq!(Route::find(&Method::GET, "/self-service/registrationX"), Route::Unknown);
    }

    #[test]
    fn only_whole_segments_lie_below_a_prefix() {
        assert_eq!(below("/auth", "/auth/schemas"), Some("/schemas"));
        assert_eq!(below("", "/schemas"), Some("/schemas"));
        assert_eq!(below("/auth", "/authority/schemas"), None);
    }

    #[test]
    fn empty_and_dot_segments_are_cleaned_away() {
        assert_eq!(cleaned("//schemas/./x/../y"), Some("/schemas/y".to_owned()));
        assert_eq!(cleaned("/schemas/../.."), Some("/".to_owned()));
        assert_eq!(cleaned("/schemas"), None);
        assert_eq!(cleaned("/schemas/"), None);
        assert_eq!(cleaned("/"), None);
    }
}
