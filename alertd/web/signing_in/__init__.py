"""How people come in: a link by e-mail that works once, or OpenID Connect."""
