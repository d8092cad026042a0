"""cnnlab schema"""

from __future__ import annotations

import click

from cnnlab.commands.output import print_json


@click.command()
def command() -> None:
    """Print the JSON Schema of configs, with which editors complete and check them.

    \b
    cnnlab schema > schema.json

    Editors with yaml-language-server, such as VS Code with its YAML extension, read this line in a config:

    \b
    # yaml-language-server: $schema=schema.json

    The schema accepts all that cnnlab accepts; cnnlab also checks shapes and combinations of settings.
    """
    from cnnlab.config.schema import config_schema

    print_json(config_schema())
