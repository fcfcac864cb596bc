//! Lists the files of the built web app, so that the program holds them. Without a build the list is empty.

use std::{
    env, fs,
    hash::{DefaultHasher, Hasher},
    io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    // The folder is in the repository, its content is not: cargo looks at the times of what is in it.
    println!("cargo:rerun-if-changed=web/dist");
    println!("cargo:rerun-if-changed=build.rs");
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let folder = manifest.join("web/dist");
    // Another checkout may share the folder of what is built: where this one is gone, the list is of another.
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut paths = Vec::new();
    collect(&folder, &mut paths)?;
    paths.sort();
    let mut list = String::from("&[\n");
    // Files without the first page are what a broken build left.
    for path in paths.iter().filter(|_| folder.join("index.html").exists()) {
        list.push_str(&entry(&folder, path)?);
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("web_files.rs"), list)
}

/// Every file that is to be served; packed forms belong to the file that they are of.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.file_name().is_some_and(|name| name != ".gitignore")
            && path.extension().is_none_or(|extension| extension != "gz")
        {
            paths.push(path);
        }
    }
    Ok(())
}

fn entry(folder: &Path, path: &Path) -> io::Result<String> {
    let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
    let bytes = |ending: &str| {
        let place = format!("/web/dist/{name}{ending}");
        format!("include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {place:?}))")
    };
    let is_packed = PathBuf::from(format!("{}.gz", path.display())).exists();
    let gzip = if is_packed { format!("Some({})", bytes(".gz")) } else { "None".to_owned() };
    let mut hasher = DefaultHasher::new();
    hasher.write(&fs::read(path)?);
    Ok(format!(
        "    File {{ path: \"/{name}\", tag: \"\\\"{:016x}\\\"\", plain: {}, gzip: {gzip} }},\n",
        hasher.finish(),
        bytes("")
    ))
}
