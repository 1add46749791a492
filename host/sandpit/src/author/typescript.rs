//! TypeScript and JavaScript: checked and compiled by `tsc`, put into one module, and made into a
//! component with an engine by `jco`, which runs its imports already.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    AuthorError,
    project::Project,
    tool::{Voice, run, run_aloud},
    toolchain::{self, Client},
};

/// The world of the contract.
const WORLD: &str = "strategy";
/// The strategy's module where the manifest names none.
const MAIN: &str = "src/strategy.ts";
/// What strategies import of the SDK: `sandpit`, `sandpit/testing`; the last is the build's own.
const MODULES: [&str; 3] = ["index", "testing", "component"];
/// Folders within each other that are searched for tests.
const DEPTH_MAX: usize = 16;

/// The component's bytes.
pub(super) fn build(project: &Project, voice: Voice) -> Result<Vec<u8>, AuthorError> {
    let compiled = Compiled::make(project, voice)?;
    let main = project.main.as_deref().unwrap_or(MAIN);
    let main = compiled.of(project, &project.folder.join(main)).with_extension("js");
    if !main.is_file() {
        let problem = format!("`main` names `{}`, which is not there", main.display());
        return Err(AuthorError::Manifest { path: project.folder.join("package.json"), problem });
    }
    let about = json!({
        "name": project.name, "version": project.version, "summary": project.summary,
    });
    let entry = compiled.folder.join("entry.js");
    let text = format!(
        "import {{ log }} from \"sandpit:strategy/logging@0.1.0\";\n\
         import {{ handlers as made }} from \"sandpit/component\";\n\
         import strategy from {};\n\n\
         export const handlers = made(strategy, {about}, log);\n",
        json!(main),
    );
    fs::write(&entry, text).map_err(AuthorError::io("write", &entry))?;
    let out = project.work_folder().join(format!("{}.part.wasm", project.name));
    let mut command = toolchain::node();
    command.current_dir(&compiled.folder);
    command.arg(compiled.tools.join("node_modules/@bytecodealliance/jco/dist/jco.js"));
    command.arg("componentize").arg(&entry).args(["--bundle", "--disable", "all"]);
    command.arg("--wit").arg(project.contract()).args(["--world-name", WORLD]);
    command.arg("--out").arg(&out);
    let made = run(&mut command, Voice::Silent)
        .and_then(|_| fs::read(&out).map_err(AuthorError::io("read", &out)));
    // The component is written by the caller; this one was the tool's.
    let _ = fs::remove_file(&out);
    made
}

/// Runs the unit tests, `*.test.ts`, with Node's own runner.
pub(super) fn test(project: &Project, voice: Voice) -> Result<(), AuthorError> {
    let compiled = Compiled::make(project, voice)?;
    let mut tests = Vec::new();
    find_tests(&compiled.of(project, &project.folder), DEPTH_MAX, &mut tests)?;
    tests.sort();
    if tests.is_empty() {
        let problem = "there is no test: write one in `src/strategy.test.ts`".to_owned();
        return Err(AuthorError::Manifest { path: project.folder.clone(), problem });
    }
    let mut command = toolchain::node();
    command.current_dir(&project.folder).arg("--test").args(tests);
    run_aloud(&mut command, voice)
}

/// Strategy and SDK as JavaScript.
struct Compiled {
    tools: PathBuf,
    folder: PathBuf,
}

impl Compiled {
    fn make(project: &Project, voice: Voice) -> Result<Self, AuthorError> {
        let sdk = project.sdk("typescript");
        let tools = toolchain::ensure(project, Client::Npm, &sdk.join("toolchain"), voice)?;
        let work = project.work_folder().join("typescript");
        if work.exists() {
            fs::remove_dir_all(&work).map_err(AuthorError::io("remove", &work))?;
        }
        let folder = work.join("js");
        let compiled = Self { tools, folder };
        compiled.write_package(project, &sdk)?;
        let settings = work.join("tsconfig.json");
        write_json(&settings, &compiled.settings(project, &sdk))?;
        let mut command = toolchain::node();
        command.current_dir(&project.folder);
        command.arg(compiled.tools.join("node_modules/typescript/bin/tsc"));
        command.arg("--project").arg(&settings);
        // It says what is wrong on its output.
        run_aloud(&mut command, voice)?;
        Ok(compiled)
    }

    /// The author's settings, with what the build decides.
    fn settings(&self, project: &Project, sdk: &Path) -> Value {
        json!({
            "extends": project.folder.join("tsconfig.json"),
            "compilerOptions": {
                "noEmit": false,
                "noEmitOnError": true,
                "allowJs": true,
                "declaration": false,
                "sourceMap": false,
                "rootDir": project.common_root(),
                "outDir": self.folder,
            },
            "include": [project.folder.join("src"), sdk.join("src")],
        })
    }

    /// Where a file or folder of sources is after compilation.
    fn of(&self, project: &Project, source: &Path) -> PathBuf {
        let root = project.common_root();
        self.folder.join(source.strip_prefix(&root).unwrap_or(source))
    }

    /// What makes `sandpit` a package for Node and for the bundler.
    fn write_package(&self, project: &Project, sdk: &Path) -> Result<(), AuthorError> {
        let package = self.folder.join("node_modules/sandpit");
        fs::create_dir_all(&package).map_err(AuthorError::io("create", &package))?;
        write_json(&self.folder.join("package.json"), &json!({ "type": "module" }))?;
        let exports = json!({
            ".": "./index.js", "./testing": "./testing.js", "./component": "./component.js",
        });
        let manifest = json!({ "name": "sandpit", "type": "module", "exports": exports });
        write_json(&package.join("package.json"), &manifest)?;
        for module in MODULES {
            let compiled = self.of(project, &sdk.join("src")).join(format!("{module}.js"));
            let path = package.join(format!("{module}.js"));
            let text = format!("export * from {};\n", json!(compiled));
            fs::write(&path, text).map_err(AuthorError::io("write", &path))?;
        }
        Ok(())
    }
}

fn write_json(path: &Path, value: &Value) -> Result<(), AuthorError> {
    fs::write(path, value.to_string()).map_err(AuthorError::io("write", path))
}

fn find_tests(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), AuthorError> {
    let Some(below) = depth.checked_sub(1) else { return Ok(()) };
    for entry in fs::read_dir(folder).map_err(AuthorError::io("read", folder))? {
        let path = entry.map_err(AuthorError::io("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "node_modules" && !name.starts_with('.') {
            find_tests(&path, below, found)?;
        } else if name.ends_with(".test.js") {
            found.push(path);
        }
    }
    Ok(())
}
