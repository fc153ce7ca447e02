"""The master in a cluster: what `kopf run` loads. Wires the parts together; nobody imports it."""
