"""Real processes on this machine: sockets, files, signals, browsers."""
