"""What managers ask to hear of besides what they must: rules, teams and stages of their choice."""
