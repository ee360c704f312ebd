"""What a contract may see and cost: values, faults, the machine and its engines."""
