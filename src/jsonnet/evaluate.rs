//! The interpreter. The only file that knows which one it is.

use std::fmt::{self, Write as _};

use rsjsonnet_lang::arena::Arena;
use rsjsonnet_lang::interner::{InternedStr, StrInterner};
use rsjsonnet_lang::lexer::Lexer;
use rsjsonnet_lang::parser::ParseError;
use rsjsonnet_lang::program::{
    AnalyzeError, Callbacks, EvalError, EvalErrorKind, EvalStackTraceItem, ImportError, LoadError, NativeError,
    Program, Thunk, Value,
};
use rsjsonnet_lang::span::{SpanContextId, SpanId, SpanManager};
use rsjsonnet_lang::token::TokenKind;
use serde_json::Value as Json;

use super::{DEEPEST_CALL, DEEPEST_INPUT, Inputs, JsonnetError, LONGEST_ANSWER};

/// What a program says that wants nothing to be done.
const CANCEL: &str = "cancel";

/// How many tokens a source has.
pub(super) fn tokens(source: &str) -> Result<usize, JsonnetError> {
    let (arena, tree) = (Arena::new(), Arena::new());
    let (words, mut spans) = (StrInterner::new(), SpanManager::new());
    let (context, _) = spans.insert_source_context(source.len());
    let mut lexer = Lexer::new(&arena, &tree, &words, &mut spans, context, source.as_bytes());
    let (mut tokens, mut last) = (0, None);
    loop {
        let token = match lexer.next_token() {
            Ok(token) => token,
            Err(error) => {
                let behind = last.map_or(0, |span| spans.get_span(span).2);
                return Err(JsonnetError::Unreadable { line: line(source, behind), what: kind(&error) });
            }
        };
        match token.kind {
            TokenKind::EndOfFile => return Ok(tokens),
            TokenKind::Whitespace | TokenKind::Comment => {}
            _ => tokens += 1,
        }
        last = Some(token.span);
    }
}

/// Reads a program without running it: its grammar, and whether its names are known.
pub(super) fn check(source: &str) -> Result<(), JsonnetError> {
    let arena = Arena::new();
    Machine::new(&arena, source).load().map(drop)
}

/// Runs a program on these inputs.
pub(super) fn run(source: &str, arguments: Inputs, variables: Inputs) -> Result<Json, JsonnetError> {
    let arena = Arena::new();
    let mut machine = Machine::new(&arena, source);
    let root = machine.load()?;
    for (name, input) in variables {
        let (name, input) = machine.input(name, &input)?;
        machine.program.add_ext_var(name, &input);
    }
    let mut value = machine.program.eval_value(&root, &mut Nothing).map_err(|error| machine.failed(&error))?;
    if value.is_function() {
        let inputs: Result<Vec<_>, _> =
            arguments.into_iter().map(|(name, input)| machine.input(name, &input)).collect();
        let called = machine.program.eval_call(&root, &[], &inputs?, &mut Nothing);
        value = called.map_err(|error| machine.failed(&error))?;
    }
    let answer = machine.program.manifest_json(&value, false).map_err(|error| machine.failed(&error))?;
    let small = Some(answer).filter(|answer| answer.len() <= LONGEST_ANSWER);
    small.and_then(|answer| serde_json::from_str(&answer).ok()).ok_or(JsonnetError::LargeAnswer)
}

/// The interpreter with one program.
struct Machine<'p, 's> {
    program: Program<'p>,
    context: SpanContextId,
    source: &'s str,
}

impl<'p, 's> Machine<'p, 's> {
    fn new(arena: &'p Arena, source: &'s str) -> Self {
        let mut program = Program::new(arena);
        program.set_max_stack(DEEPEST_CALL);
        let (context, _) = program.span_manager_mut().insert_source_context(source.len());
        Self { program, context, source }
    }

    fn load(&mut self) -> Result<Thunk<'p>, JsonnetError> {
        let loaded = self.program.load_source(self.context, self.source.as_bytes(), true, "program");
        loaded.map_err(|error| {
            let (span, what) = match &error {
                LoadError::Lex(error) => (None, kind(error)),
                LoadError::Parse(ParseError::Expected { span, .. }) => {
                    (Some(*span), "something else is expected".to_owned())
                }
                LoadError::Analyze(error) => (Some(misused(error)), kind(error)),
            };
            let line = span.and_then(|span| self.line(span)).unwrap_or(1);
            JsonnetError::Unreadable { line, what }
        })
    }

    fn input(&mut self, name: &str, input: &Json) -> Result<(InternedStr<'p>, Thunk<'p>), JsonnetError> {
        let value = self.value(input, DEEPEST_INPUT).ok_or(JsonnetError::Input)?;
        Ok((self.program.intern_str(name), self.program.value_to_thunk(&value)))
    }

    /// A value for the program; nothing when it is nested too deep or a number is none that the language knows.
    fn value(&mut self, json: &Json, depth: usize) -> Option<Value<'p>> {
        let depth = depth.checked_sub(1)?;
        Some(match json {
            Json::Null => Value::null(),
            Json::Bool(is) => Value::bool(*is),
            Json::Number(number) => Value::number(number.as_f64().filter(|number| number.is_finite())?),
            Json::String(text) => Value::string(text),
            Json::Array(items) => {
                let items: Option<Vec<_>> = items.iter().map(|item| self.value(item, depth)).collect();
                self.program.make_array(&items?)
            }
            Json::Object(members) => {
                let member = |(name, json): (&String, &Json)| {
                    let value = self.value(json, depth)?;
                    Some((self.program.intern_str(name), value))
                };
                let members: Option<Vec<_>> = members.iter().map(member).collect();
                self.program.make_object(&members?)
            }
        })
    }

    /// Says where it failed and how; what was computed stays unsaid.
    fn failed(&self, error: &EvalError) -> JsonnetError {
        if matches!(&error.kind, EvalErrorKind::ExplicitError { message, .. } if message == CANCEL) {
            return JsonnetError::Cancelled;
        }
        let spans = fault(&error.kind).into_iter().chain(error.stack_trace.iter().rev().filter_map(place));
        let line = spans.filter_map(|span| self.line(span)).next();
        JsonnetError::Failed { line, what: kind(&error.kind) }
    }

    /// The line of a place in the program; nothing when it is in the standard library.
    fn line(&self, span: SpanId) -> Option<usize> {
        let (context, start, _) = self.program.span_manager().get_span(span);
        (context == self.context).then(|| line(self.source, start))
    }
}

/// Where something is used that may not be used there.
fn misused(error: &AnalyzeError) -> SpanId {
    match *error {
        AnalyzeError::UnknownVariable { span, .. }
        | AnalyzeError::SelfOutsideObject { self_span: span }
        | AnalyzeError::SuperOutsideObject { super_span: span }
        | AnalyzeError::DollarOutsideObject { dollar_span: span }
        | AnalyzeError::RepeatedLocalName { repeated_span: span, .. }
        | AnalyzeError::RepeatedFieldName { repeated_span: span, .. }
        | AnalyzeError::RepeatedParamName { repeated_span: span, .. }
        | AnalyzeError::PositionalArgAfterNamed { arg_span: span }
        | AnalyzeError::TextBlockAsImportPath { span }
        | AnalyzeError::ComputedImportPath { span } => span,
    }
}

/// Where a fault is in a source.
fn fault(kind: &EvalErrorKind) -> Option<SpanId> {
    match kind {
        EvalErrorKind::InvalidIndexedType { span, .. }
        | EvalErrorKind::InvalidSlicedType { span, .. }
        | EvalErrorKind::SliceIndexOrStepIsNotNumber { span, .. }
        | EvalErrorKind::StringIndexIsNotNumber { span, .. }
        | EvalErrorKind::ArrayIndexIsNotNumber { span, .. }
        | EvalErrorKind::NumericIndexIsNotValid { span, .. }
        | EvalErrorKind::NumericIndexOutOfRange { span, .. }
        | EvalErrorKind::ObjectIndexIsNotString { span, .. }
        | EvalErrorKind::RepeatedFieldName { span, .. }
        | EvalErrorKind::FieldNameIsNotString { span, .. }
        | EvalErrorKind::UnknownObjectField { span, .. }
        | EvalErrorKind::FieldOfNonObject { span }
        | EvalErrorKind::SuperWithoutSuperObject { span }
        | EvalErrorKind::ForSpecValueIsNotArray { span, .. }
        | EvalErrorKind::CondIsNotBool { span, .. }
        | EvalErrorKind::InvalidUnaryOpType { span, .. }
        | EvalErrorKind::AssertFailed { span, .. }
        | EvalErrorKind::ExplicitError { span, .. }
        | EvalErrorKind::ImportFailed { span, .. } => Some(*span),
        EvalErrorKind::CalleeIsNotFunction { span, .. }
        | EvalErrorKind::CallParamNotBound { span, .. }
        | EvalErrorKind::InvalidBinaryOpTypes { span, .. }
        | EvalErrorKind::NumberOverflow { span }
        | EvalErrorKind::DivByZero { span } => *span,
        _ => None,
    }
}

/// Where an item of a stack is in a source.
fn place(item: &EvalStackTraceItem) -> Option<SpanId> {
    match item {
        EvalStackTraceItem::Expr { span }
        | EvalStackTraceItem::Variable { span, .. }
        | EvalStackTraceItem::Import { span } => Some(*span),
        EvalStackTraceItem::Call { span, .. }
        | EvalStackTraceItem::ArrayItem { span, .. }
        | EvalStackTraceItem::ObjectField { span, .. } => *span,
        _ => None,
    }
}

fn line(source: &str, byte: usize) -> usize {
    let before = source.as_bytes().iter().take(byte);
    1 + before.filter(|byte| **byte == b'\n').count()
}

/// The name of a fault in words: `UnknownVariable { name: … }` becomes `unknown variable`. Nothing else of it is said.
fn kind(fault: &impl fmt::Debug) -> String {
    let mut name = Name(String::new());
    // An error only says that the name has ended.
    let _ = write!(name, "{fault:?}");
    name.0
}

/// Takes the name at the beginning of a debug output, in words.
struct Name(String);

impl fmt::Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                'A'..='Z' if !self.0.is_empty() => self.0.extend([' ', letter.to_ascii_lowercase()]),
                'A'..='Z' | 'a'..='z' | '0'..='9' => self.0.push(letter.to_ascii_lowercase()),
                _ => return Err(fmt::Error),
            }
        }
        Ok(())
    }
}

/// What a program finds outside itself.
struct Nothing;

impl<'p> Callbacks<'p> for Nothing {
    fn import(&mut self, _: &mut Program<'p>, _: SpanId, _: &str) -> Result<Thunk<'p>, ImportError> {
        Err(ImportError)
    }

    fn import_str(&mut self, _: &mut Program<'p>, _: SpanId, _: &str) -> Result<String, ImportError> {
        Err(ImportError)
    }

    fn import_bin(&mut self, _: &mut Program<'p>, _: SpanId, _: &str) -> Result<Vec<u8>, ImportError> {
        Err(ImportError)
    }

    fn trace(&mut self, _: &mut Program<'p>, _: &str, _: &[EvalStackTraceItem]) {}

    fn native_call(
        &mut self,
        _: &mut Program<'p>,
        _: InternedStr<'p>,
        _: &[Value<'p>],
    ) -> Result<Value<'p>, NativeError> {
        Err(NativeError)
    }
}
