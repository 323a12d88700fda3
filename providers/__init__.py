"""The fleet's own Pulumi providers: for what it needs and no published provider does.

`kind.py` is what a kind of resource has to know, `serving.py` puts it into the protocol. Pulumi.yaml names each
plugin by its path in `plugins/`.
"""
