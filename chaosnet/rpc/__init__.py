"""REST, event stream and the client: the node as people and programs see it."""
