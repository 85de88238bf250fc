use pointsman::problem::split::Split;
use pointsman::router::{RouterSpec, build};
use pointsman::signal::confidence::Source;
use pointsman::train::evaluate::Figures;
use pointsman::train::forest::Forest;
use pointsman::train::learner::Learner;
use pointsman::train::params::Params;
use pointsman::train::prepared::{Encoding, Prepared};
use pointsman::train::report::{of_policy, of_router};
use pointsman::train::rollout::ForestRollouts;
use pointsman::train::scores::scores;
use pointsman::train::threshold::recalibrate;
use std::path::PathBuf;

fn hull(mut pts: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    pts.sort_by(|a, b| a.1.total_cmp(&b.1));
    pts
}
fn cost_at(pts: &[(f64, f64)], acc: f64) -> f64 {
    // upper concave hull in (cost, acc)
    let mut h: Vec<(f64, f64)> = Vec::new();
    for &p in pts {
        while h.len() >= 2 {
            let (a, b) = (h[h.len() - 2], h[h.len() - 1]);
            if (b.0 - a.0) * (p.1 - a.1) <= (p.0 - a.0) * (b.1 - a.1) {
                h.pop();
            } else {
                break;
            }
        }
        if h.last().is_none_or(|l| p.0 > l.0) {
            h.push(p);
        }
    }
    for w in h.windows(2) {
        if w[0].0 <= acc && acc <= w[1].0 {
            return w[0].1 + (acc - w[0].0) / (w[1].0 - w[0].0) * (w[1].1 - w[0].1);
        }
    }
    if acc < h[0].0 { h[0].1 } else { f64::NAN }
}
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let path = PathBuf::from(&args[0]);
    let seeds: u64 = args[1].parse().unwrap();
    let sig: Source = std::env::var("SIG")
        .unwrap_or("prob".into())
        .parse()
        .unwrap();
    let forest = Forest::load(&[path], Some(sig)).unwrap();
    let learn = forest.split(Split::Train).unwrap();
    let dev: Vec<_> = forest
        .problems
        .iter()
        .filter(|p| p.split != Split::Train)
        .collect();
    let models: Vec<String> = forest.models.iter().map(|m| m.name.clone()).collect();
    let floor = pointsman::train::floor::floor(learn.iter().map(|p| p.reference_counts()))
        .unwrap()
        .value;
    let large: f64 = dev.iter().map(|p| p.alone.published.unwrap()).sum::<f64>() / dev.len() as f64;
    let accs = [0.75, 0.8, 0.85, 0.88, 0.90, 0.92, 0.93, 0.94, 0.945];
    for config in args[2..].iter() {
        let mut base = serde_json::to_value(Params::settling(0.05)).unwrap();
        let mut above = true;
        for kv in config.split(',').filter(|c| !c.is_empty()) {
            let (k, v) = kv.split_once('=').unwrap();
            if k == "above" {
                above = v == "1";
                continue;
            }
            if k == "feat" {
                base["features"] = v.split('+').collect::<Vec<_>>().into();
                continue;
            }
            base[k] = serde_json::from_str(v).unwrap_or(v.into());
        }
        let base: Params = serde_json::from_value(base).unwrap();
        if args[1] == "0" || true {
            let enc = Encoding::fit(&base.features, &forest, &learn).unwrap();
            let prep = Prepared::new(&forest, &dev, &enc, &base).unwrap();
            let pts: Vec<(f64, f64)> = (0..100)
                .map(|i| {
                    let t = 0.3 + 0.7 * i as f64 / 100.0 + if i > 90 { 0.0 } else { 0.0 };
                    let r = build(
                        &RouterSpec::Threshold {
                            t: Some(t),
                            signal: sig,
                        },
                        &models,
                        None,
                    )
                    .unwrap();
                    let f = Figures::of(&of_router(&prep, &*r)).unwrap();
                    (f.accuracy, f.published.unwrap() / large)
                })
                .collect();
            let pts = hull(pts);
            println!(
                "thr      {}",
                accs.map(|a| format!("{:.3}", cost_at(&pts, a))).join(" ")
            );
        }
        let work: Vec<std::thread::JoinHandle<String>> = Vec::new();
        drop(work);
        let next = std::sync::atomic::AtomicU64::new(0);
        std::thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= seeds { break; }
                    let mut p = base.clone();
                    p.seed = seed;
                    if above { p.floor = floor; }
                    let enc = Encoding::fit(&p.features, &forest, &learn).unwrap();
                    let prep = Prepared::new(&forest, &learn, &enc, &p).unwrap();
                    let mut l = Learner::new(p.clone(), enc.features.len(), 2).unwrap();
                    let t0 = std::time::Instant::now();
                    let mut rejected = 0; let mut cases = [0; 5];
                    let mut r = ForestRollouts::new(&prep, p.batch, seed);
                    let mut last = (0.0, 0.0);
                    l.run(&mut r, |_, it| { if !it.policy.accepted { rejected += 1; } if let Some(d) = it.policy.dual { cases[d.case as usize] += 1; } last = (it.policy.coverage, it.batch.escalated); }).unwrap();
                    let tt = t0.elapsed().as_secs_f64();
                    let dp = Prepared::new(&forest, &dev, &enc, &p).unwrap();
                    let cal = forest.split(Split::Calibration).unwrap();
                    let cp = Prepared::new(&forest, &cal, &enc, &p).unwrap();
                    let sc = scores(&cp, l.policy(), seed);
                    let k = recalibrate(&sc.scores, p.alpha).unwrap().kappa;
                    let f = Figures::of(&of_policy(&dp, l.policy(), k)).unwrap();
                    let mut kap: Vec<f64> = Vec::new();
                    for pr in dp.problems() { for (at, st) in pr.forest.steps.iter().enumerate() { if st.leaf.is_none() { kap.push(*l.policy().probabilities(pr.place(at).observation).last().unwrap()); } } }
                    kap.sort_by(f64::total_cmp);
                    let mut pts = Vec::new();
                    for i in 0..=80 { let kk = kap[i * (kap.len() - 1) / 80]; let g = Figures::of(&of_policy(&dp, l.policy(), kk)).unwrap(); pts.push((g.accuracy, g.published.unwrap() / large)); }
                    let pts = hull(pts);
                    println!("{seed:>2} {:>5.1}s {} | κ {k:.3} (train {:.3}) acc {:.4} cost {:.3} miss {:.4} step {:.4} | rej {rejected} cases {cases:?} J {:.3} esc {:.2} [{config}]", tt, accs.map(|a| format!("{:.3}", cost_at(&pts, a))).join(" "), l.threshold().kappa(), f.accuracy, f.published.unwrap() / large, f.miss, f.step_miss, last.0, last.1);
                });
            }
        });
    }
}
