"""The live side: connect to a target, introspect its schema, read its rows. Never writes a row."""
