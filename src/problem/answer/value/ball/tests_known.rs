//! Known digits, exact cases, domains, and the timings.

use std::hint::black_box;
use std::time::Instant;

use num_bigint::BigInt;
use num_traits::{One, Zero};

use super::tests::{P, Real, accurate, int, rational};
use super::{Ball, CBall};

/// The digits of `text`, as an exact scaled integer over a power of ten, with an
/// error of one unit in the last place.
fn decimal(text: &str, prec: u32) -> Ball {
    let places = text.split_once('.').map_or(0, |(_, tail)| tail.len());
    let num: BigInt = text.replace('.', "").parse().unwrap();
    let den = BigInt::from(10).pow(u32::try_from(places).unwrap());
    let bits = i64::try_from(den.bits()).unwrap();
    Ball::from_rational(&num, &den, prec)
        .unwrap()
        .widen(1 - bits)
        .unwrap()
}

#[test]
fn known_digits() {
    let near = |b: Option<Ball>, text: &str| {
        let b = b.unwrap();
        assert!(
            b.overlaps(&decimal(text, 400)) && accurate(&b, 180),
            "{text}"
        );
        assert!(b.agreement_bits(&decimal(text, 400)) > 95, "{text}");
    };
    near(
        Ball::pi(P),
        "3.14159265358979323846264338327950288419716939937510",
    );
    near(
        Ball::ln2(P),
        "0.69314718055994530941723212145817656807550013436026",
    );
    near(
        Ball::one().exp(P),
        "2.71828182845904523536028747135266249775724709369995",
    );
    near(
        int(2).sqrt(P),
        "1.41421356237309504880168872420969807856967187537694",
    );
    near(
        int(10).ln(P),
        "2.30258509299404568401799145468436420760110148862877",
    );
    near(
        Ball::one().atan(P),
        "0.78539816339744830961566084581987572104929234984377",
    );
    near(
        Ball::one().sin(P),
        "0.84147098480789650665250232163029899962256306079837",
    );
    near(
        Ball::one().cos(P),
        "0.54030230586813971740093660744297660373231042061792",
    );
}

#[test]
fn constants_hold_at_every_precision() {
    for prec in [64, 65, 100, 1000, 5000, 8192, 16000] {
        let four = Ball::one().atan(prec).unwrap().shl(2).unwrap();
        assert!(four.overlaps(&Ball::pi(prec).unwrap()) && accurate(&four, i64::from(prec) - 4));
        let log = int(2).ln(prec).unwrap();
        assert!(log.overlaps(&Ball::ln2(prec).unwrap()));
        assert!(
            int(3)
                .ln(prec)
                .unwrap()
                .exp(prec)
                .unwrap()
                .agreement_bits(&int(3))
                > i64::from(prec) - 8
        );
    }
}

#[test]
fn numbers_that_nearly_agree_are_told_apart() {
    let (a, b) = (int(2012), int(2013));
    let inverse = |n: &Ball| {
        Ball::one()
            .div(&int(2).powi(2012, P).unwrap().add(n, 64).unwrap(), P)
            .unwrap()
    };
    let powers = (
        int(2).powi(-2012, P).unwrap(),
        int(2).powi(-2013, P).unwrap(),
    );
    assert!(!powers.0.overlaps(&powers.1) && powers.0.rad.is_zero());
    // 2^2012 + 2012 and 2^2012 + 2013 agree to far more bits than were asked for.
    assert!(inverse(&a).overlaps(&inverse(&b)));
    assert!(
        !int(1)
            .div(&a, P)
            .unwrap()
            .overlaps(&int(1).div(&b, P).unwrap())
    );
    assert_eq!(int(7).agreement_bits(&rational(14, 2, P)), i64::MAX);
    // Ramanujan's constant against the integer it resembles: 640320^3 + 744 - 7.5e-13.
    let constant = Ball::pi(P)
        .unwrap()
        .mul(&int(163).sqrt(P).unwrap(), P)
        .unwrap()
        .exp(P)
        .unwrap();
    let whole = int(640_320).powi(3, P).unwrap().add(&int(744), P).unwrap();
    assert!(!constant.overlaps(&whole));
    let bits = constant.agreement_bits(&whole);
    assert!((97..=99).contains(&bits), "{bits}");
    assert_eq!(
        constant.floor_exact(),
        Some(BigInt::from(262_537_412_640_768_743u64))
    );
}

#[test]
fn exact_results_stay_exact() {
    let exact = |b: Option<Ball>, n: i64| b.unwrap().agreement_bits(&int(n)) == i64::MAX;
    assert!(exact(int(144).sqrt(P), 12) && exact(int(-27).abs().root(3, P), 3));
    assert!(exact(int(6).div(&int(3), P), 2) && exact(int(3).powi(5, P), 243));
    assert!(
        exact(Ball::zero().exp(P), 1)
            && exact(Ball::one().ln(P), 0)
            && exact(Ball::zero().sqrt(P), 0)
    );
    assert!(
        exact(Ball::zero().cos(P), 1)
            && exact(Ball::zero().atan(P), 0)
            && exact(Ball::zero().powi(0, P), 1)
    );
    let i = CBall::i();
    assert!(exact(Some(i.mul(&i, P).unwrap().re), -1) && i.mul(&i, P).unwrap().is_exact_real());
    assert!(
        i.pow(&CBall::from_real(int(-7)), P)
            .unwrap()
            .agreement_bits(&i)
            == i64::MAX
    );
    assert!(exact(
        Some(CBall::from_real(int(-9)).sqrt(P).unwrap().im),
        3
    ));
    let i_to_i = i.pow(&i, P).unwrap();
    let expected = Ball::pi(P).unwrap().shl(-1).unwrap().neg().exp(P).unwrap();
    assert!(i_to_i.im.contains_zero() && i_to_i.re.agreement_bits(&expected) > 180);
    assert!(
        CBall::from_real(int(2))
            .pow(&CBall::from_real(rational(1, 3, P)), P)
            .unwrap()
            .is_exact_real()
    );
}

#[test]
fn domains_and_ranges_are_kept() {
    assert!(int(-1).sqrt(P).is_none() && int(0).ln(P).is_none() && int(-1).ln(P).is_none());
    assert!(int(1).div(&Ball::zero().widen(-9).unwrap(), P).is_none() && int(2).asin(P).is_none());
    assert!(
        Ball::zero().powi(-1, P).is_none()
            && Ball::from_rational(&BigInt::one(), &BigInt::zero(), P).is_none()
    );
    let huge = Ball::from_bigint(&BigInt::from(10).pow(30));
    assert!(huge.exp(P).is_none() && huge.neg().exp(P).is_none());
    assert!(int(10).pow_int(&BigInt::from(10).pow(30), P).is_none());
    assert!(huge.tanh(P).unwrap().agreement_bits(&Ball::one()) > 1000);
    let tower = int(10).powi(10_000_000_000, P).unwrap();
    assert_eq!(
        (tower.log2_abs_lower(), tower.log2_abs_upper()),
        (Some(33_219_280_948), Some(33_219_280_948))
    );
    assert!(accurate(&tower, 180) && tower.floor_exact().is_none() && tower.sin(P).is_none());
    let log = tower
        .ln(P)
        .unwrap()
        .div(&int(10).ln(P).unwrap(), P)
        .unwrap();
    assert!(log.overlaps(&int(10_000_000_000)));
    assert!(CBall::from_real(Ball::zero()).arg(P).is_none());
    let across = CBall {
        re: int(-1),
        im: Ball::zero().widen(-80).unwrap(),
    };
    assert!(across.arg(P).is_none() && across.sqrt(P).is_none());
    assert!(
        CBall::from_real(int(-1))
            .arg(P)
            .unwrap()
            .overlaps(&Ball::pi(P).unwrap())
    );
    let near_one = Ball::one()
        .sub(&Ball::one().shl(-300).unwrap(), 400)
        .unwrap();
    assert!(accurate(&near_one.ln(P).unwrap(), 188) && accurate(&near_one.acos(P).unwrap(), 180));
    assert_eq!(rational(-7, 2, P).floor_exact(), Some(BigInt::from(-4)));
    assert_eq!(Ball::one().widen(-50).unwrap().floor_exact(), None);
    assert_eq!(rational(1, 3, P).floor_exact(), Some(BigInt::zero()));
    assert_eq!(
        int(5).powi(-1, P).unwrap().neg().floor_exact(),
        Some(BigInt::from(-1))
    );
    assert!(
        (rational(-1, 3, P).to_f64() + 1.0 / 3.0).abs() < 1e-15
            && Ball::pi(P).unwrap().to_f64() > 3.1
    );
    assert!((Ball::one().shl(-1070).unwrap().to_f64() > 0.0) && tower.to_f64().is_infinite());
}

#[test]
fn large_arguments_are_reduced() {
    let x = int(10).powi(22, P).unwrap();
    assert!(
        x.sin(P)
            .unwrap()
            .overlaps(&decimal("-0.8522008497671888017727058937530293682618", P))
    );
    let far = Ball::one().shl(60_000).unwrap();
    let (sin, cos) = far.sin_cos(P).unwrap();
    assert!(accurate(&sin, 170) && accurate(&cos, 170));
    assert!(Ball::one().shl(70_000).unwrap().sin(P).is_none());
}

fn time(name: &str, rounds: u32, mut f: impl FnMut() -> Option<Ball>) {
    assert!(f().is_some());
    let start = Instant::now();
    for _ in 0..rounds {
        black_box(f());
    }
    println!(
        "{name:>12} {:>10.3} us",
        start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
    );
}

#[test]
#[ignore = "prints timings"]
fn timings() {
    for (prec, rounds) in [(192, 20_000), (1024, 2_000), (8192, 40)] {
        println!("prec {prec}");
        let (x, y) = (int(2).sqrt(prec).unwrap(), int(3).root(3, prec).unwrap());
        time("add", rounds, || black_box(&x).add(&y, prec));
        time("mul", rounds, || black_box(&x).mul(&y, prec));
        time("div", rounds, || black_box(&x).div(&y, prec));
        for (name, f) in [
            ("sqrt", Ball::sqrt as Real),
            ("cbrt", |x, p| x.root(3, p)),
            ("exp", Ball::exp),
            ("ln", Ball::ln),
            ("sin", Ball::sin),
            ("tan", Ball::tan),
            ("atan", Ball::atan),
            ("tanh", Ball::tanh),
            ("x^1000", |x, p| x.powi(1000, p)),
            ("pi", |_, p| Ball::pi(p)),
        ] {
            time(name, rounds, || f(black_box(&x), prec));
        }
        let z = CBall {
            re: x.clone(),
            im: y.clone(),
        };
        time("z^z", rounds / 4, || Some(z.pow(&z, prec)?.re));
    }
}
