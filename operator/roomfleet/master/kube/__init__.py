"""The adapter for a cluster: kopf hears of objects, aiohttp writes them (DESIGN 5, Writing to Kubernetes)."""
