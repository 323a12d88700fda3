"""Policies of the fleet: what no stack may contain, whoever wrote its settings.

Every rule is a pure function in a file of its own, listed in ``catalogue.py``; ``__main__.py`` makes a policy pack of
them. Only that part needs pulumi-policy, which has an environment of its own (``requirements.lock``).
"""
