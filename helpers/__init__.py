"""Store operations report suite."""
