//! Every answer of every conversation is one that `docs/openapi.json` describes.

use std::collections::BTreeMap;

use http::Method;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::player::Exchange;

const DOCUMENT: &str = include_str!("../../docs/openapi.json");

/// The document, with a validator for each body that was met.
pub(crate) struct Document {
    whole: Value,
    validators: BTreeMap<String, Validator>,
}

impl Document {
    pub(crate) fn read() -> Self {
        Self { whole: serde_json::from_str(DOCUMENT).unwrap(), validators: BTreeMap::new() }
    }

    /// The verbs and paths, such as `GET /schemas/{id}`.
    pub(crate) fn operations(&self) -> Vec<(Method, String)> {
        let verbs = [Method::GET, Method::POST];
        let described = |(path, verb): &(&String, Method)| self.at(&operation(verb, path)).is_some();
        let paths = self.whole["paths"].as_object().unwrap().keys();
        let all = paths.flat_map(|path| verbs.clone().map(|verb| (path, verb)));
        all.filter(described).map(|(path, verb)| (verb, path.clone())).collect()
    }

    /// Why an answer is none that the document describes.
    pub(crate) fn fault(&mut self, exchange: &Exchange) -> Option<String> {
        let checked = match self.operation_of(exchange) {
            Ok(operation) => self.check(&operation, &exchange.answer),
            Err(status) => nobodys(status, &exchange.answer),
        };
        let asked = format!("{} {} {}", exchange.method, exchange.path, exchange.answer.status);
        checked.err().map(|why| format!("{asked}: {why}"))
    }

    /// Where the operation stands that a request was for, or the status of a request for none.
    fn operation_of(&self, exchange: &Exchange) -> Result<String, u16> {
        let path = self.template(&exchange.path).ok_or(404_u16)?;
        // A GET route answers HEAD too.
        let verb = if exchange.method == Method::HEAD { Method::GET } else { exchange.method.clone() };
        let operation = operation(&verb, path);
        self.at(&operation).map(|_| operation).ok_or(405)
    }

    /// The path of the document, as a template, that this one belongs to.
    pub(crate) fn template(&self, path: &str) -> Option<&str> {
        let mut paths = self.whole["paths"].as_object().unwrap().keys();
        paths.find(|template| fits(template, path)).map(String::as_str)
    }

    fn check(&mut self, operation: &str, answer: &Answer) -> Result<(), String> {
        let described = [answer.status.to_string(), format!("{}XX", answer.status / 100)];
        let mut described = described.map(|key| self.resolved(&format!("{operation}/responses/{key}"))).into_iter();
        let response = described.find_map(|found| found).ok_or("the status is not described")?;
        for name in self.required_headers(&response) {
            answer.header(&name).ok_or_else(|| format!("the header {name} is missing"))?;
        }
        let Some(kind) = answer.header("content-type") else {
            let promised = self.at(&format!("{response}/content")).is_some();
            return if promised || !answer.body.is_empty() { Err("no type is given".to_owned()) } else { Ok(()) };
        };
        let media = kind.split(';').next().unwrap_or_default().trim();
        let schema = format!("{response}/content/{}/schema", escaped(media));
        self.at(&schema).ok_or_else(|| format!("the type {media} is not described"))?;
        if media != "application/json" {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
        let faults = self.validator(&schema).iter_errors(&body).map(|fault| shown(&fault)).collect::<Vec<_>>();
        if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
    }

    fn required_headers(&self, response: &str) -> Vec<String> {
        let headers = self.at(&format!("{response}/headers")).and_then(Value::as_object).into_iter().flatten();
        let required = |name: &&String| {
            let header = self.resolved(&format!("{response}/headers/{}", escaped(name)));
            header.is_some_and(|header| self.at(&format!("{header}/required")) == Some(&json!(true)))
        };
        headers.map(|(name, _)| name).filter(required).cloned().collect()
    }

    /// A validator for the schema at this place; what it refers to comes along.
    fn validator(&mut self, at: &str) -> &Validator {
        let made = || {
            let schema = json!({ "allOf": [self.whole.pointer(at)], "components": self.whole["components"] });
            let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
            options.build(&schema).unwrap()
        };
        if !self.validators.contains_key(at) {
            let validator = made();
            self.validators.insert(at.to_owned(), validator);
        }
        &self.validators[at]
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.whole.pointer(pointer)
    }

    /// The place itself, or the one that it refers to.
    fn resolved(&self, pointer: &str) -> Option<String> {
        let found = self.at(pointer)?;
        let other = found.get("$ref").and_then(Value::as_str).and_then(|place| place.strip_prefix('#'));
        Some(other.unwrap_or(pointer).to_owned())
    }
}

/// The paths that `src/route.rs` finds routes by; a slash at the end stands for one segment more.
pub(crate) fn routed() -> Vec<String> {
    let source = include_str!("../../src/route.rs");
    let callbacks = source.lines().filter(|line| line.starts_with("const CALLBACK"));
    let found = source.lines().skip_while(|line| !line.contains("fn find(")).take_while(|line| *line != "    }");
    let quoted = |line: &str| line.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let paths = callbacks.chain(found).flat_map(quoted).filter(|path| path.starts_with('/'));
    paths.map(|path| if path.ends_with('/') { path + "x" } else { path }).collect()
}

/// A request that is for nobody is answered in plain text, or refused by the guard before anybody is looked for.
fn nobodys(status: u16, answer: &Answer) -> Result<(), String> {
    let kind = answer.header("content-type").unwrap_or_default();
    match answer.status {
        403 if answer.at("/error/id") == "security_csrf_violation" => Ok(()),
        405 if status == 405 && answer.header("allow").is_some() && kind.starts_with("text/plain") => Ok(()),
        404 if status == 404 && kind.starts_with("text/plain") => Ok(()),
        _ => Err("the document has no such operation".to_owned()),
    }
}

fn operation(verb: &Method, path: &str) -> String {
    format!("/paths/{}/{}", escaped(path), verb.as_str().to_lowercase())
}

fn shown(fault: &jsonschema::ValidationError<'_>) -> String {
    let words: String = fault.to_string().chars().take(300).collect();
    format!("at {:?} {words}", fault.instance_path().as_str())
}

/// Whether a path is one of a template: each part in braces stands for one segment.
fn fits(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(wanted, given): (&&str, &&str)| wanted == given || wanted.starts_with('{') && !given.is_empty();
    wanted.len() == given.len() && wanted.iter().zip(&given).all(fits)
}

/// A name as a part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn whoami(status: u16, kind: &'static str, body: &Value) -> Exchange {
        let headers = HeaderMap::from_iter([
            (http::header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (http::HeaderName::from_static("ory-error-id"), HeaderValue::from_static("")),
        ]);
        let answer = Answer { status, headers, body: body.to_string().into() };
        Exchange { method: Method::GET, path: "/sessions/whoami".to_owned(), answer }
    }

    fn fault(exchange: &Exchange) -> String {
        Document::read().fault(exchange).unwrap_or_default()
    }

    #[test]
    fn an_answer_that_the_document_does_not_describe_is_found() {
        let error = json!({ "error": { "code": 401, "status": "Unauthorized", "message": "no" } });
        let more = json!({ "error": { "code": 401, "status": "Unauthorized", "message": "no", "debug": "inside" } });
        let other = |path: &str| Exchange { path: path.to_owned(), ..whoami(401, "application/json", &error) };

        assert_eq!(fault(&whoami(401, "application/json", &error)), "");
        assert!(fault(&whoami(418, "application/json", &error)).contains("status"));
        assert!(fault(&whoami(401, "text/html", &error)).contains("type text/html"));
        assert!(fault(&whoami(401, "application/json", &more)).contains("debug"));
        assert!(fault(&other("/sessions")).contains("no such operation"));
        let mut silent = whoami(401, "application/json", &error);
        silent.answer.headers.remove("ory-error-id");
        assert!(fault(&silent).contains("Ory-Error-Id"));
    }

    #[test]
    fn a_template_stands_for_one_segment_each() {
        assert!(fits("/schemas/{id}", "/schemas/person"));
        assert!(!fits("/schemas/{id}", "/schemas/"));
        assert!(!fits("/schemas/{id}", "/schemas"));
        assert!(!fits("/schemas/{id}", "/schemas/a/b"));
    }
}
