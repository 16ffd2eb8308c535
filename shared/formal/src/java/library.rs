//! What the common classes of the Java platform promise about their results.

/// What a method gives back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Known {
    pub(super) returns: &'static str,
    pub(super) nullable: bool,
    pub(super) range: Option<(i128, i128)>,
    pub(super) from: Origin,
    pub(super) throws: Throws,
    /// Least length of an array that is given back.
    pub(super) length_min: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Input: anything in the range can come.
    Outside,
    /// As known or unknown as the object that was asked.
    Receiver,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Throws {
    Nothing,
    /// Only this, and an input can cause it.
    Input(&'static str),
    /// Only this, if it is given what it does not take.
    Argument(&'static str),
    /// Anything, as every call that leaves the program.
    Anything,
}

const COUNT: Option<(i128, i128)> = Some((0, (1 << 31) - 1));

const fn known(returns: &'static str, from: Origin, throws: Throws) -> Known {
    Known { returns, nullable: false, range: None, from, throws, length_min: 0 }
}

const fn nullable(of: Known) -> Known {
    Known { nullable: true, ..of }
}

const fn count(from: Origin) -> Known {
    Known { range: COUNT, ..known("int", from, Throws::Nothing) }
}

/// A method of a platform class, by the simple name of the receiver's static type.
pub(super) fn method(class: &str, name: &str) -> Option<Known> {
    parser(class, name)
        .or_else(|| input(class, name))
        .or_else(|| text(class, name))
        .or_else(|| container(class, name))
        .or_else(|| effect(class, name))
}

/// Numbers out of texts.
fn parser(class: &str, name: &str) -> Option<Known> {
    let number = Throws::Input("NumberFormatException");
    let returns = match (class, name) {
        ("Integer", "parseInt" | "valueOf") => "int",
        ("Long", "parseLong" | "valueOf") => "long",
        ("Short", "parseShort" | "valueOf") => "short",
        ("Byte", "parseByte" | "valueOf") => "byte",
        ("Float", "parseFloat" | "valueOf") => "float",
        ("Double", "parseDouble" | "valueOf") => "double",
        _ => return None,
    };
    Some(known(returns, Origin::Outside, number))
}

/// What comes from outside of the program.
fn input(class: &str, name: &str) -> Option<Known> {
    use Origin::{Outside, Unknown};
    use Throws::{Anything, Nothing};
    Some(match (class, name) {
        ("System", "getProperty" | "getenv") => nullable(known("String", Outside, Nothing)),
        ("System", "currentTimeMillis" | "nanoTime") => known("long", Unknown, Nothing),
        ("Random" | "SecureRandom", "nextInt") => known("int", Outside, Nothing),
        ("Random" | "SecureRandom", "nextLong") => known("long", Outside, Nothing),
        ("Random" | "SecureRandom", "nextBoolean") => known("boolean", Outside, Nothing),
        ("Random" | "SecureRandom", "nextFloat") => known("float", Outside, Nothing),
        ("Random" | "SecureRandom", "nextDouble") => known("double", Outside, Nothing),
        ("BufferedReader", "readLine") => nullable(known("String", Outside, Anything)),
        (
            "HttpServletRequest" | "ServletRequest",
            "getParameter" | "getQueryString" | "getHeader",
        ) => nullable(known("String", Outside, Nothing)),
        ("HttpServletRequest", "getCookies") => {
            // No cookies are null, never an empty array.
            Known { length_min: 1, ..nullable(known("Cookie[]", Outside, Nothing)) }
        }
        ("Cookie", "getValue" | "getName") => known("String", Outside, Nothing),
        ("StringTokenizer", "hasMoreTokens") => known("boolean", Outside, Nothing),
        ("StringTokenizer", "nextToken") => known("String", Outside, Anything),
        ("Properties", "getProperty") => nullable(known("String", Outside, Nothing)),
        ("ResultSet", "getString") => nullable(known("String", Outside, Anything)),
        ("ResultSet", "getInt") => known("int", Outside, Anything),
        ("ResultSet", "next") => known("boolean", Outside, Anything),
        _ => return None,
    })
}

/// Strings, and what is put together to one.
fn text(class: &str, name: &str) -> Option<Known> {
    use Origin::{Receiver, Unknown};
    use Throws::{Anything, Argument, Nothing};
    Some(match (class, name) {
        ("String", "trim" | "toLowerCase" | "toUpperCase" | "strip" | "toString" | "intern") => {
            known("String", Receiver, Nothing)
        }
        // Of a pattern or a text that is null or malformed.
        ("String", "replace" | "replaceAll" | "concat") => known("String", Receiver, Anything),
        ("String", "equals" | "equalsIgnoreCase" | "isEmpty" | "isBlank") => {
            known("boolean", Receiver, Nothing)
        }
        ("String", "startsWith" | "endsWith" | "contains" | "matches") => {
            known("boolean", Receiver, Anything)
        }
        ("String", "indexOf" | "lastIndexOf") => {
            Known { range: Some((-1, (1 << 31) - 1)), ..known("int", Receiver, Anything) }
        }
        ("String", "split") => known("String[]", Receiver, Anything),
        ("String", "toCharArray") => known("char[]", Receiver, Nothing),
        ("String", "getBytes") => known("byte[]", Receiver, Anything),
        ("String", "hashCode") => known("int", Receiver, Nothing),
        ("String", "compareTo") => known("int", Receiver, Anything),
        ("String", "valueOf") => known("String", Unknown, Nothing),
        ("String", "format" | "join") => known("String", Unknown, Anything),
        ("StringBuilder" | "StringBuffer", "append" | "reverse") => {
            known("StringBuilder", Receiver, Nothing)
        }
        ("StringBuilder" | "StringBuffer", "insert") => {
            known("StringBuilder", Receiver, Argument("StringIndexOutOfBoundsException"))
        }
        ("StringBuilder" | "StringBuffer", "toString") => known("String", Receiver, Nothing),
        ("StringBuilder" | "StringBuffer", "length") => count(Receiver),
        ("Integer" | "Long" | "Short" | "Byte" | "Float" | "Double" | "Boolean", "toString") => {
            known("String", Receiver, Nothing)
        }
        _ => return None,
    })
}

fn container(class: &str, name: &str) -> Option<Known> {
    let is_container =
        matches!(class, "List" | "ArrayList" | "Set" | "HashSet" | "Map" | "HashMap" | "Vector");
    match name {
        "size" if is_container => Some(count(Origin::Receiver)),
        "isEmpty" if is_container => Some(known("boolean", Origin::Receiver, Throws::Nothing)),
        _ => None,
    }
}

/// How long a result is, beside the text that it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// Some languages drop a mark from a letter, never a letter.
    NotEmptied,
    AtLeast,
    AtMost,
    Same,
}

pub(super) fn length_of(class: &str, name: &str) -> Option<Length> {
    match (class, name) {
        ("String", "toLowerCase" | "toUpperCase") => Some(Length::NotEmptied),
        ("String", "concat") => Some(Length::AtLeast),
        ("String", "trim" | "strip") => Some(Length::AtMost),
        ("String", "toString" | "intern" | "toCharArray") => Some(Length::Same),
        _ => None,
    }
}

/// Methods that make texts of what they are given.
pub(super) fn makes_text(class: &str, name: &str) -> bool {
    matches!(
        (class, name),
        ("String", "valueOf" | "format" | "join")
            | ("StringBuilder" | "StringBuffer", "append" | "insert")
            | ("PrintStream", "println" | "print" | "printf")
    )
}

/// Classes of the platform that iterate over their own elements and run nothing else.
pub(super) fn is_collection(class: &str) -> bool {
    matches!(
        class,
        "Collection"
            | "List"
            | "ArrayList"
            | "LinkedList"
            | "Set"
            | "HashSet"
            | "LinkedHashSet"
            | "TreeSet"
            | "Vector"
            | "Queue"
            | "Deque"
            | "ArrayDeque"
            | "Stack"
    )
}

/// Classes of the platform that nobody can extend.
pub(super) fn is_final(class: &str) -> bool {
    matches!(
        class,
        "String"
            | "StringBuilder"
            | "StringBuffer"
            | "Integer"
            | "Long"
            | "Short"
            | "Byte"
            | "Character"
            | "Boolean"
            | "Float"
            | "Double"
            | "Class"
            | "Math"
            | "System"
    )
}

/// What is called for what it does: logs, streams, connections.
fn effect(class: &str, name: &str) -> Option<Known> {
    use Throws::{Anything, Nothing};
    let (returns, throws) = match (class, name) {
        ("Logger", "log" | "info" | "warning" | "severe" | "fine") => ("void", Nothing),
        ("Logger", "getLogger") => ("Logger", Nothing),
        ("PrintStream", "println" | "print" | "flush") => ("void", Nothing),
        ("PrintStream", "printf") => ("void", Anything),
        ("DriverManager", "getConnection") => ("Connection", Anything),
        ("Connection", "prepareStatement") => ("PreparedStatement", Anything),
        ("Connection", "createStatement") => ("Statement", Anything),
        ("PreparedStatement" | "Statement", "executeQuery") => ("ResultSet", Anything),
        ("URL", "openConnection") => ("URLConnection", Anything),
        ("Socket" | "URLConnection", "getInputStream") => ("InputStream", Anything),
        ("ServerSocket", "accept") => ("Socket", Anything),
        (
            "Socket" | "ServerSocket" | "BufferedReader" | "InputStreamReader" | "InputStream"
            | "FileInputStream" | "Connection" | "PreparedStatement" | "Statement" | "ResultSet",
            "close",
        )
        | ("Properties", "load") => ("void", Anything),
        (_, "getClass") => ("Class", Nothing),
        _ => return None,
    };
    Some(known(returns, Origin::Unknown, throws))
}

/// Whether the literal names a property that every Java platform sets.
pub(super) fn is_standard_property(literal: &str) -> bool {
    matches!(
        literal.trim_matches('"'),
        "java.version"
            | "java.vendor"
            | "java.home"
            | "java.vm.name"
            | "java.class.path"
            | "java.io.tmpdir"
            | "os.name"
            | "os.arch"
            | "os.version"
            | "file.separator"
            | "path.separator"
            | "line.separator"
            | "user.name"
            | "user.home"
            | "user.dir"
    )
}

/// A constant of a platform class.
pub(super) enum Constant {
    Int(&'static str, i128),
    Float(&'static str, f64),
    Object(&'static str),
}

pub(super) fn constant(class: &str, name: &str) -> Option<Constant> {
    Some(match (class, name) {
        ("Integer", "MAX_VALUE") => Constant::Int("int", (1 << 31) - 1),
        ("Integer", "MIN_VALUE") => Constant::Int("int", -(1 << 31)),
        ("Long", "MAX_VALUE") => Constant::Int("long", (1 << 63) - 1),
        ("Long", "MIN_VALUE") => Constant::Int("long", -(1 << 63)),
        ("Short", "MAX_VALUE") => Constant::Int("short", (1 << 15) - 1),
        ("Short", "MIN_VALUE") => Constant::Int("short", -(1 << 15)),
        ("Byte", "MAX_VALUE") => Constant::Int("byte", 127),
        ("Byte", "MIN_VALUE") => Constant::Int("byte", -128),
        ("Character", "MAX_VALUE") => Constant::Int("char", 65535),
        ("Character", "MIN_VALUE") => Constant::Int("char", 0),
        ("Float", "MAX_VALUE") => Constant::Float("float", f32::MAX as f64),
        ("Float", "MIN_VALUE") => Constant::Float("float", 1.401_298_464_324_817e-45),
        ("Double", "MAX_VALUE") => Constant::Float("double", f64::MAX),
        ("Double", "MIN_VALUE") => Constant::Float("double", 5e-324),
        ("System", "out" | "err") => Constant::Object("PrintStream"),
        ("System", "in") => Constant::Object("InputStream"),
        ("Level", _) => Constant::Object("Level"),
        _ => return None,
    })
}

/// Classes whose methods do not run code of the program, so its fields stay as they are.
pub(super) fn is_platform(class: &str) -> bool {
    matches!(
        class,
        "String"
            | "StringBuilder"
            | "StringBuffer"
            | "Math"
            | "System"
            | "Integer"
            | "Long"
            | "Short"
            | "Byte"
            | "Float"
            | "Double"
            | "Boolean"
            | "Character"
            | "Logger"
            | "PrintStream"
            | "Socket"
            | "ServerSocket"
            | "URL"
            | "URLConnection"
            | "BufferedReader"
            | "InputStreamReader"
            | "InputStream"
            | "FileInputStream"
            | "File"
            | "Properties"
            | "Connection"
            | "PreparedStatement"
            | "Statement"
            | "ResultSet"
            | "DriverManager"
            | "Random"
            | "SecureRandom"
            | "StringTokenizer"
            | "Cookie"
            | "HttpServletRequest"
            | "HttpServletResponse"
    )
}
