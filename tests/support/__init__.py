"""What several tests make or do: stores, models, servers, stand-ins for other tools."""
