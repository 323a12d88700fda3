"""The policies, in the order of the documentation. A new one is a file with a ``RULE``, and a line here."""

from __future__ import annotations

from policies.clusters import address_ranges, protected, regions, version, zones
from policies.federation import failover, members, placement, tenant_regions
from policies.rules import Rule
from policies.supply import charts, images
from policies.tenancy import (
    bindings,
    cross_tenant,
    default_deny,
    limit_range,
    namespace_owner,
    overcommit,
    pod_security,
    quota,
    role_wildcards,
)

RULES: tuple[Rule, ...] = (
    namespace_owner.RULE,
    pod_security.RULE,
    quota.RULE,
    limit_range.RULE,
    default_deny.RULE,
    role_wildcards.RULE,
    bindings.RULE,
    cross_tenant.RULE,
    overcommit.RULE,
    version.RULE,
    zones.RULE,
    protected.RULE,
    address_ranges.RULE,
    regions.RULE,
    members.RULE,
    failover.RULE,
    tenant_regions.RULE,
    placement.RULE,
    charts.RULE,
    images.RULE,
)
