"""Spread of what a circuit does: components that deviate, temperature, supply and process."""
