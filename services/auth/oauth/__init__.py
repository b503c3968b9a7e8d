"""OAuth 2.0 and OpenID Connect: the grants are Authlib's; here is what they ask for."""
