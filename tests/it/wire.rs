//! With proxy and CA alone the program works with Azure's real host names, and talks to nobody else.

mod first_page;
mod peers;
mod settings;
