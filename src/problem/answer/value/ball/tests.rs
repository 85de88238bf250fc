//! Properties: results hold the truth, on exact and on wide arguments.

use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;

pub(super) const P: u32 = 192;
pub(super) type Real = fn(&Ball, u32) -> Option<Ball>;

pub(super) fn int(n: i64) -> Ball {
    Ball::from_i64(n)
}

pub(super) fn rational(num: i64, den: i64, prec: u32) -> Ball {
    Ball::from_rational(&BigInt::from(num), &BigInt::from(den), prec).unwrap()
}

/// The radius lies at least `bits` below the number.
pub(super) fn accurate(b: &Ball, bits: i64) -> bool {
    b.rad.is_zero()
        || b.log2_abs_lower()
            .is_some_and(|top| top - b.rad.top() >= bits)
}

/// Whether `outer` holds the number that `truth`, by far the smaller ball, stands for: their
/// midpoints are no further apart than the radii reach, on 2000 bits.
fn inside(truth: &Ball, outer: &Ball) -> bool {
    let distance = truth.mid().sub(&outer.mid(), 2000).unwrap().abs();
    let reach = outer.rad_ball().add(&truth.rad_ball(), 2000).unwrap();
    !reach.sub(&distance, 2000).unwrap().is_negative()
}

/// The value at a much higher precision lies in the ball, and the ball is tight.
fn agrees(f: Real, x: &Ball, prec: u32, bits: i64) {
    let (got, truth) = (f(x, prec), f(x, prec + 200));
    assert_eq!(got.is_some(), truth.is_some(), "{x:?}");
    if let (Some(got), Some(truth)) = (got, truth) {
        assert!(inside(&truth, &got), "{x:?}: {got:?} {truth:?}");
        assert!(accurate(&got, i64::from(prec) - bits), "{x:?}: {got:?}");
        // Only tiny and saturated arguments leave a result better than it was asked to be.
        let finer = truth.rad.shl(20).le(got.rad);
        assert!(
            finer || accurate(&got, i64::from(prec) + 5),
            "{x:?}: {got:?} {truth:?}"
        );
    }
}

/// Points of the ball, its ends included, map into the image of the ball.
fn spreads(f: Real, x: &Ball) {
    let Some(image) = f(x, P) else { return };
    for k in -8..=8 {
        let offset = x.rad_ball().mul(&rational(k, 8, P), P).unwrap();
        let point = x.mid().add(&offset, 2 * P).unwrap();
        assert!(point.rad.is_zero());
        if let Some(value) = f(&point, P + 700) {
            assert!(inside(&value, &image), "{x:?} at {k}: {value:?} {image:?}");
        }
    }
}

fn functions() -> Vec<(Real, i64)> {
    vec![
        (Ball::exp, 3),
        (Ball::ln, 3),
        (Ball::sqrt, 3),
        (|x, p| x.root(3, p), 3),
        (|x, p| x.root(17, p), 3),
        (Ball::atan, 3),
        (Ball::asin, 12),
        (Ball::acos, 90),
        (Ball::sin, 80),
        (Ball::cos, 80),
        (Ball::tan, 80),
        (Ball::sinh, 8),
        (Ball::cosh, 4),
        (Ball::tanh, 8),
        (|x, p| x.powi(13, p), 4),
        (|x, p| x.powi(-6, p), 4),
    ]
}

prop_compose! {
    /// Numbers of either sign and of very different sizes, down to `2^-300`.
    fn number(max_exp: i64)(man in any::<i64>(), e in -300..=max_exp, small in any::<bool>()) -> Ball {
        let man = if small { man >> 48 } else { man };
        let exp = if small { e.max(-12) } else { e - 63 };
        Ball::exact(BigInt::from(man), exp)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_at_higher_precision_lie_inside(x in number(9), prec in 64u32..700) {
        for (f, bits) in functions() {
            agrees(f, &x, prec, bits);
        }
    }

    #[test]
    fn wide_balls_hold_their_images(x in number(6), k in -200i64..3) {
        for (f, _) in functions() {
            spreads(f, &x.widen(k).unwrap());
            spreads(f, &x.abs().widen(x.top() + k.min(-1)).unwrap());
        }
    }

    #[test]
    fn ring_operations_hold_exact_values(a in number(200), b in number(200), c in number(20), prec in 64u32..300) {
        let sum = a.add(&b, prec).unwrap();
        prop_assert!(inside(&a.add(&b, 1000).unwrap(), &sum));
        prop_assert!(sum.sub(&b, 1000).unwrap().overlaps(&a));
        prop_assert!(inside(&a.mul(&b, 1000).unwrap(), &a.mul(&b, 64).unwrap()));
        let left = a.add(&b, prec).unwrap().mul(&c, prec).unwrap();
        let right = a.mul(&c, prec).unwrap().add(&b.mul(&c, prec).unwrap(), prec).unwrap();
        prop_assert!(left.overlaps(&right));
        if let Some(q) = a.div(&b, prec) {
            prop_assert!(q.mul(&b, 2000).unwrap().overlaps(&a));
            prop_assert!(inside(&a.div(&b, 1000).unwrap(), &q) || q.rad.is_zero());
        } else {
            prop_assert!(b.is_exact_zero());
        }
    }

    #[test]
    fn ring_operations_hold_wide_values(a in number(8), b in number(8), r in -90i64..9, s in -90i64..9) {
        let (wa, wb) = (a.widen(r).unwrap(), b.widen(s).unwrap());
        let at = |x: &Ball, k| x.mid().add(&x.rad_ball().mul(&rational(k, 4, P), P).unwrap(), 1000).unwrap();
        for i in -4..=4 {
            for j in -4..=4 {
                let (x, y) = (at(&wa, i), at(&wb, j));
                prop_assert!(inside(&x.add(&y, 1000).unwrap(), &wa.add(&wb, P).unwrap()));
                prop_assert!(inside(&x.sub(&y, 1000).unwrap(), &wa.sub(&wb, P).unwrap()));
                prop_assert!(inside(&x.mul(&y, 1000).unwrap(), &wa.mul(&wb, P).unwrap()));
                if let Some(q) = wa.div(&wb, P) {
                    prop_assert!(inside(&x.div(&y, 1000).unwrap(), &q));
                }
                if let Some(angle) = Ball::atan2(&wa, &wb, P) {
                    prop_assert!(inside(&Ball::atan2(&x, &y, 400).unwrap(), &angle));
                }
            }
            if let Some(floor) = wa.floor_exact() {
                prop_assert_eq!(at(&wa, i).floor_exact(), Some(floor));
            }
        }
    }

    #[test]
    fn identities_hold(x in number(5), n in -40i64..40, m in -40i64..40) {
        let one = Ball::one();
        if let Some(log) = x.ln(P) {
            prop_assert!(log.exp(P).unwrap().overlaps(&x));
            let root = x.sqrt(P).unwrap();
            prop_assert!(root.mul(&root, P).unwrap().overlaps(&x));
            prop_assert!(x.root(5, P).unwrap().powi(5, P).unwrap().overlaps(&x));
            prop_assert!(x.root(30, P).unwrap().powi(30, P).unwrap().overlaps(&x));
        }
        let (sin, cos) = x.sin_cos(P).unwrap();
        let squares = sin.mul(&sin, P).unwrap().add(&cos.mul(&cos, P).unwrap(), P).unwrap();
        prop_assert!(squares.overlaps(&one) && accurate(&squares, 180));
        let (sinh, cosh) = x.sinh_cosh(P).unwrap();
        prop_assert!(cosh.mul(&cosh, P).unwrap().overlaps(&one.add(&sinh.mul(&sinh, P).unwrap(), P).unwrap()));
        prop_assert!(x.tanh(P).unwrap().overlaps(&sinh.div(&cosh, P).unwrap()));
        prop_assert!(x.atan(P).unwrap().tan(P).unwrap().overlaps(&x));
        if let (Some(asin), Some(acos)) = (x.asin(P), x.acos(P)) {
            prop_assert!(asin.sin(P).unwrap().overlaps(&x));
            prop_assert!(acos.cos(P).unwrap().overlaps(&x));
            prop_assert!(asin.add(&acos, P).unwrap().overlaps(&Ball::pi(P).unwrap().shl(-1).unwrap()));
        }
        if !x.contains_zero() {
            let product = x.powi(n, P).unwrap().mul(&x.powi(m, P).unwrap(), P).unwrap();
            prop_assert!(product.overlaps(&x.powi(n + m, P).unwrap()));
        }
    }

    #[test]
    fn complex_identities_hold(a in number(4), b in number(4), c in number(4), d in number(4), r in -180i64..-20) {
        let (z, w) = (CBall { re: a, im: b }, CBall { re: c.clone(), im: d.widen(r).unwrap() });
        let same = |x: Option<CBall>, y: &CBall| x.is_none_or(|x| x.overlaps(y));
        prop_assert!(same(z.mul(&w, P).unwrap().div(&w, P), &z));
        prop_assert!(same(z.ln(P).and_then(|l| l.exp(P)), &z));
        prop_assert!(same(w.ln(P).and_then(|l| l.exp(P)), &w));
        prop_assert!(same(w.sqrt(P).and_then(|s| s.mul(&s, P)), &w));
        if let Some(s) = z.sqrt(P) {
            prop_assert!(!s.re.is_negative());
            prop_assert!(same(z.pow(&CBall::from_real(rational(1, 2, P)), P), &s));
        }
        if let Some(power) = z.pow(&CBall::from_real(int(5)), P) {
            prop_assert!(same(z.ln(P).and_then(|l| l.mul(&CBall::from_real(int(5)), P)).and_then(|l| l.exp(P)), &power));
        }
        let (sin, cos) = (w.sin(P).unwrap(), w.cos(P).unwrap());
        let squares = sin.mul(&sin, P).unwrap().add(&cos.mul(&cos, P).unwrap(), P).unwrap();
        prop_assert!(squares.overlaps(&CBall::from_real(Ball::one())));
        let iw = CBall::i().mul(&w, P).unwrap();
        prop_assert!(iw.exp(P).unwrap().overlaps(&cos.add(&CBall::i().mul(&sin, P).unwrap(), P).unwrap()));
        let modulus = z.abs(P).unwrap().mul(&w.abs(P).unwrap(), P).unwrap();
        prop_assert!(z.mul(&w, P).unwrap().abs(P).unwrap().overlaps(&modulus));
        prop_assert!(same(CBall::from_real(c.clone()).ln(P).and_then(|l| l.exp(P)), &CBall::from_real(c)));
    }

    #[test]
    fn nothing_panics(man in any::<i64>(), e in any::<i64>(), k in any::<i64>(), n in any::<i64>(), prec in any::<u32>()) {
        let prec = prec % 300;
        for (e, k) in [(e >> 20, k >> 20), (e % 3000, k % 3000), (e % (1 << 40), k % 50)] {
            let Some(x) = Ball::make(BigInt::from(man), e, Bound::ZERO, 64) else { continue };
            for x in [Some(x.clone()), x.widen(k), x.widen(e), Ball::zero().widen(k)].into_iter().flatten() {
                for (f, _) in functions() {
                    let _ = f(&x, prec);
                }
                let _ = (x.powi(n, prec), x.floor_exact(), x.to_f64(), x.log2_abs_lower(), x.log2_abs_upper());
                let y = int(n);
                let _ = (x.add(&y, prec), x.mul(&y, prec), x.div(&y, prec), y.div(&x, prec), x.agreement_bits(&y));
                let z = CBall { re: x, im: y };
                let _ = (z.ln(prec), z.exp(prec), z.sqrt(prec), z.pow(&z, prec), z.sin(prec), z.abs(prec), z.agreement_bits(&z));
            }
        }
    }
}
