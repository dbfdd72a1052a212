"""The schema registry and data-contract service of an LLM platform."""

__version__ = "0.1.0"
__all__ = ["__version__"]
