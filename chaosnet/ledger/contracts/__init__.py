"""What contracts and tokens do to the state: deployment, calls, storage, deposits, native tokens."""
