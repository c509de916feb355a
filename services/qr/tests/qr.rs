//! The renderer in a cluster: its pictures scan to the text.

use qr::{
    Qr,
    contract::{QrClient, RenderRequest},
};
use serde_json::json;
use skyloom::Code;
use skyloom_testing::TestCluster;

/// What a scanner reads in a picture.
fn scan(picture: &[u8]) -> String {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(picture));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    let grids = image.detect_grids();
    let [grid] = grids.as_slice() else { panic!("there are {} codes", grids.len()) };
    grid.decode().unwrap().1
}

#[tokio::test]
async fn pictures_scan_to_the_text() {
    let cluster = TestCluster::new().with(Qr).start().await;
    for (text, scale) in [("https://sky.example/l/abcdefg", 0), ("grüß dich", 3)] {
        let request = RenderRequest { text: text.to_owned(), scale };
        let picture = cluster.client::<QrClient>().render(request).await.unwrap();
        assert_eq!(picture.content_type, "image/png");
        assert_eq!(scan(&picture.data), text);
    }
}

#[tokio::test]
async fn over_http_it_is_a_png() {
    let cluster = TestCluster::new().with(Qr).start().await;
    let response = cluster.http().post("/qr.v1.Qr/Render").json(&json!({ "text": "hello" })).await;
    assert_eq!(response.assert_status(200).header("content-type"), Some("image/png"));
    assert_eq!(scan(response.bytes()), "hello");
}

#[tokio::test]
async fn what_has_no_picture_is_said() {
    let cluster = TestCluster::new().with(Qr).start().await;
    for (text, scale, reason) in [
        (String::new(), 0, "text is missing: say what the code is to say"),
        ("x".repeat(1_001), 0, "text has 1001 bytes; a code says at most 1000"),
        ("x".to_owned(), 33, "scale is 33; it is at most 32"),
    ] {
        let status = cluster.client::<QrClient>().render(RenderRequest { text, scale }).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, reason));
    }
}
