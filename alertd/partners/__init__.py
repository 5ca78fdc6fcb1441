"""What partner agencies are told: which notification to whom, with which fields, and whether they had it."""
