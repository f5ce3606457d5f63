//! Which URLs may lead to addresses that are not on the public internet.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use url::{Host, Url};

type Judge = Arc<dyn Fn(&Url) -> bool + Send + Sync>;

/// Nothing is trusted unless it is said here.
#[derive(Clone, Default)]
pub(super) struct Trust {
    everything: bool,
    hosts: BTreeSet<String>,
    judges: Vec<Judge>,
}

impl Trust {
    pub(super) fn set_everything(&mut self, trusted: bool) {
        self.everything = trusted;
    }

    pub(super) fn add_host(&mut self, host: &str) {
        self.hosts.insert(canonical(host));
    }

    pub(super) fn add_judge(&mut self, judge: impl Fn(&Url) -> bool + Send + Sync + 'static) {
        self.judges.push(Arc::new(judge));
    }

    pub(super) fn covers(&self, url: &Url) -> bool {
        self.everything
            || url.host_str().is_some_and(|host| self.hosts.contains(&canonical(host)))
            || self.judges.iter().any(|judge| judge(url))
    }
}

/// One spelling for each host: a name in lower case and ASCII, an address as it is written shortest.
fn canonical(host: &str) -> String {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => Host::parse(bare).map_or_else(|_| bare.to_ascii_lowercase(), |host| host.to_string()),
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Trust");
        out.field("everything", &self.everything).field("hosts", &self.hosts).field("judges", &self.judges.len());
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(host: &str, url: &str) -> bool {
        let mut trust = Trust::default();
        trust.add_host(host);
        trust.covers(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_host_is_the_same_in_every_spelling() {
        assert!(covers("SMS.internal", "http://sms.INTERNAL:8080/x"));
        assert!(covers("b\u{fc}cher.internal", "http://B\u{dc}CHER.internal/"));
        assert!(covers("xn--bcher-kva.internal", "http://b\u{fc}cher.internal/"));
        assert!(covers("10.0.0.1", "http://0xa.1/"));
        assert!(covers("0xa.1", "http://10.0.0.1/"));
        assert!(covers("[::1]", "http://[0:0::1]/") && covers("::1", "http://[::1]/"));
        assert!(covers("::ffff:10.0.0.1", "http://[::ffff:a00:1]/"));
    }

    #[test]
    fn a_host_is_trusted_by_its_own_name_alone() {
        let others = ["sms.internal.example.org", "my.sms.internal", "sms.internal.", "sms-internal", "internal"];

        assert!(others.iter().all(|other| !covers("sms.internal", &format!("http://{other}/"))));
        assert!(!covers("sms.internal", "http://sms.internal@10.0.0.1/"));
        assert!(!covers("localhost", "http://127.0.0.1/"));
        assert!(!covers("", "http://10.0.0.1/"));
    }

    #[test]
    fn a_judge_sees_the_whole_url() {
        let mut trust = Trust::default();
        trust.add_judge(|url| url.path() == "/hook");

        assert!(trust.covers(&Url::parse("http://10.0.0.1/hook").unwrap()));
        assert!(!trust.covers(&Url::parse("http://10.0.0.1/other").unwrap()));
    }
}
