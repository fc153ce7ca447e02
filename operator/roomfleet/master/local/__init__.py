"""The embedded fleet's adapter: objects in a folder, an API like Kubernetes', nodes as child processes.

crds, kinds          what kinds there are, from the CustomResourceDefinitions
manifests            reading YAML
schema, rules, names the checks: structure and defaults, CEL rules, metadata
validate             the verdict over a whole object
fields, table        pure: applying and patching fields; objects, versions and events
files, objects       objects on disk; the store of objects that the rest uses
selectors, api       label selectors; the HTTP API
accepted             what a spec may ask for that is not built yet
"""
