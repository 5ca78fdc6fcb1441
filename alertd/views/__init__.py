"""What each page shows, as plain data: the same for people's pages and for programs. No markup here."""
