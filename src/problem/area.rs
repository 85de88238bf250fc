//! The area of a domain: what a table or a funnel can group problems by.

/// The area that a domain belongs to.
///
/// Omni-MATH gives lists of paths, `Mathematics -> Algebra -> Inequalities;
/// Mathematics -> …`, of which nearly every problem has one of its own: the
/// second part of the first path is the area, `Algebra`. A domain that is no
/// path is its own area.
#[must_use]
pub fn area(domain: &str) -> &str {
    let first = domain.split(';').next().unwrap_or_default();
    let mut parts = first.split("->").map(str::trim);
    match (parts.next(), parts.next()) {
        (_, Some(second)) if !second.is_empty() => second,
        _ => domain,
    }
}

#[cfg(test)]
mod tests {
    use super::area;

    #[test]
    fn the_second_part_of_a_path_is_the_area() {
        for (domain, wanted) in [
            ("Mathematics -> Algebra -> Inequalities", "Algebra"),
            (
                "Mathematics -> Geometry; Mathematics -> Algebra",
                "Geometry",
            ),
            ("A->B", "B"),
            ("Number Theory", "Number Theory"),
            ("Sums; Products", "Sums; Products"),
            ("Mathematics ->", "Mathematics ->"),
            ("", ""),
        ] {
            assert_eq!(area(domain), wanted);
        }
    }
}
