"""The stand-in for Pulumi's language host for Python; started by `pulumi-language-python`."""
