"""The public Python API, behind `import cnnlab`. The command line is built on the same functions."""
