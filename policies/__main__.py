"""The policy pack, as `pulumi preview --policy-pack policies` starts it."""

import sys
from pathlib import Path

import pulumi_policy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.pack import policies

pulumi_policy.PolicyPack("fleet", policies=policies())
