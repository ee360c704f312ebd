"""The peer protocol, sans-I/O: messages in, messages out; no sockets, no clock."""
