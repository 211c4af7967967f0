"""Verdicts over HTTP: ``veritune serve rewards.yaml``. See docs/serve.md."""
