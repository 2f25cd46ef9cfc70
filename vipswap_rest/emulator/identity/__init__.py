"""Who calls: Entra ID's tokens, managed identities, the cloud's metadata, and the certificate of TLS."""
