"""The provider plugin `pki`."""

from providers.pki.kind import CertificateKind
from providers.serving import Provider, serve

if __name__ == "__main__":
    serve(Provider(CertificateKind()))
