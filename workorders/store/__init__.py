"""The encrypted database of one tablet or one gateway: schema, engine, projection, queries."""
