/// What a customer is going to buy.
///
/// Gone after a week.
#[::skyloom::service(
    version = 1,
    name = "shop.v1.Cart",
    descriptors = FILE_DESCRIPTOR_SET
)]
#[allow(missing_docs, unreachable_pub)]
pub trait Cart {
    /// Puts an item in.
    #[handler(
        name = "Add",
        idempotent,
        put = "/v1/carts/{cart}/items/{item.sku}",
        body = "item",
        also(post = "/v1/carts/{cart}/items", body = "*"),
        also(patch = "/v1/carts/{cart}", body = "item", response_body = "sku"),
        types(input = "shop.v1.AddRequest", output = "shop.v1.Item"),
    )]
    async fn add(
        &self,
        ctx: ::skyloom::Context,
        request: AddRequest,
    ) -> ::skyloom::Result<Item>;
    /// Shows the items, one after the other.
    #[handler(
        name = "List",
        get = "/v1/carts/{cart=users/*}",
        types(input = "shop.v1.ListRequest", output = "shop.v1.Item"),
    )]
    async fn list(
        &self,
        ctx: ::skyloom::Context,
        request: ListRequest,
    ) -> ::skyloom::Result<::skyloom::Streaming<Item>>;
    #[handler(
        name = "Picture",
        types(input = "shop.v1.ListRequest", output = "google.api.HttpBody"),
    )]
    async fn picture(
        &self,
        ctx: ::skyloom::Context,
        request: ListRequest,
    ) -> ::skyloom::Result<::skyloom::HttpBody>;
    #[handler(
        name = "Type",
        types(input = "google.protobuf.Empty", output = "google.protobuf.Empty"),
    )]
    async fn r#type(
        &self,
        ctx: ::skyloom::Context,
        request: (),
    ) -> ::skyloom::Result<()>;
}
/// Nothing in particular.
#[::skyloom::service(
    version = 1,
    name = "shop.v1.Other",
    descriptors = FILE_DESCRIPTOR_SET
)]
#[allow(missing_docs, unreachable_pub)]
pub trait Other {}
/// The encoded `FileDescriptorSet` of this package and all it imports.
#[allow(unreachable_pub)]
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("shop.v1.descriptors.bin");
