//! `solve --concurrency 64` against servers that take 50 ms a step: how near
//! the whole command comes to the ideal rate, what it costs the machine, and
//! whether its memory stays flat.
//!
//! ```text
//! cargo bench --bench throughput              # 12,800 steps
//! cargo bench --bench throughput -- 100000    # as many steps
//! ```
//!
//! The servers speak vLLM's completions and run in a process of their own, so
//! that their work is not counted. Where `taskset` is there to see to it they
//! have one core and the command another: on one core with it they push it off
//! at every answer and out of the caches, which the servers of a pool, being
//! elsewhere, do not. What is printed says whether it was so: on a machine of
//! two cores the command took a fifth to a quarter more without.
//! Needs Linux's `/proc`.

// What a bench prints is its result, and what it cannot do ends it.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::oneshot;

const CONCURRENCY: usize = 64;
const STEP: Duration = Duration::from_millis(50);
const STEPS_A_PROBLEM: usize = 10;
const STEPS: usize = 12_800;
/// Words of a step, a token each.
const WORDS: usize = 20;
/// Clock ticks a second, by which `/proc` counts; Linux shows it as 100.
const TICKS: f64 = 100.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--server") {
        serve();
        return;
    }
    let steps = arguments.iter().find_map(|argument| argument.parse().ok());
    measure(steps.unwrap_or(STEPS));
}

fn measure(steps: usize) {
    let folder = tempfile::tempdir().unwrap();
    let problems = steps.div_ceil(STEPS_A_PROBLEM);
    let cores = two_cores();
    let [of_command, of_servers] = [0, 1].map(|which| cores.as_ref().map(|cores| &cores[which]));
    let (mut server, address) = start_server(of_servers);
    write_files(folder.path(), problems, &address);
    let mut solve = on_core(of_command, env!("CARGO_BIN_EXE_pointsman"));
    let solve = solve
        .current_dir(folder.path())
        .args([
            "solve",
            "--pool",
            "pool.toml",
            "--problems",
            "problems.jsonl",
        ])
        .args([
            "--router",
            "threshold:t=0.5",
            "--log",
            "run.jsonl",
            "--json",
        ])
        .args(["--concurrency", &CONCURRENCY.to_string()])
        .stdout(Stdio::null());
    let started = Instant::now();
    let mut solve = solve.spawn().unwrap();
    let watched = watch(&mut solve, &folder.path().join("run.jsonl"));
    let seconds = started.elapsed().as_secs_f64();
    let took = ask_took(&address);
    server.kill().unwrap();
    server.wait().unwrap();

    let log = std::fs::read_to_string(folder.path().join("run.jsonl")).unwrap();
    let at: Vec<f64> = log
        .lines()
        .filter(|line| line.starts_with(r#"{"record":"step""#))
        .map(|line| time_of(&serde_json::from_str(line).unwrap()))
        .collect();
    assert_eq!(at.len(), problems * STEPS_A_PROBLEM, "every step is logged");
    let ideal = CONCURRENCY as f64 / STEP.as_secs_f64();
    let possible = CONCURRENCY as f64 / took;
    let first = at.iter().copied().fold(f64::INFINITY, f64::min) - STEP.as_secs_f64();
    let last = at.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let steady = at.len() as f64 / (last - first);
    println!(
        "steps            {} of {problems} problems, {:.1} MB of log",
        at.len(),
        log.len() as f64 / 1e6
    );
    println!(
        "rate             {steady:.0} steps/s, {:.1} % of the ideal {ideal:.0}",
        100.0 * steady / ideal
    );
    println!(
        "                 {:.1} % of the {possible:.0} that servers which took {:.1} ms allow",
        100.0 * steady / possible,
        1e3 * took
    );
    println!(
        "whole command    {seconds:.2} s, {:.1} % of the ideal rate",
        100.0 * at.len() as f64 / seconds / ideal
    );
    println!(
        "processor        {:.2} s, {:.1} % of one core, {}",
        watched.cpu,
        100.0 * watched.cpu / seconds,
        match &cores {
            Some(_) => "the servers on another",
            None => "the servers where they like",
        }
    );
    println!(
        "memory           {:.1} MB after a quarter, {:.1} MB at the end, {:.1} MB at most",
        watched.quarter, watched.end, watched.peak
    );
}

struct Watched {
    /// Seconds of processor time.
    cpu: f64,
    /// Resident memory in MB after a quarter of the time, at the end, at most.
    quarter: f64,
    end: f64,
    peak: f64,
}

/// Looks at a process until it ends.
fn watch(child: &mut Child, log: &Path) -> Watched {
    let proc = Path::new("/proc").join(child.id().to_string());
    let (mut cpu, mut memory) = (0.0, Vec::new());
    while child.try_wait().unwrap().is_none() {
        if let Some(found) = cpu_seconds(&proc) {
            cpu = found;
        }
        if log.exists() {
            memory.extend(resident(&proc));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(child.wait().unwrap().success());
    let at = |share: usize| {
        memory
            .get(memory.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    Watched {
        cpu,
        quarter: at(25),
        end: at(97),
        peak: memory.iter().copied().fold(0.0, f64::max),
    }
}

/// User and system time of a process.
fn cpu_seconds(proc: &Path) -> Option<f64> {
    let stat = std::fs::read_to_string(proc.join("stat")).ok()?;
    // The name may hold blanks; it ends at the last bracket.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
}

fn resident(proc: &Path) -> Option<f64> {
    let status = std::fs::read_to_string(proc.join("status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes / 1e3)
}

/// Seconds of the day of a step's `at`.
fn time_of(step: &Value) -> f64 {
    let at = step["at"].as_str().unwrap();
    let time = at.split(['T', 'Z']).nth(1).unwrap();
    let parts: Vec<f64> = time.split(':').map(|part| part.parse().unwrap()).collect();
    parts[0] * 3600.0 + parts[1] * 60.0 + parts[2]
}

fn write_files(folder: &Path, problems: usize, address: &str) {
    let model = |name: &str, params: f64| {
        format!(
            "[[model]]\nname = \"{name}\"\nserver = \"vllm\"\nbase_url = \"{address}\"\n\
             model = \"fake\"\nparams = {params}\ntemplate = \"plain\"\n"
        )
    };
    let pool = model("small", 1e9) + &model("large", 7e9);
    std::fs::write(folder.join("pool.toml"), pool).unwrap();
    let mut file = std::fs::File::create(folder.join("problems.jsonl")).unwrap();
    for nth in 0..problems {
        let problem = json!({ "id": format!("p{nth}"), "question": format!("Problem {nth}?"), "answer": "42" });
        writeln!(file, "{problem}").unwrap();
    }
}

/// Two cores that this process may run on and that `taskset` can keep a program
/// to: one for the command, one for the servers.
fn two_cores() -> Option<[String; 2]> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let allowed = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let cores = allowed.trim().split(',').flat_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let ends = first.parse::<u32>().ok().zip(last.parse().ok());
        ends.into_iter().flat_map(|(first, last)| first..=last)
    });
    let mut cores = cores.map(|core| core.to_string());
    let cores = [cores.next()?, cores.next()?];
    let works = |core: &String| {
        let tried = on_core(Some(core), "true").status();
        tried.is_ok_and(|status| status.success())
    };
    cores.iter().all(works).then_some(cores)
}

/// A program, kept to one core.
fn on_core(core: Option<&String>, program: impl AsRef<OsStr>) -> Command {
    let Some(core) = core else {
        return Command::new(program);
    };
    // It becomes the program: the child is that one.
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", core]).arg(program);
    command
}

fn start_server(core: Option<&String>) -> (Child, String) {
    let mut child = on_core(core, std::env::current_exe().unwrap())
        .arg("--server")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut address).unwrap();
    (child, address.trim().to_owned())
}

/// A vLLM server, as far as steps go.
fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let models = json!({ "data": [{ "id": "fake", "max_model_len": 100_000 }] });
        let tokens = json!({ "count": 1, "tokens": [1] });
        let took = Arc::new(Took::default());
        let told = Arc::clone(&took);
        let clock = Clock::start();
        let answers = Arc::new((0..STEPS_A_PROBLEM).map(answer).collect::<Vec<_>>());
        let router = Router::new()
            .route("/took", any(move || async move { told.mean().to_string() }))
            .route("/v1/models", any(move || async move { Json(models) }))
            .route(
                "/version",
                any(|| async { Json(json!({ "version": "0" })) }),
            )
            .route("/tokenize", any(move || async move { Json(tokens) }))
            .route(
                "/v1/completions",
                post(move |request| {
                    let (answers, took) = (Arc::clone(&answers), Arc::clone(&took));
                    completion(answers, took, clock.clone(), request)
                }),
            );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        std::io::stdout().flush().unwrap();
        axum::serve(listener, router).await.unwrap();
    });
}

/// Rings more exactly than the runtime's timer, whose tick of a millisecond
/// would make every step 2 % longer and have answers come in bunches.
#[derive(Clone)]
struct Clock(Sender<(Instant, oneshot::Sender<()>)>);

impl Clock {
    fn start() -> Self {
        let (orders, ordered) = channel::<(Instant, oneshot::Sender<()>)>();
        std::thread::spawn(move || {
            // In the order in which they are due: all wait for as long.
            for (due, ring) in ordered {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                // Whoever has gone is not told.
                let _ = ring.send(());
            }
        });
        Self(orders)
    }

    fn ring_at(&self, due: Instant) -> oneshot::Receiver<()> {
        let (ring, rings) = oneshot::channel();
        self.0.send((due, ring)).unwrap();
        rings
    }
}

/// How long the answers took: timers come late, and the client is not to be
/// blamed for it.
#[derive(Default)]
struct Took {
    answers: AtomicU64,
    microseconds: AtomicU64,
}

impl Took {
    fn add(&self, time: Duration) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        let microseconds = u64::try_from(time.as_micros()).unwrap();
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// Mean seconds of an answer.
    fn mean(&self) -> f64 {
        let sum = self.microseconds.load(Ordering::Relaxed) as f64;
        sum / 1e6 / self.answers.load(Ordering::Relaxed).max(1) as f64
    }
}

/// What the servers say an answer took, in seconds.
fn ask_took(address: &str) -> f64 {
    let host = address.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(stream, "GET /took HTTP/1.0\r\n\r\n").unwrap();
    let mut reply = String::new();
    std::io::Read::read_to_string(&mut stream, &mut reply).unwrap();
    reply.lines().last().unwrap().parse().unwrap()
}

/// Takes its time and answers with what was rendered before: the server is to
/// cost the machine little.
async fn completion(
    answers: Arc<Vec<Bytes>>,
    took: Arc<Took>,
    clock: Clock,
    request: Request,
) -> Response {
    let begun = Instant::now();
    let due = clock.ring_at(begun + STEP);
    let body = request.into_body();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    // One delimiter is the stop, one ends the prompt before the first step.
    let steps = body.windows(4).filter(|part| part == br"\n\n").count() - 2;
    let answer = answers[steps.min(STEPS_A_PROBLEM - 1)].clone();
    due.await.unwrap();
    took.add(begun.elapsed());
    ([(CONTENT_TYPE, "application/json")], answer).into_response()
}

/// What vLLM answers behind so many steps.
fn answer(steps: usize) -> Bytes {
    let last = steps + 1 == STEPS_A_PROBLEM;
    let mut words: Vec<String> = (0..WORDS).map(|word| format!(" {steps}+{word}")).collect();
    words.push(match last {
        true => "\\boxed{42}".to_owned(),
        false => ".\n\n".to_owned(),
    });
    let values = vec![-0.01; words.len()];
    let tops: Vec<Value> = words
        .iter()
        .map(|word| json!({ word: -0.01, " a": -5.5, " b": -6.5, " c": -7.25, " d": -8.125 }))
        .collect();
    let text: String = words.concat();
    let answer = json!({
        "id": "cmpl", "object": "text_completion", "model": "fake",
        "choices": [{
            "index": 0, "text": text, "finish_reason": "stop",
            "stop_reason": if last { Value::Null } else { "\n\n".into() },
            "token_ids": (0..words.len()).collect::<Vec<_>>(),
            "logprobs": { "tokens": words, "token_logprobs": values, "top_logprobs": tops },
        }],
        "usage": { "prompt_tokens": 20 * (steps + 1), "completion_tokens": WORDS + 1,
            "prompt_tokens_details": { "cached_tokens": 0 } },
    });
    answer.to_string().into()
}
