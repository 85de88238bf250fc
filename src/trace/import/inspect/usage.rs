//! The tokens that calls took, as this log counts them.

use rust_decimal::Decimal;

use crate::trace::import::trajectory::Step;
use crate::trace::record;

use super::schema::{Sample, Usage};

/// Where no call is known, what the sample says all of them took, if one model
/// made them all.
pub(super) fn of_whole(sample: &Sample, steps: &mut [Step], notes: &mut Vec<String>) {
    if !sample.events.calls.is_empty() || sample.model_usage.is_empty() {
        return;
    }
    let mut models = sample.model_usage.iter();
    let writer = steps.first().map(|step| step.model.clone());
    match (models.next(), models.next()) {
        (Some((model, used)), None) if Some(model) == writer.as_ref() => {
            if let Some(step) = steps.first_mut() {
                step.usage = usage(*used);
                step.end_note = Some("tokens are of the whole sample".to_owned());
            }
        }
        _ => {
            let all = sample.model_usage.iter().map(|(model, used)| {
                let tokens = |count: Option<u64>| count.map_or("?".to_owned(), |n| n.to_string());
                let (read, wrote) = (tokens(used.input_tokens), tokens(used.output_tokens));
                format!("{model} read {read} tokens and wrote {wrote}")
            });
            notes.push(all.collect::<Vec<_>>().join("; "));
        }
    }
}

/// Tokens as this log counts them: those read from the cache are among those
/// of the prompt, those of reasoning among those written. Providers do it
/// either way; the total says which.
pub(super) fn usage(used: Usage) -> record::Usage {
    let count = |count: Option<u64>| count.unwrap_or(0);
    let (input, output) = (count(used.input_tokens), count(used.output_tokens));
    let cache =
        count(used.input_tokens_cache_read).saturating_add(count(used.input_tokens_cache_write));
    let reasoning = count(used.reasoning_tokens);
    let sum = input.saturating_add(output);
    let beside = |what: u64| what > 0 && used.total_tokens == Some(sum.saturating_add(what));
    let both = cache.saturating_add(reasoning);
    let (with_cache, with_reasoning) = match (beside(cache), beside(reasoning)) {
        (true, _) => (cache, 0),
        (_, true) => (0, reasoning),
        _ if beside(both) => (cache, reasoning),
        _ => (0, 0),
    };
    record::Usage {
        prompt: input.saturating_add(with_cache),
        cached: used.input_tokens_cache_read,
        cache_write: count(used.input_tokens_cache_write),
        output: output.saturating_add(with_reasoning),
        reported: used
            .total_cost
            .and_then(|cost| Decimal::try_from(cost).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted_once() {
        let of = |input, output, total, read, write, reasoning| {
            let some = |count: u64| (count > 0).then_some(count);
            let counted = usage(Usage {
                input_tokens: Some(input),
                output_tokens: Some(output),
                total_tokens: Some(total),
                input_tokens_cache_read: some(read),
                input_tokens_cache_write: some(write),
                reasoning_tokens: some(reasoning),
                total_cost: None,
            });
            (counted.prompt, counted.cached, counted.output)
        };
        // Cached and reasoning tokens among the others, as most count them.
        assert_eq!(of(100, 20, 120, 80, 0, 15), (100, Some(80), 20));
        // Cached ones beside them.
        assert_eq!(of(20, 20, 120, 70, 10, 0), (100, Some(70), 20));
        // Reasoning beside what was said.
        assert_eq!(of(100, 20, 135, 0, 0, 15), (100, None, 35));
        assert_eq!(of(20, 20, 135, 70, 10, 15), (100, Some(70), 35));
        let unknown = usage(Usage::default());
        assert!(unknown.is_nothing() && unknown.cached.is_none());
    }
}
