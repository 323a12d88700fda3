"""The stand-in plugins held against what the official ones do."""
