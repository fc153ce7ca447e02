"""The embedded fleet's adapter: objects in a folder, nodes as child processes.

fleet                the core's adapter: its effects on objects and nodes, their changes as its events
children             nodes as child processes
data                 the data folder: its lock, its key
kubeapi/             the objects over HTTP, as a Kubernetes API server has them

objects, files       the store of objects that the rest uses; objects on disk
fields, table, watch applying and patching fields; objects, versions and events; following them
crds, kinds          what kinds there are, from the CustomResourceDefinitions
manifests            reading YAML
schema, rules, names the checks: structure and defaults, CEL rules, metadata
validate             the verdict over a whole object
selectors, accepted  label selectors; what a spec may ask for that is not built yet
"""
