//! With proxy and CA alone the program and its clients work with Azure's real host names, and talk to nobody else.

mod certificates;
mod clients;
mod first_page;
mod peers;
mod settings;
