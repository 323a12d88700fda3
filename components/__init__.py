"""What the fleet is made of: Pulumi component resources that know no environment of their own."""
