"""The process: the only room with sockets, clock, disk and keys in one place."""
