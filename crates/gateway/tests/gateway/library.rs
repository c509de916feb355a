//! A contract-first service.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{LazyLock, Mutex, OnceLock},
    time::Duration,
};

use prost::Message;
use skyloom::{
    Context, HttpBody as Raw, Result, Status, Streaming,
    contract::{
        HttpBody::{Field, None as NoBody, Whole},
        HttpVerb::{Get, Patch, Post, Put},
    },
    service::{Definition, Described, Method},
};
use tokio::sync::watch;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Book {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) title: String,
    #[prost(int32, tag = "3")]
    pub(crate) pages: i32,
    #[prost(string, repeated, tag = "4")]
    pub(crate) tags: Vec<String>,
    #[prost(int64, tag = "5")]
    pub(crate) copies: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Filter {
    #[prost(string, tag = "1")]
    pub(crate) author: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SearchRequest {
    #[prost(int32, tag = "1")]
    pub(crate) page: i32,
    #[prost(string, repeated, tag = "2")]
    pub(crate) tags: Vec<String>,
    #[prost(bool, tag = "3")]
    pub(crate) exact: bool,
    #[prost(int32, tag = "4")]
    pub(crate) sort: i32,
    #[prost(message, optional, tag = "5")]
    pub(crate) filter: Option<Filter>,
    #[prost(message, optional, tag = "6")]
    pub(crate) since: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct UpdateRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) book: Option<Book>,
    #[prost(bool, tag = "2")]
    pub(crate) force: bool,
    #[prost(string, repeated, tag = "3")]
    pub(crate) reasons: Vec<String>,
    #[prost(string, tag = "4")]
    pub(crate) asked_by: String,
    #[prost(string, optional, tag = "5")]
    pub(crate) ticket: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub(crate) letter: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct UploadRequest {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) content: Option<Raw>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Text {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
    #[prost(uint32, optional, tag = "2")]
    pub(crate) number: Option<u32>,
}

impl Text {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), number: None }
    }
}

/// Holds books and answers with what it was asked.
pub(crate) struct Library;

fn descriptors() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proto");
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
        protox::compile([own.join("library.proto")], [own, shared]).unwrap().encode_to_vec()
    })
}

fn method<Q, R, Fut>(
    name: &'static str,
    types: (&'static str, &'static str),
    handler: impl Fn(Context, Q) -> Fut + Send + Sync + 'static,
) -> Method<Library>
where
    Q: skyloom::Payload,
    R: skyloom::client::Reply,
    Fut: Future<Output = Result<R>> + Send + 'static,
{
    Method::new(name, move |_, context, request: Q| handler(context, request)).types(types.0, types.1)
}

const BOOK: &str = "library.v1.Book";
const TEXT: &str = "library.v1.Text";
const RAW: &str = "google.api.HttpBody";

impl Described for Library {
    fn definition() -> Definition<Self> {
        Definition::new("library.v1.Library", "library.v1", 1)
            .descriptors(descriptors())
            .method(method("Create", (BOOK, BOOK), create).http(Post, "/v1/books", Whole, "").http(
                Post,
                "/v1/shelves/{id=shelf/*}/books",
                Whole,
                "",
            ))
            .method(method("Search", ("library.v1.SearchRequest", TEXT), search).http(Get, "/v1/books", NoBody, ""))
            .method(
                method("Update", ("library.v1.UpdateRequest", TEXT), update)
                    .http(Patch, "/v1/books/{book.id}", Field("book".into()), "")
                    .http(Post, "/v1/books/{book.id}/reasons", Field("reasons".into()), "")
                    .http(Get, "/v1/asked/{asked_by}/{ticket}", NoBody, "")
                    .http(Put, "/v1/asked", Field("asked_by".into()), "")
                    .http(Post, "/v1/asked/{ticket}", Whole, ""),
            )
            .method(
                method("Title", (BOOK, BOOK), title)
                    .http(Get, "/v1/books/{id}/title", NoBody, "title")
                    .http(Get, "/v1/books/{id}/copies", NoBody, "copies")
                    .http(Post, "/v1/books/{id}:archive", NoBody, ""),
            )
            .method(method("Path", (TEXT, TEXT), echo).http(Get, "/v1/files/{text=**}", NoBody, ""))
            .method(method("Cover", (TEXT, RAW), cover).http(Get, "/v1/covers/{text}", NoBody, ""))
            .method(method("Upload", ("library.v1.UploadRequest", TEXT), upload).http(
                Put,
                "/v1/covers/{id}",
                Field("content".into()),
                "",
            ))
            .method(method("Page", (RAW, RAW), page).http(Post, "/v1/pages", Whole, ""))
            .method(method("Go", (TEXT, TEXT), go).http(Get, "/go/{text}", NoBody, ""))
            .method(method("Headers", (TEXT, TEXT), headers).http(Get, "/v1/headers/{text}", NoBody, ""))
            .method(method("Fail", (TEXT, TEXT), fail).http(Get, "/v1/fail/{number}", NoBody, ""))
            .method(
                method("Slow", (TEXT, TEXT), slow)
                    .http(Get, "/v1/slow/{number}", NoBody, "")
                    .timeout(Duration::from_millis(300)),
            )
            .method(method("Wait", (TEXT, TEXT), wait).http(Get, "/v1/wait/{text}", NoBody, ""))
            .method(method("Count", (TEXT, TEXT), count).http(Get, "/v1/count/{number}", NoBody, ""))
            .method(method("Chunks", (TEXT, RAW), chunks).http(Get, "/v1/chunks", NoBody, ""))
    }
}

async fn create(_: Context, book: Book) -> Result<Book> {
    Ok(book)
}

async fn search(_: Context, request: SearchRequest) -> Result<Text> {
    Ok(Text::new(format!("{request:?}")))
}

async fn update(_: Context, request: UpdateRequest) -> Result<Text> {
    Ok(Text::new(format!("{request:?}")))
}

async fn title(_: Context, book: Book) -> Result<Book> {
    Ok(Book { title: format!("The {}", book.id), copies: 7, ..book })
}

async fn echo(_: Context, text: Text) -> Result<Text> {
    Ok(text)
}

async fn cover(_: Context, _: Text) -> Result<Raw> {
    Ok(Raw::new("image/png", &b"\x89PNG\0\xff"[..]))
}

async fn upload(_: Context, request: UploadRequest) -> Result<Text> {
    let content = request.content.unwrap_or_default();
    Ok(Text::new(format!("{} {} {:?}", request.id, content.content_type, content.data)))
}

async fn page(_: Context, raw: Raw) -> Result<Raw> {
    Ok(Raw::new("text/plain", format!("{}: {} bytes", raw.content_type, raw.data.len())))
}

async fn go(context: Context, text: Text) -> Result<Text> {
    context.set_http_status(302);
    context.set_reply_header("location", format!("https://example.test/{}", text.text));
    context.set_reply_header("x-split", "a\r\nset-cookie: stolen=1");
    context.set_reply_header("content-length", "3");
    Ok(Text::default())
}

async fn headers(context: Context, text: Text) -> Result<Text> {
    let own = context.headers().iter().filter(|(name, _)| name.starts_with(&text.text));
    let mut own: Vec<_> = own.map(|(name, value)| format!("{name}={value}")).collect();
    if text.text == "trace" {
        own.extend(context.trace().map(ToString::to_string));
    }
    if text.text == "principal" {
        own.extend(context.principal().map(ToString::to_string));
    }
    Ok(Text::new(own.join(";")))
}

/// Fails with the code that it is given, and with the text if there is one.
async fn fail(_: Context, text: Text) -> Result<Text> {
    let sentence = if text.text.is_empty() { "as you \"wish\", 100%" } else { &text.text };
    let status = Status::new(skyloom::Code::from_number(text.number.unwrap_or_default()), sentence);
    Err(status.with_detail("type.googleapis.com/library.v1.Text", Text::new("why").encode_to_vec()))
}

async fn slow(_: Context, text: Text) -> Result<Text> {
    tokio::time::sleep(Duration::from_millis(text.number.unwrap_or_default().into())).await;
    Ok(text)
}

/// The texts of those who wait, and whether they may go on.
static WAITING: LazyLock<watch::Sender<BTreeMap<String, bool>>> = LazyLock::new(watch::Sender::default);

/// Waits until the test lets it go on.
async fn wait(_: Context, text: Text) -> Result<Text> {
    WAITING.send_modify(|waiting| _ = waiting.insert(text.text.clone(), false));
    drop(WAITING.subscribe().wait_for(|waiting| waiting[&text.text]).await);
    Ok(text)
}

/// Waits until a request with this text is with its handler.
pub(crate) async fn waits(text: &str) {
    let mut waiting = WAITING.subscribe();
    let waits = waiting.wait_for(|waiting| waiting.contains_key(text));
    drop(tokio::time::timeout(Duration::from_secs(5), waits).await.expect("the handler is called"));
}

/// Lets it go on.
pub(crate) fn go_on(text: &str) {
    WAITING.send_modify(|waiting| _ = waiting.insert(text.to_owned(), true));
}

/// Counts up to the number, slowly; fails after it if there is a text; without a number it never ends.
async fn count(context: Context, text: Text) -> Result<Streaming<Text>> {
    if text.text == "no" {
        return Err(Status::failed_precondition("not today"));
    }
    context.set_reply_header("x-counting", "yes");
    let (sender, stream) = Streaming::channel(1);
    tokio::spawn(async move {
        for number in 1..=text.number.unwrap_or(u32::MAX) {
            if sender.send(Text { number: Some(number), ..Text::default() }).await.is_err() {
                STOPPED.lock().unwrap().push(text.text);
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if !text.text.is_empty() {
            sender.fail(Status::data_loss(text.text)).await;
        }
    });
    Ok(stream)
}

/// The texts of the streams that were broken off.
static STOPPED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Waits until the stream with this text has been told to stop.
pub(crate) async fn stopped(text: &str) {
    for _ in 0..500 {
        if STOPPED.lock().unwrap().iter().any(|stopped| stopped == text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the worker of {text:?} was not told to stop within 5 s");
}

async fn chunks(_: Context, _: Text) -> Result<Streaming<Raw>> {
    Ok(Streaming::from_messages([Raw::new("text/csv", "a,b\n"), Raw::new("text/csv", "1,2\n")]))
}
