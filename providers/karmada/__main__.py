"""The provider plugin `karmada`."""

from providers.karmada.kind import ResourceTemplatesKind
from providers.serving import Provider, serve

if __name__ == "__main__":
    kind = ResourceTemplatesKind()
    serve(Provider(kind, configure=kind.configure))
