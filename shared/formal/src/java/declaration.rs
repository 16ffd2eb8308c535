//! What classes declare: fields, methods, and how these are called.

use std::collections::{HashMap, HashSet};

use domain::Language;
use tree_sitter::Node;

use super::{callee::Callees, library, literal, types::Ty};
use crate::{
    Source,
    ir::{Call, Function, Global, Program},
    syntax::{children, each, last_line, line, text},
};

#[derive(Debug, Default)]
pub(super) struct Class {
    /// Fields by name: which global, and of what type.
    pub(super) fields: HashMap<String, (usize, Ty)>,
    pub(super) methods: HashMap<String, Vec<usize>>,
}

/// How a call can know what it runs.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub(super) parameters: Vec<Ty>,
    pub(super) returns: Ty,
    /// The last parameter takes any number of arguments.
    pub(super) spread: bool,
    /// No subclass can put another method in its place.
    pub(super) fixed: bool,
    pub(super) is_static: bool,
}

impl Signature {
    /// Whether it can be called with so many arguments.
    pub(super) fn takes(&self, count: usize) -> bool {
        let own = self.parameters.len();
        own == count || self.spread && count + 1 >= own
    }
}

#[derive(Default)]
pub(super) struct Index {
    /// By simple name; one of several with the same name only knows itself, by a name that no
    /// code can write.
    pub(super) classes: HashMap<String, Class>,
    /// How many classes have a simple name.
    pub(super) names: HashMap<String, u32>,
    pub(super) signatures: Vec<Signature>,
}

/// A method's code, and the class that it is of.
pub(super) struct Body<'tree> {
    pub(super) file: usize,
    pub(super) class: String,
    pub(super) node: Node<'tree>,
}

/// Every name that anything assigns to: such a field is no constant.
pub(super) fn assigned_names(sources: &[Source<'_>]) -> HashSet<String> {
    let mut names = HashSet::new();
    for source in sources {
        each(source.tree.root_node(), &mut |node| {
            let target = match node.kind() {
                "assignment_expression" => node.child_by_field_name("left"),
                "update_expression" => node.named_child(0),
                _ => None,
            };
            let name = target.map(|target| target.child_by_field_name("field").unwrap_or(target));
            names.extend(name.map(|name| text(name, source.text).to_owned()));
        });
    }
    names
}

pub(super) fn modifiers<'a>(node: Node<'_>, source: &'a str) -> Vec<&'a str> {
    let own = children(node).into_iter().find(|child| child.kind() == "modifiers");
    own.map(|own| text(own, source).split_whitespace().collect()).unwrap_or_default()
}

pub(super) fn declare<'tree>(
    node: Node<'tree>,
    file: usize,
    source: &Source<'_>,
    assigned: &HashSet<String>,
    program: &mut Program,
    index: &mut Index,
    bodies: &mut Vec<Body<'tree>>,
) {
    let Some(name) = node.child_by_field_name("name").map(|name| text(name, source.text)) else {
        return;
    };
    let Some(body) = node.child_by_field_name("body") else { return };
    let final_class = modifiers(node, source.text).contains(&"final");
    let key = match index.names.get(name) {
        Some(2..) => format!("{name}#{file}:{}", node.start_byte()),
        _ => name.to_owned(),
    };
    let mut class = Class::default();
    let mut members = children(body);
    // The members of an enum stand one level deeper.
    let inner: Vec<_> = members
        .iter()
        .filter(|member| member.kind() == "enum_body_declarations")
        .flat_map(|member| children(*member))
        .collect();
    members.extend(inner);
    let callees = Callees::of(node, &members, source);
    for member in members {
        match member.kind() {
            "field_declaration" => field(member, name, source, assigned, program, &mut class),
            "method_declaration" | "constructor_declaration" => {
                let own = member.child_by_field_name("name").map(|name| text(name, source.text));
                let Some(own) = own else { continue };
                let at = program.functions.len();
                index.signatures.push(signature(member, source.text, final_class));
                program.functions.push(Function {
                    name: format!("{name}.{own}"),
                    first_line: line(member),
                    last_line: last_line(member),
                    file,
                    parameters: Vec::new(),
                    call: Some(Call {
                        language: Language::Java,
                        callee: callees.of_method(member, source.text),
                        parameters: Vec::new(),
                    }),
                    variables: Vec::new(),
                    body: Ok(Vec::new()),
                });
                bodies.push(Body { file, class: key.clone(), node: member });
                if member.kind() == "method_declaration" {
                    class.methods.entry(own.to_owned()).or_default().push(at);
                }
            }
            _ => {}
        }
    }
    index.classes.insert(key, class);
}

/// How many classes of the files have each simple name.
pub(super) fn class_names(sources: &[Source<'_>]) -> HashMap<String, u32> {
    let mut names = HashMap::new();
    for source in sources {
        each(source.tree.root_node(), &mut |node| {
            if is_class(node)
                && let Some(name) = node.child_by_field_name("name")
            {
                *names.entry(text(name, source.text).to_owned()).or_default() += 1;
            }
        });
    }
    names
}

/// Whether methods are declared here that have code.
pub(super) fn is_class(node: Node<'_>) -> bool {
    matches!(node.kind(), "class_declaration" | "enum_declaration" | "record_declaration")
}

fn signature(node: Node<'_>, source: &str, final_class: bool) -> Signature {
    let own = modifiers(node, source);
    let fixed = final_class || ["private", "static", "final"].iter().any(|word| own.contains(word));
    let parameters = parameters(node, source).into_iter().map(|(_, ty)| ty).collect();
    let returns = node.child_by_field_name("type").map_or(Ty::Unknown, |node| Ty::of(node, source));
    let spread = node
        .child_by_field_name("parameters")
        .is_some_and(|list| children(list).iter().any(|it| it.kind() == "spread_parameter"));
    Signature { parameters, returns, spread, fixed, is_static: own.contains(&"static") }
}

pub(super) fn parameters(node: Node<'_>, source: &str) -> Vec<(String, Ty)> {
    let Some(list) = node.child_by_field_name("parameters") else { return Vec::new() };
    children(list)
        .into_iter()
        .filter_map(|parameter| {
            let spread = parameter.kind() == "spread_parameter";
            let named = match spread {
                true => {
                    children(parameter).into_iter().find(|it| it.kind() == "variable_declarator")?
                }
                false => parameter,
            };
            let name = named.child_by_field_name("name")?;
            let ty = match spread {
                true => children(parameter).into_iter().find(|it| it.kind().contains("type"))?,
                false => parameter.child_by_field_name("type")?,
            };
            let dimensions = named.child_by_field_name("dimensions");
            let extra = dimensions.map_or(0, |own| text(own, source).matches('[').count());
            let ty = Ty::of(ty, source).array(extra + usize::from(spread));
            Some((text(name, source).to_owned(), ty))
        })
        .collect()
}

fn field(
    node: Node<'_>,
    class_name: &str,
    source: &Source<'_>,
    assigned: &HashSet<String>,
    program: &mut Program,
    class: &mut Class,
) {
    let words = modifiers(node, source.text);
    let Some(base) = node.child_by_field_name("type").map(|ty| Ty::of(ty, source.text)) else {
        return;
    };
    for declarator in children(node).into_iter().filter(|it| it.kind() == "variable_declarator") {
        let Some(name) = declarator.child_by_field_name("name").map(|it| text(it, source.text))
        else {
            continue;
        };
        let dimensions = declarator
            .child_by_field_name("dimensions")
            .map_or(0, |own| text(own, source.text).matches('[').count());
        let ty = base.clone().array(dimensions);
        let value = declarator.child_by_field_name("value");
        let never_changes = words.contains(&"final") || !assigned.contains(name);
        let constant = value
            .filter(|_| never_changes)
            .and_then(|value| literal::literal(value, source.text, &ty));
        let made = value.is_some_and(|value| {
            let factory = value.kind() == "method_invocation"
                && value
                    .child_by_field_name("object")
                    .zip(value.child_by_field_name("name"))
                    .and_then(|(of, name)| {
                        library::method(text(of, source.text), text(name, source.text))
                    })
                    .is_some_and(|known| !known.nullable);
            factory
                || matches!(
                    value.kind(),
                    "object_creation_expression"
                        | "string_literal"
                        | "array_initializer"
                        | "array_creation_expression"
                )
        });
        class.fields.insert(name.to_owned(), (program.globals.len(), ty.clone()));
        program.globals.push(Global {
            name: format!("{class_name}.{name}"),
            ty: ty.ir(),
            constant,
            assumed: !words.contains(&"final") && !words.contains(&"private"),
            nullable: !(never_changes && made),
        });
    }
}
