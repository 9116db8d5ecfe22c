//! Reads the workspace's own source, so that tests can hold it to the rules of the house. Test code is not read: modules
//! under `#[cfg(test)]`, and the folders `tests`, `benches` and `examples`.

#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// A function and how long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The file, relative to the workspace.
    pub file: PathBuf,
    /// Its first line, from 1.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// Lines from the signature to the closing brace, both included.
    pub lines: usize,
    /// Whether a comment inside it or right above it gives a reason for its length (`Long because ...`).
    pub reasoned: bool,
}

/// A definition of a type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeName {
    /// The name.
    pub name: String,
    /// The file, relative to the workspace.
    pub file: PathBuf,
}

/// What the source of the workspace holds.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// All functions that are not tests.
    pub functions: Vec<Function>,
    /// All structs, enums, unions, traits and aliases that are not tests', but those inside functions.
    pub types: Vec<TypeName>,
    /// Files that could not be parsed, with the reason.
    pub unread: Vec<(PathBuf, String)>,
}

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Reads `crates/*/src` and `crates/*/build` below the workspace's folder.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn read(workspace: &Path) -> io::Result<Source> {
    let mut source = Source::default();
    for krate in sorted(&workspace.join("crates"))? {
        for folder in ["src", "build"] {
            let folder = krate.join(folder);
            if folder.is_dir() {
                read_folder(workspace, &folder, &mut source)?;
            }
        }
    }
    Ok(source)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn read_folder(workspace: &Path, folder: &Path, source: &mut Source) -> io::Result<()> {
    for path in sorted(folder)? {
        let name = path.file_stem().unwrap_or_default();
        if name == "tests" || name == "testing" {
            continue;
        }
        if path.is_dir() {
            read_folder(workspace, &path, source)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path)?;
            let file = path.strip_prefix(workspace).unwrap_or(&path).to_owned();
            read_file(file, &text, source);
        }
    }
    Ok(())
}

fn read_file(file: PathBuf, text: &str, source: &mut Source) {
    let parsed = match syn::parse_file(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            source.unread.push((file, error.to_string()));
            return;
        }
    };
    let mut reader = Reader {
        file: &file,
        lines: text.lines().collect(),
        source,
        inside: 0,
    };
    reader.visit_file(&parsed);
}

struct Reader<'a> {
    file: &'a Path,
    lines: Vec<&'a str>,
    source: &'a mut Source,
    /// How many functions are around what is read.
    inside: usize,
}

impl Reader<'_> {
    fn function(&mut self, name: &syn::Ident, body: &syn::Block) {
        let from = name.span().start().line;
        let to = body.brace_token.span.close().end().line;
        let above = from.saturating_sub(4).max(1);
        let reasoned = (above..=to)
            .filter_map(|n| self.lines.get(n - 1))
            .any(|line| {
                line.split_once("//")
                    .is_some_and(|(_, comment)| comment.contains("Long because"))
            });
        self.source.functions.push(Function {
            file: self.file.to_owned(),
            line: from,
            name: name.to_string(),
            lines: to + 1 - from,
            reasoned,
        });
    }

    fn named(&mut self, name: &syn::Ident) {
        if self.inside == 0 {
            self.source.types.push(TypeName {
                name: name.to_string(),
                file: self.file.to_owned(),
            });
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| {
        let cfg_test = a.path().is_ident("cfg")
            && a.parse_args::<syn::Ident>()
                .is_ok_and(|what| what == "test");
        cfg_test || a.path().is_ident("test")
    })
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if is_test(&item.attrs) {
            return;
        }
        self.function(&item.sig.ident, &item.block);
        self.inside += 1;
        visit::visit_item_fn(self, item);
        self.inside -= 1;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if is_test(&item.attrs) {
            return;
        }
        self.function(&item.sig.ident, &item.block);
        self.inside += 1;
        visit::visit_impl_item_fn(self, item);
        self.inside -= 1;
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.named(&item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.named(&item.ident);
    }

    fn visit_item_union(&mut self, item: &'ast syn::ItemUnion) {
        self.named(&item.ident);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.named(&item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.named(&item.ident);
        visit::visit_item_trait(self, item);
    }
}
