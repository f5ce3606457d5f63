use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::*;

/// Runs a program on `ctx` and the variable `claims`, both the same.
async fn run(source: &str, input: Value) -> Result<Value, JsonnetError> {
    run_in(&Sandbox::new(), source, input).await
}

async fn run_in(sandbox: &Sandbox, source: &str, input: Value) -> Result<Value, JsonnetError> {
    Program::load(source, sandbox)?.run(vec![("ctx", input.clone())], vec![("claims", input)]).await
}

async fn fault(source: &str) -> String {
    run(source, Value::Null).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_function_is_called_with_its_argument() {
    let source =
        "function(ctx) { to: ctx.recipient, text: std.asciiUpper(ctx.body), [if ctx.n > 1 then 'many']: true }";

    let answer = run(source, json!({ "recipient": "+49", "body": "hi", "n": 2.5 })).await;

    assert_eq!(answer.unwrap(), json!({ "to": "+49", "text": "HI", "many": true }));
}

#[tokio::test]
async fn a_mapper_reads_its_variable() {
    let source = "local claims = std.extVar('claims');
        { identity: { traits: { [if 'email' in claims then 'email' else null]: claims.email } } }";

    let with = run(source, json!({ "email": "ada@example.org" })).await.unwrap();
    let without = run(source, json!({ "sub": "1" })).await.unwrap();

    assert_eq!(with, json!({ "identity": { "traits": { "email": "ada@example.org" } } }));
    assert_eq!(without, json!({ "identity": { "traits": {} } }));
}

#[tokio::test]
async fn inputs_are_values_and_never_source() {
    let hostile = json!({ "a\"+error 'x'+\"": "'; error 'y' \u{0} \u{2028} %s", "n": [null, true, -0.5, 1e300] });

    assert_eq!(run("function(ctx) ctx", hostile.clone()).await.unwrap(), hostile);
}

#[tokio::test]
async fn an_input_that_is_nested_too_deep_is_refused() {
    let nested = |depth| (1..depth).fold(json!([]), |inner, _| Value::Array(vec![inner]));

    assert!(run("function(ctx) 1", nested(128)).await.is_ok());
    assert_eq!(run("function(ctx) 1", nested(129)).await, Err(JsonnetError::Input));
    assert_eq!(run("function(ctx) 1", nested(1_000)).await, Err(JsonnetError::Input));
}

#[tokio::test]
async fn a_fault_says_its_line_and_kind_and_nothing_that_was_computed() {
    let cases = [
        ("{\n a: 'canary' 1 }", "line 2 of the program cannot be read: something else is expected"),
        ("{\n\n a: canary }", "line 3 of the program cannot be read: unknown variable"),
        ("1;\n'canary", "line 2 of the program cannot be read: unfinished string"),
        ("local f(x) =\n error x;\nf('canary')", "the program fails at line 2: explicit error"),
        ("function(ctx)\n ctx.canary", "the program fails at line 2: field of non object"),
        ("{ ['canary' + x]: 1 for x in [1] }.canary2", "the program fails at line 1: unknown object field"),
        ("std.extVar('canary')", "the program fails at line 1: unknown ext var"),
        ("function(canary) 1", "the program fails: unknown call param"),
    ];
    for (source, expected) in cases {
        let said = fault(source).await;
        assert_eq!(said, expected, "{source}");
    }
    assert_eq!(format!("{:?}", Program::load("'canary'", &Sandbox::new()).unwrap()), "Program { bytes: 8, .. }");
}

#[tokio::test]
async fn nothing_is_read_from_elsewhere() {
    for source in
        ["import '/etc/passwd'", "importstr '/etc/passwd'", "importbin '/etc/passwd'", "importstr 'http://x/'"]
    {
        assert!(fault(source).await.ends_with("import failed"), "{source}");
    }
    assert!(fault("std.native('readFile')('/etc/passwd')").await.contains("callee is not function"));
    assert_eq!(run("std.thisFile", Value::Null).await.unwrap(), json!("program"));
}

#[tokio::test]
async fn a_source_has_a_length_and_a_number_of_tokens() {
    let sandbox = Sandbox::new();
    let comment = |length: usize| format!("1//{}", "x".repeat(length - 3));

    assert!(Program::load(&comment(LONGEST_SOURCE), &sandbox).is_ok());
    assert_eq!(Program::load(&comment(LONGEST_SOURCE + 1), &sandbox).unwrap_err(), JsonnetError::LongSource);
    assert!(Program::load(&format!("[{}]", "1,".repeat(4_095)), &sandbox).is_ok());
    let one_more = format!("[{}1]", "1,".repeat(4_095));
    assert_eq!(Program::load(&one_more, &sandbox).unwrap_err(), JsonnetError::ManyTokens);
}

/// Each fills the tokens that a source may have with one way of nesting. What they end in does not matter: that they end
/// does, with the process alive.
#[tokio::test]
async fn no_nesting_of_the_source_exhausts_the_stack() {
    let nestings = [
        ("[", "", "]"),
        ("(", "1", ")"),
        ("{a:", "1", "}"),
        ("{a():", "1", "}"),
        ("{[", "1", "]:1}"),
        ("{assert ", "1", "}"),
        ("{local a=", "1", ",b:1}"),
        ("{[1]:", "1", " for x in []}"),
        ("[", "1", " for x in []]"),
        ("[][", "0", "]"),
        ("std.length(", "1", ")"),
        ("", "{}", ".a"),
        ("", "{}", "{}"),
        ("", "1", "()"),
        ("", "[]", "[0]"),
        ("", "[]", "[::]"),
        ("- ", "1", ""),
        ("! ", "true", ""),
        ("error ", "1", ""),
        ("import ", "'x'", ""),
        ("if 1 then ", "1", ""),
        ("if 1 then 1 else ", "1", ""),
        ("local a=1;", "a", ""),
        ("local a=", "1", ";1"),
        ("function() ", "1", ""),
        ("function(a=", "1", ")1"),
        ("assert 1;", "1", ""),
        ("{}{a:", "1", "}"),
        ("", "1", "+1"),
        ("1+[", "1", "]"),
    ];
    for (before, middle, behind) in nestings {
        let tokens = |text| evaluate::tokens(text).unwrap_or(1);
        let each = evaluate::tokens(&format!("{before}{behind}")).unwrap_or_else(|_| tokens(before) + tokens(behind));
        let depth = (MOST_TOKENS - tokens(middle)) / each;
        let source = format!("{}{middle}{}", before.repeat(depth), behind.repeat(depth));

        let begun = Instant::now();
        let _ = run(&source, Value::Null).await;

        assert!(source.len() < LONGEST_SOURCE && tokens(&source) > MOST_TOKENS - 10, "{before}{behind}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{before}{behind}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_source_that_takes_long_to_read_is_left() {
    // The time that they take grows with their square, or worse.
    let dashes = if cfg!(debug_assertions) { 8_000 } else { 100_000 };
    let begun = Instant::now();

    let slow = Program::load(&format!("{}1", "-".repeat(dashes)), &Sandbox::new());

    assert_eq!(slow.unwrap_err(), JsonnetError::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn neither_recursion_nor_deep_data_exhausts_the_stack() {
    let sources = [
        "local f(n) = 1 + f(n + 1); f(0)",
        "local a = b, b = a; a",
        "local a = [a]; a",
        "{ a: self }",
        "std.foldl(function(a, x) [a], std.range(1, 100000), [])",
        "std.foldl(function(a, x) { a: a }, std.range(1, 30000), {})",
        "std.toString(std.foldl(function(a, x) [a], std.range(1, 30000), []))",
        "local a = std.foldl(function(a, x) [a], std.range(1, 30000), []); a == a",
        "std.parseJson(std.repeat('[', 100000) + std.repeat(']', 100000))",
        "std.parseYaml(std.repeat('- ', 30000))",
    ];
    for source in sources {
        let answer = run(source, Value::Null).await;
        assert!(answer.is_err() || source.ends_with("a == a"), "{source}");
    }
}

#[tokio::test]
async fn calls_have_a_depth() {
    let deep = |calls: usize| run_owned(format!("local f(n) = if n == 0 then 0 else 1 + f(n - 1); f({calls})"));

    assert_eq!(deep(400).await, Ok(json!(400)));
    assert!(matches!(deep(600).await, Err(JsonnetError::Failed { what, .. }) if what == "stack overflow"));
}

#[tokio::test]
async fn an_answer_has_a_length_and_a_depth() {
    let long = |letters: usize| run_owned(format!("std.repeat('x', {letters})"));

    assert!(long(LONGEST_ANSWER - 2).await.is_ok());
    assert_eq!(long(LONGEST_ANSWER - 1).await, Err(JsonnetError::LargeAnswer));
    let deep = "local f(n) = if n == 0 then [] else [f(n - 1)]; f(150)";
    assert_eq!(run(deep, Value::Null).await, Err(JsonnetError::LargeAnswer));
    assert!(fault("function(ctx) function(x) x").await.contains("manifest function"));
}

async fn run_owned(source: String) -> Result<Value, JsonnetError> {
    run(&source, Value::Null).await
}

#[tokio::test]
async fn bombs_end_in_an_error() {
    for source in
        ["std.range(1, 1e18)", "std.repeat('x', 1e18)", "std.makeArray(1e18, function(i) i)", "'%.1000000000f' % 1"]
    {
        assert!(fault(source).await.contains("the program fails"), "{source}");
    }
}

#[tokio::test]
async fn what_does_not_end_is_left_and_keeps_its_place_until_it_does() {
    let sandbox = Sandbox::new();
    let fine = Program::load("1", &sandbox).unwrap();
    let (ends, endless) = [mpsc::channel::<()>(), mpsc::channel()]
        .map(|(end, job)| (end, move || job.recv()))
        .into_iter()
        .unzip::<_, _, Vec<_>, Vec<_>>();
    let mut endless = endless.into_iter();
    let begun = Instant::now();

    let first = sandbox.run(STACK, endless.next().unwrap()).await;
    let between = fine.run(vec![], vec![]).await;
    let second = sandbox.run_and_block(STACK, endless.next().unwrap());

    assert_eq!((first, between, second), (Err(JsonnetError::TimedOut), Ok(json!(1)), Err(JsonnetError::TimedOut)));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // The second has just run out of its time.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(sandbox.stuck(), 2);
    let begun = Instant::now();
    assert_eq!(fine.run(vec![], vec![]).await, Err(JsonnetError::Busy));
    assert!(begun.elapsed() < Duration::from_millis(500), "refused at once");
    assert_eq!(Program::load("1", &sandbox).unwrap_err(), JsonnetError::Busy);
    drop(ends);
    while sandbox.stuck() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(fine.run(vec![], vec![]).await, Ok(json!(1)));
}

#[tokio::test]
async fn programs_wait_for_each_other_and_the_executor_does_not() {
    let program = Program::load("function(ctx) ctx + 1", &Sandbox::new()).unwrap();
    let all: Vec<_> = (0..20)
        .map(|n| {
            let program = program.clone();
            tokio::spawn(async move { program.run(vec![("ctx", n.into())], vec![]).await })
        })
        .collect();

    for (n, task) in all.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), Ok(json!(n + 1)));
    }
    assert_eq!(program.sandbox.stuck(), 0);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    let program = Program::load("std.length(std.range(1, 100000))", &sandbox).unwrap();

    for _ in 0..50 {
        let gone = tokio::time::timeout(Duration::from_millis(2), program.run(vec![], vec![])).await;
        drop(gone);
    }

    assert!(program.run(vec![], vec![]).await.is_ok());
    assert_eq!(sandbox.stuck(), 0);
}

#[tokio::test]
async fn a_panic_ends_the_evaluation_alone() {
    let sandbox = Sandbox::new();

    let panicked = sandbox.run(STACK, || -> () { panic!("on purpose") }).await;
    let blocking = sandbox.run_and_block(STACK, || -> () { panic!("on purpose") });

    assert_eq!((panicked, blocking), (Err(JsonnetError::Panicked), Err(JsonnetError::Panicked)));
    assert_eq!(run_in(&sandbox, "1", Value::Null).await, Ok(json!(1)));
}
