use telemetry::*;
fn main() {
    let mut args = std::env::args().skip(1);
    let mode = args.next().unwrap();
    let paths: Vec<_> = args.map(Into::into).collect();
    let origins = discover(&paths).unwrap();
    let t = std::time::Instant::now();
    let columns: Vec<String> = match mode.as_str() {
        "none" => vec![],
        "ten" => [
            "eventid",
            "channel",
            "sourceimage",
            "targetimage",
            "sourceprocessguid",
            "sourceprocessid",
            "grantedaccess",
            "newthreadid",
            "targetprocessid",
            "timecreated",
        ]
        .iter()
        .map(|s| s.to_string())
        .collect(),
        _ => {
            let mut s = Scan::new(origins.clone(), Plan::discovery(), Options::default());
            for _ in &mut s {}
            let r = s.report();
            println!("discover {:?} {} fields", t.elapsed(), r.fields.len());
            let mut f: Vec<String> = header::columns()
                .iter()
                .map(|c| c.name.to_lowercase())
                .collect();
            f.extend(r.fields.iter().map(|f| f.to_lowercase()));
            f
        }
    };
    let filter = if mode == "ten" {
        RowFilter {
            clauses: vec![
                vec![Atom {
                    column: "channel".into(),
                    test: Test::TextIn(vec!["Microsoft-Windows-Sysmon/Operational".into()]),
                }],
                vec![Atom {
                    column: "eventid".into(),
                    test: Test::IntIn(vec![8, 10]),
                }],
            ],
        }
    } else {
        RowFilter::default()
    };
    let t = std::time::Instant::now();
    let mut scan = Scan::new(
        origins,
        Plan {
            columns,
            filter,
            discover: false,
        },
        Options::default(),
    );
    let mut rows = 0;
    for b in &mut scan {
        rows += b.num_rows();
    }
    let r = scan.report();
    println!(
        "{:?} rows {rows} records {} files {} bytes {} expanded {} diags {} {:?}",
        t.elapsed(),
        r.records,
        r.files,
        r.bytes,
        r.expanded,
        r.diagnostics.count,
        r.diagnostics
            .listed
            .iter()
            .take(3)
            .map(|d| d.to_string())
            .collect::<Vec<_>>()
    );
}
