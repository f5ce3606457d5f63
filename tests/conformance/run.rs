//! All conversations of one configuration, played against one service.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use serde_json::Value;
use tower_registration::identity::Channel;
use tower_registration::kratos;
use tower_registration::testing::{Mailbox, TestClock};

use crate::compare::{Difference, differences};
use crate::deliberate::Deliberate;
use crate::player::{Exchange, Player, Server};
use crate::scenario::{Scenario, text};
use crate::store::{Folder, Store};

/// How many differences of one conversation are shown.
const MOST: usize = 12;

/// What was played.
#[derive(Debug)]
pub(crate) struct Run {
    config: String,
    pub(crate) conversations: Vec<Conversation>,
}

/// One conversation: what was recorded, and what we answered or why it could not be played.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) name: String,
    pub(crate) recorded: Value,
    ours: Result<Value, String>,
    pub(crate) exchanges: Vec<Exchange>,
}

/// The run of a configuration at the base URL of its file. It is played once, however many tests ask for it.
pub(crate) fn played(config: &'static str) -> &'static Run {
    type Runs = BTreeMap<&'static str, &'static OnceLock<Run>>;
    static RUNS: LazyLock<Mutex<Runs>> = LazyLock::new(Mutex::default);
    let run =
        *RUNS.lock().unwrap_or_else(PoisonError::into_inner).entry(config).or_insert_with(|| Box::leak(Box::default()));
    run.get_or_init(|| Run::on(Store::Memory, config))
}

impl Run {
    /// Plays the conversations of a configuration with the service mounted below the path of another base URL.
    pub(crate) fn below(config: &str, base_url: &str) -> Self {
        Self::of(Store::Memory, config, Some(base_url), |scenario| scenario.config == config)
    }

    /// Plays the conversations of a configuration with everything kept in this store.
    pub(crate) fn on(store: Store, config: &str) -> Self {
        Self::of(store, config, None, |scenario| scenario.config == config)
    }

    /// Plays some conversations against a service of this configuration.
    pub(crate) fn of(store: Store, config: &str, base_url: Option<&str>, wanted: impl Fn(&Scenario) -> bool) -> Self {
        Self::with(store, config, base_url, &Scenario::all().into_iter().filter(wanted).collect::<Vec<_>>())
    }

    /// Plays these conversations against a service of this configuration.
    pub(crate) fn with(store: Store, config: &str, base_url: Option<&str>, scenarios: &[Scenario]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let conversations = runtime.block_on(async {
            let (server, _folder) = serve(store, config, base_url).await.unwrap();
            let mut conversations = Vec::new();
            for scenario in scenarios {
                conversations.push(Conversation::play(&server, scenario).await);
            }
            conversations
        });
        Self { config: config.to_owned(), conversations }
    }

    /// What differs and is not meant to; empty when all is well.
    pub(crate) fn report(&self, deliberate: &Deliberate) -> String {
        let reports: Vec<String> = self.conversations.iter().filter_map(|talk| talk.report(deliberate)).collect();
        match reports.len() {
            0 => String::new(),
            some => {
                let all = self.conversations.len();
                format!("{}\n{}: {} passed, {some} failed", reports.join("\n"), self.config, all - some)
            }
        }
    }
}

impl Conversation {
    async fn play(server: &Server, scenario: &Scenario) -> Self {
        let recorded = text(&format!("golden/{}.json", scenario.name)).unwrap();
        let recorded = serde_json::from_str(&recorded).unwrap();
        let mut player = Player::new(server);
        let ours = player.play(scenario).await;
        Self { name: scenario.name.clone(), recorded, ours, exchanges: player.exchanges() }
    }

    /// What we answered.
    pub(crate) fn ours(&self) -> Option<&Value> {
        self.ours.as_ref().ok()
    }

    /// What differs from the recording.
    pub(crate) fn differences(&self) -> Vec<Difference> {
        self.ours.as_ref().map(|ours| differences(&self.recorded, ours)).unwrap_or_default()
    }

    fn report(&self, deliberate: &Deliberate) -> Option<String> {
        if let Err(why) = &self.ours {
            return Some(format!("{}: {why}", self.name));
        }
        let mut found = self.differences();
        found.retain(|difference| deliberate.covering(&self.name, difference).is_none());
        let more = found.len().saturating_sub(MOST);
        let mut lines = vec![format!("{}: {} differences", self.name, found.len())];
        lines.extend(found.iter().take(MOST).map(|difference| format!("    {difference}")));
        lines.extend((more > 0).then(|| format!("    (+{more} more)")));
        (!found.is_empty()).then(|| lines.join("\n"))
    }
}

/// A service as the configuration says, with a clock of our own.
pub(crate) async fn serve(
    store: Store,
    config: &str,
    base_url: Option<&str>,
) -> Result<(Server, Option<Folder>), Box<dyn std::error::Error>> {
    let file = text(&format!("configs/{config}.json"))?;
    let written: Value = serde_json::from_str(&file)?;
    let base = base_url.or_else(|| written["serve"]["public"]["base_url"].as_str()).unwrap_or_default();
    let (clock, mailbox) = (TestClock::default(), Mailbox::new());
    let peers = crate::peers::Peers::new(clock.clone());
    let loaded = kratos::load_with(&file, Some(base), peers.clone())?;
    let (builder, folder) = store.give(loaded.builder, config).await?;
    let mut builder = builder.clock(clock.clone()).courier(Channel::Email, mailbox.clone());
    if written.pointer("/courier/channels").is_some() {
        builder = builder.courier(Channel::Sms, mailbox.clone());
    }
    let server =
        Server { registration: builder.build()?, clock, mailbox, peers, base: base.trim_end_matches('/').to_owned() };
    Ok((server, folder))
}
