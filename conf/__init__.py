"""The configuration: YAML groups, their types and how a job is launched from them."""
