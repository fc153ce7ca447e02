"""The master's API: what players, nodes and people reach over HTTP.

application   the URL table
joins         POST, GET, DELETE …/joins
play          the same, pushed over a websocket
views         rooms, nodes, health: read only
link          the control link: room nodes dial in
identity      who a player is
origins       which pages may connect
pages         the play page and the JavaScript client
openapi       the description of the REST side
"""
