//! The fit against scikit-learn's, and where there is nothing to fit.
//!
//! Figures of `GaussianMixture(2, covariance_type='full', n_init=10,
//! random_state=0)` by scikit-learn 1.9.1 with numpy 2.4.6 and scipy 1.17.1, on
//! the values below after numpy had taken away what lies beyond 5 IQR.

use proptest::prelude::*;

use super::*;

/// scikit-learn's figures of one fit: weight, mean and variance of the
/// component with the smaller mean, then of the other.
struct Wanted {
    name: &'static str,
    values: &'static [f64],
    tolerance: f64,
    iterations: u32,
    dropped: usize,
    low: [f64; 3],
    high: [f64; 3],
    log_likelihood: f64,
    /// Iterations of the start that was kept.
    took: u32,
    /// u and Pr(confident | u).
    posteriors: [(f64, f64); 5],
}

const SEPARATED: &[f64] = &[
    19.637, 19.717, 20.584, 19.139, 20.355, 11.562, 9.156, 14.094, 12.456, 12.772, 19.68, 11.661,
    20.46, 11.872, 20.113, 11.532, 10.81, 20.946, 11.599, 19.038, 11.904, 19.181, 20.479, 19.57,
    20.796, 19.909, 19.666, 21.277, 13.08, 20.449, 20.944, 19.38, 12.957, 20.384, 20.614, 19.896,
    19.837, 12.361, 20.122, 19.501,
];
const OVERLAPPING: &[f64] = &[
    0.8882, 0.4776, 0.7956, 0.8419, 0.8452, 0.8894, 0.8602, 0.9776, 0.9916, 0.5167, 0.9275, 0.9273,
    0.8609, 0.6891, 0.5058, 0.4761, 0.5968, 0.6307, 0.8908, 0.865, 0.9102, 1.0353, 0.9279, 0.9839,
    0.8398, 0.8141, 1.0726, 0.7241, 0.9672, 0.5564, 0.9034, 0.8581, 0.826, 0.8428, 0.827, 0.8569,
    0.9154, 0.8409, 0.7932, 0.5004, 0.6426, 0.9772, 0.8166, 0.708, 0.7492, 0.5336, 0.9224, 0.8644,
];
const TIES: &[f64] = &[
    1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 1.5, 1.5, 1.5, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0,
    4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.5, 4.5,
];
const ATOM: &[f64] = &[
    0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0,
    8.0, 8.0, 8.0, 8.0, 8.0, 8.0,
];
const OUTLIERS: &[f64] = &[
    11.599, 11.661, 13.08, 12.772, 11.904, 11.872, 20.113, 19.57, 19.717, 20.384, 19.909, 19.038,
    19.666, 20.46, 19.837, 19.896, 20.449, 21.277, 19.501, 20.944, 19.139, 20.122, 19.181, 20.946,
    -300.0, 95.0, 400.0,
];

const WANTED: &[Wanted] = &[
    Wanted {
        name: "separated",
        values: SEPARATED,
        tolerance: 1e-12,
        iterations: 10000,
        dropped: 0,
        low: [0.35000000015453375, 11.986857146005745, 1.258253430068361],
        high: [0.6499999998454663, 20.064384615609598, 0.3550683904000966],
        log_likelihood: -1.7700663392992186,
        took: 2,
        posteriors: [
            (7.187, 1.2752777115777983e-97),
            (17.0474, 0.1994945758253121),
            (17.1595, 0.5002994864204058),
            (17.3407, 0.8998312203161851),
            (23.246, 1.0),
        ],
    },
    Wanted {
        name: "separated",
        values: SEPARATED,
        tolerance: 0.0001,
        iterations: 100,
        dropped: 0,
        low: [0.35000000015453375, 11.986857146005745, 1.258253430068361],
        high: [0.6499999998454663, 20.064384615609598, 0.3550683904000966],
        log_likelihood: -1.7700663392992186,
        took: 2,
        posteriors: [
            (7.187, 1.2752777115777983e-97),
            (17.0474, 0.1994945758253121),
            (17.1595, 0.5002994864204058),
            (17.3407, 0.8998312203161851),
            (23.246, 1.0),
        ],
    },
    Wanted {
        name: "overlapping",
        values: OVERLAPPING,
        tolerance: 1e-12,
        iterations: 10000,
        dropped: 0,
        low: [0.206698768927331, 0.5446685438834277, 0.003716825101180582],
        high: [0.793301231072669, 0.8734504902199596, 0.007319241565771801],
        log_likelihood: 0.638826072857023,
        took: 82,
        posteriors: [
            (0.398, 9.709015336557282e-06),
            (0.6419, 0.20024741025824794),
            (0.6653, 0.5009810274536727),
            (0.7, 0.8999509849070539),
            (1.151, 1.0),
        ],
    },
    Wanted {
        name: "overlapping",
        values: OVERLAPPING,
        tolerance: 0.0001,
        iterations: 100,
        dropped: 0,
        low: [0.21213055784398901, 0.548048466383665, 0.004090005218306443],
        high: [
            0.7878694421560111,
            0.8748071734843061,
            0.0070918324856167345,
        ],
        log_likelihood: 0.6385629960484902,
        took: 17,
        posteriors: [
            (0.398, 4.836384165989358e-06),
            (0.6477, 0.2001280260981393),
            (0.6718, 0.5008801708444273),
            (0.7079, 0.8999452225416278),
            (1.151, 1.0),
        ],
    },
    Wanted {
        name: "ties",
        values: TIES,
        tolerance: 1e-12,
        iterations: 10000,
        dropped: 0,
        low: [0.5333333333446294, 1.312500000056925, 0.1523447501497638],
        high: [0.4666666666553706, 4.071428571430299, 0.030613244898575826],
        log_likelihood: -0.7946147520768799,
        took: 2,
        posteriors: [
            (0.295, 4.0407936818100857e-100),
            (3.1674, 0.19986872772156714),
            (3.201, 0.4998707945819205),
            (3.2558, 0.9000460812884212),
            (5.205, 0.9999999999998295),
        ],
    },
    Wanted {
        name: "ties",
        values: TIES,
        tolerance: 0.0001,
        iterations: 100,
        dropped: 0,
        low: [0.5333333333446294, 1.312500000056925, 0.1523447501497638],
        high: [0.4666666666553706, 4.071428571430299, 0.030613244898575826],
        log_likelihood: -0.7946147520768799,
        took: 2,
        posteriors: [
            (0.295, 4.0407936818100857e-100),
            (3.1674, 0.19986872772156714),
            (3.201, 0.4998707945819205),
            (3.2558, 0.9000460812884212),
            (5.205, 0.9999999999998295),
        ],
    },
    Wanted {
        name: "atom",
        values: ATOM,
        tolerance: 1e-12,
        iterations: 10000,
        dropped: 0,
        low: [0.4583333333333333, 1.4999999999999998, 0.6250009999999999],
        high: [0.5416666666666666, 7.999999999999999, 1e-06],
        log_likelihood: 2.011633812922146,
        took: 2,
        posteriors: [
            (-1.391, 0.0),
            (7.9907, 0.06286154745844401),
            (7.9911, 0.719555493801658),
            (7.9915, 0.9881839747844329),
            (9.641, 0.0),
        ],
    },
    Wanted {
        name: "atom",
        values: ATOM,
        tolerance: 0.0001,
        iterations: 100,
        dropped: 0,
        low: [0.4583333333333333, 1.4999999999999998, 0.6250009999999999],
        high: [0.5416666666666666, 7.999999999999999, 1e-06],
        log_likelihood: 2.011633812922146,
        took: 2,
        posteriors: [
            (-1.391, 0.0),
            (7.9907, 0.06286154745844401),
            (7.9911, 0.719555493801658),
            (7.9915, 0.9881839747844329),
            (9.641, 0.0),
        ],
    },
    Wanted {
        name: "outliers",
        values: OUTLIERS,
        tolerance: 1e-12,
        iterations: 10000,
        dropped: 3,
        low: [0.25, 12.147999999999994, 0.322048],
        high: [0.7499999999999999, 20.008277777777778, 0.3895896450617286],
        log_likelihood: -1.4861425103718082,
        took: 2,
        posteriors: [
            (9.87, 4.4179646389082734e-54),
            (15.7833, 0.19971014564563225),
            (15.8462, 0.5012770784906678),
            (15.9449, 0.8998514818130089),
            (23.006, 1.0),
        ],
    },
    Wanted {
        name: "outliers",
        values: OUTLIERS,
        tolerance: 0.0001,
        iterations: 100,
        dropped: 3,
        low: [0.25, 12.147999999999994, 0.322048],
        high: [0.7499999999999999, 20.008277777777778, 0.3895896450617286],
        log_likelihood: -1.4861425103718082,
        took: 2,
        posteriors: [
            (9.87, 4.4179646389082734e-54),
            (15.7833, 0.19971014564563225),
            (15.8462, 0.5012770784906678),
            (15.9449, 0.8998514818130089),
            (23.006, 1.0),
        ],
    },
];

fn near(found: f64, wanted: f64, what: &str) {
    assert!(
        (found - wanted).abs() < 1e-6,
        "{what}: {found}, not {wanted}"
    );
}

#[test]
fn the_fit_is_that_of_scikit_learn() {
    for wanted in WANTED {
        let settings = Settings {
            tolerance: wanted.tolerance,
            iterations: wanted.iterations,
            ..Settings::default()
        };
        let found = fit(wanted.values, &settings, 0);
        let name = wanted.name;
        assert_eq!(found.dropped, wanted.dropped, "{name}");
        assert_eq!(found.n, wanted.values.len() - wanted.dropped, "{name}");
        assert!(found.converged && found.degenerate.is_none(), "{name}");
        // The same steps from the same start, not only the same end.
        assert_eq!(found.iterations, wanted.took, "{name}");
        near(found.log_likelihood.unwrap(), wanted.log_likelihood, name);
        let mixture = found.mixture.unwrap();
        assert!(mixture.is_sound(), "{name}");
        for (component, wanted) in [
            (mixture.unconfident, wanted.low),
            (mixture.confident, wanted.high),
        ] {
            near(component.weight, wanted[0], name);
            near(component.mean, wanted[1], name);
            near(component.variance, wanted[2], name);
        }
        for (u, posterior) in wanted.posteriors {
            near(mixture.posterior(u), posterior, name);
        }
    }
}

#[test]
fn the_default_settings_are_those_of_the_wanted_figures() {
    let default = Settings::default();
    let of = |w: &Wanted| (w.tolerance, w.iterations);
    assert!(
        WANTED
            .iter()
            .any(|w| of(w) == (default.tolerance, default.iterations))
    );
}

#[test]
fn a_component_that_is_as_good_as_alone_is_degenerate() {
    // 120 values and one within 5 IQR of them: scikit-learn gives the lone one
    // the weight 0.00826446 = 1/121.
    let mut values: Vec<f64> = (0..120).map(|n| f64::from(n) / 100.0).collect();
    values.push(3.5);
    let found = fit(&values, &Settings::default(), 0);
    assert_eq!(found.dropped, 0);
    let Some(Degenerate::OneSided { weight }) = found.degenerate else {
        panic!("{found:?}");
    };
    near(weight, 120.0 / 121.0, "weight");
    near(found.mixture.unwrap().confident.mean, 3.5, "mean");
}

#[test]
fn too_few_and_equal_values_are_degenerate() {
    let settings = Settings::default();
    let few = fit(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0], &settings, 0);
    assert_eq!(few.degenerate, Some(Degenerate::TooFew { kept: 9 }));
    assert_eq!(
        few.degenerate.unwrap().to_string(),
        "9 values; 10 are needed"
    );
    // What is dropped does not count towards the ten.
    let mut dropped = SEPARATED[..9].to_vec();
    dropped.extend([1e6, f64::NAN, f64::INFINITY]);
    let dropped = fit(&dropped, &settings, 0);
    assert_eq!(dropped.degenerate, Some(Degenerate::TooFew { kept: 9 }));
    assert_eq!(dropped.dropped, 3);
    let equal = fit(&[0.5; 40], &settings, 0);
    assert_eq!(equal.degenerate, Some(Degenerate::Constant { value: 0.5 }));
    // More than half of them equal: the IQR is 0, and all others are beyond it.
    let mut ties = vec![1.0; 30];
    ties.extend([0.25, 0.5, 1.5]);
    let ties = fit(&ties, &settings, 0);
    assert_eq!((ties.n, ties.dropped), (30, 3));
    assert_eq!(ties.degenerate, Some(Degenerate::Constant { value: 1.0 }));
    assert_eq!(
        fit(&[], &settings, 0).degenerate,
        Some(Degenerate::TooFew { kept: 0 })
    );
}

#[test]
fn the_plain_posterior_turns_round_in_the_tails() {
    let of = |low: f64, high: f64| Mixture {
        unconfident: Component {
            weight: 0.5,
            mean: 0.0,
            variance: low,
        },
        confident: Component {
            weight: 0.5,
            mean: 1.0,
            variance: high,
        },
    };
    let wide_unconfident = of(4.0, 0.01);
    assert!(wide_unconfident.posterior(1.0) > 0.9);
    assert!(wide_unconfident.posterior(3.0) < 1e-6);
    let wide_confident = of(0.01, 4.0);
    assert!(wide_confident.posterior(0.0) < 0.1);
    assert!(wide_confident.posterior(-3.0) > 1.0 - 1e-6);
}

proptest! {
    #[test]
    fn a_fit_is_sound_or_says_why_not(values in prop::collection::vec(prop_oneof![-1e3..1e3_f64, Just(1.0), Just(2.0)], 0..60), seed in any::<u64>()) {
        let found = fit(&values, &Settings::default(), seed);
        prop_assert_eq!(found.n + found.dropped, values.len());
        prop_assert_eq!(found.mixture.is_none(), found.log_likelihood.is_none());
        if let Some(mixture) = found.mixture {
            prop_assert!(mixture.is_sound(), "{:?}", mixture);
        } else {
            prop_assert!(found.degenerate.is_some());
        }
        prop_assert_eq!(found, fit(&values, &Settings::default(), seed));
    }
}
