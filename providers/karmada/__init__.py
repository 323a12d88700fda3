"""The provider `karmada`: sets of manifests that Karmada keeps in every member they are placed on.

`resource.py` is what a program sees. `objects.py` names Kubernetes objects, `api.py` talks to Karmada's API server,
`templates.py` puts objects there, `propagation.py` asks what has become of them in the members, and `kind.py` makes one
resource of it.
"""

from providers.karmada.resource import Provider, ResourceTemplates, ResourceTemplatesArgs

__all__ = ["Provider", "ResourceTemplates", "ResourceTemplatesArgs"]
