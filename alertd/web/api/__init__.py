"""The same views as JSON, for programs: a case system that shows what is due beside the child."""
