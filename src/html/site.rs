//! The pages as a part of the service: which requests they take, and what those are answered.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context, escape_formatter};

use super::dictionary::{Dictionary, Words};
use super::draw::{self, Told};
use super::policy;
use super::settings::Pages;
use super::style::Style;
use super::visitor::Visitor;
use crate::call::{Answer, Failed, Outcome, Verify, Wish};
use crate::config::{BaseUrl, Config};
use crate::flow::{FlowId, FlowKind};
use crate::trace;

const REGISTRATION: &str = "/registration";
const VERIFICATION: &str = "/verification";
const ERROR: &str = "/error";
const REGISTERED: &str = "/registered";

const TEMPLATES: [(&str, &str); 7] = [
    ("layout.html", include_str!("templates/layout.html")),
    ("form.html", include_str!("templates/form.html")),
    ("field.html", include_str!("templates/field.html")),
    ("registration.html", include_str!("templates/registration.html")),
    ("verification.html", include_str!("templates/verification.html")),
    ("error.html", include_str!("templates/error.html")),
    ("registered.html", include_str!("templates/registered.html")),
];

/// Which of the pages are the library's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    registration: bool,
    verification: bool,
    error: bool,
    registered: bool,
}

impl Own {
    /// Takes every page that the host has no URL for.
    pub(crate) fn take(config: &mut Config) -> Self {
        let base = &config.base;
        let take = |url: &mut String, path: &str| {
            let own = url.is_empty();
            if own {
                *url = base.join(path);
            }
            own
        };
        Self {
            registration: take(&mut config.registration_ui, REGISTRATION),
            verification: config.verification.as_mut().is_some_and(|settings| take(&mut settings.ui, VERIFICATION)),
            error: take(&mut config.error_ui, ERROR),
            registered: take(&mut config.default_return_url, REGISTERED),
        }
    }
}

/// What a request for one of the pages asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// A registration.
    Registration(FlowId),
    /// The proof of an address.
    Verification(FlowId),
    /// A flow that is to be begun first, at this path below the base URL.
    Begin(&'static str),
    /// An error that was kept.
    Error(String),
    /// The page "you are signed up".
    Registered,
    /// The style sheet.
    Style,
    /// Something that cannot be done now: a form that comes while there is too much to do.
    Later,
    /// Something else than to look.
    WrongVerb,
}

impl Asked {
    /// What the story is asked, where it is.
    pub(crate) fn wish(&self) -> Option<Wish> {
        match self {
            Self::Registration(flow) => Some(Wish::Show(Some(*flow))),
            Self::Verification(flow) => Some(Wish::Verify(Verify::Show(Some(*flow)))),
            Self::Error(id) => Some(Wish::ShowError(id.clone())),
            Self::Begin(_) | Self::Registered | Self::Style | Self::Later | Self::WrongVerb => None,
        }
    }
}

/// The pages of a service.
pub(crate) struct Site {
    own: Own,
    dictionary: Dictionary,
    templates: Environment<'static>,
    style: Style,
    policy: HeaderValue,
    brand: Value,
}

impl Site {
    /// The pages of a service with this configuration, whose methods lead to these places; nothing when the host has its own
    /// for all of them.
    pub(crate) fn build(pages: &Pages, own: Own, config: &Config, led_to: &[String]) -> Result<Option<Self>, String> {
        if !(own.registration || own.verification || own.error || own.registered) {
            return Ok(None);
        }
        let style = Style::new(&pages.accent)?;
        let brand = context! {
            name => pages.name.as_str(),
            logo => pages.logo.as_str(),
            home => pages.home.as_str(),
            stylesheet => config.base.join(&style.path),
        };
        let policy = policy::content_security(pages, config, led_to)?;
        let (dictionary, templates) = (Dictionary::new(pages)?, templates(pages)?);
        let site = Self { own, dictionary, templates, style, policy, brand };
        site.try_out(&config.base)?;
        Ok(Some(site))
    }

    /// What a request asks of the pages, by its verb, its path below the base URL, and its query; nothing where the path is
    /// none of theirs.
    pub(crate) fn find(&self, verb: &Method, path: &str, query: &str) -> Option<Asked> {
        let value = |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
        let flow = || value("flow").and_then(|(_, id)| FlowId::parse(&id));
        let asked = match path {
            REGISTRATION if self.own.registration => {
                flow().map_or(Asked::Begin("/self-service/registration/browser"), Asked::Registration)
            }
            VERIFICATION if self.own.verification => {
                flow().map_or(Asked::Begin("/self-service/verification/browser"), Asked::Verification)
            }
            ERROR if self.own.error => Asked::Error(value("id").map(|(_, id)| id.into_owned()).unwrap_or_default()),
            REGISTERED if self.own.registered => Asked::Registered,
            path if path == self.style.path => Asked::Style,
            _ => return None,
        };
        match *verb {
            Method::GET | Method::HEAD => Some(asked),
            _ => Some(Asked::WrongVerb),
        }
    }

    /// What an answer takes from the head of its request.
    pub(crate) fn visitor<B>(&self, request: &Request<B>) -> Visitor {
        Visitor::new(request)
    }

    /// Answers a request; `answer` is what the story said to its wish.
    pub(crate) fn respond(
        &self,
        asked: Asked,
        answer: Option<Answer>,
        visitor: &Visitor,
        config: &Config,
    ) -> Response<Full<Bytes>> {
        let Answer { outcome, cookies } = answer.unwrap_or(Answer { outcome: Outcome::Unknown, cookies: Vec::new() });
        let mut response = match asked {
            Asked::Style => self.style_sheet(),
            Asked::WrongVerb => wrong_verb(),
            Asked::Later => self.trouble(&outcome, None, visitor),
            Asked::Begin(path) => begin(&config.base.join(path), &visitor.query),
            Asked::Registered => self.page(StatusCode::OK, "registered.html", visitor, draw::registered),
            Asked::Registration(_) => {
                self.flow("/self-service/registration/browser", outcome, cookies.is_empty(), visitor, config)
            }
            Asked::Verification(_) => {
                self.flow("/self-service/verification/browser", outcome, cookies.is_empty(), visitor, config)
            }
            Asked::Error(_) => {
                let again = Some(config.registration_ui.as_str());
                match outcome {
                    Outcome::KeptError { error, .. } => self.error(StatusCode::OK, &Told::kept(&error), again, visitor),
                    other => self.trouble(&other, again, visitor),
                }
            }
        };
        for cookie in cookies.iter().filter_map(|cookie| HeaderValue::from_str(cookie).ok()) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        if visitor.method == Method::HEAD {
            *response.body_mut() = Full::default();
        }
        response
    }

    /// The page of a flow. One that cannot be shown is begun anew, at this path; a browser that is not `known` by its
    /// cookie is asked first, for one that keeps no cookies would go in circles.
    fn flow(
        &self,
        path: &str,
        outcome: Outcome,
        known: bool,
        visitor: &Visitor,
        config: &Config,
    ) -> Response<Full<Bytes>> {
        let base: &BaseUrl = &config.base;
        let anew = base.join(path);
        match outcome {
            Outcome::Shown(page) if page.facts.kind == FlowKind::Browser => {
                self.page(StatusCode::OK, "registration.html", visitor, |words| draw::registration(&page, words, base))
            }
            Outcome::Verification(page, _) if page.flow.kind == FlowKind::Browser => {
                self.page(StatusCode::OK, "verification.html", visitor, |words| draw::verification(&page, words, base))
            }
            // A native client's flow is no page.
            Outcome::Shown(_) | Outcome::Verification(..) => begin(&anew, ""),
            Outcome::Failed(Failed { failure, .. }) if matches!(failure.status(), 404 | 410) => {
                let told = failure.details().and_then(|details| details.get("redirect_to")?.as_str());
                begin(told.unwrap_or(&anew), "")
            }
            // Another flow's cookie: that of another browser, or one that ended with a sign-up.
            Outcome::Failed(Failed { failure, .. }) if failure.status() == 403 && known => begin(&anew, ""),
            other => self.trouble(&other, Some(&anew), visitor),
        }
    }

    fn trouble(&self, outcome: &Outcome, again: Option<&str>, visitor: &Visitor) -> Response<Full<Bytes>> {
        let Outcome::Failed(Failed { failure, .. }) = outcome else {
            let told = Told { status: 500, id: "", reason: "" };
            return self.error(StatusCode::INTERNAL_SERVER_ERROR, &told, again, visitor);
        };
        let status = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = self.error(status, &Told::failure(failure), again, visitor);
        if let Some(seconds) = failure.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn error(
        &self,
        status: StatusCode,
        told: &Told<'_>,
        again: Option<&str>,
        visitor: &Visitor,
    ) -> Response<Full<Bytes>> {
        self.page(status, "error.html", visitor, |words| draw::error(told, again, words))
    }

    fn page(
        &self,
        status: StatusCode,
        template: &str,
        visitor: &Visitor,
        draw: impl FnOnce(&Words) -> Value,
    ) -> Response<Full<Bytes>> {
        let words = self.dictionary.best(visitor.languages());
        let drawn = words.map(|words| self.render(template, words, draw(words)));
        let mut response = match drawn {
            Some(Ok(page)) => Response::new(Full::new(Bytes::from(page))),
            failed => {
                failed.into_iter().filter_map(Result::err).for_each(|why| trace::warning(&why));
                let mut response = Response::new(Full::new(Bytes::from_static(b"<!doctype html><title>Error</title>")));
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response.headers_mut().extend(policy::of_page(&self.policy));
                return response;
            }
        };
        *response.status_mut() = status;
        response.headers_mut().extend(policy::of_page(&self.policy));
        response
    }

    fn render(&self, template: &str, words: &Words, page: Value) -> Result<String, String> {
        let language = context! { code => words.code.as_str(), direction => words.direction.as_str() };
        let values = context! { page, language, site => self.brand.clone(), text => words.text.clone() };
        let rendered = self.templates.get_template(template).and_then(|found| found.render(values));
        rendered.map_err(|error| format!("the template `{template}`: {error:#}"))
    }

    /// Draws every page once: a template that asks for what is not there is found now.
    fn try_out(&self, base: &BaseUrl) -> Result<(), String> {
        let told = Told { status: 500, id: "id", reason: "reason" };
        for words in self.dictionary.all() {
            for (template, page) in [
                ("registration.html", draw::sample(words, base)),
                ("verification.html", draw::sample(words, base)),
                ("error.html", draw::error(&told, Some("/"), words)),
                ("registered.html", draw::registered(words)),
            ] {
                self.render(template, words, page)?;
            }
        }
        Ok(())
    }

    fn style_sheet(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.style.sheet.clone()));
        response.headers_mut().extend(policy::of_style());
        response
    }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("own", &self.own).finish_non_exhaustive()
    }
}

fn templates(pages: &Pages) -> Result<Environment<'static>, String> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    // Whatever the name of a template is: what it shows is HTML.
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.set_formatter(|out, state, value| {
        match value.as_str().filter(|text| !value.is_safe() && !is_html(text)) {
            Some(text) => escape_formatter(out, state, &Value::from(text.replace(is_no_html, "\u{fffd}"))),
            None => escape_formatter(out, state, value),
        }
    });
    let built_in = TEMPLATES.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned()));
    for (name, source) in built_in.chain(pages.templates.iter().cloned()) {
        let added = templates.add_template_owned(name.clone(), source);
        added.map_err(|error| format!("the template `{name}`: {error:#}"))?;
    }
    Ok(templates)
}

/// Whether a page of HTML can hold all of a text. Most are plain ASCII, which is looked through quickly.
fn is_html(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.contains(is_no_html)
}

/// What a page of HTML cannot hold, however it is written.
fn is_no_html(c: char) -> bool {
    let code = u32::from(c);
    let is_no_character = code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code);
    is_no_character || c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}')
}

/// Leads to where a flow is begun, with what the page was asked for.
fn begin(url: &str, query: &str) -> Response<Full<Bytes>> {
    let mark = if query.is_empty() { "" } else { "?" };
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(location) = HeaderValue::from_str(&format!("{url}{mark}{query}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn wrong_verb() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
