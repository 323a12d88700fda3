"""The `./fleet` command: a convenience over the ordinary Pulumi project in this repository."""
