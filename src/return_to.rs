//! Where a person may be led: the decision that keeps redirects from leading anywhere else.
//!
//! 1. What a browser would read otherwise than a person is refused first: control characters, backslashes, user info,
//!    more than 2,048 bytes, a `%` that begins no escape.
//! 2. A relative reference counts from the default return URL.
//! 3. Then the browser's own parser decides. The URL must lie below a listed one: the same scheme, host and port, and
//!    whole path segments, after dot segments are removed. `*.example.org` stands for any host below it, not for
//!    `example.org` itself.
//! 4. The service's own `/self-service` is always listed.
//!
//! A `Location` is written from the parsed URL, never from what was sent.

use url::Url;

use crate::config::Config;
use crate::stop::Failure;
use crate::trace;

/// The longest URL that is looked at, in bytes.
const LONGEST: usize = 2_048;

/// How much of a URL that cannot be one a refusal shows, in characters.
const SHOWN: usize = 100;

/// Decides about return URLs.
#[derive(Clone, Debug)]
pub(crate) struct ReturnTo {
    listed: Vec<Rule>,
    /// The service's own pages, which are listed too.
    own: Rule,
}

/// One listed URL.
#[derive(Clone, Debug)]
struct Rule {
    scheme: String,
    host: Host,
    port: Option<u16>,
    /// The segments that a target must begin with.
    segments: Vec<String>,
    /// Whether something must stand behind them: the rule ends with a slash.
    below_only: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Host {
    Exactly(String),
    /// Any host that ends with this, which begins with a dot.
    Below(String),
}

impl ReturnTo {
    /// Reads the configured list.
    ///
    /// # Errors
    ///
    /// An entry that is no absolute URL, or a wildcard that stands for everybody's domains; the text says which.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let own = Rule::parse(&config.base.join("/self-service"))?;
        let listed = config.allowed_return_urls.iter().map(|url| Rule::parse(url));
        let listed: Result<Vec<Rule>, String> = listed.chain([Ok(own.clone())]).collect();
        Ok(Self { listed: listed?, own })
    }

    /// Decides about what a client asked for; `default` is where it leads when nothing was.
    pub(crate) fn decide(&self, asked: Option<&str>, default: &str) -> Result<String, Failure> {
        let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(default.to_owned()) };
        let decision = judge(&self.listed, asked, default);
        if decision.is_err() {
            trace::event(trace::Event::ReturnToReject);
        }
        decision
    }

    /// Leads to the service's own pages, and nowhere else: whatever does not lie there leads to the default.
    pub(crate) fn within(&self, asked: Option<&str>, default: &str) -> String {
        let own = asked.and_then(|asked| judge(std::slice::from_ref(&self.own), asked, default).ok());
        own.unwrap_or_else(|| default.to_owned())
    }
}

/// Whether one of the rules covers what was asked for, as the browser reads it.
fn judge(rules: &[Rule], asked: &str, default: &str) -> Result<String, Failure> {
    if let Some(escape) = broken_escape(asked) {
        let reason = "Unable to parse the return_to query parameter as an URL: parse ";
        return Err(Failure::bad_request(format!("{reason}\"{asked}\": invalid URL escape \"{escape}\"")));
    }
    let forbidden = || Failure::return_to_forbidden(&as_asked(asked, default));
    if asked.len() > LONGEST || asked.chars().any(|c| c.is_control() || c == '\\') {
        let shown: String = asked.chars().take(SHOWN).flat_map(char::escape_debug).collect();
        return Err(Failure::return_to_forbidden(&shown));
    }
    let default = Url::parse(default).map_err(|_| forbidden())?;
    let target = default.join(asked).map_err(|_| forbidden())?;
    // The flow repeats what was sent: followed from another page, `https:www.example.org` is another place.
    if Url::parse(asked).is_ok_and(|alone| alone != target) {
        return Err(forbidden());
    }
    let has_user = !target.username().is_empty() || target.password().is_some();
    if has_user || target.cannot_be_a_base() || asked_for_dot_segments(asked) {
        return Err(forbidden());
    }
    match rules.iter().any(|rule| rule.covers(&target)) {
        true => Ok(target.into()),
        false => Err(forbidden()),
    }
}

impl Rule {
    fn parse(entry: &str) -> Result<Self, String> {
        // A star is no letter of a host name: the parser is shown a label instead.
        const LABEL: &str = "tower-registration-wildcard";
        let wild = entry.contains("://*.");
        let url = Url::parse(&entry.replacen("://*.", &format!("://{LABEL}."), 1)).map_err(|error| {
            format!("`{entry}` is no absolute URL ({error}); write for example https://app.example.org/welcome")
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("`{entry}` holds user info"));
        }
        let Some(host) = url.host_str() else { return Err(format!("`{entry}` has no host")) };
        let host = match host.strip_prefix(LABEL).filter(|_| wild) {
            Some(rest) if rest.trim_matches('.').contains('.') => Host::Below(rest.to_owned()),
            Some(_) => return Err(format!("`{entry}` stands for every domain of a registry")),
            None if host.contains('*') => {
                return Err(format!("`{entry}`: a star may only stand for whole labels in front"));
            }
            None => Host::Exactly(host.to_owned()),
        };
        let scheme = url.scheme().to_owned();
        let below_only = url.path().ends_with('/');
        let segments = segments(&url).into_iter().filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        Ok(Self { scheme, host, port: url.port_or_known_default(), segments, below_only })
    }

    fn covers(&self, target: &Url) -> bool {
        let Some(host) = target.host_str() else { return false };
        let same_host = match &self.host {
            Host::Exactly(own) => host == own,
            Host::Below(end) => {
                host.strip_suffix(end.as_str()).is_some_and(|labels| labels.split('.').all(|label| !label.is_empty()))
            }
        };
        let own = &self.segments;
        let path = segments(target);
        same_host
            && target.scheme() == self.scheme
            && target.port_or_known_default() == self.port
            && path.iter().take(own.len()).eq(own.iter())
            && (!self.below_only || own.is_empty() || path.len() > own.len())
    }
}

fn segments(url: &Url) -> Vec<&str> {
    url.path_segments().map(Iterator::collect).unwrap_or_default()
}

/// Dot segments are never needed by somebody who means well, and programs behind us may read them in another way.
fn asked_for_dot_segments(asked: &str) -> bool {
    let path = asked.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    path.split('/').any(|segment| segment == "." || segment == "..")
}

/// The first `%` that begins no escape, with up to two characters behind it.
fn broken_escape(text: &str) -> Option<String> {
    let fragment = text.find('#').unwrap_or(text.len());
    let query = text[..fragment].find('?').unwrap_or(fragment);
    // The contract's parser looks at the path and at the fragment, not at the query.
    let broken = |part: &str| {
        part.match_indices('%').find_map(|(at, _)| {
            let escape: String = part[at..].chars().take(3).collect();
            let sound = escape.len() == 3 && escape.bytes().skip(1).all(|byte| byte.is_ascii_hexdigit());
            (!sound).then_some(escape)
        })
    };
    broken(&text[..query]).or_else(|| broken(&text[fragment..]))
}

/// What was asked for, as refusals show it: what is missing in front comes from the default.
fn as_asked(asked: &str, default: &str) -> String {
    let (scheme, rest) = default.split_once("://").unwrap_or(("https", ""));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if asked.starts_with("//") {
        format!("{scheme}:{asked}")
    } else if Url::parse(asked).is_ok() {
        asked.to_owned()
    } else {
        let slash = if asked.starts_with(['/', '?', '#']) { "" } else { "/" };
        format!("{scheme}://{host}{slash}{asked}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BaseUrl;

    fn rules(listed: &[&str]) -> ReturnTo {
        let mut config = Config::new(BaseUrl::parse("https://id.example.org/auth").unwrap());
        config.allowed_return_urls = listed.iter().map(|url| (*url).to_owned()).collect();
        ReturnTo::new(&config).unwrap()
    }

    const DEFAULT: &str = "https://app.example.org/welcome";

    #[test]
    fn whole_segments_whole_labels_and_the_same_port_count() {
        let rules = rules(&["https://www.example.org/app/", "https://*.wild.example.org/", "myapp://callback"]);
        let good = [
            "https://www.example.org/app/",
            "https://WWW.EXAMPLE.ORG/app/x?y#z",
            "https://www.example.org:443/app/",
            "https://deep.a.wild.example.org/x",
            "myapp://callback",
            "https://id.example.org/auth/self-service/x",
        ];
        let bad = [
            "https://www.example.org/app",
            "https://www.example.org/application",
            "https://www.example.org/",
            "http://www.example.org/app/",
            "https://wild.example.org/",
            "https://evilwild.example.org/",
            "https://a.wild.example.org.evil.com/",
            "https://www.example.org:8443/app/",
            "https://u@www.example.org/app/",
            "https://www.example.org/app/../x",
            "https://www.example.org/app/%2e%2E/x",
            "https:\\\\www.example.org\\app",
            "//evil.com",
            "/\\evil.com",
            "javascript:alert(1)",
            "myapp:callback",
            "https:www.example.org/app/",
            "https://a..wild.example.org/",
            "https://www.example.org/app\n",
            "https://app.example.org/x",
        ];
        for url in good {
            assert!(rules.decide(Some(url), DEFAULT).is_ok(), "{url}");
        }
        for url in bad {
            assert!(rules.decide(Some(url), DEFAULT).is_err(), "{url}");
        }
    }

    #[test]
    fn a_relative_reference_counts_from_the_default() {
        let rules = rules(&["https://app.example.org"]);

        assert_eq!(rules.decide(Some("/a?b"), DEFAULT).unwrap(), "https://app.example.org/a?b");
        assert_eq!(rules.decide(Some(""), DEFAULT).unwrap(), DEFAULT);
        assert_eq!(rules.decide(None, DEFAULT).unwrap(), DEFAULT);
    }

    #[test]
    fn a_refusal_shows_what_was_asked_for() {
        let rules = rules(&[]);
        let reason = |asked| rules.decide(Some(asked), "http://app.example.org/").unwrap_err().reason().to_owned();

        assert_eq!(reason("//evil.com"), "Requested return_to URL \"http://evil.com\" is not allowed.");
        assert_eq!(reason("https://evil.com"), "Requested return_to URL \"https://evil.com\" is not allowed.");
        assert_eq!(reason("/x"), "Requested return_to URL \"http://app.example.org/x\" is not allowed.");
        assert!(reason("%zz").ends_with("parse \"%zz\": invalid URL escape \"%zz\""));
    }

    #[test]
    fn a_list_that_would_let_everybody_in_is_refused() {
        let mut config = Config::new(BaseUrl::parse("https://id.example.org/").unwrap());
        for entry in ["https://*.com", "https://*", "*", "/relative", "https://a*b.example.org", "https://foo.*.org"] {
            config.allowed_return_urls = vec![entry.to_owned()];
            assert!(ReturnTo::new(&config).is_err(), "{entry}");
        }
    }
}
