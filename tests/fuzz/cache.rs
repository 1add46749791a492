//! Files of the cache of machine code. Only what this host wrote is believed; whatever else is
//! there is counted, and the component is compiled again.

use std::fs;

use sandpit_plugin::{
    Cache, CacheLimits, ComponentFile, Instance, Limits, Loader, Mode, NoLog, Origin, Policy,
    TrustList,
};

use crate::{
    drive::{Answer, Target, bytes, run},
    support::{Guest, engine},
};

/// Each is compiled.
const TARGET: Target = Target { name: "cache", inputs: 120, input_bytes_max: 1024 * 1024 };

#[test]
fn a_changed_file_of_the_cache_is_never_run() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, key) = (folder.path().join("code"), folder.path().join("key"));
    let cache = Cache::open(&kept, &key, CacheLimits::default()).unwrap();
    let loader = Loader::new(engine(), Mode::Paper, Policy::Any, TrustList::default())
        .unwrap()
        .with_cache(cache);
    let file = ComponentFile::unsigned(Guest::idle().component());
    let other = ComponentFile::unsigned(Guest::idle().named("other").component());
    loader.load(&other).unwrap();
    let other = fs::read(only_file(&kept)).unwrap();
    fs::remove_file(only_file(&kept)).unwrap();
    loader.load(&file).unwrap();
    let path = only_file(&kept);
    let whole = fs::read(&path).unwrap();
    let tally = run(TARGET, vec![whole.clone(), other], bytes::change, |bytes| {
        fs::write(&path, bytes).unwrap();
        let before = loader.cache_stats().unwrap();
        let loaded = loader.load(&file).unwrap();
        let after = loader.cache_stats().unwrap();
        // Its name is the component's, so not even what this host wrote of another is taken.
        let is_whole = bytes == whole;
        assert_eq!(after.hits - before.hits, u64::from(is_whole));
        assert_eq!(after.rejected - before.rejected, u64::from(!is_whole));
        assert_eq!(loaded.origin, if is_whole { Origin::Cache } else { Origin::Compiler });
        Instance::load(&loaded.artifact, "cached", &Limits::default(), Box::new(NoLog)).unwrap();
        assert!(fs::read(&path).unwrap() == whole, "it was not replaced by what is right");
        if is_whole { Answer::Taken(String::new()) } else { Answer::Refused(String::new()) }
    });
    assert!(tally.taken > 0 && tally.refused > 0, "{tally:?}");
}

fn only_file(folder: &std::path::Path) -> std::path::PathBuf {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}
