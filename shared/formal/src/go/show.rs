//! How a function of Go is called in a test, and how its arguments are written.

use tree_sitter::Node;

use super::{
    Lowering,
    package::{Package, Signature},
    types::{Field, Signed, Ty},
    uses::{CAPACITY, TARGET},
};
use crate::{
    Source,
    ir::{Call, Callee, Container, Expr, Given, Member, Piece, Size, Var},
    syntax::{children, each, text},
};

/// What a test imports or names itself: a package that declares one of these needs another test.
const TAKEN: &[&str] = &["fmt", "math", "runtime", "strings", "t", "testing"];

/// The call of a function that was lowered with these parameters.
pub(super) fn call(lowering: &Lowering<'_>, source: &Source<'_>, parameters: &[Var]) -> Call {
    let signature = &lowering.package.signatures[&lowering.body.function];
    let node = lowering.body.node;
    let is_method = node.kind() == "method_declaration";
    let mut asserts = false;
    each(node, &mut |inner| {
        asserts |= matches!(inner.kind(), "type_assertion_expression" | "type_switch_statement");
    });
    let writer = Writer { package: lowering.package, signature, parameters, asserts };
    let given = signature.parameters.iter().enumerate().map(|(at, (name, ty))| {
        let pieces = writer.argument(at, ty, is_method && at == 0);
        (name.clone(), Given::Pieces(pieces))
    });
    Call {
        language: source.language,
        parameters: given.collect(),
        callee: member(lowering, source).map(|own| Callee::Member(Box::new(own))),
    }
}

/// None if no test can call it by a name.
fn member(lowering: &Lowering<'_>, source: &Source<'_>) -> Option<Member> {
    let (package, node) = (lowering.package, lowering.body.node);
    let signature = &package.signatures[&lowering.body.function];
    let name_node = node.child_by_field_name("name")?;
    let name = text(name_node, source.text);
    let is_taken = TAKEN.iter().any(|name| package.declares(name));
    if is_taken || matches!(name, "init" | "_") || !signature.generic.is_empty() {
        return None;
    }
    let start = node.start_byte();
    let mut conversions = lowering.conversions.clone();
    conversions.sort_by_key(|(_, range)| range.start);
    conversions.dedup();
    for (_, range) in &mut conversions {
        *range = range.start - start..range.end - start;
    }
    let code = if conversions.is_empty() { "" } else { text(node, source.text) };
    let mut imports: Vec<(String, String)> =
        lowering.imports.iter().map(|(name, path)| (name.clone(), path.clone())).collect();
    imports.sort();
    Some(Member {
        package: clause(source)?,
        name: name.to_owned(),
        is_method: node.kind() == "method_declaration",
        is_variadic: signature.variadic,
        imports,
        code: code.to_owned(),
        name_at: name_node.start_byte() - start..name_node.end_byte() - start,
        conversions,
    })
}

/// The name of a file's package.
fn clause(source: &Source<'_>) -> Option<String> {
    let nodes: Vec<Node<'_>> = children(source.tree.root_node());
    let clause = nodes.into_iter().find(|node| node.kind() == "package_clause")?;
    clause.named_child(0).map(|name| text(name, source.text).to_owned())
}

struct Writer<'a> {
    package: &'a Package,
    signature: &'a Signature,
    /// Those of the signature, and behind them the places below these.
    parameters: &'a [Var],
    /// The function asks what an interface holds.
    asserts: bool,
}

fn words(text: impl Into<String>) -> Piece {
    Piece::Text(text.into())
}

fn unwritable(words: &'static str) -> Vec<Piece> {
    vec![Piece::Unwritable(Vec::new(), words)]
}

fn around(before: String, inner: Vec<Piece>, after: &str) -> Vec<Piece> {
    [vec![words(before)], inner, vec![words(after)]].concat()
}

/// A pointer to a value that has no name.
fn pointed(ty: &str, value: Vec<Piece>) -> Vec<Piece> {
    around(format!("func() *{ty} {{ var value {ty} = "), value, "; return &value }()")
}

impl Writer<'_> {
    fn argument(&self, at: usize, ty: &Ty, is_receiver: bool) -> Vec<Piece> {
        let mut pieces = self.value(at, &[], ty);
        if is_receiver && let Some(own) = self.written(ty) {
            // It has to show its type, as a method is called on it.
            if let [Piece::Nil(_, nil, inner)] = pieces.as_mut_slice() {
                *nil = format!("({own})(nil)");
                *inner = around("(".to_owned(), std::mem::take(inner), ")");
            } else if self.package.under(ty).fields().is_none() {
                pieces = around(format!("{own}("), pieces, ")");
            }
        }
        let lost = self.lost(at, &pieces);
        if !lost.is_empty() {
            pieces.push(Piece::Unwritable(lost, "a value with parts that no code reaches"));
        }
        pieces
    }

    /// Variables below a parameter that its text does not mention.
    fn lost(&self, at: usize, pieces: &[Piece]) -> Vec<Var> {
        let mut told = Vec::new();
        pieces.iter().for_each(|piece| piece.variables(&mut told));
        let first = self.signature.parameters.len();
        let own = self.signature.places.iter().zip(self.parameters.iter().skip(first));
        let own = own.filter(|((of, ..), _)| *of == at).map(|(_, var)| *var);
        own.filter(|var| !told.contains(var)).collect()
    }

    fn var(&self, at: usize, path: &[String]) -> Option<Var> {
        let place = || {
            let known = &self.signature.places;
            let index = known.iter().position(|(of, own, _)| *of == at && own == path)?;
            Some(self.signature.parameters.len() + index)
        };
        self.parameters.get(if path.is_empty() { at } else { place()? }).copied()
    }

    /// What stands directly below a path, with its type.
    fn below(&self, at: usize, path: &[String]) -> Vec<(Vec<String>, Ty)> {
        let is_it = |own: &[String]| own.len() == path.len() + 1 && own.starts_with(path);
        let places = self.signature.places.iter();
        let own = places.filter(|(of, own, _)| *of == at && is_it(own));
        own.map(|(_, own, ty)| (own.clone(), ty.clone())).collect()
    }

    fn value(&self, at: usize, path: &[String], ty: &Ty) -> Vec<Piece> {
        let Some(var) = self.var(at, path) else { return unwritable("a value of its type") };
        let under = self.package.under(ty);
        let nil = |inner| vec![Piece::Nil(var, "nil".to_owned(), inner)];
        let is_named = matches!(ty, Ty::Named(_));
        match &under {
            Ty::Bool => vec![Piece::Bool(var)],
            Ty::Int { .. } => vec![Piece::Int(var)],
            Ty::Float { .. } => match self.written(ty) {
                Some(own) => around(format!("{own}("), vec![Piece::Float(var, "float64")], ")"),
                None => unwritable("a number of another package"),
            },
            Ty::Str => match self.written(ty) {
                Some(own) if is_named => around(format!("{own}("), vec![Piece::Letters(var)], ")"),
                _ => vec![Piece::Letters(var)],
            },
            Ty::Slice(_) => nil(self.container(at, path, ty, Size::Slice(var))),
            Ty::Map(..) => nil(self.container(at, path, ty, Size::Map)),
            Ty::Array(Some(length), _) => self.container(at, path, ty, Size::Array(*length)),
            Ty::Struct(fields) => self.structure(at, path, ty, fields),
            Ty::Ptr(target) => nil(self.pointer(at, path, target)),
            Ty::Func(own) => nil(self.function(own)),
            Ty::Error if !self.asserts => nil(vec![words("fmt.Errorf(\"an error\")")]),
            Ty::Interface if *ty == Ty::Interface && !self.asserts => {
                nil(vec![words("struct{}{}")])
            }
            Ty::Interface | Ty::Error => nil(unwritable("a value with methods")),
            // Nobody knows whether something comes out of it.
            Ty::Chan(_) => unwritable("a channel"),
            Ty::Unknown => match self.written(ty) {
                Some(own) => {
                    let other = unwritable("a value of another package");
                    vec![Piece::Nil(var, format!("*new({own})"), other)]
                }
                None => unwritable("a value of a type that is not known"),
            },
            Ty::Array(None, _) | Ty::Named(_) | Ty::ConstInt | Ty::ConstFloat | Ty::Nil => {
                unwritable("a value of its type")
            }
        }
    }

    fn structure(&self, at: usize, path: &[String], ty: &Ty, fields: &[Field]) -> Vec<Piece> {
        let Some(own) = self.written(ty) else { return unwritable("a struct without a name") };
        let below = self.below(at, path).into_iter();
        let known = below.filter_map(|(path, ty)| {
            let name = path.last().cloned()?;
            let is_field = fields.iter().any(|field| field.name == name);
            is_field.then(|| around(format!("{name}: "), self.value(at, &path, &ty), ""))
        });
        around(format!("{own}{{"), vec![Piece::List(known.collect())], "}")
    }

    fn pointer(&self, at: usize, path: &[String], target: &Ty) -> Vec<Piece> {
        let Some(own) = self.written(target) else {
            return unwritable("a pointer to a value of its type");
        };
        let under = self.package.under(target);
        if let Some(fields) = under.fields() {
            return around("&".to_owned(), self.structure(at, path, target, fields), "");
        }
        if let Ty::Array(Some(length), _) = under {
            return pointed(&own, self.container(at, path, target, Size::Array(length)));
        }
        let path = [path, &[TARGET.to_owned()]].concat();
        match self.var(at, &path) {
            Some(_) => pointed(&own, self.value(at, &path, target)),
            None => vec![words(format!("new({own})"))],
        }
    }

    fn container(&self, at: usize, path: &[String], ty: &Ty, size: Size) -> Vec<Piece> {
        let Some(own) = self.written(ty) else { return unwritable("elements of their type") };
        let (mut elements, mut capacity) = (Vec::new(), None);
        for (path, ty) in self.below(at, path) {
            let Some(name) = path.last() else { continue };
            if name == CAPACITY {
                capacity = self.var(at, &path);
            } else if let Some(key) = self.key(name, size == Size::Map) {
                elements.push((vec![key], self.value(at, &path, &ty)));
            }
        }
        vec![Piece::Container(Box::new(Container { ty: own, size, capacity, elements }))]
    }

    /// Where an element stands that a path names, if that is known as the function begins.
    fn key(&self, name: &str, is_map: bool) -> Option<Piece> {
        let inner = name.strip_prefix('[')?.strip_suffix(']')?;
        if let Ok(number) = inner.replace('_', "").parse::<u64>() {
            return Some(words(number.to_string()));
        }
        if is_map && inner.starts_with('"') {
            return Some(words(inner));
        }
        let own = self.signature.parameters.iter().position(|(name, _)| name == inner);
        if let Some(own) = own {
            let ty = self.package.under(&self.signature.parameters[own].1);
            return matches!(ty, Ty::Int { .. }).then(|| Piece::Int(self.parameters[own]));
        }
        match self.package.constants.get(inner)? {
            (Expr::Int(value), _) => Some(words(value.to_string())),
            _ => None,
        }
    }

    /// A function that does nothing and gives back what is zero.
    fn function(&self, own: &Signed) -> Vec<Piece> {
        let listed = |types: &[Ty]| {
            let types: Option<Vec<String>> = types.iter().map(|ty| self.written(ty)).collect();
            types.map(|types| types.join(", "))
        };
        let parameters = own.parameters.as_deref().and_then(listed);
        let zeros: Option<Vec<String>> = own.results.iter().map(|ty| self.zero_text(ty)).collect();
        let (Some(parameters), Some(results), Some(zeros)) =
            (parameters, listed(&own.results), zeros)
        else {
            return unwritable("a function");
        };
        let text = match zeros.is_empty() {
            true => format!("func({parameters}) {{}}"),
            false => {
                format!("func({parameters}) ({results}) {{ return {} }}", zeros.join(", "))
            }
        };
        vec![words(text)]
    }

    fn zero_text(&self, ty: &Ty) -> Option<String> {
        Some(match self.package.under(ty) {
            Ty::Bool => "false".to_owned(),
            Ty::Int { .. } | Ty::Float { .. } => "0".to_owned(),
            Ty::Str => "\"\"".to_owned(),
            Ty::Struct(_) | Ty::Array(Some(_), _) => format!("{}{{}}", self.written(ty)?),
            Ty::Unknown => format!("*new({})", self.written(ty)?),
            Ty::Slice(_)
            | Ty::Map(..)
            | Ty::Ptr(_)
            | Ty::Func(_)
            | Ty::Chan(_)
            | Ty::Interface
            | Ty::Error
            | Ty::Nil => "nil".to_owned(),
            Ty::Array(None, _) | Ty::Named(_) | Ty::ConstInt | Ty::ConstFloat => return None,
        })
    }

    /// A type as code; none if that is not known.
    fn written(&self, ty: &Ty) -> Option<String> {
        Some(match ty {
            Ty::Bool => "bool".to_owned(),
            Ty::Int { int, word } => {
                let sign = if int.signed { "" } else { "u" };
                let bits = if *word { String::new() } else { int.bits?.to_string() };
                format!("{sign}int{bits}")
            }
            Ty::Float { single } => if *single { "float32" } else { "float64" }.to_owned(),
            Ty::Str => "string".to_owned(),
            Ty::Slice(element) => format!("[]{}", self.written(element)?),
            Ty::Array(length, element) => format!("[{}]{}", (*length)?, self.written(element)?),
            Ty::Map(key, value) => format!("map[{}]{}", self.written(key)?, self.written(value)?),
            Ty::Ptr(target) => format!("*{}", self.written(target)?),
            Ty::Interface => "any".to_owned(),
            Ty::Error => "error".to_owned(),
            Ty::Named(name) => name.clone(),
            Ty::Func(_)
            | Ty::Chan(_)
            | Ty::Struct(_)
            | Ty::ConstInt
            | Ty::ConstFloat
            | Ty::Nil
            | Ty::Unknown => return None,
        })
    }
}
