//! A real identity provider beside the tests: `oidc-provider` from npm, unmodified, and a browser for its pages.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use http::header::{CONTENT_TYPE, COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use tower_registration::fetch::Client;
use tower_registration::host::{Fetch, FetchRequest, Fetched};
use url::Url;

/// Where `scripts/test` puts the npm package and what it needs.
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/oidc-provider/node_modules");
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/identity_provider.mjs");

/// A running provider. It ends with this.
pub(crate) struct RealProvider {
    pub(crate) issuer: String,
    process: Child,
}

impl RealProvider {
    /// Starts one that leads back to this URL and whose codes end after so many seconds; nothing where the package is
    /// missing.
    pub(crate) fn start(redirect_uri: &str, code_seconds: u32) -> Option<Self> {
        if !std::path::Path::new(MODULES).join("oidc-provider").is_dir() {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "everything is installed in CI");
            println!("not run: the npm package oidc-provider is missing; `scripts/test` installs it");
            return None;
        }
        let mut node = Command::new("node");
        node.args([PROGRAM, MODULES, redirect_uri, &code_seconds.to_string()]);
        let mut process = node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut issuer = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut issuer).unwrap();
        assert!(issuer.starts_with("http://127.0.0.1:"), "the provider does not start: {issuer}");
        Some(Self { issuer: issuer.trim().to_owned(), process })
    }
}

impl Drop for RealProvider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A browser on the pages of a provider: it keeps cookies, and follows redirects as long as they stay there.
pub(crate) struct Visitor {
    client: Client,
    jar: BTreeMap<String, String>,
}

impl Visitor {
    pub(crate) fn new() -> Self {
        Self { client: Client::builder().allow_private(true).build().unwrap(), jar: BTreeMap::new() }
    }

    /// Signs in and agrees: where the provider leads back to.
    pub(crate) async fn agree(&mut self, to: &str, name: &str) -> Url {
        let form = self.go(page(to)).await.unwrap_err();
        let consent = self.go(submit(&form, &format!("prompt=login&login={name}&password=any"))).await.unwrap_err();
        self.go(submit(&consent, "prompt=consent")).await.unwrap()
    }

    /// Turns back: where the provider leads back to.
    pub(crate) async fn refuse(&mut self, to: &str) -> Url {
        let form = self.go(page(to)).await.unwrap_err();
        self.go(page(&format!("{form}/abort"))).await.unwrap()
    }

    /// Where another host is entered, or else the page that asks something.
    async fn go(&mut self, mut request: FetchRequest) -> Result<Url, Url> {
        for _ in 0..10 {
            let here = request.url().clone();
            let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.with_header(COOKIE, HeaderValue::from_str(&cookies.join("; ")).unwrap());
            let answer = self.client.fetch(request).await.unwrap();
            self.keep(&answer);
            let Some(location) = answer.headers().get(LOCATION) else {
                assert_eq!(answer.status(), 200, "{here} {:?}", answer.body());
                return Err(here);
            };
            let next = here.join(location.to_str().unwrap()).unwrap();
            if next.authority() != here.authority() {
                return Ok(next);
            }
            request = FetchRequest::get(next);
        }
        panic!("the provider leads around in circles");
    }

    fn keep(&mut self, answer: &Fetched) {
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match value.is_empty() {
                true => drop(self.jar.remove(name)),
                false => drop(self.jar.insert(name.to_owned(), value.to_owned())),
            }
        }
    }
}

fn page(url: &str) -> FetchRequest {
    FetchRequest::get(Url::parse(url).unwrap())
}

fn submit(page: &Url, form: &str) -> FetchRequest {
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    FetchRequest::post(page.clone()).with_header(CONTENT_TYPE, kind).with_body(form.to_owned())
}
