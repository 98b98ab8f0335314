"""What is true: entities, rules and filters. Standard library only."""
