//! What a file declares: functions, types, constants, each by the module that it stands in.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::Rc,
};

use tree_sitter::Node;

use super::{
    children, each,
    literal::{self, Folded},
    text, too_deep,
    types::{Enum, Names, Struct, Ty},
};

/// Constants that lead to constants.
const CONSTANTS_MAX: usize = 8;

/// Modules within modules; what is deeper is not looked at.
const MODULES_MAX: usize = 32;

/// By module and name; none where several share it.
type Table<T> = HashMap<(String, String), Option<T>>;

/// A function that is looked at.
pub(super) struct Body<'t> {
    pub(super) node: Node<'t>,
    pub(super) module: String,
    /// The type of its `impl`.
    pub(super) own: Option<String>,
    pub(super) generics: HashSet<String>,
    /// Its index in the program.
    pub(super) function: usize,
}

pub(super) struct Items<'t> {
    pub(super) source: &'t str,
    types: Table<Node<'t>>,
    constants: Table<Node<'t>>,
    /// Functions by module, and by module and type of their `impl`.
    functions: Table<usize>,
    methods: HashMap<(String, String, String), Option<usize>>,
    pub(super) bodies: Vec<Body<'t>>,
    /// Names that are imported from elsewhere than the standard library.
    imported: HashSet<&'t str>,
    /// Types that were looked up, by module, name and how deep they stand.
    found: RefCell<HashMap<(String, String, usize), Option<Ty>>>,
}

/// What stands around an item.
#[derive(Clone, Default)]
struct Around {
    module: String,
    own: Option<String>,
    generics: HashSet<String>,
}

impl<'t> Items<'t> {
    pub(super) fn of(root: Node<'t>, source: &'t str, first: usize) -> Self {
        let mut items = Self {
            source,
            types: HashMap::new(),
            constants: HashMap::new(),
            functions: HashMap::new(),
            methods: HashMap::new(),
            bodies: Vec::new(),
            imported: imported(root, source),
            found: RefCell::default(),
        };
        items.declare_all(root, &Around::default(), first);
        items
    }

    fn declare_all(&mut self, list: Node<'t>, around: &Around, first: usize) {
        let mut attributes = String::new();
        for item in children(list) {
            match item.kind() {
                "attribute_item" => attributes.push_str(text(item, self.source)),
                "inner_attribute_item" if is_test(text(item, self.source)) => return,
                _ => {
                    if !is_test(&attributes) {
                        self.declare(item, around, first);
                    }
                    attributes.clear();
                }
            }
        }
    }

    fn declare(&mut self, item: Node<'t>, around: &Around, first: usize) {
        let name = item.child_by_field_name("name").map(|name| text(name, self.source).to_owned());
        let body = item.child_by_field_name("body");
        match (item.kind(), name) {
            ("mod_item", Some(name)) => {
                let inner =
                    Around { module: format!("{}{name}::", around.module), ..Around::default() };
                let depth = inner.module.matches("::").count();
                if let Some(body) = body.filter(|_| depth <= MODULES_MAX) {
                    self.declare_all(body, &inner, first);
                }
            }
            ("impl_item", _) => {
                let own = item.child_by_field_name("type").map(|ty| simple(text(ty, self.source)));
                let mut inner = Around { own, ..around.clone() };
                inner.generics.extend(generics(item, self.source));
                if let Some(body) = body {
                    self.declare_all(body, &inner, first);
                }
            }
            ("trait_item", Some(_)) => {
                let mut inner = Around { own: Some("dyn".to_owned()), ..around.clone() };
                inner.generics.extend(generics(item, self.source));
                inner.generics.insert("Self".to_owned());
                if let Some(body) = body {
                    self.declare_all(body, &inner, first);
                }
            }
            ("struct_item" | "enum_item" | "union_item" | "type_item", Some(name))
                if around.own.is_none() =>
            {
                put(&mut self.types, (around.module.clone(), name), item);
            }
            ("const_item", Some(name)) => {
                let name = around.own.as_ref().map_or(name.clone(), |own| format!("{own}::{name}"));
                put(&mut self.constants, (around.module.clone(), name), item);
            }
            ("function_item", Some(name)) => {
                let mut generic = around.generics.clone();
                generic.extend(generics(item, self.source));
                let function = first + self.bodies.len();
                match &around.own {
                    None => put(&mut self.functions, (around.module.clone(), name), function),
                    Some(own) => {
                        let key = (around.module.clone(), own.clone(), name);
                        put(&mut self.methods, key, function);
                    }
                }
                self.bodies.push(Body {
                    node: item,
                    module: around.module.clone(),
                    own: around.own.clone(),
                    generics: generic,
                    function,
                });
            }
            _ => {}
        }
    }

    /// Whether a name of the standard library means something else here.
    pub(super) fn is_imported(&self, name: &str) -> bool {
        self.imported.contains(name)
    }

    pub(super) fn is_type(&self, module: &str, name: &str) -> bool {
        self.types.contains_key(&(module.to_owned(), name.to_owned()))
    }

    pub(super) fn function(&self, module: &str, name: &str) -> Option<usize> {
        self.functions.get(&(module.to_owned(), name.to_owned())).copied().flatten()
    }

    pub(super) fn method(&self, module: &str, own: &str, name: &str) -> Option<usize> {
        self.methods.get(&(module.to_owned(), own.to_owned(), name.to_owned())).copied().flatten()
    }

    /// A struct, enum or alias of the module.
    pub(super) fn find_type(&self, module: &str, name: &str, depth: usize) -> Option<Ty> {
        let key = (module.to_owned(), name.to_owned(), depth);
        if let Some(known) = self.found.borrow().get(&key) {
            return known.clone();
        }
        let found = self.declared_type(module, name, depth);
        self.found.borrow_mut().insert(key, found.clone());
        found
    }

    fn declared_type(&self, module: &str, name: &str, depth: usize) -> Option<Ty> {
        let node = (*self.types.get(&(module.to_owned(), name.to_owned()))?)?;
        if too_deep(node).is_some() {
            return None;
        }
        let generics = generics(node, self.source);
        let names = Names { items: self, module, generics: &generics, own: Some(name) };
        match node.kind() {
            "struct_item" => {
                let fields = self.fields(node.child_by_field_name("body"), &names, depth);
                Some(Ty::Struct(Rc::new(Struct { name: name.to_owned(), fields })))
            }
            "enum_item" => {
                let body = node.child_by_field_name("body")?;
                let variants = children(body).into_iter().filter(|it| it.kind() == "enum_variant");
                let variants = variants.filter_map(|variant| {
                    let name = text(variant.child_by_field_name("name")?, self.source).to_owned();
                    let fields = self.fields(variant.child_by_field_name("body"), &names, depth);
                    Some(Struct { name, fields })
                });
                let variants = variants.collect();
                Some(Ty::Enum(Rc::new(Enum { name: name.to_owned(), variants })))
            }
            "type_item" if generics.is_empty() => {
                let of = node.child_by_field_name("type")?;
                // An alias that leads to itself ends where types within types do.
                Some(names.resolve(of, depth + 1))
            }
            _ => None,
        }
    }

    fn fields(&self, body: Option<Node<'t>>, names: &Names<'_>, depth: usize) -> Vec<(String, Ty)> {
        let Some(body) = body else { return Vec::new() };
        let ty = |node: Node<'_>| match text(node, self.source).contains("Self") {
            true => Ty::Unknown,
            false => names.resolve(node, depth + 1),
        };
        if body.kind() == "ordered_field_declaration_list" {
            let mut cursor = body.walk();
            let types: Vec<_> = body.children_by_field_name("type", &mut cursor).collect();
            return types
                .into_iter()
                .enumerate()
                .map(|(at, it)| (at.to_string(), ty(it)))
                .collect();
        }
        let declared = children(body).into_iter().filter(|it| it.kind() == "field_declaration");
        let named = declared.filter_map(|field| {
            let name = text(field.child_by_field_name("name")?, self.source).to_owned();
            Some((name, ty(field.child_by_field_name("type")?)))
        });
        named.collect()
    }

    /// The value and type of a constant.
    pub(super) fn constant(&self, module: &str, name: &str, depth: usize) -> Option<(Folded, Ty)> {
        let node = (*self.constants.get(&(module.to_owned(), name.to_owned()))?)?;
        self.constant_item(node, module, name.split_once("::").map(|(own, _)| own), depth)
    }

    pub(super) fn constant_item(
        &self,
        node: Node<'_>,
        module: &str,
        own: Option<&str>,
        depth: usize,
    ) -> Option<(Folded, Ty)> {
        if depth > CONSTANTS_MAX || too_deep(node).is_some() {
            return None;
        }
        let generics = HashSet::new();
        let names = Names { items: self, module, generics: &generics, own: None };
        let ty = names.of(node.child_by_field_name("type")?);
        let value = node.child_by_field_name("value")?;
        let (value, _) = literal::fold(value, self, (module, own), Some(&ty), depth + 1)?;
        Some((value, ty))
    }

    /// An integer that is known when the code is compiled, such as the length of an array.
    pub(super) fn integer(
        &self,
        node: Node<'_>,
        module: &str,
        own: Option<&str>,
    ) -> Option<(i128, Ty)> {
        let hint = Ty::Int(super::types::USIZE);
        match literal::fold(node, self, (module, own), Some(&hint), 0)? {
            (Folded::Int(value), ty) => Some((value, ty)),
            (Folded::Bool(_), _) => None,
        }
    }
}

fn put<K: Eq + std::hash::Hash, T>(table: &mut HashMap<K, Option<T>>, key: K, value: T) {
    table.entry(key).and_modify(|known| *known = None).or_insert(Some(value));
}

/// `Parser<'a>` is `Parser`.
pub(super) fn simple(name: &str) -> String {
    let bare = name.split('<').next().unwrap_or(name).trim();
    bare.trim_start_matches(['&', ' ']).to_owned()
}

/// The names of an item's parameters of types and constants.
pub(super) fn generics(node: Node<'_>, source: &str) -> HashSet<String> {
    let Some(list) = node.child_by_field_name("type_parameters") else { return HashSet::new() };
    let named = children(list).into_iter().filter(|it| it.kind() != "lifetime_parameter");
    named.filter_map(|it| Some(text(it.child_by_field_name("name")?, source).to_owned())).collect()
}

fn imported<'t>(root: Node<'t>, source: &'t str) -> HashSet<&'t str> {
    let mut names = HashSet::new();
    each(root, &mut |node| {
        if node.kind() != "use_declaration" {
            return true;
        }
        let path = node.child_by_field_name("argument").map_or("", |it| text(it, source));
        let first = path.trim_start_matches(':').split([':', '{', ' ', ';']).next().unwrap_or("");
        if !matches!(first, "std" | "core" | "alloc") {
            each(node, &mut |inner| {
                if inner.kind() == "identifier" {
                    names.insert(text(inner, source));
                }
                true
            });
        }
        false
    });
    names
}

/// Whether an item with these attributes is only there in tests.
fn is_test(attributes: &str) -> bool {
    let plain: String = attributes.split_whitespace().collect();
    let marks = ["cfg(test)", "cfg(all(test", "cfg(any(test", "[test]", "::test]", "::test("];
    let others = ["[bench]", "[rstest", "[quickcheck", "[test_case", "[proptest", "[cfg(kani"];
    marks.iter().chain(&others).any(|mark| plain.contains(mark))
}
