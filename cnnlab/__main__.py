"""The command `cnnlab`, and `python -m cnnlab`."""

from __future__ import annotations

from cnnlab.starting import handle_signals, open_streams


def main() -> None:
    """Run the command that this process was started with; leaves the process."""
    open_streams()
    handle_signals()
    from cnnlab.cli import main

    main()


if __name__ == "__main__":
    main()
