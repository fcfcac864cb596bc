//! The little world that a template sees: itself, its files, the data and the fonts. No disk, no network, no clock.

use std::sync::Arc;

use typst::{
    Library, LibraryExt, World,
    diag::{FileError, FileResult},
    foundations::{Bytes, Datetime, Duration},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};

use crate::templates::Templates;

/// The name under which templates read the content.
const DATA: &str = "data.json";

/// Fonts and the standard library, which all documents share.
pub(crate) struct Shared {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    pub(crate) templates: Templates,
}

/// The plain letters that come with the templates; the serif and the typewriter ones come with typst.
const SANS: [&[u8]; 2] =
    [include_bytes!("../fonts/Cantarell-Regular.otf"), include_bytes!("../fonts/Cantarell-Bold.otf")];

impl Shared {
    pub(crate) fn new(templates: Templates) -> Self {
        let own = templates.fonts().iter().map(|font| Bytes::new(font.clone()));
        let sans = SANS.iter().map(|font| Bytes::new(*font));
        let built_in = typst_assets::fonts().map(Bytes::new);
        let fonts: Vec<Font> = own.chain(sans).chain(built_in).flat_map(Font::iter).collect();
        let book = LazyHash::new(FontBook::from_fonts(&fonts));
        Self { library: LazyHash::new(Library::default()), book, fonts, templates }
    }

    /// Characters of a text that no font has.
    pub(crate) fn missing(&self, text: &str) -> Vec<char> {
        let mut missing: Vec<char> = text.chars().filter(|character| !character.is_whitespace()).collect();
        missing.sort_unstable();
        missing.dedup();
        missing.retain(|character| !self.fonts.iter().any(|font| font.info().coverage.contains(u32::from(*character))));
        missing
    }
}

/// One document's world.
pub(crate) struct DocumentWorld {
    shared: Arc<Shared>,
    main: Source,
    data: Bytes,
}

impl DocumentWorld {
    /// `None` when the name of the template is no path.
    pub(crate) fn new(shared: Arc<Shared>, name: &str, source: &str, data: Vec<u8>) -> Option<Self> {
        let path = VirtualPath::new(name).ok()?;
        let id = RootedPath::new(VirtualRoot::Project, path).intern();
        Some(Self { shared, main: Source::new(id, source.to_owned()), data: Bytes::new(data) })
    }

    fn bytes(&self, id: FileId) -> FileResult<Bytes> {
        let path = id.get();
        if !matches!(path.root(), VirtualRoot::Project) {
            return Err(FileError::Other(Some("packages are not available in templates".into())));
        }
        let name = path.vpath().get_without_slash();
        if name == DATA {
            return Ok(self.data.clone());
        }
        match self.shared.templates.file(name) {
            Some(file) => Ok(Bytes::new(file.to_vec())),
            None => Err(FileError::NotFound(name.into())),
        }
    }
}

impl World for DocumentWorld {
    fn library(&self) -> &LazyHash<Library> {
        &self.shared.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.shared.book
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main.id() {
            return Ok(self.main.clone());
        }
        let bytes = self.bytes(id)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| FileError::InvalidUtf8)?;
        Ok(Source::new(id, text.to_owned()))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.main.id() { Ok(Bytes::from_string(self.main.text().to_owned())) } else { self.bytes(id) }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.shared.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
