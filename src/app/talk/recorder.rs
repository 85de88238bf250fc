//! Writing a tour by doing it.

use super::super::action::Action;
use super::super::tour::{
    Deed, LONGEST, MOST_BYTES, MOST_DEEDS, MOST_IN_ALL, MOST_SCENES, MOST_TEXT, MOST_TIMES, Rest,
    Scene, Tour,
};

/// What comes after so many milliseconds is another scene.
const APART: u64 = 1500;
/// Pauses are whole multiples of this.
const ROUNDED: u64 = 500;
/// Bytes that a scene takes beside what is done in it.
const OF_SCENE: usize = 64;
/// Bytes of the file that are filled: a scene may be ended beyond them.
const ROOM: usize = MOST_BYTES - OF_SCENE;
const DAY: u64 = 24 * 60 * 60 * 1000;

/// A tour that is being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorder {
    tour: Tour,
    /// The scene that is still open.
    scene: Scene,
    /// When the last thing was done, in milliseconds of the day.
    last: Option<u64>,
    /// Things that were done.
    done: u64,
    /// Bytes that the file will have, at most.
    bytes: usize,
    /// Whether more was done than a tour holds.
    full: bool,
}

impl Recorder {
    /// A recording that begins as this tour does.
    pub fn new(tour: Tour) -> Self {
        // The last scene is in it already.
        let bytes = tour.to_toml().len() + OF_SCENE;
        Self {
            tour,
            scene: Scene::default(),
            last: None,
            done: 0,
            bytes,
            full: false,
        }
    }

    /// Whether more was done than a tour holds: the rest is not in it.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Writes down a thing done at a time (RFC 3339).
    pub fn note(&mut self, deed: Deed, now: &str) {
        if self.full {
            return;
        }
        let gap = self.passed(now);
        let captioned = self.scene.caption.is_some();
        if captioned || gap >= APART || self.scene.deeds.len() >= MOST_DEEDS {
            self.close(gap);
        }
        for deed in within_limits(deed) {
            self.full |= self.done >= MOST_IN_ALL
                || self.scene.deeds.len() >= MOST_DEEDS
                || self.bytes + deed.bytes() > ROOM;
            if !self.full {
                self.done += 1;
                self.push(deed);
            }
        }
    }

    /// Puts a caption under what is on screen, or takes it away.
    pub fn caption(&mut self, caption: Option<String>, now: &str) {
        // Typing it is no part of the pause behind it.
        self.passed(now);
        let written = Deed::Type(caption.clone().unwrap_or_default()).bytes();
        self.full |= self.bytes + written > ROOM;
        if !self.full {
            self.bytes += written;
            self.scene.caption = caption;
        }
    }

    /// Forgets everything since an action was last done.
    pub fn forget_from(&mut self, action: Action) {
        let is_it = |deed: &Deed| matches!(deed, Deed::Act { action: of, .. } if *of == action);
        let scenes = self.tour.scenes.iter();
        let in_scene = scenes.rev().position(|scene| scene.deeds.iter().any(is_it));
        if !self.scene.deeds.iter().any(is_it) {
            // It was done some scenes ago: those behind it are of it alone.
            let Some(back) = in_scene else {
                return;
            };
            self.tour.scenes.truncate(self.tour.scenes.len() - back);
            self.scene = self.tour.scenes.pop().unwrap_or_default();
            self.scene.rest = Rest::default();
        }
        if let Some(at) = self.scene.deeds.iter().rposition(is_it) {
            self.scene.deeds.truncate(at);
        }
    }

    /// The tour; `None` where nothing was done.
    pub fn finish(mut self) -> Option<Tour> {
        if !self.scene.deeds.is_empty() || self.scene.caption.is_some() {
            self.scene.rest = Rest::Key;
            self.tour.scenes.push(self.scene);
        }
        Some(self.tour).filter(|tour| !tour.scenes.is_empty())
    }

    /// Milliseconds since the last thing that was done, which is now.
    fn passed(&mut self, now: &str) -> u64 {
        let at = of_day(now);
        let gap = at.zip(self.last).map(|(at, last)| (at + DAY - last) % DAY);
        self.last = at.or(self.last);
        gap.unwrap_or(0)
    }

    fn close(&mut self, gap: u64) {
        if self.tour.scenes.len() + 1 >= MOST_SCENES {
            // What is too long for a tour is one long scene at its end.
            return;
        }
        let mut scene = std::mem::take(&mut self.scene);
        let rounded = (gap + ROUNDED / 2) / ROUNDED * ROUNDED;
        scene.rest = Rest::Pause(rounded.clamp(ROUNDED, LONGEST));
        self.tour.scenes.push(scene);
        self.bytes += OF_SCENE;
    }

    /// The same thing again is done several times, text is typed on.
    fn push(&mut self, deed: Deed) {
        match (self.scene.deeds.last_mut(), &deed) {
            (
                Some(Deed::Act {
                    action: before,
                    count: None,
                    times,
                }),
                Deed::Act {
                    action,
                    count: None,
                    ..
                },
            ) if before == action && *times < MOST_TIMES => *times += 1,
            (Some(Deed::Type(before)), Deed::Type(text))
                if before.chars().count() + text.chars().count() <= MOST_TEXT =>
            {
                self.bytes += deed.bytes();
                before.push_str(text);
            }
            _ => {
                self.bytes += deed.bytes();
                self.scene.deeds.push(deed);
            }
        }
    }
}

/// A text that is too long as several, without what no field takes.
fn within_limits(deed: Deed) -> Vec<Deed> {
    let Deed::Type(text) = deed else {
        return vec![deed];
    };
    let clean: Vec<char> = text.chars().filter(|c| !c.is_control()).collect();
    let parts = clean.chunks(MOST_TEXT);
    parts
        .map(|part| Deed::Type(part.iter().collect()))
        .collect()
}

/// Milliseconds of the day of a time such as `2026-01-02T03:04:05.678Z`.
fn of_day(time: &str) -> Option<u64> {
    let (_, clock) = time.split_once('T')?;
    let clock = clock.strip_suffix('Z')?;
    let (whole, part) = clock.split_once('.').unwrap_or((clock, ""));
    let mut fields = whole.split(':').map(|field| field.parse::<u64>().ok());
    let (hours, minutes, seconds) = (fields.next()??, fields.next()??, fields.next()??);
    let part: u64 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> String {
        let (minute, second) = ((seconds / 60.0) as u64, seconds % 60.0);
        format!("2026-01-02T23:{:02}:{second:06.3}Z", 58 + minute % 2)
    }

    fn act(action: Action) -> Deed {
        Deed::once(action, None)
    }

    #[test]
    fn what_is_done_at_once_is_a_scene_and_pauses_are_rounded() {
        let mut recorder = Recorder::new(Tour::default());
        recorder.note(act(Action::Step), &at(0.0));
        recorder.note(act(Action::Step), &at(0.4));
        recorder.note(act(Action::Filter), &at(3.1));
        for (place, c) in "wrong".chars().enumerate() {
            recorder.note(Deed::Type(c.into()), &at(3.2 + place as f64 / 10.0));
        }
        recorder.note(act(Action::Accept), &at(4.0));
        recorder.caption(Some("those that went wrong".into()), &at(9.0));
        recorder.note(act(Action::Down), &at(9.2));
        let tour = recorder.finish().unwrap();
        let rests: Vec<Rest> = tour.scenes.iter().map(|scene| scene.rest).collect();
        assert_eq!(rests, [Rest::Pause(2500), Rest::Pause(500), Rest::Key]);
        let twice = Deed::Act {
            action: Action::Step,
            count: None,
            times: 2,
        };
        assert_eq!(tour.scenes[0].deeds, [twice]);
        assert_eq!(
            tour.scenes[1].deeds,
            [
                act(Action::Filter),
                Deed::Type("wrong".into()),
                act(Action::Accept)
            ]
        );
        assert_eq!(
            tour.scenes[1].caption.as_deref(),
            Some("those that went wrong")
        );
        assert_eq!(Tour::parse(&tour.to_toml()), Ok(tour));
    }

    #[test]
    fn midnight_is_no_pause_and_nothing_is_no_tour() {
        assert_eq!(Recorder::new(Tour::default()).finish(), None);
        let mut recorder = Recorder::new(Tour::default());
        recorder.note(act(Action::Step), "2026-01-02T23:59:59.9Z");
        recorder.note(act(Action::Back), "2026-01-03T00:00:00.1Z");
        assert_eq!(recorder.finish().unwrap().scenes.len(), 1);
        assert_eq!(of_day("yesterday"), None);
        assert_eq!(of_day("2026-01-02T00:00:01Z"), Some(1000));
        assert_eq!(of_day("2026-01-02T01:00:01.25Z"), Some(3_601_250));
    }

    #[test]
    fn whatever_is_done_the_file_can_be_read() {
        let mut recorder = Recorder::new(Tour::default());
        for number in 0..MOST_SCENES as u64 * 3 {
            let now = format!(
                "2026-01-02T{:02}:{:02}:{:02}Z",
                number * 2 / 3600,
                number * 2 / 60 % 60,
                number * 2 % 60
            );
            recorder.note(act(Action::Step), &now);
        }
        recorder.note(Deed::Type("x\u{7}".repeat(1000)), "2026-01-02T20:00:00Z");
        let tour = recorder.finish().unwrap();
        assert_eq!(tour.scenes.len(), MOST_SCENES);
        assert_eq!(Tour::parse(&tour.to_toml()), Ok(tour));
    }

    #[test]
    fn however_much_is_typed_the_file_can_be_read() {
        let mut recorder = Recorder::new(Tour::default());
        recorder.caption(Some("\u{1f}".repeat(MOST_TEXT)), &at(0.0));
        recorder.caption(Some("what was pasted".into()), &at(0.0));
        recorder.note(act(Action::Filter), &at(0.0));
        recorder.note(Deed::Type("\"é".repeat(1 << 20)), &at(0.1));
        recorder.note(act(Action::Accept), &at(9.0));
        assert!(recorder.is_full());
        let tour = recorder.finish().unwrap();
        assert!(tour.to_toml().len() <= MOST_BYTES);
        assert_eq!(Tour::parse(&tour.to_toml()), Ok(tour));
    }

    #[test]
    fn what_no_tour_may_do_is_forgotten_with_how_it_was_chosen() {
        let mut recorder = Recorder::new(Tour::default());
        recorder.note(act(Action::Step), &at(0.0));
        recorder.note(act(Action::Palette), &at(0.1));
        recorder.note(Deed::Type("quit".into()), &at(0.2));
        recorder.note(act(Action::Accept), &at(0.3));
        recorder.forget_from(Action::Palette);
        recorder.note(act(Action::Palette), &at(0.4));
        recorder.note(Deed::Type("qu".into()), &at(9.0));
        recorder.note(Deed::Type("it".into()), &at(19.0));
        recorder.forget_from(Action::Palette);
        let tour = recorder.finish().unwrap();
        assert_eq!(tour.scenes.len(), 1);
        assert_eq!(tour.scenes[0].deeds, [act(Action::Step)]);
    }
}
