//! From `.proto` to Skyloom services.
