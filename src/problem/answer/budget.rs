//! Bounds on the work of one comparison. Counted, not timed: the same pair
//! comes out the same on every machine.

use std::cell::Cell;

/// Why a piece of mathematics has no value by one method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::problem) enum Stop {
    /// This method does not know such an expression; another may.
    Unsupported,
    /// Too large for this method; another may do.
    TooBig,
    /// No value there: a division by zero, a logarithm of 0.
    Undefined,
    /// The work allowed for the pair is used up.
    Exhausted,
}

/// Work left for one pair, in units of roughly a nanosecond.
#[derive(Debug)]
pub(in crate::problem) struct Budget(Cell<u64>);

impl Budget {
    /// What one pair may cost; well below the 50 ms that are promised, for the
    /// units are rough.
    pub const PAIR: u64 = 8_000_000;

    pub fn new(units: u64) -> Self {
        Self(Cell::new(units))
    }

    /// Units that are left.
    pub fn left(&self) -> u64 {
        self.0.get()
    }

    /// Takes `units`, or says that they are not there any more.
    pub fn spend(&self, units: u64) -> Result<(), Stop> {
        match self.0.get().checked_sub(units) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => {
                self.0.set(0);
                Err(Stop::Exhausted)
            }
        }
    }
}
