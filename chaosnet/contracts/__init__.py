"""What a contract may see and cost. The machines come with the contract engine; nothing is here before it."""
