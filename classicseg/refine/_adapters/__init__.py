"""Adapters: models of learning libraries as refiners. A library is imported when its adapter is used."""
