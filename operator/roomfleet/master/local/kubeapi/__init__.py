"""The objects over HTTP, as a Kubernetes API server has them; loopback only.

urls                 the handlers, for the master's URL table
listing, items       collections with watch; single objects and their status
scale                how many of it there are to be, for kinds that can be scaled
discovery            which kinds there are
handler, bodies      what all handlers share; request bodies
"""
