"""A Hydra launcher for Google Vertex AI: every job of a sweep is a custom job of its own."""
