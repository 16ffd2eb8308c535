use super::{Failure, Literal, length, title};
use crate::{ir::CheckKind, smt::Concrete, symbol::Part};

/// Classes whose arrays any program can make, without an import.
const ELEMENTS: &[&str] = &[
    "boolean", "byte", "short", "char", "int", "long", "float", "double", "String", "Object",
    "Integer", "Long",
];

/// By the simple name of its type, with the brackets of an array.
pub(super) fn literal(ty: &str, of: impl Fn(Part) -> Option<Concrete>) -> Literal {
    let int = match of(Part::Value) {
        Some(Concrete::Int(value)) => value,
        _ => 0,
    };
    let float = match of(Part::Value) {
        Some(Concrete::Float(value)) => value,
        _ => 0.0,
    };
    Ok(match ty {
        "boolean" => (of(Part::Value) == Some(Concrete::Bool(true))).to_string(),
        "int" => int.to_string(),
        "long" => format!("{int}L"),
        "byte" | "short" | "char" => format!("({ty}) {int}"),
        "float" => format!("(float) {}", double(float)),
        "double" => double(float),
        _ => return reference(ty, of),
    })
}

fn double(value: f64) -> String {
    if value.is_nan() {
        "Double.NaN".to_owned()
    } else if value.is_infinite() {
        let name = if value > 0.0 { "POSITIVE_INFINITY" } else { "NEGATIVE_INFINITY" };
        format!("Double.{name}")
    } else {
        format!("{value:?}")
    }
}

fn reference(ty: &str, of: impl Fn(Part) -> Option<Concrete>) -> Literal {
    match of(Part::Null) {
        Some(Concrete::Bool(false)) => {}
        // What nobody asks about may as well be missing.
        None if of(Part::Length).is_none() => return Ok("null".to_owned()),
        Some(Concrete::Bool(true)) => return Ok("null".to_owned()),
        _ => {}
    }
    let element = ty.trim_end_matches("[]");
    match ty {
        "String" => Ok(format!("\"a\".repeat({})", length(of)?)),
        "Object" => Ok("new Object()".to_owned()),
        _ if element != ty && ELEMENTS.contains(&element) => {
            let inner = &ty[element.len() + "[]".len()..];
            Ok(format!("new {element}[{}]{inner}", length(of)?))
        }
        _ => Err("an object"),
    }
}

/// Reflection, so that no matter who may call the method, a test can.
pub(super) fn program(
    failure: &Failure<'_>,
    class: &str,
    name: &str,
    is_static: bool,
    arguments: &[String],
) -> Option<String> {
    let thrown = match failure.kind {
        CheckKind::DivisionByZero => "ArithmeticException",
        CheckKind::IndexOutOfBounds => "IndexOutOfBoundsException",
        CheckKind::NegativeArraySize => "NegativeArraySizeException",
        CheckKind::NullDereference => "NullPointerException",
        CheckKind::Assertion => "AssertionError",
        CheckKind::FloatDivisionByZero
        | CheckKind::IntegerOverflow
        | CheckKind::NarrowingConversion
        | CheckKind::NegativeExponent
        | CheckKind::TypeMismatch
        | CheckKind::ConstantCondition
        | CheckKind::NullCheckAfterDereference => return None,
    };
    let object = match is_static {
        true => "        Object object = null;\n".to_owned(),
        false => "        var maker = subject.getDeclaredConstructor();\n        \
                  maker.setAccessible(true);\n        Object object = maker.newInstance();\n"
            .to_owned(),
    };
    let (count, arguments) = (arguments.len(), arguments.join(", "));
    let mut program = String::new();
    title(&mut program, "//", failure);
    program.push_str(&format!(
        r#"// To be started as `java -cp CLASSES FailsAsForetold.java`, CLASSES being where the compiled code is.
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;

public class FailsAsForetold {{
    public static void main(String[] none) throws Exception {{
        ClassLoader loader = FailsAsForetold.class.getClassLoader();
        loader.setDefaultAssertionStatus(true);
        Class<?> subject = Class.forName("{class}", true, loader);
        var method = Arrays.stream(subject.getDeclaredMethods())
            .filter(own -> own.getName().equals("{name}") && !own.isSynthetic())
            .filter(own -> own.getParameterCount() == {count})
            .findFirst().orElseThrow();
        method.setAccessible(true);
{object}        try {{
            method.invoke(object, new Object[] {{{arguments}}});
        }} catch (InvocationTargetException failed) {{
            if (failed.getCause() instanceof {thrown}) {{
                System.out.println("it fails as foretold");
                return;
            }}
            throw failed;
        }}
        throw new AssertionError("it does not fail");
    }}
}}
"#
    ));
    Some(program)
}
