//! Files that are read together: a change of one says something about another that is the same.

use domain::RunId;

use super::{analyse, reuse};
use crate::scans::place::Place;

const FIND: &str =
    "package shop\n\ntype item struct{ price int }\n\nfunc find() *item { return &item{} }\n";

const USE: &str = "package shop\n\nfunc price() int { return find().price }\n\n\
    func none() int {\n\tvar one *item\n\treturn one.price\n}\n";

/// Path, line and state of each finding about nil, and how many findings of the base are gone. The
/// formal checks may have something to say as well.
async fn told(place: &Place, run: RunId) -> (Vec<String>, Option<i64>) {
    let query = "SELECT format('%s:%s %s', f.file_path, f.line_start, f.state)
                 FROM findings f JOIN analyses a ON a.id = f.analysis_id
                 WHERE a.run_id = $1 AND f.rule_id LIKE 'go.correctness.nil-%'
                 ORDER BY f.file_path, f.line_start";
    let rows = place.sql.query(query, &[run.as_uuid()]).await.unwrap();
    let fixed = "SELECT (output ->> 'fixed')::bigint FROM run_steps
                 WHERE run_id = $1 AND step_id = 'security'";
    let fixed = place.sql.query_one(fixed, &[run.as_uuid()]).await.unwrap();
    (rows.iter().map(|row| row.get(0)).collect(), fixed.get(0))
}

#[tokio::test]
async fn what_a_change_makes_wrong_in_a_file_that_did_not_change_is_new_and_what_it_mends_is_gone()
{
    let place = Place::empty().await;
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let sound = [
        file("other/find.go", FIND),
        file("other/use.go", USE),
        file("shop/find.go", FIND),
        file("shop/use.go", USE),
    ];
    let mut broken = sound.clone();
    broken[2].1 = FIND.replace("&item{}", "nil");
    let before = place.commit(&sound, &[]);
    let after = place.commit(&broken, &[&before]);

    let run = analyse(&place, place.org, &after, Some(&before)).await;
    let states = ["other/use.go:7 existing", "shop/use.go:3 new", "shop/use.go:7 existing"];
    assert_eq!(told(&place, run).await, (states.map(str::to_owned).into(), Some(0)));

    // What is known of the base's package is taken from there, and says the same.
    let again = analyse(&place, place.org, &after, Some(&before)).await;
    assert_eq!(reuse(&place, again).await, (4, 0));
    assert_eq!(told(&place, again).await, told(&place, run).await);

    let mended = place.commit(&sound, &[&after]);
    let run = analyse(&place, place.org, &mended, Some(&after)).await;
    let states = ["other/use.go:7 existing", "shop/use.go:7 existing"];
    assert_eq!(told(&place, run).await, (states.map(str::to_owned).into(), Some(1)));

    // A file that comes or goes is a change of its package, too.
    let mut added = sound.to_vec();
    added.push(file("shop/z.go", "package shop\n\nfunc lost() *item { return nil }\n"));
    added[3].1 = USE.replace("find()", "lost()");
    let before = place.commit(&added, &[&mended]);
    let mut gone = added.clone();
    gone.pop();
    let after = place.commit(&gone, &[&before]);
    let run = analyse(&place, place.org, &after, Some(&before)).await;
    let states = ["other/use.go:7 existing", "shop/use.go:7 existing"];
    assert_eq!(told(&place, run).await, (states.map(str::to_owned).into(), Some(1)));
    let run = analyse(&place, place.org, &before, Some(&after)).await;
    let states = ["other/use.go:7 existing", "shop/use.go:3 new", "shop/use.go:7 existing"];
    assert_eq!(told(&place, run).await, (states.map(str::to_owned).into(), Some(0)));
}
