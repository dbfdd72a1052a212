"""Breaking changes between two `.proto` files, by the rules of the profiles."""
