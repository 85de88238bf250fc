//! An endpoint in front of a simulated server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pointsman::model::endpoint::{
    Capabilities, Endpoint, EndpointError, NoProgress, Progress, StepReply, StepRequest,
};
use pointsman::model::http::served::{Options, Served};
use pointsman::model::pool::ModelSpec;
use pointsman::model::prompt::Template;
use pointsman::model::retry::Policy;
use pointsman::trace::record::Role;
use serde_json::Value;

use crate::common::fake::{Answer, Fake, Seen};
use crate::servers::{Kind, Knobs, MODEL, Sim};
use crate::sim::Tok;

/// Retries without their pauses.
pub fn quick() -> Options {
    Options {
        retries: Policy {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(2),
            ..Policy::default()
        },
        ..Options::default()
    }
}

pub fn spec(kind: Kind, url: &str) -> ModelSpec {
    ModelSpec {
        base_url: Some(url.to_owned()),
        model: Some(MODEL.to_owned()),
        template: kind.text.then(|| "plain".to_owned()),
        ..ModelSpec::new("m", kind.server)
    }
}

pub fn endpoint_with(spec: &ModelSpec, options: Options) -> Served {
    let template = spec.template.is_some();
    let template = template.then(|| Template::for_spec(spec, None).unwrap());
    Served::with_options(spec, template, options).unwrap()
}

pub fn request() -> StepRequest {
    StepRequest {
        question: "1 + 1?".to_owned(),
        prefix: "First.\n\n".to_owned(),
        temperature: 0.7,
        top_p: 0.9,
        max_tokens: 64,
        seed: u64::MAX,
        role: Role::Draft,
        affinity: "p".to_owned(),
    }
}

/// Text as a screen shows it.
#[derive(Default)]
pub struct Screen(pub Mutex<String>);

impl Progress for Screen {
    fn delta(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }

    fn restart(&self) {
        self.0.lock().unwrap().clear();
    }
}

pub struct Bench {
    pub kind: Kind,
    pub sim: Arc<Sim>,
    pub fake: Fake,
    pub spec: ModelSpec,
    pub endpoint: Served,
}

impl Bench {
    /// A server as such servers usually are.
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, |_| {}, |_| {}).await
    }

    /// One that is odd.
    pub async fn odd(kind: Kind, change: impl FnOnce(&mut Knobs)) -> Self {
        Self::with(kind, change, |_| {}).await
    }

    /// One that the pool says more about.
    pub async fn with(
        kind: Kind,
        change: impl FnOnce(&mut Knobs),
        amend: impl FnOnce(&mut ModelSpec),
    ) -> Self {
        let mut knobs = kind.knobs();
        change(&mut knobs);
        let (sim, fake) = Sim::start(kind, knobs).await;
        let mut spec = spec(kind, &fake.url);
        amend(&mut spec);
        Self {
            kind,
            endpoint: endpoint_with(&spec, quick()),
            sim,
            fake,
            spec,
        }
    }

    /// Another endpoint for the same server.
    pub fn again(&mut self, options: Options) {
        self.endpoint = endpoint_with(&self.spec, options);
    }

    pub async fn probed(kind: Kind) -> Self {
        Self::new(kind).await.after_probe().await
    }

    /// Probes the server, and forgets what that asked.
    pub async fn after_probe(self) -> Self {
        self.found().await;
        self.fake.forget();
        self
    }

    pub async fn found(&self) -> Capabilities {
        let found = self.endpoint.probe().await;
        found.unwrap_or_else(|error| panic!("{:?}: {error}", self.kind))
    }

    /// What the model says whatever it is asked.
    pub fn says(&self, tokens: Vec<Tok>) {
        self.sim.says("", tokens);
    }

    pub async fn try_step(&self, request: StepRequest) -> Result<StepReply, EndpointError> {
        let screen = Screen::default();
        let reply = self.endpoint.step(request, &screen).await?;
        // The screen has shown the step and nothing else.
        let shown = screen.0.lock().unwrap().clone();
        let expected = reply.text.trim_end_matches(['\n', '\u{fffd}']);
        assert_eq!(shown, expected, "{:?}", self.kind);
        Ok(reply)
    }

    /// A step that somebody watches.
    pub async fn step(&self) -> StepReply {
        let reply = self.try_step(request()).await;
        reply.unwrap_or_else(|error| panic!("{:?}: {error}", self.kind))
    }

    /// A step in one piece.
    pub async fn blind_step(&self) -> StepReply {
        let reply = self.endpoint.step(request(), &NoProgress).await;
        reply.unwrap_or_else(|error| panic!("{:?}: {error}", self.kind))
    }

    /// The same step watched and not: they must not differ.
    pub async fn both(&self) -> StepReply {
        let (watched, blind) = (self.step().await, self.blind_step().await);
        let seen = |reply: &StepReply| {
            (
                reply.text.clone(),
                reply.tokens.clone(),
                reply.end,
                reply.coverage,
                reply.usage.output,
            )
        };
        assert_eq!(seen(&watched), seen(&blind), "{:?}", self.kind);
        watched
    }

    pub async fn fails(&self) -> EndpointError {
        let reply = self.try_step(request()).await;
        reply.expect_err("the step fails")
    }

    /// The requests for completions so far.
    pub fn asked(&self) -> Vec<Seen> {
        self.fake.seen(self.kind.path())
    }

    pub fn bodies(&self) -> Vec<Value> {
        self.asked().into_iter().map(|seen| seen.body).collect()
    }

    /// The next completion is answered like this.
    pub fn instead(&self, answer: Answer) {
        self.fake.instead(self.kind.path(), answer);
    }

    /// Something befalls the next completion.
    pub fn twist(&self, twist: impl Fn(Answer) -> Answer + Send + Sync + 'static) {
        self.fake.twist(self.kind.path(), Box::new(twist));
    }
}

pub fn texts(reply: &StepReply) -> Vec<&str> {
    let tokens = reply.tokens.iter();
    tokens.map(|token| token.text.as_str()).collect()
}
