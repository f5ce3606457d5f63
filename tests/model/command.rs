//! What happens in a sequence: requests of every kind, through one of two services over the same store, and what
//! happens beside them. A command is made from a few bytes, so that proptest, a seed or any bytes make one.

use crate::state::Model;

/// Bytes of a command.
pub(crate) const LENGTH: usize = 7;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) command: Command,
    /// Which of the two services is asked.
    pub(crate) side: usize,
    /// The request is dropped on its way.
    pub(crate) crash: Option<Crash>,
}

/// When a request is dropped: after so many writes that took effect, and so many awaits behind the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crash {
    pub(crate) writes: usize,
    pub(crate) awaits: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Native,
    Spa,
    Browser,
}

/// Where the person asks to be led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Nowhere,
    Listed,
    AfterVerification,
    Foreign,
}

/// One of three people; the second spelling is the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) person: usize,
    pub(crate) spelled: bool,
}

/// A code or token: of the latest letter of the flow, of the one before it, or none that was ever sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Right,
    Older,
    Wrong,
}

/// What is submitted to a registration. `oidc` joins here when the method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Profile,
    Back,
    Password,
    ShortPassword,
    Send,
    Resend,
    Code(Proof),
    Passkey,
    /// Nothing that a method claims.
    Nobody,
    /// A method that is switched off.
    Off,
    /// A body that is no JSON.
    Broken,
    /// From a page of another site.
    Foreign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Open {
        client: Client,
        target: Target,
    },
    Show {
        flow: usize,
    },
    Submit {
        flow: usize,
        who: Who,
        answer: Answer,
    },
    OpenProof {
        client: Client,
    },
    /// A letter is asked for.
    Ask {
        proof: usize,
        who: Who,
    },
    Prove {
        proof: usize,
        with: Proof,
    },
    /// The link of a letter is opened, by a browser of its own.
    Follow {
        proof: usize,
        head: bool,
    },
    Wait {
        seconds: i64,
    },
    /// New services over the same store.
    Restart,
    Sweep,
    Dispatch,
}

impl Act {
    /// The act that these bytes mean after all that the model knows: often the last one again.
    pub(crate) fn read(bytes: [u8; LENGTH], model: &Model) -> Self {
        let [verb, which, who, detail, side, crash, again] = bytes;
        match model.last {
            Some((last, insists)) if usize::from(again) < if insists { 200 } else { 30 } => {
                return Self { side: usize::from(side % 2), crash: None, ..last };
            }
            _ => {}
        }
        let (flows, proofs) = (model.flows.len(), model.proofs.len());
        // The latest flows are the liveliest.
        let pick = |many: usize| many.saturating_sub(1 + usize::from(which % 8).saturating_sub(4).min(many - 1));
        let client = [Client::Native, Client::Spa, Client::Browser][usize::from(which) % 3];
        let who = Who { person: usize::from(who % 8).saturating_sub(5), spelled: who >= 192 };
        let begin = Command::Open { client, target: target(detail) };
        let command = match verb % 64 {
            0..6 => begin,
            6..37 if flows == 0 => begin,
            6 | 7 => Command::Show { flow: pick(flows) },
            8..37 => Command::Submit { flow: pick(flows), who, answer: answer(detail) },
            37 | 38 => Command::OpenProof { client },
            39..53 if proofs == 0 => Command::OpenProof { client },
            39..44 => Command::Ask { proof: pick(proofs), who },
            44..50 => Command::Prove { proof: pick(proofs), with: proof(detail) },
            50..53 => Command::Follow { proof: pick(proofs), head: detail % 4 == 0 },
            53..55 => Command::Wait { seconds: 60 * i64::from(detail % 70) },
            55 => Command::Wait { seconds: [3_599, 3_600, 3_601, 24 * 3_600, 25 * 3_600][usize::from(detail) % 5] },
            56..62 => Command::Dispatch,
            62 => Command::Restart,
            _ => Command::Sweep,
        };
        let is_request = !matches!(
            command,
            Command::Wait { .. } | Command::Restart | Command::Sweep | Command::Dispatch | Command::Show { .. }
        );
        let crash = (is_request && crash % 8 == 7)
            .then(|| Crash { writes: usize::from(crash / 8 % 3), awaits: usize::from(crash / 24) });
        Self { command, side: usize::from(side % 2), crash }
    }
}

fn target(byte: u8) -> Target {
    match byte % 8 {
        0..5 => Target::Nowhere,
        5 => Target::Listed,
        6 => Target::AfterVerification,
        _ => Target::Foreign,
    }
}

fn proof(byte: u8) -> Proof {
    match byte % 8 {
        0..4 => Proof::Right,
        4 => Proof::Older,
        _ => Proof::Wrong,
    }
}

fn answer(byte: u8) -> Answer {
    match byte % 64 {
        0..4 => Answer::Profile,
        4 | 5 => Answer::Back,
        6..16 => Answer::Password,
        16..18 => Answer::ShortPassword,
        18..28 => Answer::Send,
        28..32 => Answer::Resend,
        32..54 => Answer::Code(proof(byte / 64 + byte % 8)),
        54 => Answer::Passkey,
        55..57 => Answer::Nobody,
        57..59 => Answer::Off,
        59..61 => Answer::Broken,
        _ => Answer::Foreign,
    }
}
