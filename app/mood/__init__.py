"""Prompt, answer, and what a low answer asks for."""
