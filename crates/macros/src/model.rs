//! What an attribute's item says, once its syntax is understood.

use proc_macro2::Span;
use syn::{Attribute, Expr, Ident, LitStr, Type, Visibility};

/// A service: an annotated inherent impl or trait.
pub(crate) struct Service {
    /// The type that is the service, or the trait that a service implements.
    pub(crate) form: Form,
    /// The name of the type or trait.
    pub(crate) ident: Ident,
    /// Such as `greeter.v1.Greeter`.
    pub(crate) name: Name,
    /// Such as `greeter.v1`.
    pub(crate) queue: Name,
    /// Such as 1.
    pub(crate) version: u32,
    /// What the author wrote about it.
    pub(crate) docs: String,
    /// Where its encoded `FileDescriptorSet` is.
    pub(crate) descriptors: Option<Expr>,
    /// The methods.
    pub(crate) handlers: Vec<Handler>,
    /// The listeners.
    pub(crate) events: Vec<Event>,
}

/// What the service's item is.
pub(crate) enum Form {
    /// `impl Greeter { ... }`
    Inherent(Box<Type>),
    /// `trait Greeter { ... }`
    Trait(Visibility),
}

/// A text and where it comes from.
pub(crate) struct Name {
    /// The text.
    pub(crate) text: String,
    /// Where a mistake in it is shown.
    pub(crate) span: Span,
}

impl From<&LitStr> for Name {
    fn from(literal: &LitStr) -> Self {
        Self { text: literal.value(), span: literal.span() }
    }
}

/// A method that is called.
pub(crate) struct Handler {
    /// The name of the method on the wire, such as `Hello`.
    pub(crate) name: Name,
    /// The function.
    pub(crate) function: Function,
    /// How an instance executes it.
    pub(crate) execution: Execution,
    /// Executing it twice does no more than executing it once.
    pub(crate) idempotent: Option<Span>,
    /// How REST reaches it.
    pub(crate) rules: Vec<Rule>,
    /// The full names of its protobuf messages.
    pub(crate) types: Option<(LitStr, LitStr)>,
}

/// How an instance executes a method.
pub(crate) struct Execution {
    /// How long it may take.
    pub(crate) timeout_ms: Option<u64>,
    /// How many of its calls an instance runs at once.
    pub(crate) concurrency: Option<u32>,
    /// Executed at most once.
    pub(crate) once: Option<Span>,
}

/// A function in the `impl` of a trait that says how it is executed.
pub(crate) struct Executed {
    /// Its name.
    pub(crate) ident: Ident,
    /// The conditions under which it exists.
    pub(crate) cfgs: Vec<Attribute>,
    /// How an instance executes it.
    pub(crate) execution: Execution,
}

/// A listener to a topic.
pub(crate) struct Event {
    /// The topic.
    pub(crate) topic: Name,
    /// Who shares the events.
    pub(crate) group: Group,
    /// The function.
    pub(crate) function: Function,
}

/// Who shares the events of a topic.
pub(crate) enum Group {
    /// The instances of the service.
    Service,
    /// The members of a group.
    Named(Name),
    /// Nobody: each instance gets each event.
    Broadcast,
}

/// The function of a handler or listener.
pub(crate) struct Function {
    /// Its name.
    pub(crate) ident: Ident,
    /// What the author wrote about it.
    pub(crate) docs: String,
    /// The conditions under which it exists.
    pub(crate) cfgs: Vec<Attribute>,
    /// Its arguments after `&self`, in order.
    pub(crate) arguments: Vec<Argument>,
    /// The message's name in a signature.
    pub(crate) parameter: Ident,
    /// What it takes.
    pub(crate) request: Message,
    /// What it answers with.
    pub(crate) reply: Message,
}

/// An argument of a handler.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Argument {
    /// `ctx: Context`
    Context,
    /// The message.
    Message,
}

/// The type of a message.
pub(crate) enum Message {
    /// A type that the author named.
    Given(Box<Type>),
    /// Nothing, travelling as an empty JSON object.
    EmptyJson,
    /// Nothing, travelling as an empty protobuf message.
    EmptyProtobuf,
}

/// One way to reach a method by REST.
pub(crate) struct Rule {
    /// The HTTP method.
    pub(crate) verb: Verb,
    /// The path template.
    pub(crate) path: LitStr,
    /// What the body is.
    pub(crate) body: Body,
    /// The reply's field that becomes the response's body.
    pub(crate) response_body: String,
}

/// An HTTP method.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Verb {
    /// Each of them with the option's name.
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("get", Self::Get),
        ("post", Self::Post),
        ("put", Self::Put),
        ("patch", Self::Patch),
        ("delete", Self::Delete),
    ];

    /// Whether a request of this kind has a body.
    pub(crate) fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

/// What an HTTP request's body is.
pub(crate) enum Body {
    /// There is none.
    None,
    /// The whole message.
    Whole,
    /// One field.
    Field(String),
}
