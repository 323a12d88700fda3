"""The provider `pki`: certificates that the fleet makes itself and that a plain `up` renews in time.

`resource.py` is what a program sees, `request.py` checks what it asks for, `issuing.py` signs, and `kind.py` decides
when a certificate is due. docs/decisions/0006-certificates.md tells why it is made here.
"""

from providers.pki.resource import Certificate, CertificateArgs, Issuer, KeyAlgorithm, Usage

__all__ = ["Certificate", "CertificateArgs", "Issuer", "KeyAlgorithm", "Usage"]
