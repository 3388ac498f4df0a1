"""Mutation testing of the core's logic: each small change of the RTL must fail a bench we ship."""
