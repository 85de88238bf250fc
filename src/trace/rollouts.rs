//! Which steps of a trajectory its router or a person had written, and which
//! are of rollouts: continuations that were written only to see what they lead
//! to. Nothing that asks what was decided, or how it came out, looks at them.

/// The last step that stands on no rollout and that no other such step
/// follows: where the main line ends.
///
/// `parents` has the place of the step before each step; `is_kept` says of a
/// step that it is no rejected draft, `begins` that a rollout begins with it.
pub fn last_leaf(
    parents: &[Option<usize>],
    is_kept: impl Fn(usize) -> bool,
    begins: impl Fn(usize) -> bool,
) -> Option<usize> {
    let mut own = off_rollouts(parents, begins);
    for (place, own) in own.iter_mut().enumerate() {
        *own &= is_kept(place);
    }
    let mut is_followed = vec![false; parents.len()];
    for (place, before) in parents.iter().enumerate() {
        if own[place]
            && let Some(is_followed) = before.and_then(|before| is_followed.get_mut(before))
        {
            *is_followed = true;
        }
    }
    (0..parents.len())
        .rev()
        .find(|&place| own[place] && !is_followed[place])
}

/// Of each step whether neither it nor one before it begins a rollout.
fn off_rollouts(parents: &[Option<usize>], begins: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut known: Vec<Option<bool>> = vec![None; parents.len()];
    let mut open = Vec::new();
    for place in 0..parents.len() {
        let mut at = Some(place);
        // Steps mostly come after what they follow: few are walked twice. A
        // damaged log makes no cycle, which would be longer than all steps.
        let own = loop {
            let Some(here) = at.filter(|_| open.len() <= parents.len()) else {
                break true;
            };
            if let Some(found) = known[here] {
                break found;
            }
            open.push(here);
            if begins(here) {
                break false;
            }
            at = parents[here];
        };
        for here in open.drain(..) {
            known[here] = Some(own);
        }
    }
    known.into_iter().map(|own| own.unwrap_or(true)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_line_ends_where_only_rollouts_follow() {
        // 0 – 1 – 2, and from 1 the rollout 3 – 4.
        let parents = [None, Some(0), Some(1), Some(1), Some(3)];
        let kept = |_: usize| true;
        assert_eq!(last_leaf(&parents, kept, |_| false), Some(4));
        assert_eq!(last_leaf(&parents, kept, |at| at == 3), Some(2));
        // Nothing but the rollout follows step 1.
        let parents = [None, Some(0), Some(1), Some(2)];
        assert_eq!(last_leaf(&parents, kept, |at| at == 2), Some(1));
        assert_eq!(last_leaf(&parents, kept, |at| at == 0), None);
        // A rejected draft ends nothing.
        assert_eq!(last_leaf(&parents, |at| at != 3, |_| false), Some(2));
    }

    #[test]
    fn a_step_that_came_late_is_found_before_what_follows_it() {
        // 0 follows 2, which begins a rollout.
        let parents = [Some(2), None, Some(1)];
        assert_eq!(off_rollouts(&parents, |at| at == 2), [false, true, false]);
        assert_eq!(last_leaf(&parents, |_| true, |at| at == 2), Some(1));
    }
}
