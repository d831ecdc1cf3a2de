//! With proxy and CA alone the program works with Azure's real host names, and talks to nobody else.
