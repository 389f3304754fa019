"""The latent fit: sessions that differ and scorers that err, at once."""
