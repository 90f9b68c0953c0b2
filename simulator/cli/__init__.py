"""The orgsim command line, one module per command."""
