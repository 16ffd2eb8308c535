//! What the files of a package declare.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use tree_sitter::Node;

use super::{
    File,
    mentions::Mentions,
    syntax::{Form, children, each, listed, text},
    types::{Field, Slot, Ty, Types, field, parameters, results, underlying},
};

/// A function or method.
pub(super) struct Declared<'t> {
    pub(super) file: usize,
    pub(super) node: Node<'t>,
    /// With the receiver first.
    pub(super) parameters: Vec<Slot>,
    pub(super) variadic: bool,
    pub(super) results: Vec<Slot>,
    pub(super) generic: Vec<Rc<str>>,
    /// Methods on a pointer can be called on nil; others take what it points to.
    pub(super) by_pointer: bool,
    /// Nested as no person nests: its body is not looked at.
    pub(super) too_deep: bool,
}

pub(super) struct Global {
    pub(super) ty: Ty,
    /// Made by something like `errors.New` and never assigned to.
    pub(super) is_set: bool,
}

#[derive(Default)]
pub(super) struct Package<'t> {
    pub(super) types: Types,
    pub(super) functions: HashMap<&'t str, usize>,
    pub(super) methods: HashMap<(Rc<str>, &'t str), usize>,
    pub(super) declared: Vec<Declared<'t>>,
    pub(super) globals: HashMap<&'t str, Global>,
    /// Constants that are true or false, or whole numbers.
    pub(super) constants: HashMap<&'t str, Constant>,
    /// Names of imports by file, with the path.
    pub(super) imports: Vec<HashMap<&'t str, &'t str>>,
    /// Declared more than once, for one system or another: nobody knows which it is.
    twice: HashSet<(Rc<str>, &'t str)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Constant {
    Bool(bool),
    Int(i64),
}

/// A function whose tree is deeper than this is not looked at: walking it recurses.
pub(super) const DEPTH_MAX: usize = 120;

/// Methods that are looked for in embedded structs within embedded structs.
const EMBEDDED_MAX: usize = 4;

impl<'t> Package<'t> {
    pub(super) fn of(files: &'t [File<'t>]) -> (Self, Mentions<'t>) {
        let mut package = Self::default();
        let mut variables = Vec::new();
        for (index, file) in files.iter().enumerate() {
            let mut imports = HashMap::new();
            for node in children(file.root) {
                match node.form() {
                    "import_declaration" => add_imports(node, file.text, &mut imports),
                    "type_declaration" => package.types_of(node, file.text),
                    "const_declaration" => package.constants_of(node, file.text),
                    "var_declaration" => variables.push((index, node)),
                    "function_declaration" | "method_declaration" => {
                        package.function(index, node, file.text);
                    }
                    _ => {}
                }
            }
            package.imports.push(imports);
        }
        for (class, name) in std::mem::take(&mut package.twice) {
            match class.is_empty() {
                true => package.functions.remove(name),
                false => package.methods.remove(&(class, name)),
            };
        }
        let mentions = Mentions::of(files, &mut package);
        for (file, node) in variables {
            package.variables(node, files[file].text, &mentions.assigned);
        }
        (package, mentions)
    }

    pub(super) fn under(&self, ty: &Ty) -> Ty {
        underlying(ty, &self.types)
    }

    pub(super) fn field(&self, ty: &Ty, name: &str) -> Option<Ty> {
        field(ty, name, &self.types)
    }

    /// The method of a type of the package, and whether it is that of an embedded struct.
    pub(super) fn method(&self, ty: &Ty, name: &str) -> Option<(usize, bool)> {
        self.method_within(ty, name, EMBEDDED_MAX)
    }

    fn method_within(&self, ty: &Ty, name: &str, levels: usize) -> Option<(usize, bool)> {
        let own = ty.name()?;
        if let Some(found) = self.methods.get(&(Rc::clone(own), name)) {
            return Some((*found, false));
        }
        let levels = levels.checked_sub(1)?;
        let Ty::Struct(fields) = self.under(&Ty::Named(Rc::clone(own))) else { return None };
        let embedded = fields.iter().filter(|field: &&Field| field.embedded);
        let mut found = embedded.filter_map(|field| self.method_within(&field.ty, name, levels));
        found.next().map(|(found, _)| (found, true))
    }

    fn types_of(&mut self, node: Node<'t>, source: &'t str) {
        for spec in children(node) {
            let (Some(name), Some(ty)) = (spec.part("name"), spec.part("type")) else {
                continue;
            };
            let generic = generic(spec, source);
            let name: Rc<str> = text(name, source).into();
            let ty = Ty::of(ty, source, &generic);
            if self.types.insert(Rc::clone(&name), ty).is_some() {
                self.types.insert(name, Ty::Unknown);
            }
        }
    }

    fn constants_of(&mut self, node: Node<'t>, source: &'t str) {
        for spec in children(node) {
            let mut cursor = spec.walk();
            let names = spec.children_by_field_name("name", &mut cursor);
            let names: Vec<_> = names.filter(|name| name.form() == "identifier").collect();
            let values = listed(spec.part("value"));
            for (name, value) in names.into_iter().zip(values) {
                if let Some(constant) = literal(value, source) {
                    self.constants.insert(text(name, source), constant);
                }
            }
        }
    }

    fn variables(&mut self, node: Node<'t>, source: &'t str, assigned: &HashSet<&str>) {
        let mut specs = Vec::new();
        each(node, &mut |inner, _| {
            if inner.form() == "var_spec" {
                specs.push(inner);
            }
            matches!(inner.form(), "var_declaration" | "var_spec_list")
        });
        for spec in specs {
            let ty = spec.part("type");
            let ty = ty.map_or(Ty::Unknown, |ty| Ty::of(ty, source, &[]));
            let values = listed(spec.part("value"));
            let mut cursor = spec.walk();
            for (at, name) in spec.children_by_field_name("name", &mut cursor).enumerate() {
                let own = text(name, source);
                let is_constant = !assigned.contains(own);
                let value = values.get(at).copied();
                let is_made = value.is_some_and(|value| makes(value, source));
                let global = Global { ty: ty.clone(), is_set: is_constant && is_made };
                if self.globals.insert(own, global).is_some() {
                    let Some(both) = self.globals.get_mut(own) else { continue };
                    *both = Global { ty: Ty::Unknown, is_set: false };
                }
            }
        }
    }

    fn function(&mut self, file: usize, node: Node<'t>, source: &'t str) {
        let Some(name) = node.part("name") else { return };
        let mut own_generic = generic(node, source);
        let mut slots = Vec::new();
        let mut by_pointer = false;
        if let Some(receiver) = node.part("receiver") {
            // The names of a generic type's parameters stand in the receiver.
            each(receiver, &mut |inner, _| {
                if inner.form() == "type_arguments" {
                    own_generic.extend(children(inner).iter().map(|it| text(*it, source).into()));
                }
                true
            });
            slots = parameters(receiver, source, &own_generic).0;
            slots.truncate(1);
            by_pointer = slots.first().is_some_and(|slot| slot.ty.target().is_some());
        }
        let class = slots.first().and_then(|slot| slot.ty.name().cloned());
        let list = node.part("parameters");
        let (more, variadic) =
            list.map(|list| parameters(list, source, &own_generic)).unwrap_or_default();
        let is_method = node.form() == "method_declaration";
        if is_method && slots.is_empty() {
            return;
        }
        slots.extend(more);
        let results = results(node.part("result"), source, &own_generic);
        let name = text(name, source);
        let index = self.declared.len();
        let key = match class {
            Some(class) if is_method => (class, name),
            Some(_) | None => ("".into(), name),
        };
        let is_named = name != "init" && name != "_" && (!is_method || !key.0.is_empty());
        let known = match (is_named, is_method) {
            (true, true) => self.methods.insert(key.clone(), index),
            (true, false) => self.functions.insert(name, index),
            (false, true | false) => None,
        };
        if known.is_some() {
            self.twice.insert(key);
        }
        self.declared.push(Declared {
            file,
            node,
            parameters: slots,
            variadic,
            results,
            generic: own_generic,
            by_pointer,
            too_deep: false,
        });
    }
}

/// A value that the code itself writes down.
pub(super) fn literal(node: Node<'_>, source: &str) -> Option<Constant> {
    match node.form() {
        "true" => Some(Constant::Bool(true)),
        "false" => Some(Constant::Bool(false)),
        "int_literal" => text(node, source).replace('_', "").parse().ok().map(Constant::Int),
        "parenthesized_expression" => literal(node.named_child(0)?, source),
        _ => None,
    }
}

/// Something that is never nil, as errors are that a package declares.
fn makes(value: Node<'_>, source: &str) -> bool {
    match value.form() {
        "call_expression" => {
            let function = value.part("function");
            function.is_some_and(|it| matches!(text(it, source), "errors.New" | "fmt.Errorf"))
        }
        "unary_expression" => text(value, source).starts_with('&'),
        _ => false,
    }
}

fn add_imports<'t>(node: Node<'t>, source: &'t str, into: &mut HashMap<&'t str, &'t str>) {
    each(node, &mut |inner, _| {
        if inner.form() == "import_spec"
            && let Some(path) = inner.part("path")
        {
            let path = text(path, source).trim_matches(['"', '`']);
            let own = inner.part("name").map(|name| text(name, source));
            into.insert(own.unwrap_or_else(|| package_name(path)), path);
        }
        true
    });
}

/// The last part of the path, without a version.
fn package_name(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or(path);
    let is_version = last.strip_prefix('v').is_some_and(|it| it.parse::<u32>().is_ok());
    let name = if is_version { parts.next().unwrap_or(last) } else { last };
    name.split('.').next().unwrap_or(name)
}

/// The names of type parameters.
fn generic(node: Node<'_>, source: &str) -> Vec<Rc<str>> {
    let Some(list) = node.part("type_parameters") else { return Vec::new() };
    let mut names = Vec::new();
    for declared in children(list) {
        let mut cursor = declared.walk();
        let named = declared.children_by_field_name("name", &mut cursor);
        names.extend(named.map(|name| text(name, source).into()));
    }
    names
}
