//! How a function is called.

use tree_sitter::Node;

use super::{
    children,
    items::{Body, Items},
    text, too_deep,
    types::Ty,
};

pub(super) struct Parameter<'t> {
    pub(super) name: Option<&'t str>,
    pub(super) pattern: Option<Node<'t>>,
    pub(super) ty: Ty,
    pub(super) mutable: bool,
}

/// How a call can know what it runs.
pub(super) struct Signature<'t> {
    pub(super) parameters: Vec<Parameter<'t>>,
    pub(super) returns: Ty,
    pub(super) has_self: bool,
    /// A call runs the body, which is not so of `async` and `extern` ones.
    pub(super) is_plain: bool,
}

pub(super) fn signature<'t>(items: &Items<'t>, body: &Body<'t>) -> Signature<'t> {
    let names = body.names(items);
    let mut own = Signature {
        parameters: Vec::new(),
        returns: Ty::UNIT,
        has_self: false,
        is_plain: too_deep(body.node).is_none(),
    };
    if !own.is_plain {
        return own;
    }
    own.returns = body.node.child_by_field_name("return_type").map_or(Ty::UNIT, |ty| names.of(ty));
    for part in children(body.node) {
        if part.kind() == "function_modifiers" {
            let words = text(part, items.source);
            own.is_plain = !["async", "extern", "gen"].iter().any(|word| words.contains(word));
        }
    }
    let list = body.node.child_by_field_name("parameters").map(children).unwrap_or_default();
    for parameter in list {
        match parameter.kind() {
            "self_parameter" => {
                own.has_self = true;
                let words = text(parameter, items.source);
                let ty = names.named("Self", 0);
                let is_ref = words.starts_with('&');
                let mutable = words.contains("mut ");
                let ty = match is_ref {
                    true => Ty::Ref { mutable, to: Box::new(ty) },
                    false => ty,
                };
                let mutable = mutable && !is_ref;
                own.parameters.push(Parameter { name: Some("self"), pattern: None, ty, mutable });
            }
            "parameter" => {
                let pattern = parameter.child_by_field_name("pattern");
                let name = pattern.filter(|it| matches!(it.kind(), "identifier" | "self"));
                let ty =
                    parameter.child_by_field_name("type").map_or(Ty::Unknown, |it| names.of(it));
                let mutable = children(parameter).iter().any(|it| it.kind() == "mutable_specifier");
                let name = name.map(|it| text(it, items.source));
                own.has_self |= name == Some("self");
                own.parameters.push(Parameter { name, pattern, ty, mutable });
            }
            "variadic_parameter" => own.is_plain = false,
            _ => {}
        }
    }
    own
}
