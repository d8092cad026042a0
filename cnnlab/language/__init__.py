"""What a config is written in: YAML that knows its places, settings that complain in plain words."""
