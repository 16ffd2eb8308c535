//! Calls: of this program's own functions, of the platform, of anything else.

use tree_sitter::Node;

use super::{
    Lowering, children,
    declaration::Signature,
    expr::Typed,
    library::{self, Known, Origin, Throws},
    line,
    types::{INT, Ty, promoted},
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, IntOp, Read, Source, Stmt},
};

impl Lowering<'_> {
    pub(super) fn invocation(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        let Some(name) = node.child_by_field_name("name").map(|name| self.text(name)) else {
            return self.opaque(node, hint);
        };
        let given = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let Some(object) = node.child_by_field_name("object") else {
            return self.own_call(node, &self.class.clone(), name, &given, true, hint);
        };
        if object.kind() == "this" {
            return self.own_call(node, &self.class.clone(), name, &given, true, hint);
        }
        if let Some(class) = self.class_name(object).map(str::to_owned) {
            if self.index.classes.contains_key(&class) {
                return self.own_call(node, &class, name, &given, false, hint);
            }
            if class == "Math"
                && let Some(value) = self.math(name, &given, line(node))
            {
                return value;
            }
            let arguments = self.arguments(&given);
            return self.platform(node, (&class, name), None, arguments, hint);
        }
        if object.kind() == "super" {
            let arguments = self.arguments(&given);
            return self.unknown(node, name, None, arguments, hint);
        }
        let (receiver, ty) = self.expr(object, None);
        if ty == Ty::Unknown {
            let arguments = self.arguments(&given);
            self.unknown_check(CheckKind::NullDereference, line(node));
            return self.unknown(node, name, None, arguments, hint);
        }
        let receiver = self.keep_named(receiver, &ty);
        let arguments = self.arguments(&given);
        self.dereference(&receiver, line(node));
        let class = ty.name().to_owned();
        match (class.as_str(), name, &ty) {
            ("String", "length", Ty::Ref(_, 0)) => (Expr::Len(Box::new(receiver)), Ty::Int(INT)),
            ("String", "isEmpty", Ty::Ref(_, 0)) => {
                let length = Expr::Len(Box::new(receiver));
                (Expr::cmp(Cmp::Eq, length, Expr::Int(0)), Ty::Bool)
            }
            ("String", "charAt", Ty::Ref(_, 0)) => self.char_at(receiver, arguments, line(node)),
            ("String", "substring", Ty::Ref(_, 0)) if matches!(arguments.len(), 1 | 2) => {
                self.substring(receiver, arguments, line(node))
            }
            ("Random" | "SecureRandom", "nextInt", _) if !arguments.is_empty() => {
                self.bounded(arguments)
            }
            (own, "equals", _)
                if !library::is_platform(own) && self.index.classes.contains_key(own) =>
            {
                self.unknown(node, name, Some(receiver), arguments, hint)
            }
            _ => self.platform(node, (&class, name), Some(receiver), arguments, hint),
        }
    }

    /// A variable, so that what is read from the object knows where it came from; a local stays
    /// itself, so that it counts as dereferenced.
    fn keep_named(&mut self, value: Expr, ty: &Ty) -> Expr {
        if let Expr::Var(_) = value { value } else { self.keep(value, ty) }
    }

    fn arguments(&mut self, given: &[Node<'_>]) -> Vec<Typed> {
        given
            .iter()
            .map(|argument| {
                let (value, ty) = self.expr(*argument, None);
                let kept = if ty == Ty::Unknown { value } else { self.keep(value, &ty) };
                (kept, ty)
            })
            .collect()
    }

    /// A call of a method of this program, if it is known which one runs.
    fn own_call(
        &mut self,
        node: Node<'_>,
        class: &str,
        name: &str,
        given: &[Node<'_>],
        own: bool,
        hint: Option<&Ty>,
    ) -> Typed {
        let arguments = self.arguments(given);
        let methods = self.index.classes.get(class).and_then(|class| class.methods.get(name));
        let fitting: Vec<usize> = methods
            .into_iter()
            .flatten()
            .copied()
            .filter(|method| self.index.signatures[*method].takes(given.len()))
            .collect();
        let [method] = fitting.as_slice() else {
            return self.overloaded(node, &fitting, name, arguments, hint);
        };
        let signature = self.index.signatures[*method].clone();
        if !signature.fixed || !(own || signature.is_static) || *method == self.own {
            return self.overloaded(node, &fitting, name, arguments, hint);
        }
        let at = line(node);
        let arguments = gathered(&signature, arguments);
        let arguments = arguments
            .into_iter()
            .zip(&signature.parameters)
            .map(|(argument, ty)| self.coerced(argument, ty, at))
            .collect();
        let void = signature.returns == Ty::named("void") || signature.returns == Ty::Unknown;
        let to = (!void).then(|| self.variable("", signature.returns.ir()));
        let site = self.site();
        self.block.push(Stmt::Call { to, function: *method, arguments, site });
        match to {
            Some(to) => (Expr::Var(to), signature.returns),
            None => (Expr::Null, Ty::Unknown),
        }
    }

    /// One of several methods: nothing is known but what all of them return.
    fn overloaded(
        &mut self,
        node: Node<'_>,
        fitting: &[usize],
        name: &str,
        arguments: Vec<Typed>,
        hint: Option<&Ty>,
    ) -> Typed {
        let returns: Vec<Ty> =
            fitting.iter().map(|method| self.index.signatures[*method].returns.clone()).collect();
        let same = returns.first().filter(|first| returns.iter().all(|ty| ty == *first)).cloned();
        let hint = same.filter(|ty| *ty != Ty::named("void")).or_else(|| hint.cloned());
        self.unknown(node, name, None, arguments, hint.as_ref())
    }

    fn platform(
        &mut self,
        node: Node<'_>,
        (class, name): (&str, &str),
        receiver: Option<Expr>,
        arguments: Vec<Typed>,
        hint: Option<&Ty>,
    ) -> Typed {
        let is_own = self.index.names.contains_key(class);
        let Some(known) = library::method(class, name).filter(|_| !is_own) else {
            return self.unknown_of(node, class, name, receiver, arguments, hint);
        };
        if library::makes_text(class, name) && arguments.iter().any(|(_, ty)| self.has_own_text(ty))
        {
            self.runs_code("toString");
        }
        let site = self.site();
        let (throws, external) = match known.throws {
            Throws::Nothing => (None, false),
            Throws::Input(what) => (Some(what), true),
            Throws::Argument(what) => (Some(what), false),
            Throws::Anything => (Some(""), false),
        };
        if let Some(throws) = throws {
            self.block.push(Stmt::Opaque {
                callee: name.to_owned(),
                site,
                arguments: Vec::new(),
                throws: vec![throws.to_owned()],
                external,
                clobbers: false,
            });
        }
        if known.returns == "void" {
            return (Expr::Null, Ty::Unknown);
        }
        let first = node
            .child_by_field_name("arguments")
            .and_then(|list| list.named_child(0))
            .map_or("", |first| self.text(first));
        let always_set = class == "System" && library::is_standard_property(first);
        // Only without a limit does `split` drop empty parts, and may drop all.
        let one_part = name == "split" && arguments.len() == 2;
        let known = Known {
            nullable: known.nullable && !always_set,
            length_min: known.length_min.max(u32::from(one_part)),
            ..known
        };
        let (value, ty) = self.result(&known, (class, name), receiver.clone());
        if let (Some(of), "String") = (receiver, class) {
            self.assume_about(name, &value, &of, &arguments);
        }
        (value, ty)
    }

    fn result(
        &mut self,
        known: &Known,
        (class, name): (&str, &str),
        receiver: Option<Expr>,
    ) -> Typed {
        let element = known.returns.trim_end_matches("[]");
        let ty = Ty::named(element).array(usize::from(element != known.returns));
        let source = match (known.from, &receiver) {
            (Origin::Outside, _) => Source::External,
            (Origin::Receiver, Some(Expr::Var(var))) => Source::Within(*var),
            (Origin::Receiver | Origin::Unknown, _) => {
                Source::Opaque(format!("the result of {name}"))
            }
        };
        let read = Read {
            source,
            range: known.range,
            nullable: known.nullable,
            length_min: known.length_min,
        };
        let value = self.read(&ty, read);
        if let (Some(of), Some(fact)) = (receiver, library::length_of(class, name)) {
            self.assume_length(fact, &value, &of);
        }
        (value, ty)
    }

    fn unknown(
        &mut self,
        node: Node<'_>,
        name: &str,
        receiver: Option<Expr>,
        arguments: Vec<Typed>,
        hint: Option<&Ty>,
    ) -> Typed {
        self.unknown_of(node, "", name, receiver, arguments, hint)
    }

    /// A call that nothing is known of: it may throw, change fields and give back anything.
    fn unknown_of(
        &mut self,
        node: Node<'_>,
        class: &str,
        name: &str,
        receiver: Option<Expr>,
        arguments: Vec<Typed>,
        hint: Option<&Ty>,
    ) -> Typed {
        let platform = library::is_platform(class) && !self.index.names.contains_key(class);
        let site = self.site();
        let mut given: Vec<Expr> =
            arguments.into_iter().filter(|(_, ty)| *ty != Ty::Unknown).map(|(it, _)| it).collect();
        given.extend(receiver);
        self.block.push(Stmt::Opaque {
            callee: name.to_owned(),
            site,
            arguments: given,
            throws: Vec::new(),
            external: false,
            clobbers: !platform,
        });
        let _ = node;
        match hint {
            Some(ty) if *ty != Ty::Unknown => {
                (self.read(ty, Read::opaque(format!("the result of {name}"))), ty.clone())
            }
            _ => (Expr::Null, Ty::Unknown),
        }
    }

    fn math(&mut self, name: &str, given: &[Node<'_>], at: u32) -> Option<Typed> {
        if !matches!((name, given.len()), ("abs" | "sqrt", 1) | ("min" | "max", 2)) {
            return None;
        }
        let mut arguments = self.arguments(given);
        let second = if given.len() == 2 { arguments.pop() } else { None };
        let first = arguments.pop()?;
        if name == "sqrt" {
            let double = Ty::Float { single: false };
            let value = self.coerced(first, &double, at);
            return Some((Expr::Sqrt(Box::new(value)), double));
        }
        let other = second.as_ref().map_or(Ty::Int(INT), |(_, ty)| ty.clone());
        let ty = promoted(&first.1, &other);
        if ty == Ty::Unknown {
            return Some((Expr::Null, ty));
        }
        let one = self.coerced(first, &ty, at);
        let one = self.keep(one, &ty);
        match (&ty, second) {
            (Ty::Int(int), None) => {
                // The smallest value has no opposite and stays as it is.
                let turned =
                    Expr::Wrap(*int, Box::new(Expr::int2(IntOp::Sub, Expr::Int(0), one.clone())));
                let negative = Expr::cmp(Cmp::Lt, one.clone(), Expr::Int(0));
                Some((self.choose(negative, turned, one, &ty), ty))
            }
            (Ty::Int(_), Some(second)) => {
                let two = self.coerced(second, &ty, at);
                let two = self.keep(two, &ty);
                let less = Expr::cmp(Cmp::Lt, one.clone(), two.clone());
                let (yes, no) = if name == "min" { (one, two) } else { (two, one) };
                Some((self.choose(less, yes, no, &ty), ty))
            }
            (_, None) => Some((Expr::AbsFloat(Box::new(one)), ty)),
            (_, Some(_)) => Some((self.read(&ty, Read::opaque("floating-point arithmetic")), ty)),
        }
    }

    fn choose(&mut self, condition: Expr, yes: Expr, no: Expr, ty: &Ty) -> Expr {
        let var = self.variable("", ty.ir());
        self.block.push(Stmt::If(
            condition,
            vec![Stmt::Assign(var, yes)],
            vec![Stmt::Assign(var, no)],
        ));
        Expr::Var(var)
    }

    pub(super) fn creation(&mut self, node: Node<'_>) -> Typed {
        let ty = node.child_by_field_name("type").map_or(Ty::Unknown, |ty| Ty::of(ty, self.source));
        let given = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let arguments = self.arguments(&given);
        let class = ty.name().to_owned();
        let site = self.site();
        // A constructor without arguments of a platform class only makes the object.
        let platform = library::is_platform(&class) && !self.index.names.contains_key(&class);
        let quiet = platform && arguments.is_empty();
        if !quiet {
            let given =
                arguments.into_iter().filter(|(_, ty)| *ty != Ty::Unknown).map(|(it, _)| it);
            self.block.push(Stmt::Opaque {
                callee: format!("new {class}"),
                site,
                arguments: if platform { Vec::new() } else { given.collect() },
                throws: if platform { vec![String::new()] } else { Vec::new() },
                external: false,
                clobbers: !platform,
            });
        }
        if ty.is_string() {
            let read = Read { nullable: false, ..Read::opaque("the length of a string") };
            return (self.read(&ty, read), ty);
        }
        (Expr::New(None), ty)
    }
}

/// With those that one parameter takes any number of put into an array, as the caller does.
fn gathered(signature: &Signature, mut arguments: Vec<Typed>) -> Vec<Typed> {
    let Some((last, ty)) =
        signature.parameters.len().checked_sub(1).zip(signature.parameters.last())
    else {
        return arguments;
    };
    let is_array = |(_, own): &Typed| match own {
        Ty::Ref(name, dimensions) => *dimensions > 0 || name == "null",
        Ty::Bool | Ty::Int(_) | Ty::Float { .. } | Ty::Unknown => false,
    };
    let as_it_is = arguments.len() == last + 1 && arguments.last().is_some_and(is_array);
    if !signature.spread || as_it_is {
        return arguments;
    }
    let rest = arguments.split_off(last);
    // An array of which nothing is known here counts for what is given.
    let array = match rest.as_slice() {
        [(_, Ty::Unknown)] => (Expr::Null, Ty::Unknown),
        rest => {
            let count = i128::try_from(rest.len()).unwrap_or(i128::MAX);
            (Expr::New(Some(Box::new(Expr::Int(count)))), ty.clone())
        }
    };
    arguments.push(array);
    arguments
}
