"""An exhaustive explorer of the save protocol: the real code against a model store, in every order, with
faults.
"""
