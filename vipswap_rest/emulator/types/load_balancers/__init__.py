"""The resource type `Microsoft.Network/loadBalancers`: its body, what is refused, its children and its actions."""
