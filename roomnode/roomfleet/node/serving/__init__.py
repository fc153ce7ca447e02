"""The clients' sockets: what comes in, how frames go out, what a connection may cost."""
