//! The models that score for a router while a trajectory is written: a
//! process-reward model, a judge, the reader of questions.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::model::endpoint::{EndpointError, FailureKind};
use crate::model::scorer::step::{Score, ScoreFuture, StepScorer};
use crate::router::DraftScore;
use crate::session::About;

/// Scores a question: what a query router decides by.
pub trait QuestionScorer: Send + Sync {
    fn name(&self) -> &str;
    /// Makes ready.
    fn probe(&self) -> Pin<Box<dyn Future<Output = Result<(), EndpointError>> + Send + '_>>;
    /// `problem`: calls with the same one share a prefix cache.
    fn score<'a>(&'a self, question: &'a str, problem: &'a str) -> ScoreFuture<'a>;
}

/// What a run's router may ask; empty for routers that ask nobody.
#[derive(Clone, Default)]
pub struct Scoring {
    pub prm: Option<Arc<dyn StepScorer>>,
    pub judge: Option<Arc<dyn StepScorer>>,
    pub question: Option<Arc<dyn QuestionScorer>>,
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

    /// Makes every scorer ready: one that is not there is told before a run
    /// begins.
    ///
    /// # Errors
    /// Those of the first scorer that cannot do it.
    pub async fn probe(&self) -> Result<(), EndpointError> {
        for asked in self.prm.iter().chain(&self.judge) {
            asked.probe().await?;
        }
        if let Some(asked) = &self.question {
            asked.probe().await?;
        }
        Ok(())
    }

    fn of(&self, by: DraftScore) -> Option<&Arc<dyn StepScorer>> {
        match by {
            DraftScore::Prm => self.prm.as_ref(),
            DraftScore::Judge => self.judge.as_ref(),
        }
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
