//! The elementary functions at a single exact number, with every error counted.

use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::bound::Bound;
use super::fixed::{exp_fixed, ln2_fixed, odd_series, pi_fixed, sin_cos_fixed, to_fixed};
use super::{Ball, bits_of};

/// Above `2^EXP_TOP` the exponential leaves the exponent range.
pub(super) const EXP_TOP: i64 = 41;
/// Above `2^TRIG_TOP` reducing an argument would need more digits of pi than it is worth.
const TRIG_TOP: i64 = 1 << 16;

/// A fixed-point result: `man` at `w` bits, off by at most `ulps` ulp.
pub(super) fn from_fixed(man: BigInt, w: u64, shift: i64, ulps: u32, prec: u32) -> Option<Ball> {
    let exp = shift.checked_sub(i64::try_from(w).ok()?)?;
    Ball::make(man, exp, Bound::small(ulps).shl(exp), prec)
}

/// A double of small magnitude as a fixed-point number with about 60 bits after the point.
fn guess_fixed(x: f64, w: u64) -> BigInt {
    // A guess only steers the work: nothing depends on its accuracy, and no guess serves as well.
    let head = BigInt::from((x * 2f64.powi(60)).to_i64().unwrap_or(0));
    if w >= 60 {
        head << (w - 60)
    } else {
        head >> (60 - w)
    }
}

/// A fixed-point number below 4 as a double.
fn fixed_to_f64(x: &BigInt, w: u64) -> f64 {
    let drop = w.saturating_sub(60);
    let scale = i32::try_from(w - drop).unwrap_or(0);
    (x >> drop).to_f64().unwrap_or(0.0) / 2f64.powi(scale)
}

/// `exp` of an exact number, within `2^-(prec+4)` of its size before rounding.
pub(super) fn exp_mid(x: &Ball, prec: u32) -> Option<Ball> {
    if x.man.is_zero() {
        return Some(Ball::one());
    }
    if x.top() > EXP_TOP {
        return None;
    }
    let w = u64::from(prec) + 8;
    // With |k| <= 2^(top+1) multiples of ln 2 removed, the argument's error is below
    // 1 + 2 * 2^(top+1) of ulps that are 2^(top+4) times finer than those of `w`.
    let finer = w + x.top().max(0).unsigned_abs() + 4;
    let ln2 = BigInt::from(ln2_fixed(finer));
    let (k, rest) = to_fixed(&x.man, x.exp, finer).div_mod_floor(&ln2);
    let t = rest.magnitude() >> (finer - w);
    // Two ulp of the argument times exp(t) <= 2, and two of the kernel.
    from_fixed(BigInt::from(exp_fixed(&t, w)), w, k.to_i64()?, 8, prec)
}

/// `ln` of an exact positive number, to about `prec` bits relative to the result.
pub(super) fn ln_mid(x: &Ball, prec: u32) -> Option<Ball> {
    // x = y 2^e with y in [3/4, 3/2), so that e ln 2 and ln y cannot nearly cancel.
    let head = x.man.magnitude() >> x.man.bits().saturating_sub(2);
    let e = if head == BigUint::from(3u32) {
        x.top()
    } else {
        x.top() - 1
    };
    let y = Ball::exact(x.man.clone(), x.exp - e);
    let mut w = u64::from(prec) + 16;
    if e == 0 {
        let offset = &y.man - (BigInt::one() << y.exp.min(0).unsigned_abs());
        if offset.is_zero() {
            return Some(Ball::zero());
        }
        let u = Ball::exact(offset, y.exp);
        let small = -u.top();
        if small > i64::from(prec) + 8 {
            // |ln(1+u) - u| <= u^2 for |u| <= 1/2.
            let error = u.mid_up().mul(u.mid_up());
            return Ball::make(u.man, u.exp, error, prec);
        }
        w += small.max(0).unsigned_abs();
    }
    let fixed = to_fixed(&y.man, y.exp, w);
    let one = BigInt::one() << w;
    let guess = fixed_to_f64(&fixed, w).ln();
    let theta = guess_fixed(guess.abs(), w).min(one.clone() - 1);
    let power = BigInt::from(exp_fixed(theta.magnitude(), w));
    // ln y = theta + 2 atanh((y - F) / (y + F)), or -theta + 2 atanh((yF - 1) / (yF + 1)), with
    // F = exp(theta) known within two ulp.
    let negative = fixed < one;
    let (near, base) = if negative {
        ((&fixed * power) >> w, one)
    } else {
        (fixed, power)
    };
    let ratio = ((&near - &base) << w) / (near + base);
    let (series, terms) = odd_series(ratio.magnitude(), w, false);
    let series = if ratio.is_negative() { -series } else { series } * 2;
    let mut sum = if negative {
        series - theta
    } else {
        series + theta
    };
    // y is off by one ulp (4/3 in the logarithm), the ratio by less than 5, the series by
    // 3n + 4 and e ln 2 by 3.
    let ulps = 8 * u32::try_from(terms).ok()? + 40;
    if e != 0 {
        // |e| < 2^42.
        sum += (BigInt::from(ln2_fixed(w + 44)) * e) >> 44u32;
    }
    from_fixed(sum, w, 0, ulps, prec)
}

/// The angle of the exact vector `(x, y)` in `(-pi, pi]`; `None` for the zero vector.
pub(super) fn angle_mid(y: &Ball, x: &Ball, prec: u32) -> Option<Ball> {
    if y.man.is_zero() {
        return match x.man.sign() {
            num_bigint::Sign::Plus => Some(Ball::zero()),
            num_bigint::Sign::Minus => Ball::pi(prec),
            num_bigint::Sign::NoSign => None,
        };
    }
    let mut w = u64::from(prec) + 16;
    let mut scale = y.top();
    if !x.man.is_zero() {
        scale = scale.max(x.top());
        let slope = x.top() - y.top();
        if x.man.is_positive() && slope > 0 {
            if slope > i64::from(prec) / 2 + 8 {
                // |atan q - q| <= |q|^3 / 3, and q < 2^(1 - slope).
                let q = y.mid().div(&x.mid(), prec)?;
                let cube = q.abs_up().mul(q.abs_up()).mul(q.abs_up());
                return q.plus_error(cube.shl(-1));
            }
            w += slope.unsigned_abs();
        }
    }
    let (fx, fy) = (
        to_fixed(&x.man, x.exp - scale, w),
        to_fixed(&y.man, y.exp - scale, w),
    );
    let theta = guess_fixed(fixed_to_f64(&fy, w).atan2(fixed_to_f64(&fx, w)), w);
    if theta.bits() > w + 2 {
        return None;
    }
    let (sin, cos) = sin_cos_fixed(theta.magnitude(), w);
    let sin = if theta.is_negative() { -sin } else { sin };
    // The vector turned by -theta, whose angle is what the guess left over. Neither a wrong
    // guess nor a small vector passes this test, and the series then converges fast.
    let across: BigInt = &fy * &cos - &fx * &sin;
    let along: BigInt = fx * cos + fy * sin;
    if !along.is_positive() || across.magnitude() << 1u32 > *along.magnitude() {
        return None;
    }
    let ratio: BigInt = (across << w) / along;
    let (series, terms) = odd_series(ratio.magnitude(), w, true);
    let sum = if ratio.is_negative() {
        theta - series
    } else {
        theta + series
    };
    // The vector is at least 1/2 long and off by sqrt 2 ulp (5 ulp of angle), the direction of
    // theta by 2 sqrt 2 (3 ulp), the quotient by one and the series by 3n + 4.
    from_fixed(sum, w, 0, 4 * u32::try_from(terms).ok()? + 16, prec)
}

/// `(sin, cos)` of an exact number.
pub(super) fn sin_cos_mid(x: &Ball, prec: u32) -> Option<(Ball, Ball)> {
    if x.man.is_zero() {
        return Some((Ball::zero(), Ball::one()));
    }
    let top = x.top();
    if top > TRIG_TOP {
        return None;
    }
    if top < -(i64::from(prec) / 2 + 8) {
        // |sin x - x| <= |x|^3 / 6 and |cos x - 1| <= x^2 / 2.
        let square = x.mid_up().mul(x.mid_up());
        let sin = Ball::make(x.man.clone(), x.exp, square.mul(x.mid_up()).shl(-2), prec)?;
        return Some((sin, Ball::one().plus_error(square.shl(-1))?));
    }
    let w = u64::from(prec) + 8 + top.min(0).unsigned_abs();
    // As in `exp_mid`: n <= 2^top multiples of pi/2 take less than 2^(top+2) of the finer ulps.
    let finer = w + top.max(0).unsigned_abs() + 4;
    let twice: BigInt = to_fixed(&x.man, x.exp, finer) << 1u32;
    let (n, rest) = twice.div_mod_floor(&BigInt::from(pi_fixed(finer)));
    let t = rest.magnitude() >> (finer + 1 - w);
    let (sin, cos) = sin_cos_fixed(&t, w);
    let quadrant = (n & BigInt::from(3)).to_u32()?;
    let (sin, cos) = match quadrant {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    };
    Some((
        from_fixed(sin, w, 0, 5, prec)?,
        from_fixed(cos, w, 0, 5, prec)?,
    ))
}

/// The `n`th root of an exact positive number, exact where it is short.
pub(super) fn root_mid(x: &Ball, n: u32, prec: u32) -> Option<Ball> {
    let order = i64::from(n);
    let wanted = order * (i64::from(prec) + 2);
    let mut shift = (wanted - bits_of(&x.man)).max(0);
    shift += (x.exp - shift).rem_euclid(order);
    let scaled = x.man.magnitude() << shift;
    let root = if n == 2 {
        scaled.sqrt()
    } else {
        scaled.nth_root(n)
    };
    let exp = (x.exp - shift) / order;
    let error = if root.pow(n) == scaled {
        Bound::ZERO
    } else {
        Bound::pow2(exp)
    };
    Ball::make(BigInt::from(root), exp, error, prec)
}
