//! The models that score for a router while a trajectory is written: a
//! process-reward model, a judge, the reader of questions.

use std::sync::Arc;

use crate::model::catalog;
use crate::model::endpoint::{Endpoint, EndpointError, FailureKind};
use crate::model::local::scorers::{HiddenState, hidden_name};
use crate::model::pool::Pool;
use crate::model::scorer::judge::Reading;
use crate::model::scorer::ngrams::{self, Ngrams};
use crate::model::scorer::step::{
    QuestionEncoder, Ready, ReadyFuture, Score, ScoreFuture, StepScorer,
};
use crate::router::query::QueryModel;
use crate::router::{DraftScore, Router, RouterSpec, fit};
use crate::session::About;
use crate::trace::record::{JUDGE, ModelFacts, PRM, QUERY};

use super::Failure;

/// Scores a question: what a query router decides by.
pub trait QuestionScorer: Send + Sync {
    fn name(&self) -> &str;
    /// Makes ready.
    fn probe(&self) -> ReadyFuture<'_>;
    /// `problem`: calls with the same one share a prefix cache.
    fn score<'a>(&'a self, question: &'a str, problem: &'a str) -> ScoreFuture<'a>;
}

/// What a run's router may ask; empty for routers that ask nobody.
#[derive(Clone, Default)]
pub struct Scoring {
    pub prm: Option<Arc<dyn StepScorer>>,
    pub judge: Option<Arc<dyn StepScorer>>,
    pub question: Option<Arc<dyn QuestionScorer>>,
    /// The judge is a model of the pool, which is made ready with the pool.
    lent: bool,
}

impl Scoring {
    /// Asks whoever scores that.
    ///
    /// # Errors
    /// Those of the scorer.
    pub async fn ask(&self, about: About) -> Result<Score, EndpointError> {
        let scorer = about.scorer();
        match about {
            About::Draft { by, case } => match self.of(by) {
                Some(asked) => asked.score(case).await,
                None => Err(missing(scorer)),
            },
            About::Question { question, problem } => match &self.question {
                Some(asked) => asked.score(&question, &problem).await,
                None => Err(missing(scorer)),
            },
        }
    }

    /// Makes every scorer ready, and says what each found by its role: one that
    /// is not there is told before a run begins. A model of the pool that is
    /// lent is left out.
    ///
    /// # Errors
    /// Those of the first scorer that cannot do it.
    pub async fn probe(&self) -> Result<Vec<(&'static str, Ready)>, EndpointError> {
        let mut found = Vec::new();
        if let Some(asked) = &self.prm {
            found.push((PRM, asked.probe().await?));
        }
        if let Some(asked) = self.judge.iter().find(|_| !self.lent) {
            found.push((JUDGE, asked.probe().await?));
        }
        if let Some(asked) = &self.question {
            found.push((QUERY, asked.probe().await?));
        }
        Ok(found)
    }

    /// Whether anybody is to be made ready besides the pool.
    pub fn asks_others(&self) -> bool {
        let judge = self.judge.is_some() && !self.lent;
        self.prm.is_some() || judge || self.question.is_some()
    }

    /// Name of the model that is asked; of the scorer where there is none.
    pub fn name(&self, about: &About) -> String {
        let asked = match about {
            About::Draft { by, .. } => self.of(*by).map(|asked| asked.name()),
            About::Question { .. } => self.question.as_ref().map(|asked| asked.name()),
        };
        asked.unwrap_or(about.scorer()).to_owned()
    }

    fn of(&self, by: DraftScore) -> Option<&Arc<dyn StepScorer>> {
        match by {
            DraftScore::Prm => self.prm.as_ref(),
            DraftScore::Judge => self.judge.as_ref(),
        }
    }
}

/// What a router asks, made from a pool, with what the log keeps of it.
pub(super) struct Assembled {
    pub scoring: Scoring,
    /// Role and model; `None` for routers that ask nobody.
    pub facts: Option<(&'static str, ModelFacts)>,
}

/// The pool as it was opened.
pub(super) struct Opened<'a> {
    pub pool: &'a Pool,
    pub endpoints: &'a [Arc<dyn Endpoint>],
    pub facts: &'a [ModelFacts],
    pub concurrency: Option<usize>,
}

impl Scoring {
    /// Whom `router` asks. Nobody is called.
    ///
    /// # Errors
    /// A pool that lacks the scorer, in words that say what to add.
    pub(super) fn assemble(
        spec: &RouterSpec,
        router: &dyn Router,
        opened: &Opened<'_>,
    ) -> Result<Assembled, Failure> {
        let mut scoring = Self::default();
        let unfit = |error: EndpointError| Failure::usage(error.to_string());
        let facts = match router.asks() {
            Some(PRM) => {
                let Some(prm) = &opened.pool.scorers.prm else {
                    return Err(no_prm());
                };
                let (scorer, facts) =
                    catalog::reward_model(prm, opened.pool, opened.concurrency).map_err(unfit)?;
                scoring.prm = Some(scorer);
                facts
            }
            Some(JUDGE) => {
                let reading = match spec {
                    RouterSpec::SpecReason(params) => params.score,
                    _ => Reading::default(),
                };
                let (scorer, facts) = opened.judge(reading)?;
                scoring.judge = Some(scorer);
                scoring.lent = opened.pool.scorers.judge.is_none();
                facts
            }
            Some(_) => {
                let Some(model) = router.question_model() else {
                    return Err(Failure::usage("the router reads questions by no model"));
                };
                let (encoder, facts) = opened.encoder(&model.facts.encoder.name)?;
                model
                    .check_encoder(encoder.name())
                    .map_err(|error| Failure::usage(error.to_string()))?;
                scoring.question = Some(Arc::new(Questions {
                    encoder,
                    model: Arc::clone(model),
                }));
                facts
            }
            None => {
                return Ok(Assembled {
                    scoring,
                    facts: None,
                });
            }
        };
        let facts = router.asks().map(|role| (role, facts));
        Ok(Assembled { scoring, facts })
    }
}

fn no_prm() -> Failure {
    let lack = fit::missing(PRM);
    Failure::usage(format!("router `rsd` {}", lack.why)).hint(lack.way_out)
}

impl Opened<'_> {
    fn judge(&self, reading: Reading) -> Result<(Arc<dyn StepScorer>, ModelFacts), Failure> {
        let last = self.endpoints.last().zip(self.facts.last());
        // A pool has two models or more.
        let last = last.ok_or_else(|| Failure::usage("the pool has no models"))?;
        catalog::judge(self.pool, last, reading, self.concurrency)
            .map_err(|error| Failure::usage(error.to_string()))
    }

    /// The encoder of that name: n-grams, the hidden state of the pool's
    /// cheapest model, or else the `[embeddings]`.
    pub(super) fn encoder(
        &self,
        name: &str,
    ) -> Result<(Arc<dyn QuestionEncoder>, ModelFacts), Failure> {
        if name == ngrams::NAME {
            return Ok((Arc::new(Ngrams), nobody(name)));
        }
        if let Some((endpoint, facts)) = self.endpoints.first().zip(self.facts.first())
            && hidden_name(endpoint.name()) == name
            && let Some(hidden) = HiddenState::new(Arc::clone(endpoint))
        {
            return Ok((Arc::new(hidden), facts.clone()));
        }
        let Some(spec) = &self.pool.scorers.embeddings else {
            return Err(Failure::usage(format!(
                "router `query` was trained on questions encoded by `{name}`, which this pool \
                 does not have"
            ))
            .hint(fit::missing(QUERY).way_out));
        };
        catalog::encoder(spec, self.concurrency).map_err(|error| Failure::usage(error.to_string()))
    }
}

/// What is no model, and costs nothing.
fn nobody(name: &str) -> ModelFacts {
    ModelFacts {
        params: Some(0.0),
        ..ModelFacts::new(name, "pointsman")
    }
}

/// An encoder and the network on its features.
struct Questions {
    encoder: Arc<dyn QuestionEncoder>,
    model: Arc<QueryModel>,
}

impl QuestionScorer for Questions {
    fn name(&self) -> &str {
        self.encoder.name()
    }

    fn probe(&self) -> ReadyFuture<'_> {
        self.encoder.probe()
    }

    fn score<'a>(&'a self, question: &'a str, problem: &'a str) -> ScoreFuture<'a> {
        Box::pin(async move {
            let encoded = self.encoder.encode(question, problem).await?;
            let (value, note) = match self.model.score(&encoded.features) {
                Ok(score) => (Some(score), None),
                Err(error) => (None, Some(error.to_string())),
            };
            Ok(Score {
                value,
                note,
                usage: encoded.usage,
                attempts: encoded.attempts,
                seconds: encoded.seconds,
            })
        })
    }
}

/// A run is not started without what its router asks: this is a session that
/// was opened with another router than its scorers were made for.
fn missing(scorer: &str) -> EndpointError {
    EndpointError {
        endpoint: scorer.to_owned(),
        kind: FailureKind::Configuration,
        message: format!("the pool has no `[{scorer}]`, which the router asks"),
        attempts: Vec::new(),
    }
}
