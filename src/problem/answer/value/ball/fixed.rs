//! Fixed-point kernels: a number `v` is held as the integer nearest below `v * 2^w`.
//!
//! One *ulp* is `2^-w`. Every bound below counts truncations, each worth less than one ulp.

use std::cell::RefCell;

use num_bigint::{BigInt, BigUint};
use num_traits::{One, Zero};

/// `floor(man * 2^(exp + w))`: within one ulp below the number. The caller keeps the number's
/// magnitude bounded, so only a shift to the right can be long, and that one is cheap.
pub(super) fn to_fixed(man: &BigInt, exp: i64, w: u64) -> BigInt {
    let shift = exp.saturating_add(i64::try_from(w).unwrap_or(i64::MAX));
    if shift >= 0 {
        man << shift
    } else {
        man >> shift.unsigned_abs()
    }
}

/// `exp(t)` for `0 <= t < 1` at `w` bits, within 2 ulp (and one for the truncated argument is
/// the caller's to add).
///
/// The series runs on `t / 2^r` and the result is squared `r` times. With `n` terms the sum is
/// off by less than `3n + 6` units of the `r + 16` guard bits' last place (each term truncates
/// twice, and the tail is below the first term that vanishes), and the squarings multiply that
/// by at most `2^r * e` and add less than `2^r * e` more, so half an ulp covers it for n < 3000.
pub(super) fn exp_fixed(t: &BigUint, w: u64) -> BigUint {
    let r = w.isqrt() + 2;
    let inner = w + r + 16;
    let step = t << 16u32;
    let mut sum = (BigUint::one() << inner) + &step;
    let mut term = step.clone();
    for n in 2u64.. {
        term = (term * &step) >> inner;
        term /= n;
        if term.is_zero() {
            break;
        }
        sum += &term;
    }
    for _ in 0..r {
        sum = (&sum * &sum) >> inner;
    }
    sum >> (r + 16)
}

/// `(sin t, cos t)` for `0 <= t < 4` at `w` bits, each within 2 ulp.
///
/// As for `exp_fixed`, with `r` doublings `s' = 2sc`, `c' = 1 - 2s^2`. From errors of at most
/// `e` both new errors are below `4e + 3`, as `2(|s| + |c|) < 3` and `4|s| <= 4`, so the
/// `3n + 6` of the series grows to less than `4^r (3n + 7)`: half an ulp under `2r + 16` guard
/// bits for n < 10000.
pub(super) fn sin_cos_fixed(t: &BigUint, w: u64) -> (BigInt, BigInt) {
    let r = w.isqrt() / 2 + 4;
    let inner = w + 2 * r + 16;
    let step = t << (r + 16);
    let one = BigUint::one() << inner;
    // Positive and negative parts apart: the series then needs no signed arithmetic.
    let mut sums = [one.clone(), step.clone(), BigUint::zero(), BigUint::zero()];
    let mut term = step.clone();
    for n in 2usize.. {
        term = (term * &step) >> inner;
        term /= n;
        if term.is_zero() {
            break;
        }
        sums[n % 4] += &term;
    }
    let [cos_plus, sin_plus, cos_minus, sin_minus] = sums.map(BigInt::from);
    let (mut sin, mut cos) = (sin_plus - sin_minus, cos_plus - cos_minus);
    let one = BigInt::from(one);
    for _ in 0..r {
        let square = &sin * &sin;
        sin = (sin * cos) >> (inner - 1);
        cos = &one - (square >> (inner - 1));
    }
    (sin >> (2 * r + 16), cos >> (2 * r + 16))
}

/// The sum of `q^(2j+1) / (2j+1)`, with alternating signs for the arc tangent and without for
/// the inverse hyperbolic one, for `0 <= q <= 1/2` at `w` bits. The second value is the number
/// `n` of terms; the sum is within `3n + 4` ulp of the value at the given `q`.
pub(super) fn odd_series(q: &BigUint, w: u64, alternate: bool) -> (BigInt, u64) {
    let square = (q * q) >> w;
    let mut sums = [BigUint::zero(), BigUint::zero()];
    let mut power = q.clone();
    let mut terms = 0u64;
    while !power.is_zero() {
        let side = usize::from(alternate && terms % 2 == 1);
        sums[side] += &power / (2 * terms + 1);
        power = (power * &square) >> w;
        terms += 1;
    }
    let [plus, minus] = sums.map(BigInt::from);
    (plus - minus, terms)
}

/// `P, Q, T` of the Chudnovsky series over the terms `[a, b)`, `a < b`.
fn chudnovsky(a: u64, b: u64) -> (BigInt, BigInt, BigInt) {
    if b - a == 1 {
        let big = BigInt::from;
        let (p, q) = if a == 0 {
            (BigInt::one(), BigInt::one())
        } else {
            let p = big(6 * a - 5) * big(2 * a - 1) * big(6 * a - 1);
            (p, big(a) * big(a) * big(a) * big(10_939_058_860_032_000u64))
        };
        let t = &p * (big(13_591_409) + big(545_140_134) * big(a));
        return (p, q, if a % 2 == 1 { -t } else { t });
    }
    let m = a.midpoint(b);
    let (p1, q1, t1) = chudnovsky(a, m);
    let (p2, q2, t2) = chudnovsky(m, b);
    let t = t1 * &q2 + &p1 * t2;
    (p1 * p2, q1 * q2, t)
}

/// Each term of the Chudnovsky series brings more than 47 bits, and 16 guard bits hold the
/// handful of truncations.
fn compute_pi(w: u64) -> BigUint {
    let inner = w + 16;
    let (_, q, t) = chudnovsky(0, inner / 47 + 2);
    let root = (BigUint::from(10005u32) << (2 * inner)).sqrt();
    let scaled = BigUint::from(426_880u32) * root * q.magnitude() / t.magnitude();
    scaled >> 16u32
}

/// `ln 2 = 18 atanh(1/26) - 2 atanh(1/4801) + 8 atanh(1/8749)`. Each of the fewer than `w / 4`
/// terms truncates twice, times 28, which 32 guard bits hold.
fn compute_ln2(w: u64) -> BigUint {
    let inner = w + 32;
    let atanh = |k: u64| {
        let mut power = (BigUint::one() << inner) / k;
        let mut sum = BigUint::zero();
        let mut odd = 1u64;
        while !power.is_zero() {
            sum += &power / odd;
            power /= k * k;
            odd += 2;
        }
        sum
    };
    (atanh(26) * 18u32 + atanh(8749) * 8u32 - atanh(4801) * 2u32) >> 32u32
}

type Cached = RefCell<(u64, BigUint)>;

/// The constant at `w` bits from the thread's longest copy, made longer first where it must be.
fn cached(cell: &Cached, w: u64, compute: fn(u64) -> BigUint) -> BigUint {
    // `compute` touches no cache, so the borrow is free; if it ever were not, only time is lost.
    let Ok(mut held) = cell.try_borrow_mut() else {
        return compute(w);
    };
    if held.0 <= w {
        // Somewhat more than asked for: the next request is rarely far above this one.
        let longer = (w + w / 8).next_multiple_of(64) + 64;
        *held = (longer, compute(longer));
    }
    &held.1 >> (held.0 - w)
}

thread_local! {
    static PI: Cached = const { RefCell::new((0, BigUint::ZERO)) };
    static LN2: Cached = const { RefCell::new((0, BigUint::ZERO)) };
}

/// Pi at `w` bits, within 2 ulp. Kept per thread.
pub(super) fn pi_fixed(w: u64) -> BigUint {
    PI.with(|cell| cached(cell, w, compute_pi))
}

/// The natural logarithm of 2 at `w` bits, within 2 ulp. Kept per thread.
pub(super) fn ln2_fixed(w: u64) -> BigUint {
    LN2.with(|cell| cached(cell, w, compute_ln2))
}
