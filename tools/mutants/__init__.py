"""Mutation testing of the learning rules: each small change of the code must fail a test."""
