//! Jsonnet, kept in bounds: the mappers and bodies of configuration files.
//!
//! A program is written by the operator, its inputs come from outside. What may happen is bounded as far as that can be
//! done inside a process:
//!
//! 1. A program reads nothing but its inputs: imports fail, files and the network do not exist.
//! 2. Its source has at most 256 KiB and 8,192 tokens. Both are judged when it is loaded, and so are its grammar and its
//!    names.
//! 3. It runs on a thread of its own, of which there are at most two, never on the executor. Its caller waits for one of
//!    them for at most a second, then for the answer for at most another one.
//! 4. A thread cannot be stopped. A program that does not end keeps its place for good; when both places are lost like
//!    that, everything further is refused at once.
//! 5. The stack of the thread is as large as the longest nesting that so many tokens can have; calls go 500 deep. A panic
//!    ends the evaluation and nothing else (where a host builds with `panic = "abort"`, it ends the process).
//! 6. What it answers has at most 256 KiB as JSON.
//!
//! **Memory is not bounded.** `std.repeat(x, 1e9)` takes a gigabyte before anybody can object, and a program that does not
//! end may go on to take more. Whoever lets others write programs must run them in a process with a limit of its own.
//!
//! The interpreter is `rsjsonnet-lang`: released, without `unsafe`, 9 crates in all, and it keeps the stack of a program on
//! the heap, so that data nested a million deep is an error. `jrsonnet-evaluator` takes 83 crates with its standard library,
//! is a pre-release, and ends the process on such data.

mod evaluate;
mod sandbox;

use std::sync::Arc;

use serde_json::Value;

pub(crate) use sandbox::Sandbox;

/// How long a source may be, in bytes.
const LONGEST_SOURCE: usize = 256 << 10;
/// How many tokens a source may have.
const MOST_TOKENS: usize = 8_192;
/// How long an answer may be, in bytes.
const LONGEST_ANSWER: usize = 256 << 10;
/// How deep inputs may be nested.
const DEEPEST_INPUT: usize = 128;
/// How deep calls may be nested: as in Kratos.
const DEEPEST_CALL: usize = 500;

/// What the stack of a thread holds besides the program.
const STACK: usize = 2 << 20;
/// What each token may take of the stack. Every nesting takes a token at least; measured were 24 KiB without
/// optimisation, for `error error …`, and a tenth of that with it.
const STACK_PER_TOKEN: usize = 32 << 10;

/// Inputs by their names.
pub(crate) type Inputs = Vec<(&'static str, Value)>;

/// A program that can be run.
#[derive(Clone)]
pub(crate) struct Program {
    source: Arc<str>,
    stack: usize,
    sandbox: Sandbox,
}

impl Program {
    /// Loads a program, to be run in this sandbox. Blocks for two seconds at most: for the time before requests come.
    pub(crate) fn load(source: &str, sandbox: &Sandbox) -> Result<Self, JsonnetError> {
        if source.len() > LONGEST_SOURCE {
            return Err(JsonnetError::LongSource);
        }
        let source: Arc<str> = source.into();
        let text = Arc::clone(&source);
        let tokens = sandbox.run_and_block(STACK, move || evaluate::tokens(&text))??;
        if tokens > MOST_TOKENS {
            return Err(JsonnetError::ManyTokens);
        }
        let program = Self { source, stack: STACK + tokens * STACK_PER_TOKEN, sandbox: sandbox.clone() };
        let text = Arc::clone(&program.source);
        sandbox.run_and_block(program.stack, move || evaluate::check(&text))??;
        Ok(program)
    }

    /// Runs the program. Where it is a function, it is called with the arguments; the variables are what `std.extVar`
    /// knows.
    pub(crate) async fn run(&self, arguments: Inputs, variables: Inputs) -> Result<Value, JsonnetError> {
        let source = Arc::clone(&self.source);
        self.sandbox.run(self.stack, move || evaluate::run(&source, arguments, variables)).await?
    }
}

/// Without the source: it may hold keys of services.
impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("bytes", &self.source.len()).finish_non_exhaustive()
    }
}

/// There is no answer. Says where and of which kind the fault is; never what the program or its inputs say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonnetError {
    #[error("the program has more than {LONGEST_SOURCE} bytes")]
    LongSource,
    #[error("the program has more than {MOST_TOKENS} tokens")]
    ManyTokens,
    #[error("line {line} of the program cannot be read: {what}")]
    Unreadable { line: usize, what: String },
    #[error("the program fails{}: {what}", line.map(|line| format!(" at line {line}")).unwrap_or_default())]
    Failed { line: Option<usize>, what: String },
    /// It raised the error `cancel`: it wants nothing to be done.
    #[error("the program cancels")]
    Cancelled,
    #[error("an input is nested more than {DEEPEST_INPUT} deep, or holds a number that is too large")]
    Input,
    #[error("the answer of the program has more than {LONGEST_ANSWER} bytes, or is nested too deep")]
    LargeAnswer,
    #[error("the program did not end in time")]
    TimedOut,
    #[error("all threads for programs are taken")]
    Busy,
    #[error("the interpreter of the program failed")]
    Panicked,
    #[error("there is no thread for the program")]
    NoThread,
}

#[cfg(test)]
mod tests;
