//! `serve.public`: where the service listens and is found, and whose scripts may call it.

use super::LoadError;
use super::section::Section;

/// Where the file wants the server to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listen {
    /// An address, or empty for all of them.
    pub host: String,
    /// A port.
    pub port: u16,
}

/// What the file says about calls from other origins' scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cors {
    /// Origins, some with a star for a part of the name.
    pub origins: Vec<String>,
    /// Verbs.
    pub methods: Vec<String>,
    /// Request headers.
    pub headers: Vec<String>,
    /// Response headers that scripts may read.
    pub exposed: Vec<String>,
    /// Whether cookies go along.
    pub credentials: bool,
    /// For how many seconds a preflight is remembered; nothing for the browser's own time.
    pub max_age: Option<u64>,
}

pub(super) struct Serve {
    pub(super) base_url: String,
    pub(super) listen: Listen,
    pub(super) cors: Option<Cors>,
}

pub(super) fn read(serve: &mut Section, base_url: Option<&str>) -> Result<Serve, LoadError> {
    serve.ignore(&["admin", "http"]);
    let mut public = serve.section("public")?;
    public.ignore(&["request_log", "socket", "tls", "trace_context"]);
    let host = public.text("host")?.unwrap_or_default();
    let port = public.number("port")?.unwrap_or(4433);
    let port = u16::try_from(port).map_err(|_| public.fault("port", "must be below 65536"))?;
    let written = public.text("base_url")?;
    let base_url = base_url.map(str::to_owned).or(written).unwrap_or_else(|| {
        let name = if matches!(host.as_str(), "" | "0.0.0.0" | "::") { "localhost" } else { &host };
        format!("https://{name}:{port}/")
    });
    let cors = cors(public.section("cors")?)?;
    public.end()?;
    Ok(Serve { base_url, listen: Listen { host, port }, cors })
}

fn cors(mut section: Section) -> Result<Option<Cors>, LoadError> {
    section.ignore(&["debug", "options_passthrough"]);
    let enabled = section.flag("enabled")?.unwrap_or(false);
    let mut list = |key: &str, default: &[&str]| -> Result<Vec<String>, LoadError> {
        let given = section.texts(key)?;
        Ok(if given.is_empty() { default.iter().map(|text| (*text).to_owned()).collect() } else { given })
    };
    let headers = ["Authorization", "Content-Type", "Max-Age", "X-Session-Token", "X-XSRF-TOKEN", "X-CSRF-TOKEN"];
    let mut cors = Cors {
        origins: list("allowed_origins", &["*"])?,
        methods: list("allowed_methods", &["POST", "GET", "PUT", "PATCH", "DELETE"])?,
        headers: list("allowed_headers", &headers)?,
        exposed: list("exposed_headers", &["Content-Type"])?,
        credentials: true,
        max_age: None,
    };
    cors.credentials = section.flag("allow_credentials")?.unwrap_or(true);
    cors.max_age = section.number("max_age")?.filter(|seconds| *seconds > 0);
    section.end()?;
    Ok(enabled.then_some(cors))
}
