"""cnnlab schema"""

from __future__ import annotations

import click

from cnnlab.commands.output import print_json


@click.command()
def command() -> None:
    """The config language as a JSON Schema: editors complete and check configs with it.

    \b
    cnnlab schema > schema.json

    Editors with yaml-language-server, such as VS Code with its YAML extension, read this line in a config:

    \b
    # yaml-language-server: $schema=schema.json

    It accepts whatever cnnlab accepts; cnnlab itself also checks shapes and how settings fit together.
    """
    from cnnlab.config.schema import config_schema

    print_json(config_schema())
