use super::*;
use crate::headless::Exit;

#[test]
fn the_files_inside_the_program_can_be_read() {
    assert!((0.0..=1.0).contains(&embedded_threshold()));
    let demo = load_problems(None).unwrap();
    assert!(!demo.problems.is_empty());
    assert_eq!(demo.warnings, Vec::new());
    assert!(demo.problems.iter().all(|p| p.gold.is_some()));
}

#[test]
fn the_calibration_files_that_ship_belong_to_the_embedded_pair() {
    for spec in [
        "steer:gamma=0.5",
        "percentile:p=20",
        "percentile:p=20,signal=general-entropy",
    ] {
        let options = Options {
            router: Some(spec.parse().unwrap()),
            ..Options::default()
        };
        // By their weights: where the pair is trained anew they are made anew.
        let launch = Launch::prepare(&options).unwrap();
        let files = &launch.run.router.files;
        let name = format!("embedded:{}.json", launch.run.router.name);
        assert!(files.contains_key(&name), "{files:?}");
        assert_eq!(launch.warnings, Vec::<String>::new());
    }
    let options = Options {
        router: Some("steer:gamma=0.5,signal=prob".parse().unwrap()),
        ..Options::default()
    };
    let failure = Launch::prepare(&options).err().unwrap();
    assert!(
        failure.message.contains("calibrate steer --signal prob"),
        "{failure}"
    );
}

#[test]
fn problems_are_chosen_by_id_and_by_number() {
    let choose_with = |problem: Option<&str>, limit| {
        let options = Options {
            problem: problem.map(str::to_owned),
            limit,
            ..Options::default()
        };
        choose(load_problems(None).unwrap(), &options)
    };
    assert_eq!(choose_with(None, Some(2)).unwrap().len(), 2);
    assert_eq!(
        choose_with(Some("demo-002"), None).unwrap()[0].id,
        "demo-002"
    );
    let failure = choose_with(Some("nobody"), None).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    assert!(failure.to_string().contains("demo-001"));
}

#[test]
fn the_shards_of_a_limit_are_together_its_problems() {
    let options = Options {
        limit: Some(30),
        ..Options::default()
    };
    let whole = choose(load_problems(None).unwrap(), &options).unwrap();
    let first: Shard = "1/4".parse().unwrap();
    let mut ids = Vec::new();
    for shard in first.all() {
        let (held, part) = of_shard(whole.clone(), Some(shard));
        let part = part.unwrap();
        assert_eq!((part.problems, part.of), (held.len(), 30));
        ids.extend(held.into_iter().map(|problem| problem.id));
    }
    ids.sort();
    let mut wanted: Vec<String> = whole.iter().map(|p| p.id.clone()).collect();
    wanted.sort();
    assert_eq!(ids, wanted);
    assert_eq!(of_shard(whole, None).1, None);
}

#[test]
fn sampling_out_of_range_is_wrong_usage() {
    let with = |options: &Options| sampling(options, Sampling::default());
    for options in [
        Options {
            temperature: Some(-1.0),
            ..Options::default()
        },
        Options {
            temperature: Some(f64::NAN),
            ..Options::default()
        },
        Options {
            top_p: Some(0.0),
            ..Options::default()
        },
        Options {
            max_steps: Some(0),
            ..Options::default()
        },
    ] {
        assert_eq!(with(&options).unwrap_err().exit, Exit::Usage);
    }
    let greedy = with(&Options {
        temperature: Some(0.0),
        ..Options::default()
    });
    assert_eq!(greedy.unwrap().temperature, 0.0);
}
